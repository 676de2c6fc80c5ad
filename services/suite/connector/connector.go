// Package connector is the reference connector of the suite: it answers look-ups from a
// table. It shows what a connector owes (redress.connector.v1), stands in for systems that
// are not there yet, and is what scenarios set answers in.
//
// Start reading at [Table.LookUp]; the file is described at [Table.Load].
//
// Source: PACK-SKETCH 2.2 (Connector); PROCEDURES P03 2.3 (4).
package connector

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Row is one answer of a connector.
type Row struct {
	// When holds the facts that the question must have; none answers every question.
	When map[string]*typev1.Fact
	// Answers are what is answered; a field that is absent is not known.
	Answers map[string]*typev1.Fact
	// Unavailable gives no answer at all.
	Unavailable bool
}

// Table answers look-ups by the first row that fits. Safe for concurrent use; the zero
// value has no rows and answers nothing.
type Table struct {
	connectorv1.UnimplementedConnectorServiceServer

	mu   sync.RWMutex
	rows map[string][]Row
}

// Set replaces the rows of one connector; without rows it is unavailable.
func (t *Table) Set(connector string, rows ...Row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string][]Row{}
	}
	t.rows[connector] = rows
}

// LookUp implements ConnectorService. A connector or question that no row is about is
// UNAVAILABLE, which the caller records as such: the table does not guess either.
func (t *Table) LookUp(_ context.Context, q *connectorv1.LookUpRequest) (*connectorv1.LookUpResponse, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows[q.GetConnector()] {
		if !fits(r.When, q.GetFacts()) {
			continue
		}
		if r.Unavailable {
			break
		}
		out := &connectorv1.LookUpResponse{Answers: map[string]*typev1.Fact{}}
		for id, f := range r.Answers {
			out.Answers[id] = proto.CloneOf(f)
		}
		return out, nil
	}
	return nil, status.Errorf(codes.Unavailable, "the table has no answer of %q", q.GetConnector())
}

func fits(when, facts map[string]*typev1.Fact) bool {
	for id, f := range when {
		if !proto.Equal(f, facts[id]) {
			return false
		}
	}
	return true
}

// Load reads rows from a file, a JSON object of connectors; facts are written as in the
// JSON of the API:
//
//	{"hlr": [{"when": {"subject": {"choice": "voice"}}, "answers": {"activated": {"flag": true}}},
//	         {"unavailable": true}]}
//
// It replaces the rows of the connectors that the file names.
func (t *Table) Load(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var all map[string][]struct {
		When        map[string]json.RawMessage `json:"when"`
		Answers     map[string]json.RawMessage `json:"answers"`
		Unavailable bool                       `json:"unavailable"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for connector, rows := range all {
		out := make([]Row, len(rows))
		for i, r := range rows {
			out[i].Unavailable = r.Unavailable
			if out[i].When, err = facts(r.When); err == nil {
				out[i].Answers, err = facts(r.Answers)
			}
			if err != nil {
				return fmt.Errorf("%s: %s: row %d: %w", file, connector, i+1, err)
			}
		}
		t.Set(connector, out...)
	}
	return nil
}

func facts(raw map[string]json.RawMessage) (map[string]*typev1.Fact, error) {
	out := map[string]*typev1.Fact{}
	for id, text := range raw {
		f := &typev1.Fact{}
		if err := protojson.Unmarshal(text, f); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out[id] = f
	}
	return out, nil
}

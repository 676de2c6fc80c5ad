package pages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// operation is one RPC of the JSON edge as /docs shows it.
type operation struct {
	Service, ID, Method, Path, Summary, Description string
	Parameters                                      []parameter
	Body, Answer                                    string
}

type parameter struct{ Name, In, Type, Description string }

type document struct {
	Paths       map[string]map[string]openOperation `json:"paths"`
	Definitions map[string]json.RawMessage          `json:"definitions"`
}

type openOperation struct {
	ID          string                  `json:"operationId"`
	Summary     string                  `json:"summary"`
	Description string                  `json:"description"`
	Tags        []string                `json:"tags"`
	Parameters  []openParameter         `json:"parameters"`
	Responses   map[string]openResponse `json:"responses"`
}

type openParameter struct {
	Name        string `json:"name"`
	In          string `json:"in"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Schema      schema `json:"schema"`
}

type openResponse struct {
	Schema schema `json:"schema"`
}

type schema struct {
	Ref string `json:"$ref"`
}

// operations reads the OpenAPI description, by service and path.
func operations(raw []byte) ([]operation, error) {
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var out []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, o := range doc.Paths[path] {
			op := operation{
				ID: o.ID, Method: strings.ToUpper(method), Path: path, Summary: o.Summary, Description: o.Description,
				Answer: name(o.Responses["200"].Schema.Ref),
			}
			if len(o.Tags) > 0 {
				op.Service = o.Tags[0]
			}
			for _, p := range o.Parameters {
				if p.In == "body" {
					op.Body = name(p.Schema.Ref)
					continue
				}
				op.Parameters = append(op.Parameters, parameter{p.Name, p.In, p.Type, p.Description})
			}
			out = append(out, op)
		}
	}
	slices.SortStableFunc(out, func(a, b operation) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return out, nil
}

func name(ref string) string { return strings.TrimPrefix(ref, "#/definitions/") }

// docs shows every RPC of the JSON edge on one page that needs no network.
func (p *Pages) docs(w http.ResponseWriter, r *http.Request) {
	p.show(w, http.StatusOK, "docs.html", page{English: english(r), Data: p.api})
}

func (p *Pages) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(p.document) // the client is gone; nobody is left to tell
}

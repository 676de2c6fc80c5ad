// Package check judges what a world has kept, from outside: from what its clients
// were told (the ledger), from what it says now (the public API), and from what
// lies in its tables. It shares no code with the suite; of the suite's it knows
// the published schemas only.
//
// Each checker is one of the invariants: D1 and D2 (complaints.go), A1
// (record.go), C1, C2, C3 and C5 (clocks.go), M1 and M7 (money.go), N1 (notices.go).
// It runs when nothing happens any more. make planted-bugs proves that each can fail; for N1 its test does.
//
// Start reading at [All].
package check

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/tools/faults/ledger"
)

// Evidence is what the checkers go by.
type Evidence struct {
	// Ledger is what the clients were told.
	Ledger []ledger.Entry
	// Rows hands each row of a query to see, as texts.
	Rows func(ctx context.Context, query string, see func(row []string) error) error
	// Complaint asks the API for a complaint; nil if there is none of that name.
	Complaint func(ctx context.Context, name string) (*intakev1.Complaint, error)
	// Reads says whose events each service hears, by names as in the database.
	Reads map[string][]string
	// Arrived is what each receiver of the program's own has taken, in order, by how it came.
	Arrived map[notificationv1.Notice_Media][]Message
	// Healthy are the spans without faults, for C3.
	Healthy []Span
	// Late is the p99 of lateness allowed within Healthy, LateEver what is allowed always.
	Late, LateEver time.Duration
}

// Message is one that arrived.
type Message struct {
	// Key is what the suite calls it.
	Key string
	// Content is what must be the same whenever the key is.
	Content string
	// Notice of which it says it is; "" if it does not say.
	Notice string
	// Unsigned: it should have been signed and was not, or by another.
	Unsigned bool
}

// Span is from one instant to another, in microseconds of the Unix epoch.
type Span struct{ From, To int64 }

func (e *Evidence) healthy(at int64) bool {
	return slices.ContainsFunc(e.Healthy, func(s Span) bool { return s.From <= at && at < s.To })
}

// Findings are what is wrong, by invariant, and what was looked at.
type Findings struct {
	// Wrong are sentences that begin with the invariant.
	Wrong []string
	// Figures are counts by what was counted.
	Figures map[string]int64
}

// worst is how many findings of one invariant are told in full.
const worst = 10

func (f *Findings) wrong(invariant, format string, args ...any) {
	f.Figures[invariant+" violated"]++
	if f.Figures[invariant+" violated"] <= worst {
		f.Wrong = append(f.Wrong, invariant+": "+fmt.Sprintf(format, args...))
	}
}

func (f *Findings) count(what string, n int) { f.Figures[what] += int64(n) }

// Found reports whether an invariant was violated.
func (f *Findings) Found(invariant string) bool { return f.Figures[invariant+" violated"] > 0 }

// All runs every checker. An error means that one could not look.
func All(ctx context.Context, e *Evidence) (*Findings, error) {
	f := &Findings{Figures: map[string]int64{}}
	var errs []error
	for _, c := range []struct {
		name string
		run  func(context.Context, *Evidence, *Findings) error
	}{{"complaints", complaints}, {"record", record}, {"clocks", clocks}, {"money", money}, {"notices", notices}} {
		if err := c.run(ctx, e, f); err != nil {
			errs = append(errs, fmt.Errorf("check %s: %w", c.name, err))
		}
	}
	return f, errors.Join(errs...)
}

// services are those that keep a journal.
func services() []string {
	return []string{"intake", "routing", "compensation", "corrective_action", "notification", "reporting"}
}

// in puts the schema of a service where a query says @.
func in(service, query string) string {
	return strings.ReplaceAll(query, "@", "redress_"+service+".")
}

func unhex(s string) ([]byte, error) { return hex.DecodeString(s) }

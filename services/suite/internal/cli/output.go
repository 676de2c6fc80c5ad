package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
)

// table writes columns to Out, each as wide as its widest cell.
type table struct {
	app  *app
	rows *[][]string
}

func (a *app) table(headings ...string) table {
	t := table{a, &[][]string{}}
	for i := range headings {
		headings[i] = a.tr(headings[i])
	}
	*t.rows = append(*t.rows, headings)
	return t
}

func (t table) row(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		if row[i] = strings.Join(strings.Fields(fmt.Sprint(cell)), " "); row[i] == "" {
			row[i] = "-"
		}
	}
	*t.rows = append(*t.rows, row)
}

func (t table) flush() error {
	var wide []int
	for _, row := range *t.rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], width(cell))
		}
	}
	for _, row := range *t.rows {
		var line strings.Builder
		for i, cell := range row {
			if i < len(row)-1 {
				cell = pad(cell, wide[i]) + "  "
			}
			line.WriteString(cell)
		}
		if _, err := fmt.Fprintln(t.app.Out, line.String()); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes a value of ours.
func (a *app) writeJSON(v any) error {
	e := json.NewEncoder(a.Out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeProto writes a message as the JSON edge does.
func (a *app) writeProto(m proto.Message) error {
	text, err := protojson.Marshal(m)
	if err != nil {
		return err
	}
	// protojson varies its white space on purpose; what is written here does not.
	var v json.RawMessage = text
	return a.writeJSON(v)
}

// local writes an instant in the time of this machine, to the minute; empty for none.
func local(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Local().Format("2006-01-02 15:04")
}

// enum returns a value without the prefix of its type: REGISTERED.
func enum(v fmt.Stringer, prefix string) string { return strings.TrimPrefix(v.String(), prefix) }

// set is enum, and empty for a value that is not set.
func set(v fmt.Stringer, prefix string) string {
	if text := enum(v, prefix); text != "UNSPECIFIED" {
		return text
	}
	return ""
}

// rule quotes a rule in short.
func rule(r *typev1.RuleRef) string {
	if r == nil {
		return ""
	}
	if r.GetClause() == "" {
		return r.GetRule()
	}
	return r.GetRule() + " (" + r.GetClause() + ")"
}

// patience is how long a command may work before it says how far it is, and how
// often it says so.
const patience = 2 * time.Second

// progress tells on Err how far something long is.
type progress struct {
	app  *app
	what string
	last time.Time
}

func (a *app) progress(what string) *progress {
	return &progress{app: a, what: what, last: clock.System().Now()}
}

// tell says how far it is, unless it was said a moment ago.
func (p *progress) tell(done, total int64, unit string) {
	now := clock.System().Now()
	if now.Sub(p.last) < patience {
		return
	}
	p.last = now
	share := int64(100)
	if total > 0 {
		share = 100 * done / total
	}
	p.app.say("%s: %d of %d %s, %d %%", p.what, done, total, unit, share)
}

// orNone stands "none" for what is empty.
func (a *app) orNone(s string) string {
	if s == "" {
		return a.tr("none")
	}
	return s
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

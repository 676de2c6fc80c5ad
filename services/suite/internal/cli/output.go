package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
)

// table writes columns to Out.
type table struct{ w *tabwriter.Writer }

func (a *app) table(headings ...any) table {
	t := table{tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)}
	t.row(headings...)
	return t
}

func (t table) row(cells ...any) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(t.w, "\t")
		}
		text := strings.Join(strings.Fields(fmt.Sprint(cell)), " ")
		if text == "" {
			text = "-"
		}
		fmt.Fprint(t.w, text)
	}
	fmt.Fprintln(t.w)
}

func (t table) flush() error { return t.w.Flush() }

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

// words returns a text in English, else in Chinese.
func words(t *typev1.Text) string {
	if t.GetEn() != "" {
		return t.GetEn()
	}
	return t.GetZh()
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
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package csvimport

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// reading turns the cells of one row into a complaint.
type reading struct {
	m     *Mapping
	cells map[string]string
	found []*Problem
}

// complaint returns what a row says, or the first thing that is wrong with it and
// all columns that are.
func (m *Mapping) complaint(header []string, cells []string) (*intakev1.Complaint, *Problem) {
	if len(cells) != len(header) {
		return nil, &Problem{Reason: ReasonWidth}
	}
	r := &reading{m: m, cells: map[string]string{}}
	for i, name := range header {
		cell := strings.TrimSpace(cells[i])
		if slices.Contains(m.Empty, cell) {
			cell = ""
		}
		r.cells[name] = cell
	}
	c := &intakev1.Complaint{
		Channel: r.text("channel"), Expression: r.text("expression"), Category: r.text("category"), Ground: r.text("ground"),
		Description: r.text("description"), ComplaintObject: r.text("complaint_object"), Service: r.text("service"), Business: r.text("business"),
		Respondent: prefixed("departments/", r.text("respondent")), Urgent: r.flag("urgent"), ExternalChannel: r.flag("external_channel"),
		Complainant: &intakev1.Complainant{
			DisplayName: r.text("display_name"), Telephone: r.text("telephone"), Email: r.text("email"), Address: r.text("address"),
			Customer: prefixed("customers/", r.text("customer")), Kind: r.text("kind"), Locale: r.text("locale"),
		},
	}
	if d := r.text("demands"); d != "" {
		c.Demands = strings.Split(d, ",")
	}
	if w := r.text("medium"); w != "" && !enumWord(c, "medium", w) {
		r.wrong(ReasonValue, m.Fields["medium"])
	}
	if t, ok := m.Fields["received"]; ok {
		if at, ok := r.instant(t); ok {
			c.ReceiveTime = timestamppb.New(at)
		}
	}
	for _, must := range []struct{ field, value string }{{"channel", c.GetChannel()}, {"description", c.GetDescription()}} {
		if must.value == "" && len(r.found) == 0 {
			r.wrong(ReasonMissing, m.Fields[must.field])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.Facts)) {
		if f := r.fact(m.Facts[id]); f != nil {
			if c.Facts == nil {
				c.Facts = map[string]*typev1.Fact{}
			}
			c.Facts[id] = f
		}
	}
	if len(r.found) == 0 {
		return c, nil
	}
	first := *r.found[0]
	for _, p := range r.found[1:] {
		first.Fields = append(first.Fields, p.Fields...)
	}
	slices.Sort(first.Fields)
	first.Fields = slices.Compact(first.Fields)
	return nil, &first
}

func (r *reading) wrong(reason string, t Take) {
	r.found = append(r.found, &Problem{Reason: reason, Fields: slices.Clone(t.columns())})
}

func prefixed(prefix, s string) string {
	if s == "" || strings.HasPrefix(s, prefix) {
		return s
	}
	return prefix + s
}

func (r *reading) text(field string) string {
	t, ok := r.m.Fields[field]
	if !ok {
		return ""
	}
	return r.value(t)
}

// value returns what a take says of this row.
func (r *reading) value(t Take) string {
	if t.Value != "" {
		return t.Value
	}
	join := t.Join
	if join == "" {
		join = " "
	}
	var parts []string
	for _, column := range t.columns() {
		if cell := r.cells[column]; cell != "" {
			parts = append(parts, cell)
		}
	}
	s := strings.Join(parts, join)
	if strings.ContainsFunc(s, func(c rune) bool { return c == 0 || unicode.IsControl(c) && c != '\n' && c != '\t' && c != '\r' }) {
		r.wrong(ReasonCharacter, t)
		return ""
	}
	if len(t.Words) > 0 {
		word, ok := t.Words[s]
		switch {
		case ok:
			return word
		case t.Otherwise != "":
			return t.Otherwise
		case s != "":
			r.wrong(ReasonValue, t)
		}
		return ""
	}
	if s == "" {
		return t.Otherwise
	}
	if runes := []rune(s); t.Max > 0 && len(runes) > t.Max {
		return string(runes[:t.Max])
	}
	return s
}

func (r *reading) flag(field string) bool {
	t, ok := r.m.Fields[field]
	if !ok {
		return false
	}
	v, err := strconv.ParseBool(strings.ToLower(r.value(t)))
	if err != nil && r.value(t) != "" {
		r.wrong(ReasonValue, t)
	}
	return v
}

// serial is how a mapping calls the day count of spreadsheets.
const serial = "serial"

// instant reads an instant; ok is false if there is none or it cannot be read.
func (r *reading) instant(t Take) (at time.Time, ok bool) {
	s := r.value(t)
	if s == "" {
		return time.Time{}, false
	}
	for _, layout := range t.Layouts {
		if layout == serial {
			if at, ok := fromSerial(s, r.m.zone); ok {
				return at, true
			}
			continue
		}
		if at, err := time.ParseInLocation(layout, s, r.m.zone); err == nil {
			return at, true
		}
	}
	r.wrong(ReasonInstant, t)
	return time.Time{}, false
}

// fromSerial reads the day count of spreadsheets, whole seconds: 43700.5 is noon of
// 2019-08-23. Counts before March 1900, which spreadsheets miscount, are not read.
func fromSerial(s string, zone *time.Location) (time.Time, bool) {
	days, err := strconv.ParseFloat(s, 64)
	if err != nil || days < 61 || days > 2958465 {
		return time.Time{}, false
	}
	whole, part := math.Modf(days)
	day := time.Date(1899, time.December, 30, 0, 0, 0, 0, zone).AddDate(0, 0, int(whole))
	return day.Add(time.Duration(math.Round(part*86400)) * time.Second), true
}

func (r *reading) fact(t Take) *typev1.Fact {
	if t.Type == "date" || t.Type == "instant" {
		at, ok := r.instant(t)
		switch {
		case !ok:
			return nil
		case t.Type == "date":
			return &typev1.Fact{Value: &typev1.Fact_Date{Date: at.Format(time.DateOnly)}}
		}
		return &typev1.Fact{Value: &typev1.Fact_Instant{Instant: timestamppb.New(at)}}
	}
	s := r.value(t)
	if s == "" {
		return nil
	}
	switch t.Type {
	case "flag":
		if v, err := strconv.ParseBool(strings.ToLower(s)); err == nil {
			return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v}}
		}
		r.wrong(ReasonValue, t)
		return nil
	case "count":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return &typev1.Fact{Value: &typev1.Fact_Count{Count: n}}
		}
		r.wrong(ReasonNumber, t)
		return nil
	case "money":
		return &typev1.Fact{Value: &typev1.Fact_Money{Money: &typev1.Money{CurrencyCode: "CNY", Amount: s}}}
	case "choice":
		return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}}
	case "choices":
		return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: strings.Split(s, ",")}}}
	case "department":
		return &typev1.Fact{Value: &typev1.Fact_Department{Department: prefixed("departments/", s)}}
	}
	return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}}
}

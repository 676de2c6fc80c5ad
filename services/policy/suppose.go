package policy

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Suppose returns a copy of a sheet in which a fact is otherwise than it is: "what if the amount were
// 50000.00". fact is named as conditions name it, values are written as [Part] writes them; none means
// that nobody has recorded it (for a list nil does, and an empty one is a list of nothing), more than
// one is for lists. ok is false for a fact that cannot be
// supposed: sealed words, persons and files, rows of lists, what belongs to no fact.
func (p *Policy) Suppose(s *Sheet, fact string, values ...string) (out *Sheet, ok bool) {
	if s == nil {
		s = &Sheet{}
	}
	c := *s
	if slices.Contains(listRows(), fact) {
		return &c, c.list(fact, values)
	}
	i := strings.LastIndexByte(fact, '.')
	if i < 0 {
		return nil, false
	}
	row, field := fact[:i], fact[i+1:]
	column, known := p.words.columns[row][field]
	if !known || column.kind == kindSealed || column.kind == kindRows || column.kind == kindRow || column.kind == kindWords {
		return nil, false
	}
	switch row {
	case "facts":
		return &c, c.fact(p.words.facts[field].field, values)
	case "grade":
		c.Grade = maps.Clone(s.Grade)
		return &c, put(&c.Grade, field, values)
	case "complaint":
		facts := ComplaintFacts{}
		if s.Complaint != nil {
			facts = *s.Complaint
		}
		c.Complaint = &facts
		return &c, facts.suppose(field, column.kind, values)
	case "case":
		facts := CaseFacts{}
		if s.Case != nil {
			facts = *s.Case
		}
		c.Case = &facts
		return &c, facts.suppose(field, column.kind, values)
	case "line", "params":
		return nil, false
	}
	if connector, is := strings.CutPrefix(row, "lookup."); is {
		return &c, c.answer(connector, p.words.answers[connector][field], values)
	}
	c.Scope = maps.Clone(s.Scope)
	if c.Scope == nil {
		c.Scope = map[string]map[string]any{}
	}
	fields := maps.Clone(c.Scope[row])
	if fields == nil {
		fields = map[string]any{}
	}
	c.Scope[row] = fields
	if len(values) == 0 && column.kind != kindList {
		delete(fields, field)
		return &c, true
	}
	fields[field], ok = scoped(column.kind, values)
	return &c, ok
}

func put(in *map[string]string, key string, values []string) bool {
	if *in == nil {
		*in = map[string]string{}
	}
	if len(values) == 0 {
		delete(*in, key)
		return true
	}
	(*in)[key] = values[0]
	return len(values) == 1
}

// list replaces one of the five lists of ids.
func (s *Sheet) list(name string, values []string) bool {
	switch name {
	case "done":
		s.Done = values
	case "issued":
		s.Issued = values
	case "approved":
		s.Approved = values
	case "breached":
		s.Breached = values
	case "marks":
		s.Marks = values
	}
	return true
}

func (s *Sheet) fact(field *policyv1.Field, values []string) bool {
	s.Facts = maps.Clone(s.Facts)
	if s.Facts == nil {
		s.Facts = map[string]*typev1.Fact{}
	}
	f, ok := factOf(field, values)
	if f == nil {
		delete(s.Facts, field.GetId())
		return ok
	}
	s.Facts[field.GetId()] = f
	return ok
}

func (s *Sheet) answer(connector string, field *policyv1.Field, values []string) bool {
	s.Lookup = maps.Clone(s.Lookup)
	if s.Lookup == nil {
		s.Lookup = Answers{}
	}
	answers := maps.Clone(s.Lookup[connector])
	if answers == nil {
		answers = map[string]*typev1.Fact{}
	}
	s.Lookup[connector] = answers
	f, ok := factOf(field, values)
	if f == nil {
		delete(answers, field.GetId())
		return ok
	}
	answers[field.GetId()] = f
	return ok
}

// factOf writes values as a field of that type records them; nil for none.
func factOf(field *policyv1.Field, values []string) (*typev1.Fact, bool) {
	if field.GetType() == policyv1.FieldType_FIELD_TYPE_CHOICES && values != nil {
		return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: values}}}, true
	}
	if len(values) == 0 {
		return nil, true
	}
	v := values[0]
	switch field.GetType() {
	case policyv1.FieldType_FIELD_TYPE_FLAG:
		return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v == "true"}}, true
	case policyv1.FieldType_FIELD_TYPE_COUNT:
		n, err := strconv.ParseInt(v, 10, 64)
		return &typev1.Fact{Value: &typev1.Fact_Count{Count: n}}, err == nil && n >= 0
	case policyv1.FieldType_FIELD_TYPE_SCORE:
		n, err := strconv.ParseInt(v, 10, 32)
		return &typev1.Fact{Value: &typev1.Fact_Score{Score: int32(n)}}, err == nil
	case policyv1.FieldType_FIELD_TYPE_MONEY:
		_, ok := fen(v)
		return &typev1.Fact{Value: &typev1.Fact_Money{Money: &typev1.Money{CurrencyCode: currency, Amount: v}}}, ok
	case policyv1.FieldType_FIELD_TYPE_CHOICE:
		return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: v}}, true
	case policyv1.FieldType_FIELD_TYPE_DEPARTMENT:
		return &typev1.Fact{Value: &typev1.Fact_Department{Department: "departments/" + v}}, true
	case policyv1.FieldType_FIELD_TYPE_INSTANT:
		at, err := time.Parse(time.RFC3339, v)
		return &typev1.Fact{Value: &typev1.Fact_Instant{Instant: timestamppb.New(at)}}, err == nil
	}
	return nil, false // dates are not supposed: conditions see their last second
}

func scoped(k kind, values []string) (any, bool) {
	if k == kindList {
		return append([]string{}, values...), true
	}
	v := values[0]
	switch k {
	case kindString:
		return v, true
	case kindBool:
		return v == "true", true
	case kindInt:
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil
	case kindMoney:
		m := cny(v)
		return m, m != nil
	case kindTime:
		at, err := time.Parse(time.RFC3339, v)
		return at, err == nil
	}
	return nil, false
}

func (c *ComplaintFacts) suppose(field string, k kind, values []string) bool {
	texts := map[string]**string{
		"number": &c.Number, "channel": &c.Channel, "medium": &c.Medium, "origin": &c.Origin, "expression": &c.Expression, "category": &c.Category,
		"ground": &c.Ground, "customer_kind": &c.CustomerKind, "service": &c.Service, "business": &c.Business, "stands": &c.Stands,
	}
	flags := map[string]**bool{
		"external_channel": &c.ExternalChannel, "urgent": &c.Urgent, "contact_known": &c.ContactKnown, "repeated": &c.Repeated, "verified": &c.Verified,
	}
	switch field {
	case "documents":
		c.Documents = append([]string{}, values...)
		return true
	case "received":
		c.Received = nil
		if len(values) == 0 {
			return true
		}
		at, ok := scoped(k, values)
		if !ok {
			return false
		}
		t, _ := at.(time.Time)
		c.Received = &t
		return true
	}
	return pointed(texts[field], flags[field], nil, values)
}

func (c *CaseFacts) suppose(field string, _ kind, values []string) bool {
	if field == "departments" {
		c.Departments = append([]string{}, values...)
		return true
	}
	texts := map[string]**string{"stage": &c.Stage, "status": &c.Status, "cause": &c.Cause, "liability": &c.Liability, "respondent": &c.Respondent}
	numbers := map[string]**int64{"round": &c.Round, "offers": &c.Offers}
	flags := map[string]**bool{"cause_known": &c.CauseKnown, "owner_named": &c.OwnerNamed, "front_line": &c.FrontLine}
	return pointed(texts[field], flags[field], numbers[field], values)
}

// pointed puts a value into the one of the three that there is.
func pointed(text **string, flag **bool, number **int64, values []string) bool {
	value := ""
	if len(values) > 0 {
		value = values[0]
	}
	switch {
	case text != nil && len(values) == 0:
		*text = nil
	case text != nil:
		*text = &value
	case flag != nil && len(values) == 0:
		*flag = nil
	case flag != nil:
		yes := value == "true"
		*flag = &yes
	case number != nil && len(values) == 0:
		*number = nil
	case number != nil:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return false
		}
		*number = &n
	default:
		return false
	}
	return true
}

// Choices returns the values that a fact can have, where the pack or the suite closes the list; nil
// where any value can be.
func (p *Policy) Choices(fact string) []string {
	if ids, ok := p.words.lists[fact]; ok {
		return ids
	}
	i := strings.LastIndexByte(fact, '.')
	if i < 0 {
		return nil
	}
	return p.words.columns[fact[:i]][fact[i+1:]].closed
}

// Near returns a value as explanations write it and the values next to it: a fen, a unit or a second
// more or less; itself alone for words.
func Near(value string) []string {
	if n, ok := fen(value); ok && strings.Contains(value, ".") {
		out := []string{value, yuanText(n + 1)}
		if n > 0 {
			out = append(out, yuanText(n-1))
		}
		return out
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return []string{value, strconv.FormatInt(n+1, 10), strconv.FormatInt(n-1, 10)}
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return []string{value, at.Add(time.Second).Format(time.RFC3339), at.Add(-time.Second).Format(time.RFC3339)}
	}
	return []string{value}
}

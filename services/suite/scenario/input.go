package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// input is what a move hands to an act.
type input struct {
	world  *world
	move   *move
	values map[string]*structpb.Value
	taken  map[string]bool
	// beforeLast is called by an act of several RPCs before the one that may be refused.
	beforeLast func() error
	// wrong says that the scenario is at fault, not the suite.
	wrong bool
}

func (in *input) has(key string) bool { return in.values[key] != nil }

func (in *input) text(key, otherwise string) string {
	in.taken[key] = true
	if v := in.values[key]; v != nil {
		return plainText(v)
	}
	return otherwise
}

func (in *input) flag(key string) bool {
	in.taken[key] = true
	return in.values[key].GetBoolValue()
}

func (in *input) number(key string) int64 {
	in.taken[key] = true
	return int64(in.values[key].GetNumberValue())
}

// texts returns a list; one value alone is a list of one.
func (in *input) texts(key string) []string {
	in.taken[key] = true
	return textsOf(in.values[key])
}

func textsOf(v *structpb.Value) []string {
	if v == nil {
		return nil
	}
	l, ok := v.GetKind().(*structpb.Value_ListValue)
	if !ok {
		return []string{plainText(v)}
	}
	var out []string
	for _, x := range l.ListValue.GetValues() {
		out = append(out, plainText(x))
	}
	return out
}

// mistake is an error of the scenario.
func (in *input) mistake(format string, args ...any) error {
	in.wrong = true
	return fmt.Errorf(format, args...)
}

// instant reads a local time.
func (in *input) instant(key string) (*timestamppb.Timestamp, error) {
	s := in.text(key, "")
	if s == "" {
		return nil, nil
	}
	return in.local(s)
}

func (in *input) local(s string) (*timestamppb.Timestamp, error) {
	zone, when := in.world.zone, s
	if i := strings.LastIndexByte(s, ' '); i >= 0 && strings.Contains(s[i:], "/") {
		named, err := time.LoadLocation(s[i+1:])
		if err != nil {
			return nil, in.mistake("%q: there is no time zone %q", s, s[i+1:])
		}
		zone, when = named, s[:i]
	}
	for _, layout := range []string{time.DateTime, time.DateOnly} {
		if at, err := time.ParseInLocation(layout, when, zone); err == nil {
			return timestamppb.New(at), nil
		}
	}
	return nil, in.mistake("%q is no local time like 2026-04-08 17:20:00, with or without a zone like America/New_York", s)
}

// money reads an amount in CNY.
func (in *input) money(key string) *typev1.Money {
	if s := in.text(key, ""); s != "" {
		return cny(s)
	}
	return nil
}

func cny(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }

// departments reads ids of departments as names.
func departments(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = "departments/" + id
	}
	return out
}

// facts are the values that no other field of the request has taken, typed as the
// pack's forms say.
func (in *input) facts() (map[string]*typev1.Fact, error) {
	out := map[string]*typev1.Fact{}
	for _, key := range slices.Sorted(maps.Keys(in.values)) {
		if in.taken[key] {
			continue
		}
		field := in.world.play.pack.words.fields[key]
		if field == nil {
			return nil, in.mistake("no form of the pack has a field %q", key)
		}
		f, err := in.fact(field, in.values[key])
		if err != nil {
			return nil, err
		}
		out[key] = f
	}
	return out, nil
}

// fact types one value. Whether it is allowed is not looked at here: that is the
// suite's to refuse.
func (in *input) fact(f *policyv1.Field, v *structpb.Value) (*typev1.Fact, error) {
	s, kind := plainText(v), v.GetKind()
	_, number := kind.(*structpb.Value_NumberValue)
	switch f.GetType() {
	case policyv1.FieldType_FIELD_TYPE_FLAG:
		if _, ok := kind.(*structpb.Value_BoolValue); !ok {
			return nil, in.mistake("%s is %q; a flag is true or false", f.GetId(), s)
		}
		return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v.GetBoolValue()}}, nil
	case policyv1.FieldType_FIELD_TYPE_COUNT, policyv1.FieldType_FIELD_TYPE_SCORE:
		if !number {
			return nil, in.mistake("%s is %q; it must be a number", f.GetId(), s)
		}
		if f.GetType() == policyv1.FieldType_FIELD_TYPE_SCORE {
			return &typev1.Fact{Value: &typev1.Fact_Score{Score: int32(v.GetNumberValue())}}, nil
		}
		return &typev1.Fact{Value: &typev1.Fact_Count{Count: int64(v.GetNumberValue())}}, nil
	case policyv1.FieldType_FIELD_TYPE_MONEY:
		return &typev1.Fact{Value: &typev1.Fact_Money{Money: cny(s)}}, nil
	case policyv1.FieldType_FIELD_TYPE_DATE:
		return &typev1.Fact{Value: &typev1.Fact_Date{Date: s}}, nil
	case policyv1.FieldType_FIELD_TYPE_INSTANT:
		at, err := in.local(s)
		return &typev1.Fact{Value: &typev1.Fact_Instant{Instant: at}}, err
	case policyv1.FieldType_FIELD_TYPE_CHOICE:
		if v.GetListValue() != nil { // more boxes ticked than one
			return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: textsOf(v)}}}, nil
		}
		return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}}, nil
	case policyv1.FieldType_FIELD_TYPE_CHOICES:
		return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: textsOf(v)}}}, nil
	case policyv1.FieldType_FIELD_TYPE_PERSON:
		return &typev1.Fact{Value: &typev1.Fact_Person{Person: in.person(s)}}, nil
	case policyv1.FieldType_FIELD_TYPE_DEPARTMENT:
		return &typev1.Fact{Value: &typev1.Fact_Department{Department: "departments/" + s}}, nil
	case policyv1.FieldType_FIELD_TYPE_LIST:
		return in.listFact(f, v)
	case policyv1.FieldType_FIELD_TYPE_TEXT:
		return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}}, nil
	}
	return nil, in.mistake("%s: fields of type %s cannot be filled here", f.GetId(), word(f.GetType()))
}

func (in *input) listFact(f *policyv1.Field, v *structpb.Value) (*typev1.Fact, error) {
	rows := &typev1.Rows{}
	for _, x := range v.GetListValue().GetValues() {
		row := &typev1.Row{Values: map[string]*typev1.Fact{}}
		for _, item := range f.GetItems() {
			cell := x.GetStructValue().GetFields()[item.GetId()]
			if cell == nil {
				continue
			}
			one, err := in.fact(item, cell)
			if err != nil {
				return nil, err
			}
			row.Values[item.GetId()] = one
		}
		rows.Values = append(rows.Values, row)
	}
	return &typev1.Fact{Value: &typev1.Fact_Rows{Rows: rows}}, nil
}

// person returns the name of the person who plays an actor.
func (in *input) person(as string) string {
	if as == "" || strings.HasPrefix(as, "people/") {
		return as
	}
	return "people/" + personID(as)
}

// newestOne says that an act is done again on the newest of its kind.
const newestOne = "newest"

// subject returns what the move is on: what was given that name, or the newest.
func (in *input) subject(newest, collection string) (string, error) {
	name := newest
	if on := in.move.GetOn(); on != "" && on != newestOne {
		known, ok := in.world.named[on]
		if !ok {
			return "", in.mistake("nothing was given the name %q", on)
		}
		if strings.HasPrefix(known, collection+"/") {
			name = known
		}
	}
	if name == "" {
		return "", in.mistake("there are no %s yet", collection)
	}
	return name, nil
}

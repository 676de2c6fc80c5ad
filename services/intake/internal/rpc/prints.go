package rpc

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
)

// prints are keyed digests of what a request says in clear and the store only
// holds sealed, for the fields by which the pack tells complaints apart. The zero
// value is that of a pack that does not.
//
// A person is known by a random id that hangs on the digest, so that erasing one
// row makes all that was counted nobody's. Source: RELIABILITY 3.4.
type prints struct {
	fields []string
	values map[string]string
}

// fieldCustomer and fieldObject are fields that the store holds sealed.
const (
	fieldCustomer = "customer"
	fieldObject   = "complaint_object"
)

// prints takes the digests of a request as the caller sent it.
func (s *Server) prints(caller authn.Caller, p *policy.Policy, req proto.Message) prints {
	fields := domain.KeyFields(p)
	if len(fields) == 0 {
		return prints{}
	}
	out := prints{fields: fields, values: map[string]string{}}
	put := func(field, said string) {
		if said = strings.Join(strings.Fields(said), " "); said != "" && slices.Contains(fields, field) {
			out.values[field] = seal.Lookup(s.cfg.PrintKey, caller.Organization+"\x00"+field+"\x00"+said)[:32]
		}
	}
	facts := func(all map[string]*typev1.Fact) {
		for id, f := range all {
			put(id, f.GetText())
		}
	}
	switch in := req.(type) {
	case *intakev1.CreateComplaintRequest:
		who := person(in.GetComplaint().GetComplainant())
		if caller.Customer {
			who = caller.Principal
		}
		put(fieldCustomer, who)
		put(fieldObject, in.GetComplaint().GetComplaintObject())
		facts(in.GetComplaint().GetFacts())
	case *intakev1.UpdateComplaintRequest:
		put(fieldObject, in.GetComplaint().GetComplaintObject())
	case *intakev1.FillFormRequest:
		facts(in.GetFacts())
	case *intakev1.JudgeComplaintRequest:
		facts(in.GetFacts())
	}
	return out
}

// person returns what tells a complainant from others: the account, else the
// telephone number, else the address of e-mail; empty for nobody known.
func person(c *intakev1.Complainant) string {
	if c.GetCustomer() != "" {
		return c.GetCustomer()
	}
	if number, ok := seal.NormalizeTelephone(c.GetTelephone()); ok {
		return number
	}
	if address, ok := seal.NormalizeEmail(c.GetEmail()); ok {
		return address
	}
	return ""
}

func printKey(field, complaint string) string { return "print/" + field + "/" + complaint }

func personKey(value string) string { return "person/" + value }

// given returns the values of fields that the sheet does not show, those of the
// request before those remembered.
func (ps prints) given(u *journal.Unit, complaint string) (map[string]string, error) {
	out := map[string]string{}
	for _, field := range ps.fields {
		value, ok := ps.values[field]
		row := &wrapperspb.StringValue{}
		if ok {
			if err := u.SetTally(printKey(field, complaint), wrapperspb.String(value)); err != nil {
				return nil, err
			}
		} else if err := u.Tally(printKey(field, complaint), row); err != nil {
			return nil, err
		} else {
			value = row.GetValue()
		}
		if value == "" {
			continue
		}
		if field == fieldCustomer {
			var err error
			if value, err = personOf(u, value); err != nil {
				return nil, err
			}
		}
		out[field] = value
	}
	return out, nil
}

// personOf returns the random id of whoever the digest is of.
func personOf(u *journal.Unit, value string) (string, error) {
	row := &wrapperspb.StringValue{}
	if err := u.Tally(personKey(value), row); err != nil {
		return "", err
	}
	if row.GetValue() != "" {
		return row.GetValue(), nil
	}
	id := uuid.NewString()
	return id, u.SetTally(personKey(value), wrapperspb.String(id))
}

// forget makes nobody's what was counted of the subject's complaints: the digests
// go, and with them the way to the person's id.
func forget(u *journal.Unit, p *policy.Policy, subject string) error {
	fields := domain.KeyFields(p)
	if len(fields) == 0 {
		return nil
	}
	names, err := u.Find(Complaints, journal.Attr{Name: "subject", Value: subject})
	if err != nil {
		return err
	}
	for _, name := range names {
		rows := map[string]string{}
		for _, field := range fields {
			row := &wrapperspb.StringValue{}
			if err := u.Tally(printKey(field, name), row); err != nil {
				return err
			}
			if row.GetValue() == "" {
				continue
			}
			rows[printKey(field, name)] = ""
			if field == fieldCustomer {
				rows[personKey(row.GetValue())] = ""
			}
		}
		for _, key := range slices.Sorted(maps.Keys(rows)) {
			if err := u.SetTally(key, &wrapperspb.StringValue{}); err != nil {
				return err
			}
		}
	}
	return nil
}

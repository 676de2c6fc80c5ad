package rpc

import (
	"time"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/numbering"
	"example.com/redress/services/policy"
)

// formNumber takes the next number of a form that the pack numbers; empty for others.
// The series is one for the organisation: who fills the same numbered form at the
// same time waits for each other.
func formNumber(u *journal.Unit, p *policy.Policy, form string, at time.Time) (string, error) {
	pattern := domain.FormAbout(p, form).GetNumber()
	if pattern == "" {
		return "", nil
	}
	n, err := numbering.Parse(pattern)
	if err != nil {
		return "", err
	}
	day := local(p, at)
	serial := int64(0)
	if key := n.Key("form/"+form, day); key != "" {
		if serial, err = u.Serial("number/" + key); err != nil {
			return "", err
		}
	}
	return n.Number(day, serial), nil
}

// numberForms numbers the forms that a registration fills.
func numberForms(u *journal.Unit, p *policy.Policy, c *intakev1.Complaint) error {
	for _, f := range c.GetForms() {
		number, err := formNumber(u, p, f.GetForm(), c.GetCreateTime().AsTime())
		if err != nil {
			return err
		}
		f.Number = number
	}
	return nil
}

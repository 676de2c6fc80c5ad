package react

import (
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/kit/journal"
)

// Forget takes the digests of payees from the claims of an erased person: whoever has the
// organisation's look-up key could try accounts out.
//
// Source: package seal, Lookup.
func Forget(u *journal.Unit, subject string) error {
	names, err := u.Find(app.Claims, journal.Attr{Name: app.AttrSubject, Value: subject})
	if err != nil {
		return err
	}
	for _, name := range names {
		c := &compensationv1.Claim{}
		if _, err := u.Get(name, c); err != nil {
			return err
		}
		if c.GetPayeeKey() == "" {
			continue
		}
		c.PayeeKey = ""
		if err := u.Update(name, c, &compensationv1.PayeeForgotten{}); err != nil {
			return err
		}
	}
	return nil
}

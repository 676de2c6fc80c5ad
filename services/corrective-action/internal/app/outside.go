package app

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// StorePenalty stores the states of a penalty notice and lets follow what the pack says
// about them: the entries it brings, its marks and duties.
func (k *Desk) StorePenalty(u *journal.Unit, sc *Scene, events []domain.PenaltyEvent, made bool) error {
	name := events[0].State.GetName()
	for i, e := range events {
		because(u, e.Rules...)
		var err error
		if made && i == 0 {
			err = u.Create(name, e.State, e.Change)
		} else {
			err = u.Update(name, e.State, e.Change)
		}
		if err != nil {
			return err
		}
	}
	booked := []string{}
	for i, e := range events {
		next := sc.With(sheet.WithCorrective(sc.Sheet, e.Change, e.State))
		next.Penalty, next.Cause, next.Outside, next.booked = name, name, true, &booked
		next.Source = fmt.Sprintf("%s@%d#%d", name, u.Time().UnixMicro(), i)
		for _, t := range trigger.Of(e.Change, e.State) {
			if _, err := k.Follow(u, next, t); err != nil {
				return err
			}
		}
	}
	if len(booked) == 0 {
		return nil
	}
	p := &correctiveactionv1.Penalty{}
	if _, err := u.Get(name, p); err != nil {
		return err
	}
	last := domain.Booked(p, booked, k.Act(u, sc, ""))
	because(u, last.Rules...)
	return u.Update(name, last.State, last.Change)
}

// OfDuty is the scene of a duty.
func (k *Desk) OfDuty(u *journal.Unit, d *correctiveactionv1.Duty) (*Scene, error) {
	sc, err := k.Scene(u, d.GetComplaint(), d.GetPolicyRevision(), u.Time())
	if err != nil {
		return nil, err
	}
	department := ""
	if strings.HasPrefix(d.GetCounted(), "people/") {
		department = sc.Party(d.GetCounted(), "").Department
	}
	sc.Cause, sc.Outside = d.GetName(), true
	return sc.Count(d.GetCounted(), department), nil
}

// EndDuty stores a duty that was done or skipped, and lets follow what the pack says.
func (k *Desk) EndDuty(u *journal.Unit, sc *Scene, d *correctiveactionv1.Duty, change proto.Message) error {
	because(u, d.GetRule())
	if err := u.Update(d.GetName(), d, change); err != nil {
		return err
	}
	if d.GetState() == correctiveactionv1.Duty_STATE_SKIPPED {
		return clocks.CancelAll(u, d.GetName())
	}
	if err := clocks.Meet(u, d.GetName(), d.GetStep(), u.Time()); err != nil {
		return err
	}
	next := sc.With(sheet.WithDuty(sc.Sheet, d))
	next.Source = d.GetName() + "#done"
	for _, t := range trigger.Of(change, d) {
		if _, err := k.Follow(u, next, t); err != nil {
			return err
		}
	}
	return nil
}

// StoreFile stores a form about a department and lets follow what the pack says.
func (k *Desk) StoreFile(u *journal.Unit, sc *Scene, f *correctiveactionv1.DepartmentFile) error {
	because(u, f.GetRule())
	if err := u.Create(f.GetName(), f, &correctiveactionv1.DepartmentFormFiled{}); err != nil {
		return err
	}
	next := sc.With(sheet.WithDepartmentFile(sc.Sheet, f))
	next.Source, next.Cause = f.GetName(), f.GetName()
	for _, t := range trigger.Of(&correctiveactionv1.DepartmentFormFiled{}, f) {
		if _, err := k.Follow(u, next, t); err != nil {
			return err
		}
	}
	return nil
}

// Verified returns the scene in which a person books an entry: its rule may need a duty
// that was done first, outside complaints, for the party or its department. One duty
// counts for one entry of a rule.
//
// Source: PROCEDURES P15 R7 (nothing before the verification).
func (k *Desk) Verified(u *journal.Unit, sc *Scene, w domain.Wish) (*Scene, error) {
	def := policy.ByID(sc.Policy.Rules().GetAssessment(), w.Entry)
	for _, need := range def.GetNeeds() {
		if need.GetStep() == "" || slices.Contains(sc.Sheet.Done, need.GetStep()) {
			continue
		}
		for _, counted := range []string{w.To.Name, w.To.Department} {
			d, err := k.unused(u, need.GetStep(), counted, w.Entry)
			if err != nil {
				return nil, err
			}
			if d == nil || counted == "" {
				continue
			}
			department := w.To.Department
			sc = sc.With(sheet.WithDuty(sc.Sheet, d)).Count(d.GetCounted(), department)
			sc.Cause = d.GetName()
			break
		}
	}
	return sc, nil
}

// unused returns the newest duty of a step that was done about somebody and has no entry
// of the rule yet, nil if there is none.
func (k *Desk) unused(u *journal.Unit, step, counted, entry string) (*correctiveactionv1.Duty, error) {
	names, err := u.Find(Duties, journal.Attr{Name: AttrStep, Value: step}, journal.Attr{Name: AttrCounted, Value: counted},
		journal.Attr{Name: AttrState, Value: correctiveactionv1.Duty_STATE_DONE.String()})
	if err != nil {
		return nil, err
	}
	booked, err := u.Find(Entries, journal.Attr{Name: AttrEntry, Value: entry})
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, name := range booked {
		e := &correctiveactionv1.Entry{}
		if _, err := u.Get(name, e); err != nil {
			return nil, err
		}
		used[e.GetCause()] = true
	}
	var found *correctiveactionv1.Duty
	for _, name := range names {
		d := &correctiveactionv1.Duty{}
		if _, err := u.Get(name, d); err != nil {
			return nil, err
		}
		if !used[name] && (found == nil || d.GetEndTime().AsTime().After(found.GetEndTime().AsTime())) {
			found = d
		}
	}
	return found, nil
}

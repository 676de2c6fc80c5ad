package app

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
)

// openPeriods sees to it that the months in which an entry counts are turned into
// money at their end, and returns the instant by which the entry counts: what comes
// after its month was closed counts in the one at hand.
//
// Source: PROCEDURES P19 10 (month end).
func (k *Desk) openPeriods(u *journal.Unit, sc *Scene, entry string) (time.Time, error) {
	counted := sc.At
	for _, def := range sc.Policy.Rules().GetAssessment() {
		if def.GetEvery() == policyv1.Every_EVERY_UNSPECIFIED || !slices.Contains(def.GetConverts(), entry) {
			continue
		}
		for _, at := range []time.Time{counted, u.Time()} {
			from, to := sc.Policy.Period(def.GetEvery(), at)
			name := "periods/" + derived(sc.Policy.Rules().GetPack()+"#"+def.GetId()+"#"+from.UTC().Format(time.RFC3339))
			p := &correctiveactionv1.Period{}
			_, err := u.Get(name, p)
			if err != nil && fault.KindOf(err) != fault.NotFound {
				return counted, err
			}
			if err == nil && p.GetCloseTime() != nil {
				continue
			}
			counted = at
			if err != nil {
				err = u.Create(name, &correctiveactionv1.Period{
					Name: name, Entry: def.GetId(), Period: month(sc, from), EndTime: stamp(to.Add(time.Second)), PolicyRevision: sc.Revision,
				}, &correctiveactionv1.PeriodOpened{})
			}
			if err != nil {
				return counted, err
			}
			break
		}
	}
	return counted, nil
}

// ClosePeriod turns the points of a month into money, at its end on the business clock:
// for each person or department the pack's amount for each point deducted. Bonus points
// take nothing off. A stale timer has no effect.
//
// Source: PROCEDURES P19 10, P19-A5.
func (k *Desk) ClosePeriod(u *journal.Unit, t journal.Timer) error {
	p := &correctiveactionv1.Period{}
	if _, err := u.Get(t.Name, p); err != nil {
		return err
	}
	if p.GetCloseTime() != nil || p.GetEndTime().AsTime().After(u.Time()) {
		return nil
	}
	last := p.GetEndTime().AsTime().Add(-time.Second)
	sc, err := k.Scene(u, "", p.GetPolicyRevision(), last)
	if err != nil {
		return err
	}
	var def *policyv1.Entry
	for _, e := range sc.Policy.Rules().GetAssessment() {
		if e.GetId() == p.GetEntry() {
			def = e
		}
	}
	sc.Cause, sc.Source, sc.Outside = p.GetName(), p.GetName(), true
	made := []string{}
	sc.booked = &made
	if err := k.convert(u, sc, def, p); err != nil {
		return err
	}
	next := proto.CloneOf(p)
	next.CloseTime, next.Entries = stamp(u.Time()), made
	because(u, sc.Policy.Rule(def.GetId()))
	return u.Update(p.GetName(), next, &correctiveactionv1.PeriodClosed{})
}

func (k *Desk) convert(u *journal.Unit, sc *Scene, def *policyv1.Entry, p *correctiveactionv1.Period) error {
	from, to := sc.Policy.Period(def.GetEvery(), sc.At)
	byParty := map[domain.Party][]*correctiveactionv1.Entry{}
	var order []domain.Party
	for _, rule := range def.GetConverts() {
		names, err := u.Find(Entries, journal.Attr{Name: AttrEntry, Value: rule}, journal.Attr{Name: AttrState, Value: correctiveactionv1.Entry_STATE_BOOKED.String()})
		if err != nil {
			return err
		}
		for _, name := range names {
			e := &correctiveactionv1.Entry{}
			if _, err := u.Get(name, e); err != nil {
				return err
			}
			if !counts(sc, def, e, from, to) {
				continue
			}
			party := domain.Party{Name: e.GetTo(), Department: e.GetDepartment()}
			if slices.Equal(def.GetTo(), []string{"department"}) {
				party.Name = e.GetDepartment()
			}
			if party.Name == "" {
				continue
			}
			if _, ok := byParty[party]; !ok {
				order = append(order, party)
			}
			byParty[party] = append(byParty[party], e)
		}
	}
	slices.SortFunc(order, func(a, b domain.Party) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	for _, party := range order {
		if err := k.convertOf(u, sc, def, p, party, byParty[party]); err != nil {
			return err
		}
	}
	return nil
}

// counts tells whether an entry counts in the period that ends.
func counts(sc *Scene, def *policyv1.Entry, e *correctiveactionv1.Entry, from, to time.Time) bool {
	if def.GetEvery() == policyv1.Every_EVERY_WEEK {
		at := e.GetOccurTime().AsTime()
		return !at.Before(from) && !at.After(to)
	}
	return e.GetPeriod() >= month(sc, from) && e.GetPeriod() <= month(sc, to)
}

func (k *Desk) convertOf(u *journal.Unit, sc *Scene, def *policyv1.Entry, p *correctiveactionv1.Period, party domain.Party, all []*correctiveactionv1.Entry) error {
	points := make([]int64, 0, len(all))
	for _, e := range all {
		points = append(points, int64(e.GetPoints()))
	}
	amount, err := sc.Policy.Converted(def, points)
	if err != nil {
		return err
	}
	name := ""
	if amount.GetAmount() != "0.00" {
		name = "entries/" + ordered(sc.At, 0, p.GetName()+"#"+party.Name)
		n, err := u.Serial("occurrence/" + sc.Policy.Rules().GetPack() + "/" + def.GetId() + "/" + party.Name)
		if err != nil {
			return err
		}
		e := domain.Book(policy.EntryDue{Entry: def, Rule: sc.Policy.Rule(def.GetId()), Amount: amount}, domain.Booking{
			Name: name, To: party, Occurrence: int32(n), Period: p.GetPeriod(), Occurred: sc.At, Cause: p.GetName(), Creator: Principal, Revision: sc.Revision,
		}, u.Time())
		for _, c := range all {
			e.Converts = append(e.Converts, c.GetName())
		}
		if err := k.enter(u, sc, def, e); err != nil {
			return err
		}
	}
	because(u, sc.Policy.Rule(def.GetId()))
	for _, c := range all {
		if err := u.Update(c.GetName(), domain.Convert(c, name, u.Time()), &correctiveactionv1.EntryConverted{}); err != nil {
			return err
		}
	}
	return nil
}

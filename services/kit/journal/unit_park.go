package journal

import (
	"errors"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
)

// Park puts the event of another service aside until an operator retries it.
// reason is of the catalogue; waits says that only an earlier event of the same
// complaint stands in its way. Parking an event again changes reason and waits.
//
// Source: DESIGN section 4.
func (u *Unit) Park(ev *eventv1.Event, reason string, waits bool) {
	u.own.parkings[spotOf(ev)] = &parking{
		key: u.key(parkedUnder(ev)), event: proto.CloneOf(ev), reason: reason, waits: waits, dirty: true,
	}
}

// parkedUnder is what later events wait behind: the complaint, or the resource where there is none.
func parkedUnder(ev *eventv1.Event) string {
	if ev.Complaint != "" {
		return ev.Complaint
	}
	return ev.Resource
}

// Parked reports whether an event of the complaint is parked; of events outside
// any complaint give the name of the resource. If the database fails it says
// true, and the whole group is rolled back.
func (u *Unit) Parked(complaint string) bool {
	at := u.key(complaint)
	spots, err := u.g.parkedSpots(at)
	if err != nil {
		return true
	}
	there := map[spot]bool{}
	for _, s := range spots {
		there[s] = true
	}
	for _, layer := range []*overlay{&u.g.seen, &u.own} {
		for s, p := range layer.parkings {
			if p.key == at {
				there[s] = p.event != nil
			}
		}
	}
	for _, in := range there {
		if in {
			return true
		}
	}
	return false
}

// Unpark takes the event at the position out of those parked.
// PARKED_EVENT_NOT_FOUND if it is not one of them.
func (u *Unit) Unpark(p *eventv1.Position) error {
	s := spot{place{p.Service, p.Shard}, p.Sequence}
	at, stored, err := u.g.parkedAt(s)
	if err != nil {
		return err
	}
	found := stored
	for _, layer := range []*overlay{&u.g.seen, &u.own} {
		if over, ok := layer.parkings[s]; ok {
			at, found = over.key, over.event != nil
		}
	}
	if !found || at.organization != u.work.Organization {
		return fault.New(fault.NotFound, ReasonParkedNotFound, "source", p.Service,
			"shard", strconv.Itoa(int(p.Shard)), "sequence", strconv.FormatInt(p.Sequence, 10))
	}
	u.own.parkings[s] = &parking{key: at, stored: stored, dirty: true}
	return nil
}

func spotOf(ev *eventv1.Event) spot { return spot{place{ev.Service, ev.Shard}, ev.Sequence} }

// parkedSpots returns where events parked under the key come from, as the database has it.
func (g *group) parkedSpots(at key) ([]spot, error) {
	if spots, ok := g.parked[at]; ok {
		return spots, nil
	}
	if g.ahead != nil {
		return nil, nil // whether something is parked is asked in its turn
	}
	if g.parkedAny == nil {
		if err := errors.Join(g.loadParkedAny(true), g.tx.Send(g.ctx)); err != nil {
			return nil, g.fail(err)
		}
	}
	var spots []spot
	if *g.parkedAny {
		var err error
		if spots, err = parkedSpots(g.ctx, g.tx, at); err != nil {
			return nil, g.fail(err)
		}
	}
	g.parked[at] = slices.Clip(spots)
	return spots, nil
}

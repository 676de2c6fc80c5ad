package app

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/trigger"
)

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }

// Thing is what a counter counts: an entry or an action, with whom it concerns.
type Thing struct {
	// Name is the resource; State is its state, on which a reached threshold is told.
	Name  string
	State proto.Message
	// Person and Department it concerns; empty if none.
	Person, Department string
	// Counted is whom a count of it stands at; empty takes the person, then the department.
	Counted string
}

// count adds a thing to every counter of the pack over things of its kind, by as much
// as it weighs, and lets follow what a threshold that was passed brings.
//
// Source: PACK-SKETCH 2.2 Counter; PROCEDURES P19-A5, P25-A2, P25-A3.
func (k *Desk) count(u *journal.Unit, sc *Scene, of policyv1.Of, by int64, t Thing) error {
	for _, c := range sc.Policy.Counters(of) {
		if yes, _ := sc.Policy.Counts(c, sc.Sheet); yes != policy.True || by == 0 {
			continue
		}
		department := strings.TrimPrefix(t.Department, "departments/")
		given := map[string]string{"person": t.Person, "employee": t.Person, "department": department, "unit": department}
		keys, missing := sc.Policy.Keys(c, sc.Sheet, given)
		if len(missing) > 0 {
			continue
		}
		key := strings.Join(keys, "|")
		before, after, err := k.tally(u, sc, c, key, by)
		if err != nil {
			return err
		}
		if !sc.Policy.Reached(c, before, after) {
			continue
		}
		if err := k.reached(u, sc, c, key, after, t); err != nil {
			return err
		}
	}
	return nil
}

// reached tells on the thing that a counter passed its threshold, and lets follow what
// the pack says.
func (k *Desk) reached(u *journal.Unit, sc *Scene, c *policyv1.Counter, key string, count int64, t Thing) error {
	counted := t.Counted
	for _, other := range []string{t.Person, t.Department} {
		if counted == "" {
			counted = other
		}
	}
	because(u, sc.Policy.Rule(c.GetId()))
	if err := u.Update(t.Name, t.State, &correctiveactionv1.CounterReached{Counter: c.GetId(), Key: key, Count: count, Counted: counted}); err != nil {
		return err
	}
	next := sc.Count(counted, t.Department)
	next.Source, next.Cause, next.Outside, next.depth = sc.Source+"#"+c.GetId(), t.Name, true, sc.depth+1
	_, err := k.Follow(u, next, trigger.Trigger{Event: policyv1.Event_EVENT_COUNTER_REACHED, ID: c.GetId()})
	return err
}

// tally adds to a count and returns it before and after. A count over the time that
// lies back forgets what has passed out of it.
func (k *Desk) tally(u *journal.Unit, sc *Scene, c *policyv1.Counter, key string, by int64) (before, after int64, err error) {
	name := "counter/" + sc.Policy.Rules().GetPack() + "/" + c.GetId() + "/" + key
	from, bounded := sc.Policy.Since(c, sc.At)
	if bounded && c.GetPeriod() != policyv1.Every_EVERY_UNSPECIFIED {
		name += "/" + from.In(sc.Policy.Calendar().Location()).Format(time.DateOnly)
	}
	held := &structpb.ListValue{}
	if err := u.Tally(name, held); err != nil {
		return 0, 0, err
	}
	sliding := bounded && c.GetPeriod() == policyv1.Every_EVERY_UNSPECIFIED
	next := &structpb.ListValue{}
	for _, v := range held.GetValues() {
		at, n := v.GetListValue().GetValues()[0].GetNumberValue(), int64(v.GetListValue().GetValues()[1].GetNumberValue())
		if sliding && int64(at) < from.Unix() {
			continue
		}
		before += n
		if sliding {
			next.Values = append(next.Values, v)
		}
	}
	pair := func(at time.Time, n int64) *structpb.Value {
		return structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNumberValue(float64(at.Unix())), structpb.NewNumberValue(float64(n))}})
	}
	if sliding {
		next.Values = append(next.Values, pair(sc.At, by))
	} else {
		next.Values = []*structpb.Value{pair(time.Unix(0, 0), before+by)}
	}
	return before, before + by, u.SetTally(name, next)
}

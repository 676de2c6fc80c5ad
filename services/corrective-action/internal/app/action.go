package app

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// ClockKind is the kind of an action's clock.
const ClockKind = "action"

// Open stores a new action with its clock, where it has a date, and lets follow what the
// pack says about it. What is owed once the date has passed already, because the plan
// was written long before it began, has none: a clock that is late from the first would
// tell nothing.
func (k *Desk) Open(u *journal.Unit, sc *Scene, events []domain.Event) error {
	name := events[0].State.GetName()
	u.Answer(name)
	clock, err := k.due(u, sc, opened(events))
	if err != nil {
		return err
	}
	for i, e := range events {
		e.State.Clock = clock
		because(u, e.Rules...)
		if i == 0 {
			err = u.Create(name, e.State, e.Change)
		} else {
			err = u.Update(name, e.State, e.Change)
		}
		if err != nil {
			return err
		}
	}
	if err := k.countAction(u, sc, opened(events)); err != nil {
		return err
	}
	return k.follow(u, sc, events)
}

// due starts the clock of an action that has a date in the future and no clock yet.
func (k *Desk) due(u *journal.Unit, sc *Scene, a *correctiveactionv1.Action) (string, error) {
	if a.GetClock() != "" || a.GetDueTime() == nil || !a.GetDueTime().AsTime().After(sc.At) {
		return a.GetClock(), nil
	}
	owedBy := []string{}
	if a.GetOwner() != "" {
		owedBy = append(owedBy, a.GetOwner())
	}
	c, err := clocks.Start(u, clocks.Spec{
		Subject: a.GetName(), Complaint: a.GetComplaint(), Kind: ClockKind, Rule: a.GetRule(), Revision: a.GetPolicyRevision(),
		Start: sc.At, Fixed: a.GetDueTime().AsTime(), Calendar: sc.Policy.Calendar(), OwedBy: owedBy, Round: 1,
	})
	if err != nil {
		return "", err
	}
	return c.GetName(), nil
}

// Store stores the next states of an action and lets follow what the pack says about
// them. Carrying it out meets its clock; being found not effective leaves it met: the
// date was kept, the work was not good enough.
func (k *Desk) Store(u *journal.Unit, sc *Scene, events []domain.Event) error {
	if len(events) == 0 {
		return nil
	}
	clock, err := k.due(u, sc, opened(events))
	if err != nil {
		return err
	}
	for _, e := range events {
		e.State.Clock = clock
		because(u, e.Rules...)
		if err := u.Update(e.State.GetName(), e.State, e.Change); err != nil {
			return err
		}
		if clock == "" {
			continue
		}
		switch e.Change.(type) {
		case *correctiveactionv1.ActionImplemented:
			err = clocks.Meet(u, e.State.GetName(), ClockKind, u.Time())
		case *correctiveactionv1.ActionCancelled:
			err = clocks.Cancel(u, e.State.GetName(), ClockKind)
		}
		if err != nil {
			return err
		}
	}
	return k.follow(u, sc, events)
}

// follow lets follow what the pack says about events of an action.
func (k *Desk) follow(u *journal.Unit, sc *Scene, events []domain.Event) error {
	for i, e := range events {
		next := sc.Of(e.State.GetDepartment()).With(sheet.WithCorrective(sc.Sheet, e.Change, e.State))
		next.Cause = e.State.GetName()
		next.Source = fmt.Sprintf("%s@%d#%d", e.State.GetName(), u.Time().UnixMicro(), i)
		for _, t := range trigger.Of(e.Change, e.State) {
			if _, err := k.Follow(u, next, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// Owe opens an action under a name derived from its cause, so that it can be asked for
// at once and comes into being once.
func (k *Desk) Owe(u *journal.Unit, sc *Scene, cause string, id domain.Identity, in *correctiveactionv1.Action) error {
	id.Name = "actions/" + derived(cause)
	if _, err := u.Get(id.Name, &correctiveactionv1.Action{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	var err error
	if id.Number, err = Number(u, sc.Policy.Calendar().Location(), k.shard(sc.key(id.Name))); err != nil {
		return err
	}
	in = proto.CloneOf(in)
	in.PolicyRevision = sc.Revision
	events, err := domain.Owe(id, sc.Complaint, in, k.Act(u, sc, ""))
	if err != nil {
		return err
	}
	return k.Open(u, sc, events)
}

// key is that of the complaint, or of the resource itself.
func (sc *Scene) key(name string) string {
	if c := sc.Complaint.GetName(); c != "" {
		return c
	}
	return name
}

// derived returns the id that a cause gives to what follows from it, once.
func derived(cause string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(cause)).String() }

// ordered is derived for what is listed by time: the newer the event, the greater the
// id, and within one event the further its consequences. depth is below 4096.
func ordered(at time.Time, depth int, cause string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(cause))
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6], id[7] = 0x70|byte(depth>>8)&0x0f, byte(depth)
	return id.String()
}

// countAction counts a new action.
func (k *Desk) countAction(u *journal.Unit, sc *Scene, a *correctiveactionv1.Action) error {
	next := sc.Of(a.GetDepartment()).With(sheet.WithAction(sc.Sheet, a))
	next.Cause, next.Source = a.GetName(), a.GetName()+"#opened"
	return k.count(u, next, policyv1.Of_OF_ACTIONS, 1, Thing{Name: a.GetName(), Department: a.GetDepartment(), Person: a.GetOwner(), State: a})
}

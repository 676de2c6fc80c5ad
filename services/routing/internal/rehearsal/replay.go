package rehearsal

import (
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/rehearse"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/domain"
)

// Reasons why a case is not replayed.
const (
	// NoComplaint: it belongs to goods on their way back, or its complaint was never heard of.
	NoComplaint = "NO_COMPLAINT"
	// TooLong: more happened to it than a replay reads.
	TooLong = "TOO_LONG"
)

// NotReplayedError is a case that cannot be replayed; its text is one of the reasons above.
type NotReplayedError string

func (e NotReplayedError) Error() string { return string(e) }

// maxFirings bounds how often clocks of one case fire in a replay: a case that stays open counts days of
// delay for ever, and what they bring about has shown itself by then.
const maxFirings = 200

// maxIssued bounds the notices of one replay, should issuing one bring about another without end.
const maxIssued = 200

// Replay runs what is on record of a case through the engine under a pack and returns what the pack
// decides. The rules are those of live cases (domain.Open, domain.Follow); only acts of people and news of other
// services are taken from the record, each at its instant. It changes nothing and may run side by side.
//
// Cost: about a millisecond for a case of twenty events.
func Replay(p *policy.Policy, r *Record) (*rehearse.Outcome, error) {
	switch {
	case r.Complaint == nil || len(r.versions) == 0:
		return nil, NotReplayedError(NoComplaint)
	case r.cut:
		return nil, NotReplayedError(TooLong)
	}
	x := &replay{policy: p, record: r, out: &rehearse.Outcome{}, states: map[string]proto.Message{}}
	x.book = x.bookOf(nil)
	for _, m := range x.moments() {
		if m.at.After(r.Until) {
			break
		}
		if err := x.advance(m.at); err != nil {
			return nil, err
		}
		if err := x.step(m); err != nil {
			return nil, err
		}
	}
	if err := x.advance(r.Until); err != nil {
		return nil, err
	}
	x.conclude()
	return x.out, nil
}

// replay is one case on its way through one pack.
type replay struct {
	policy *policy.Policy
	record *Record
	out    *rehearse.Outcome

	kase    *routingv1.Case
	plan    *routingv1.Plan
	book    *domain.ClockBook
	states  map[string]proto.Message
	owed    []*policyv1.Notice // to be issued, in order
	waiting []waiting
	fired   int
	issued  int
	now     time.Time
}

// waiting is a rule of another service's that waits for facts.
type waiting struct {
	rule policy.Pending
	from domain.Trigger
}

func (x *replay) bookOf(clocks []*clockv1.Clock) *domain.ClockBook {
	return domain.NewClockBook(clocks, x.policy.Calendar(), func(*clockv1.Clock) (*calendar.Calendar, error) { return x.policy.Calendar(), nil })
}

// step takes one moment of the record and everything that follows from it.
func (x *replay) step(m moment) error {
	x.now = m.at
	if m.opens {
		d := domain.Open(x.policy, m.at, x.complaint(m.at))
		d.Watch(x.watch)
		if err := domain.Follow(d, hands{x},
			domain.Trigger{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_COMPLAINT_RECEIVED}, At: x.record.Complaint.GetReceiveTime().AsTime()},
			domain.Trigger{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_COMPLAINT_REGISTERED}, At: m.at},
		); err != nil {
			return err
		}
		return x.issue()
	}
	if x.kase == nil {
		return nil // before the case was opened
	}
	x.given(m.state)
	if m.plan != nil {
		x.plan = m.plan
	}
	if err := x.act(m.do); err != nil {
		return err
	}
	return x.issue()
}

// act decides something about the case as it stands in the replay.
func (x *replay) act(do func(d *domain.Decision) []domain.Trigger) error {
	d := domain.Begin(x.policy, x.now, x.kase, x.plan)
	d.Watch(x.watch)
	var triggers []domain.Trigger
	if do != nil {
		triggers = do(d)
	}
	if err := domain.Follow(d, hands{x}, triggers...); err != nil {
		return err
	}
	x.reconsider(d)
	return nil
}

// issue takes every notice that is owed for sent at once: what the pack lets follow from it counts.
func (x *replay) issue() error {
	for len(x.owed) > 0 && x.issued < maxIssued {
		n := x.owed[0]
		x.owed = x.owed[1:]
		x.issued++
		err := x.act(func(d *domain.Decision) []domain.Trigger {
			d.NoticeIssued(n.GetId())
			return []domain.Trigger{{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_NOTICE_ISSUED, ID: n.GetId()}, At: x.now}}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// reconsider decides again what other services would keep waiting for facts.
func (x *replay) reconsider(d *domain.Decision) {
	all := x.waiting
	x.waiting = nil
	for _, w := range all {
		s := domain.Scoped(d.Sheet(x.complaint(x.now)), w.from.Subject)
		x.watch(x.policy.Decide(w.rule, strings.TrimPrefix(w.from.Event.String(), "EVENT_"), w.from.ID, s), w.from, s)
	}
}

// advance lets clocks fire until an instant.
func (x *replay) advance(to time.Time) error {
	for x.kase != nil && x.fired < maxFirings {
		var next *clockv1.Clock
		for _, c := range x.book.Clocks() {
			due := c.GetNextFireTime()
			if due == nil || c.GetState() == clockv1.Clock_STATE_STOPPED || !due.AsTime().Before(to) {
				continue
			}
			if next == nil || due.AsTime().Before(next.GetNextFireTime().AsTime()) {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		x.fired++
		x.now = next.GetNextFireTime().AsTime()
		fired, changes, err := slaclock.Fire(x.policy.Calendar(), next, x.now)
		if err != nil {
			return err
		}
		x.replace(fired)
		err = x.act(func(d *domain.Decision) []domain.Trigger {
			var triggers []domain.Trigger
			for _, change := range changes {
				o := domain.ClockOutcome{Clock: fired, Change: change}
				d.ClockChanged(o)
				triggers = append(triggers, domain.ClockTriggers(o, domain.Trigger{At: x.now})...)
			}
			return triggers
		})
		if err != nil {
			return err
		}
		if err := x.issue(); err != nil {
			return err
		}
	}
	return nil
}

// replace puts a clock into the book in place of the one of its name.
func (x *replay) replace(c *clockv1.Clock) {
	all := x.book.Clocks()
	if i := slices.IndexFunc(all, func(o *clockv1.Clock) bool { return o.GetName() == c.GetName() }); i >= 0 {
		all[i] = c
	}
	x.book = x.bookOf(all)
}

// change applies a recorded act to the clock of that name, if the replay has it and the act is possible.
func (x *replay) change(name string, do func(*calendar.Calendar, *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error)) {
	for _, c := range x.book.Clocks() {
		if c.GetName() != name {
			continue
		}
		if next, _, err := do(x.policy.Calendar(), c); err == nil {
			x.replace(next)
		}
	}
}

// complaint returns the complaint as far as it was found out at an instant: facts as last heard of,
// verification, judgement, forms and the rest when they were made.
func (x *replay) complaint(at time.Time) *intakev1.Complaint {
	c := x.record.Complaint
	later := func(t interface{ AsTime() time.Time }) bool { return t.AsTime().After(at) }
	if !later(c.GetUpdateTime()) {
		return c
	}
	out := proto.CloneOf(c)
	if c.GetVerification() != nil && later(c.GetVerification().GetVerifyTime()) {
		out.Verification = nil
	}
	if c.GetJudgement() != nil && later(c.GetJudgement().GetJudgeTime()) {
		out.Judgement = nil
	}
	out.Forms = slices.DeleteFunc(out.GetForms(), func(f *intakev1.FilledForm) bool { return later(f.GetFillTime()) })
	return out
}

// given takes over what people and other services decided about the case, as recorded.
func (x *replay) given(state *routingv1.Case) {
	if state == nil {
		return
	}
	k := proto.CloneOf(x.kase)
	k.Category, k.Owner, k.Cause, k.CauseSource, k.Liability, k.Facts = state.GetCategory(), state.GetOwner(), state.GetCause(), state.GetCauseSource(), state.GetLiability(), state.GetFacts()
	k.Transfers, k.FrontLine, k.Offers, k.CurrentOffer = state.GetTransfers(), state.GetFrontLine(), state.GetOffers(), state.GetCurrentOffer()
	k.Lookups, k.Diagnosis, k.Contacts, k.Replied, k.Result = state.GetLookups(), state.GetDiagnosis(), state.GetContacts(), state.GetReplied(), state.GetResult()
	k.Interventions, k.TriedCards, k.DraftApproved, k.CurrentPlan = state.GetInterventions(), state.GetTriedCards(), state.GetDraftApproved(), state.GetCurrentPlan()
	k.Approved = state.GetApproved()
	if x.byPerson(state) {
		k.Departments, k.AssignRule = state.GetDepartments(), state.GetAssignRule()
	}
	for scale, g := range state.GetGrades() {
		if g.GetApproved() {
			if k.Grades == nil {
				k.Grades = map[string]*routingv1.Grade{}
			}
			k.Grades[scale] = g
		}
	}
	for _, st := range state.GetSteps() {
		if st.GetState() != routingv1.Step_STATE_DONE && st.GetState() != routingv1.Step_STATE_SKIPPED {
			continue
		}
		i := slices.IndexFunc(k.GetSteps(), func(o *routingv1.Step) bool { return o.GetId() == st.GetId() && o.GetRound() == st.GetRound() })
		if i < 0 {
			k.Steps = append(k.Steps, st)
		} else {
			k.Steps[i] = st
		}
	}
	x.kase = k
}

// byPerson tells that departments are responsible because a person said so or signed it, not by a row of
// the pack.
func (x *replay) byPerson(state *routingv1.Case) bool {
	rule := state.GetAssignRule().GetRule()
	return len(state.GetDepartments()) > 0 && (rule == "" || len(state.GetTransfers()) > 0 || x.record.Policy.Approval(rule) != nil)
}

// hands keep what the engine asks for, in memory.
type hands struct{ x *replay }

// Store implements [domain.Surroundings].
func (h hands) Store(e domain.Event) error {
	h.x.states[e.Name] = e.State
	switch m := e.State.(type) {
	case *routingv1.Case:
		h.x.kase = m
	case *routingv1.Plan:
		h.x.plan = m
	case *routingv1.CaseApproval:
		if e.New {
			h.x.approver(m.GetApproval().GetId(), m.GetApproval())
		}
	}
	return nil
}

// Clock implements [domain.Surroundings].
func (h hands) Clock(c domain.ClockCommand) ([]domain.ClockOutcome, error) { return h.x.book.Do(c) }

// Complaint implements [domain.Surroundings].
func (h hands) Complaint() *intakev1.Complaint { return h.x.complaint(h.x.now) }

// Subject implements [domain.Surroundings].
func (h hands) Subject(name string) (proto.Message, error) {
	if m := h.x.states[name]; m != nil {
		return m, nil
	}
	if f := h.x.record.followUps[name]; f != nil {
		return f, nil
	}
	for _, c := range h.x.record.claims {
		if c.GetName() == name {
			return c, nil
		}
	}
	return nil, nil
}

// notReplayed returns why a replay failed, in a word.
func notReplayed(err error) (string, bool) {
	if e, ok := errors.AsType[NotReplayedError](err); ok {
		return string(e), true
	}
	return "", false
}

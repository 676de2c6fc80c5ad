package domain_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/domain"
)

// template compiles the pack of P26 once.
var template = sync.OnceValues(func() (*policy.Policy, error) { return compile("generic-template") })

func compile(pack string) (*policy.Policy, error) {
	p, _, err := policy.LoadShipped(pack)
	if err != nil {
		return nil, err
	}
	compiled, findings := policy.Compile(p, policy.Options{})
	if compiled == nil {
		return nil, fault.New(fault.Internal, findings[0].String())
	}
	return compiled, nil
}

// local returns an instant of 2026 in Shanghai, written "04-08 17:20" or "04-08 17:20:00".
func local(t require.TestingT, text string) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	if len(text) == len("04-08 17:20") {
		text += ":00"
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+text, zone)
	require.NoError(t, err)
	return at.UTC()
}

// person is somebody with pack roles, written as a pack's who.
func person(name string, roles ...string) domain.Person {
	return domain.Person{Name: "people/" + name, Matches: func(who string) (bool, string) { return slices.Contains(roles, who), "" }}
}

func specialist() domain.Person {
	return person("specialist", "customer_service_specialist", "owner")
}

func group() domain.Person {
	return person("group", "anyone@complaint_handling_group")
}
func other() domain.Person    { return person("other", "anyone@complaint_handling_group") }
func director() domain.Person { return person("director", "department_director") }
func operations() domain.Person {
	return person("operations", "operations_director")
}

// world is what lies round a case, in memory.
type world struct {
	policy    *policy.Policy
	complaint *intakev1.Complaint
	kase      *routingv1.Case
	plan      *routingv1.Plan
	states    map[string]proto.Message
	events    []domain.Event
	clocks    []domain.ClockOutcome
	book      *domain.ClockBook
}

func newWorld(t require.TestingT, p *policy.Policy) *world {
	return &world{policy: p, states: map[string]proto.Message{}, book: domain.NewClockBook(nil, p.Calendar(), known(p))}
}

func known(p *policy.Policy) func(*clockv1.Clock) (*calendar.Calendar, error) {
	return func(*clockv1.Clock) (*calendar.Calendar, error) { return p.Calendar(), nil }
}

// attempt is one act on a copy of the world, so that a refusal leaves nothing behind.
type attempt struct {
	*world
	states map[string]proto.Message
	book   *domain.ClockBook
	events []domain.Event
	clocks []domain.ClockOutcome
}

func (a *attempt) Store(e domain.Event) error {
	_, there := a.states[e.Name]
	if e.New == there {
		return fault.New(fault.Internal, "STORE", "name", e.Name)
	}
	a.states[e.Name] = e.State
	a.events = append(a.events, e)
	return nil
}

func (a *attempt) Clock(c domain.ClockCommand) ([]domain.ClockOutcome, error) {
	out, err := a.book.Do(c)
	a.clocks = append(a.clocks, out...)
	return out, err
}

func (a *attempt) Complaint() *intakev1.Complaint { return a.complaint }

func (a *attempt) Subject(name string) (proto.Message, error) { return a.states[name], nil }

// run decides an act and takes its result over, unless it is refused.
func (w *world) run(d *domain.Decision, triggers ...domain.Trigger) error {
	a := &attempt{world: w, states: maps.Clone(w.states), book: domain.NewClockBook(w.book.Clocks(), w.policy.Calendar(), known(w.policy))}
	if err := domain.Follow(d, a, triggers...); err != nil {
		return err
	}
	w.states, w.book, w.events, w.clocks = a.states, a.book, append(w.events, a.events...), append(w.clocks, a.clocks...)
	for _, e := range a.events {
		switch m := e.State.(type) {
		case *routingv1.Case:
			w.kase = m
		case *routingv1.Plan:
			w.plan = m
		}
	}
	return nil
}

// act decides an act of a person at an instant.
func (w *world) act(at time.Time, do func(d *domain.Decision, s *policy.Sheet) error) error {
	d := domain.Begin(w.policy, at, w.kase, w.plan)
	if err := do(d, d.Sheet(w.complaint)); err != nil {
		return err
	}
	return w.run(d)
}

// register registers a complaint received at an instant and opens its case.
func (w *world) register(t require.TestingT, received time.Time, facts map[string]*typev1.Fact) {
	w.complaint = &intakev1.Complaint{
		Name: "complaints/c1", Number: "C20260408-0001", State: intakev1.Complaint_STATE_REGISTERED, Channel: "telephone",
		Complainant: &intakev1.Complainant{Telephone: "1"}, ReceiveTime: timestamppb.New(received), Category: "product_quality",
		Facts: facts, Forms: []*intakev1.FilledForm{{Form: "registration"}}, Pack: "generic-template", PolicyRevision: "packs/generic-template/revisions/r1",
		Subject: "subjects/s1",
	}
	require.NoError(t, w.run(domain.Open(w.policy, received, w.complaint),
		on(policyv1.Event_EVENT_COMPLAINT_RECEIVED, received), on(policyv1.Event_EVENT_COMPLAINT_REGISTERED, received)))
}

func on(event policyv1.Event, at time.Time) domain.Trigger {
	return domain.Trigger{Trigger: trigger.Trigger{Event: event}, At: at}
}

// verify records that the facts were verified.
func (w *world) verify(t require.TestingT, at time.Time) {
	w.complaint = proto.CloneOf(w.complaint)
	w.complaint.State = intakev1.Complaint_STATE_VERIFIED
	w.complaint.Verification = &intakev1.Verification{VerifyTime: timestamppb.New(at)}
	d := domain.Begin(w.policy, at, w.kase, w.plan)
	d.Verified()
	require.NoError(t, w.run(d, on(policyv1.Event_EVENT_COMPLAINT_VERIFIED, at)))
}

// answer records the customer's answer to the open follow-up.
func (w *world) answer(t require.TestingT, at time.Time, confirmed string) {
	owed := open(w.kase, domain.FollowUp)
	require.NotNil(t, owed)
	f := &notificationv1.FollowUp{
		Name: owed.GetResource(), Kind: owed.GetRule().GetRule(), State: notificationv1.FollowUp_STATE_ANSWERED, Round: w.kase.GetRound(),
		Satisfied: confirmed == "satisfied", AnswerTime: timestamppb.New(at), Facts: map[string]*typev1.Fact{"confirmed": choice(confirmed)},
	}
	d := domain.Begin(w.policy, at, w.kase, w.plan)
	var triggers []domain.Trigger
	if d.Answered(f.GetName(), f.GetSatisfied(), f.GetRound(), at) {
		tr := on(policyv1.Event_EVENT_FOLLOW_UP_ANSWERED, at)
		tr.ID, tr.Resource, tr.Subject = f.GetKind(), f.GetName(), f
		triggers = append(triggers, tr)
	}
	require.NoError(t, w.run(d, triggers...))
}

func open(k *routingv1.Case, kind string) *typev1.Obligation {
	for _, o := range k.GetObligations() {
		if o.GetKind() == kind && o.GetState() == typev1.Obligation_STATE_OPEN {
			return o
		}
	}
	return nil
}

// fire lets everything fall due that does by an instant.
func (w *world) fire(t require.TestingT, at time.Time) {
	for i, c := range w.book.Clocks() {
		next, changes, err := slaclock.Fire(w.policy.Calendar(), c, at)
		require.NoError(t, err)
		if len(changes) == 0 {
			continue
		}
		all := w.book.Clocks()
		all[i] = next
		w.book = domain.NewClockBook(all, w.policy.Calendar(), known(w.policy))
		d := domain.Begin(w.policy, at, w.kase, w.plan)
		var triggers []domain.Trigger
		for _, change := range changes {
			o := domain.ClockOutcome{Clock: next, Change: change}
			w.clocks = append(w.clocks, o)
			d.ClockChanged(o)
			triggers = append(triggers, domain.ClockTriggers(o, domain.Trigger{At: at})...)
		}
		require.NoError(t, w.run(d, triggers...))
	}
}

// clock returns the newest clock whose name ends so.
func (w *world) clock(t require.TestingT, suffix string) *clockv1.Clock {
	var found *clockv1.Clock
	for _, c := range w.book.Clocks() {
		if strings.HasSuffix(c.GetName(), "/clocks/"+suffix) {
			found = c
		}
	}
	require.NotNil(t, found, suffix)
	return found
}

func flag(v bool) *typev1.Fact     { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v}} }
func text(v string) *typev1.Fact   { return &typev1.Fact{Value: &typev1.Fact_Text{Text: v}} }
func choice(v string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: v}} }

func approve(p domain.Person) domain.Signature {
	return domain.Signature{By: p, Decision: typev1.Decision_DECISION_APPROVE}
}

func work(id, limit string) *routingv1.Measure {
	return &routingv1.Measure{Id: id, Description: "~sealed", Limit: limit}
}

func proposed(measures ...*routingv1.Measure) domain.Proposed {
	return domain.Proposed{Measures: measures, Summary: "~sealed", By: specialist()}
}

// refused asserts a refusal with its reason and, unless empty, the clause of its rule.
func refused(t *testing.T, err error, reason, clause string) {
	t.Helper()
	_ = refusal(t, err, reason, clause)
}

// refusal is refused that returns the fault.
func refusal(t *testing.T, err error, reason, clause string) *fault.Error {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, reason, f.Reason)
	if clause != "" {
		require.Equal(t, clause, f.Rule.GetClause())
	}
	return f
}

// approved brings a case to an approved plan at an instant.
func (w *world) approved(t require.TestingT, at time.Time, measures ...*routingv1.Measure) {
	require.NoError(t, w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.ProposePlan(proposed(measures...), s) }))
	require.NoError(t, w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(approve(group()), s) }))
	require.NoError(t, w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(approve(operations()), s) }))
}

// started brings a case to a running plan.
func (w *world) started(t require.TestingT, at time.Time, measures ...*routingv1.Measure) {
	w.approved(t, at, measures...)
	require.NoError(t, w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.StartPlan(specialist(), s) }))
}

func (w *world) complete(at time.Time, id string) error {
	return w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.CompleteMeasure(id, specialist(), s) })
}

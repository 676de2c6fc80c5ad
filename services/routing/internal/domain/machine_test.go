package domain_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/domain"
)

// move is one act of a random sequence: what and when, so that a sequence can be
// played again.
type move struct {
	name  string
	after time.Duration
	do    func(w *world, at time.Time) error
}

func decide(do func(d *domain.Decision, s *policy.Sheet) error) func(*world, time.Time) error {
	return func(w *world, at time.Time) error { return w.act(at, do) }
}

// moves draws an act of somebody who may or may not do it, in whatever state the
// case is.
func moves(t *rapid.T, n int) move {
	who := rapid.SampledFrom([]domain.Person{specialist(), group(), other(), director(), operations()}).Draw(t, "who")
	sign := domain.Signature{By: who, Comment: "~c", Decision: rapid.SampledFrom([]typev1.Decision{
		typev1.Decision_DECISION_APPROVE, typev1.Decision_DECISION_APPROVE, typev1.Decision_DECISION_REJECT, typev1.Decision_DECISION_RETURN,
	}).Draw(t, "decision")}
	kind := rapid.SampledFrom([]routingv1.Measure_Kind{
		routingv1.Measure_KIND_WORK, routingv1.Measure_KIND_COMPENSATION, routingv1.Measure_KIND_CORRECTIVE_ACTION,
	}).Draw(t, "kind")
	limit := rapid.SampledFrom([]string{"", "1 h", "5 working days"}).Draw(t, "limit")
	level := rapid.SampledFrom([]string{"general", "serious", "major"}).Draw(t, "level")
	word := rapid.SampledFrom([]string{"satisfied", "not_satisfied"}).Draw(t, "answer")
	measure := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "measure")
	all := []move{
		{name: "assign", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.Assign(domain.Assignment{By: who}, s) })},
		{name: "owner", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.NameOwner("people/o", who, s) })},
		{name: "verify", do: func(w *world, at time.Time) error { w.verify(t, at); return nil }},
		{name: "classify", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.DoStep(domain.Duty{Step: "classify", By: who, Facts: map[string]*typev1.Fact{"basis": text("~"), "grading_reason": text("~")}}, s)
		})},
		{name: "step", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.DoStep(domain.Duty{Step: "weekly_progress", By: who}, s)
		})},
		{name: "skip", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.SkipStep(domain.Duty{Step: "obtain_records", By: who, Note: "~"}, s)
		})},
		{name: "grade", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.ProposeGrade(domain.Proposal{Scale: "severity", Level: level, Basis: "~", By: who}, s)
		})},
		{name: "sign grade", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.SignGrade(sign, s) })},
		{name: "propose", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.ProposePlan(domain.Proposed{By: who, Measures: []*routingv1.Measure{{Id: "a", Limit: limit, Kind: kind}, {Id: "b", Limit: "1 week"}}}, s)
		})},
		{name: "sign plan", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(sign, s) })},
		{name: "start", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.StartPlan(who, s) })},
		{name: "complete", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.CompleteMeasure(measure, who, s) })},
		{name: "delay", do: func(w *world, at time.Time) error {
			return w.act(at, func(d *domain.Decision, s *policy.Sheet) error {
				return d.DelayMeasure(domain.Delay{Measure: measure, Reason: "~", Due: at.Add(240 * time.Hour), By: who}, s)
			})
		}},
		{name: "reply", do: func(w *world, at time.Time) error {
			return w.act(at, func(d *domain.Decision, s *policy.Sheet) error {
				return d.RecordReply(fmt.Sprintf("cases/c1/replies/%04d", n), &routingv1.Reply{
					Medium: "sms", Substantive: level != "general", Content: "~", SendTime: timestamppb.New(at.Add(-time.Hour)),
				}, who, s)
			})
		}},
		{name: "finding", do: decide(func(d *domain.Decision, s *policy.Sheet) error {
			return d.RecordFinding(fmt.Sprintf("cases/c1/findings/%04d", n), &routingv1.Finding{Content: "~", Cause: level == "major"}, who, s)
		})},
		{name: "outside", do: func(w *world, at time.Time) error { return elsewhere(w, at, level) }},
		{name: "answer", do: func(w *world, at time.Time) error {
			if open(w.kase, domain.FollowUp) != nil {
				w.answer(t, at, word)
			}
			return nil
		}},
		{name: "fire", do: func(w *world, at time.Time) error { w.fire(t, at); return nil }},
		{name: "close", do: decide(func(d *domain.Decision, s *policy.Sheet) error { return d.Close(who, s) })},
	}
	if n > 25 {
		all = append(all, move{name: "withdraw", do: func(w *world, at time.Time) error {
			d := domain.Begin(w.policy, at, w.kase, w.plan)
			d.Withdraw()
			return w.run(d, on(policyv1.Event_EVENT_COMPLAINT_WITHDRAWN, at))
		}})
	}
	if rapid.Bool().Draw(t, "advance") {
		all = []move{{name: "advance", do: func(w *world, at time.Time) error { return advance(t, w, at, word, kind) }}}
	}
	m := rapid.SampledFrom(all).Draw(t, "move")
	m.after = time.Duration(rapid.IntRange(0, 30*3600).Draw(t, "after")) * time.Second
	return m
}

// advance does what brings the case on, by somebody who may: otherwise random acts
// hardly ever get past the first signature.
func advance(t *rapid.T, w *world, at time.Time, answer string, kind routingv1.Measure_Kind) error {
	with := func(do func(d *domain.Decision, s *policy.Sheet) error) error { return w.act(at, do) }
	if w.complaint.GetVerification() == nil {
		w.verify(t, at)
		return nil
	}
	switch w.plan.GetState() {
	case routingv1.Plan_STATE_PROPOSED:
		by := group()
		if next := approval.Next(w.plan.GetApproval()); slices.Contains(next, "operations_director") {
			by = operations()
		}
		return with(func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(approve(by), s) })
	case routingv1.Plan_STATE_APPROVED:
		return with(func(d *domain.Decision, s *policy.Sheet) error { return d.StartPlan(specialist(), s) })
	case routingv1.Plan_STATE_RUNNING:
		for _, m := range w.plan.GetMeasures() {
			if m.GetState() == routingv1.Measure_STATE_RUNNING && m.GetKind() == routingv1.Measure_KIND_WORK {
				return w.complete(at, m.GetId())
			}
		}
		return elsewhere(w, at, "general")
	case routingv1.Plan_STATE_CARRIED_OUT:
		if open(w.kase, domain.FollowUp) != nil {
			w.answer(t, at, answer)
			return nil
		}
		if w.kase.GetSatisfaction().GetSatisfied() {
			return with(func(d *domain.Decision, s *policy.Sheet) error { return d.Close(specialist(), s) })
		}
	}
	return with(func(d *domain.Decision, s *policy.Sheet) error {
		return d.ProposePlan(proposed(&routingv1.Measure{Id: "a", Kind: kind, Limit: "2 working days"}, work("b", "1 week")), s)
	})
}

// elsewhere lets another service end what it owes, well or badly.
func elsewhere(w *world, at time.Time, how string) error {
	for _, kind := range []string{domain.Compensation, domain.CorrectiveAction} {
		o := open(w.kase, kind)
		if o == nil {
			continue
		}
		d := domain.Begin(w.policy, at, w.kase, w.plan)
		switch how {
		case "general":
			d.Discharge(o.GetId(), typev1.Obligation_STATE_DONE)
			d.MeasureDone(o.GetId())
		case "serious":
			d.Discharge(o.GetResource(), typev1.Obligation_STATE_REFUSED)
			d.MeasureRefused(o.GetResource())
		default:
			d.Discharge(o.GetId(), typev1.Obligation_STATE_WITHDRAWN)
			d.MeasureCancelled(o.GetId())
		}
		return w.run(d)
	}
	return nil
}

// TestNoSequenceOfActsReachesAnIllegalState plays random acts of people who may
// and may not do them, checks what must always hold after each, and plays the
// same acts again: the same events come out.
func TestNoSequenceOfActsReachesAnIllegalState(t *testing.T) {
	t.Parallel()
	p, err := template()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		received := local(t, "04-08 17:20")
		w := newWorld(t, p)
		w.register(t, received, nil)
		played := make([]move, rapid.IntRange(5, 60).Draw(t, "acts"))
		at := received
		for i := range played {
			played[i] = moves(t, i)
			at = at.Add(played[i].after)
			step(t, w, played[i], at)
		}

		again := newWorld(t, p)
		again.register(t, received, nil)
		at = received
		for _, m := range played {
			at = at.Add(m.after)
			_ = m.do(again, at) // refused the same way, or the events differ
		}
		require.Len(t, again.events, len(w.events))
		for i, e := range w.events {
			require.Equal(t, e.Name, again.events[i].Name)
			require.True(t, proto.Equal(e.State, again.events[i].State), "%s", e.Name)
			require.True(t, proto.Equal(e.Change, again.events[i].Change), "%s", e.Name)
		}
	})
}

// step plays one act and checks what it must not do.
func step(t *rapid.T, w *world, m move, at time.Time) {
	before, told := proto.CloneOf(w.kase), len(w.events)
	inputs := maps.Clone(w.states)
	copies := map[string]proto.Message{}
	for name, s := range inputs {
		copies[name] = proto.Clone(s)
	}
	err := m.do(w, at)
	for name, s := range inputs {
		require.True(t, proto.Equal(s, copies[name]), "%s changed %s in place", m.name, name)
	}
	if err != nil {
		f, ok := fault.As(err)
		require.True(t, ok, "%s: %v", m.name, err)
		require.NotEqual(t, fault.Internal, f.Kind, "%s: %v", m.name, err)
		require.Len(t, w.events, told, "a refusal leaves nothing behind")
		require.True(t, proto.Equal(before, w.kase))
	}
	always(t, w, before, m.name)
}

// always checks what holds in every state.
func always(t *rapid.T, w *world, before *routingv1.Case, act string) {
	k := w.kase
	final := func(k *routingv1.Case) bool {
		return k.GetState() == routingv1.Case_STATE_CLOSED || k.GetState() == routingv1.Case_STATE_WITHDRAWN
	}
	require.NotEqual(t, routingv1.Case_STATE_UNSPECIFIED, k.GetState())
	if final(before) {
		require.Equal(t, before.GetState(), k.GetState(), "%s leaves a final state", act)
	}
	require.Equal(t, k.GetState() == routingv1.Case_STATE_CLOSED, k.GetCloseTime() != nil)
	require.GreaterOrEqual(t, k.GetRound(), before.GetRound())
	if k.GetState() == routingv1.Case_STATE_CLOSED {
		require.True(t, k.GetSatisfaction().GetSatisfied(), "closed without the customer's word")
		require.Equal(t, k.GetRound(), k.GetSatisfaction().GetRound())
	}
	ids := map[string]bool{}
	for _, o := range k.GetObligations() {
		require.False(t, ids[o.GetId()] || ids[o.GetResource()], "obligations are unique")
		ids[o.GetId()], ids[o.GetResource()] = true, true
		require.Equal(t, o.GetState() == typev1.Obligation_STATE_OPEN, o.GetDischargeTime() == nil)
		if final(k) && o.GetBlocksClose() {
			require.NotEqual(t, typev1.Obligation_STATE_OPEN, o.GetState())
		}
	}
	owed := map[string]int{}
	for _, st := range k.GetSteps() {
		if st.GetState() == routingv1.Step_STATE_OPEN || st.GetState() == routingv1.Step_STATE_OFFERED {
			owed[st.GetId()]++
			require.False(t, final(k), "a duty is owed by a case at its end")
		}
	}
	for id, n := range owed {
		require.Equal(t, 1, n, "%s is owed twice", id)
	}
	plans(t, w)
	runningClocks(t, w, final(k))
}

func plans(t *rapid.T, w *world) {
	k := w.kase
	n := 0
	for name, s := range w.states {
		p, ok := s.(*routingv1.Plan)
		if !ok {
			continue
		}
		n++
		st := p.GetState()
		if name != k.GetCurrentPlan() {
			require.NotContains(t, []routingv1.Plan_State{routingv1.Plan_STATE_PROPOSED, routingv1.Plan_STATE_APPROVED, routingv1.Plan_STATE_RUNNING}, st, "two plans at once")
		}
		if st == routingv1.Plan_STATE_RUNNING || st == routingv1.Plan_STATE_CARRIED_OUT {
			require.True(t, approval.Complete(p.GetApproval()), "carried out without approval")
			require.Contains(t, signers(p.GetApproval()), "people/operations")
		}
		require.NotContains(t, signers(p.GetApproval()), p.GetProposedBy(), "signed by its own author")
		if st == routingv1.Plan_STATE_CARRIED_OUT {
			for _, m := range p.GetMeasures() {
				require.Contains(t, []routingv1.Measure_State{routingv1.Measure_STATE_DONE, routingv1.Measure_STATE_CANCELLED}, m.GetState())
			}
		}
		require.Equal(t, p.GetRound() > 1, p.GetAdjusted())
		require.Equal(t, domain.PlanDigest(p.GetMeasures(), p.GetSummary()) == p.GetApproval().GetSealedDigest(), !delayed(w, p), "sealed to what was seen")
	}
	require.EqualValues(t, n, domain.PlanNumber(k), "plans are numbered without gaps")
}

// delayed tells whether a measure got another deadline after the approval.
func delayed(w *world, p *routingv1.Plan) bool {
	return slices.ContainsFunc(w.events, func(e domain.Event) bool {
		_, ok := e.Change.(*routingv1.MeasureDelayed)
		return ok && e.Name == p.GetName()
	})
}

func signers(a *typev1.Approval) []string {
	var out []string
	for _, s := range a.GetSteps() {
		for _, g := range s.GetSignatures() {
			out = append(out, g.GetPerson())
		}
	}
	return out
}

func runningClocks(t *rapid.T, w *world, final bool) {
	names := map[string]bool{}
	breached := map[string]bool{}
	for _, c := range w.book.Clocks() {
		require.False(t, names[c.GetName()], "two clocks of one name")
		names[c.GetName()] = true
		if final {
			require.Equal(t, clockv1.Clock_STATE_STOPPED, c.GetState(), "%s counts on a case at its end", c.GetName())
		}
		if c.GetBreachTime() != nil {
			breached[c.GetKind()] = true
		}
	}
	for _, kind := range w.kase.GetBreached() {
		require.True(t, breached[kind], "%s is noted as breached and is not", kind)
	}
	require.Len(t, w.kase.GetBreached(), len(breached))
}

package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/domain"
)

// handlingPack has a gate that may be passed with a reason, a consent that may be given by
// telephone, signatures on who is responsible, and a remedy with a ceiling.
const handlingPack = `
pack: handling
title: {zh: 处理, en: handling}
source: test
roles: [{id: chief, text: {zh: 主管, en: chief}}, {id: clerk, text: {zh: 职员, en: clerk}}]
departments: [{id: works, text: {zh: 车间, en: works}}, {id: legal, text: {zh: 法务, en: legal}}]
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
forms:
- {id: record, clause: "1", about: COMPLAINT, text: {zh: 记录, en: record}, fields: [{id: urgent_case, type: FLAG}, {id: written, type: FLAG}]}
stages:
- {id: taking, clause: "1", status: REGISTERED, enters: [COMPLAINT_RECEIVED], text: {zh: 受理, en: taking}, steps: [{id: write_record, clause: "1", by: [clerk], opens: [], text: {zh: 补记录, en: write it down}}]}
gates:
- {id: written_first, clause: "2", before: [REPLY, OFFER, PASS_ON], needs: [{fact: written}], waiver: {by: [chief], if: facts.urgent_case, owes: write_record}, text: {zh: 先记录, en: write it down first}}
approvals:
- {id: consent, of: CONSENT, clause: "3", text: {zh: 同意, en: consent}, urgent: {if: facts.urgent_case, paperwork: 24 h, form: record}, signs: [{id: look, kind: REVIEW, who: [clerk]}, {id: agree, kind: APPROVE, who: [chief]}]}
- {id: responsible, of: ASSIGNMENT, clause: "4", text: {zh: 责任部门, en: responsible}, signs: [{id: decide, kind: APPROVE, who: [chief]}]}
compensation:
  remedies: [{id: voucher, clause: "5", kind: GIFT, ceiling: "100.00", text: {zh: 礼券, en: voucher}}]
`

func handlingWorld(t *testing.T, facts map[string]*typev1.Fact) *world {
	t.Helper()
	p, findings := policy.Load("handling.yaml", []byte(handlingPack), nil)
	compiled, more := policy.Compile(p, policy.Options{})
	require.NotNil(t, compiled, "%v %v", findings, more)
	w := newWorld(t, compiled)
	w.register(t, local(t, "04-08 17:20"), facts)
	return w
}

func TestAGateIsPassedWithAReasonByWhoMayOnly(t *testing.T) {
	t.Parallel()
	reply := func(w *world, by domain.Person, waive, reason string) error {
		return w.act(local(t, "04-08 18:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.RecordReply(w.kase.GetName()+"/replies/1", &routingv1.Reply{Medium: "telephone", Content: "~", Waive: waive, WaiveReason: reason}, by, s)
		})
	}
	urgent := map[string]*typev1.Fact{"urgent_case": flag(true)}
	w := handlingWorld(t, urgent)
	refused(t, reply(w, chief(), "", ""), domain.ReasonGate, "2")
	refused(t, reply(w, clerk(), "written_first", "~why"), domain.ReasonWaiver, "2")
	refused(t, reply(w, chief(), "written_first", " "), domain.ReasonWaiver, "2")
	require.NoError(t, reply(w, chief(), "written_first", "~why"))
	passed := w.kase.GetPassedGates()
	require.Len(t, passed, 1)
	require.Equal(t, "written_first", passed[0].GetGate())
	require.Equal(t, "REPLY", passed[0].GetAct())
	require.Equal(t, "write_record", passed[0].GetOwes())

	calm := handlingWorld(t, map[string]*typev1.Fact{"urgent_case": flag(false)})
	refused(t, reply(calm, chief(), "written_first", "~why"), domain.ReasonWaiver, "2")
	require.Empty(t, calm.kase.GetPassedGates())
}

func TestWhoIsResponsibleWaitsForItsSignature(t *testing.T) {
	t.Parallel()
	w := handlingWorld(t, map[string]*typev1.Fact{"written": flag(true)})
	at := local(t, "04-09 10:00")
	require.NoError(t, w.act(at, func(d *domain.Decision, s *policy.Sheet) error {
		return d.Assign(domain.Assignment{Departments: []string{"departments/works"}, By: clerk()}, s)
	}))
	require.Empty(t, w.kase.GetDepartments(), "put forward, not decided")
	require.Len(t, w.kase.GetOpenApprovals(), 1)
	err := w.act(at, func(d *domain.Decision, s *policy.Sheet) error {
		return d.PassOn(domain.Passing{Departments: []string{"departments/works"}, By: clerk()}, s)
	})
	refused(t, err, domain.ReasonGate, "4")
	require.NoError(t, w.signCase(t, domain.Signature{By: chief(), Decision: typev1.Decision_DECISION_APPROVE}))
	require.Equal(t, []string{"departments/works"}, w.kase.GetDepartments())
	require.Empty(t, w.kase.GetOpenApprovals())
}

func TestAConsentByTelephoneOwesItsPapers(t *testing.T) {
	t.Parallel()
	w := handlingWorld(t, map[string]*typev1.Fact{"urgent_case": flag(true)})
	require.NoError(t, w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
		_, err := d.RequestApproval(domain.Wanted{Approval: "consent", By: person("asker")}, s)
		return err
	}))
	err := w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
		for _, a := range w.waiting() {
			d.Await(a)
		}
		_, err := d.RequestApproval(domain.Wanted{Approval: "consent", By: person("asker")}, s)
		return err
	})
	refused(t, err, domain.ReasonApprovalPending, "3")
	require.NoError(t, w.signCase(t, domain.Signature{By: chief(), Decision: typev1.Decision_DECISION_APPROVE, Telephone: true}))
	require.Contains(t, w.kase.GetApproved(), "consent")
	require.Equal(t, clockv1.Clock_STATE_RUNNING, w.clock(t, "consent-1").GetState())
	require.Equal(t, local(t, "04-10 11:00"), w.clock(t, "consent-1").GetDueTime().AsTime(), "24 h from the telephone")
}

func TestOffersKeepToThePackAndComeOneAtATime(t *testing.T) {
	t.Parallel()
	w := handlingWorld(t, map[string]*typev1.Fact{"written": flag(true)})
	yuan := func(a string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: a} }
	offer := func(remedy, amount string) error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			newest, _ := w.states[w.kase.GetCurrentOffer()].(*routingv1.Offer)
			return d.MakeOffer(&routingv1.Offer{Remedy: remedy, Amount: yuan(amount)}, newest, clerk(), s)
		})
	}
	refused(t, offer("gold", "1.00"), domain.ReasonRemedy, "")
	refused(t, offer("voucher", "0.00"), domain.ReasonAmount, "")
	refused(t, offer("voucher", "100.01"), domain.ReasonGate, "5")
	require.NoError(t, offer("voucher", "100.00"))
	refused(t, offer("voucher", "50.00"), domain.ReasonOfferOpen, "")
	answer := func() error {
		return w.act(local(t, "04-09 11:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.AnswerOffer(w.states[w.kase.GetCurrentOffer()].(*routingv1.Offer), domain.Reaction{By: clerk()}, s)
		})
	}
	require.NoError(t, answer())
	refused(t, answer(), domain.ReasonOfferState, "")
	require.NoError(t, offer("voucher", "50.00"))
	require.EqualValues(t, 2, w.kase.GetOffers())
}

func TestACaseIsSignedForAfterItWasPassedOnAndOnceByEach(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	sign := func(department string) error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.SignFor(domain.Taking{Department: department, By: clerk()}, s)
		})
	}
	refused(t, sign("departments/legal"), domain.ReasonNotPassedOn, "")
	require.NoError(t, w.act(local(t, "04-09 09:00"), func(d *domain.Decision, s *policy.Sheet) error {
		return d.PassOn(domain.Passing{Departments: []string{"departments/legal"}, By: clerk()}, s)
	}))
	refused(t, sign("departments/works"), domain.ReasonNotPassedOn, "")
	require.NoError(t, sign("departments/legal"))
	refused(t, sign("departments/legal"), domain.ReasonSignedFor, "")
}

// waiting are the approvals of the case that wait for signatures.
func (w *world) waiting() []*routingv1.CaseApproval {
	var out []*routingv1.CaseApproval
	for _, name := range w.kase.GetOpenApprovals() {
		out = append(out, w.states[name].(*routingv1.CaseApproval))
	}
	return out
}

// signCase decides on the approval that waits, an hour after ten.
func (w *world) signCase(t *testing.T, in domain.Signature) error {
	t.Helper()
	return w.act(local(t, "04-09 11:00"), func(d *domain.Decision, s *policy.Sheet) error {
		on := w.waiting()[0]
		d.Await(on)
		return d.SignApproval(on, in, s)
	})
}

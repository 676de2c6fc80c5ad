package approval_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"github.com/stretchr/testify/require"
)

const (
	addSigner = typev1.Decision_DECISION_ADD_SIGNER
	handOver  = typev1.Decision_DECISION_HAND_OVER
	remind    = typev1.Decision_DECISION_REMIND
	withdraw  = typev1.Decision_DECISION_WITHDRAW
)

func to(step string) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) { s.Decision, s.Comment, s.ToStep = giveBack, "look again", step }
}

func naming(d typev1.Decision, target approval.Person) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) { s.Decision, s.Target = d, target }
}

func recused(names ...string) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) { s.Recused = names }
}

// byTelephone is a decision by telephone where the facts say urgent or not.
func byTelephone(def *policyv1.Approval, holds ...string) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) {
		s.Urgent = &approval.Urgent{
			Rule:    def.GetUrgent(),
			Applies: func(cond string) (bool, []string, error) { return slices.Contains(holds, cond), nil, nil },
			Due: func(limit string) (time.Time, error) {
				if limit != "24 h" {
					return time.Time{}, errors.New(limit)
				}
				return s.Time.Add(24 * time.Hour), nil
			},
		}
	}
}

// named is a person of their own who is what the list says.
func named(name string, who ...string) approval.Person {
	return approval.Person{Name: "people/" + name, Matches: func(w string) (bool, string) { return slices.Contains(who, w), "" }}
}

func three() *policyv1.Approval {
	return &policyv1.Approval{Id: "plan", Clause: "1", Signs: []*policyv1.Sign{
		{Id: "check", Kind: review, Who: []string{"checker"}},
		{Id: "law", Kind: countersign, Who: []string{"lawyer"}},
		{Id: "money", Kind: countersign, Who: []string{"cashier"}},
		{Id: "decide", Kind: decide, Who: []string{"boss"}},
	}}
}

func TestReturnToAPlaceAsksItAndAllAfterItAgain(t *testing.T) {
	t.Parallel()
	c := open(t, three(), asked("")).sign(holder("checker")).sign(holder("lawyer")).sign(holder("cashier"))
	c.refused(approval.ReasonComment, holder("boss"), func(s *approval.SignRequest) { s.Decision, s.ToStep = giveBack, "law" })
	c.refused(approval.ReasonReturnTo, holder("boss"), to("decide"))
	c.refused(approval.ReasonReturnTo, holder("boss"), to("nothing"))
	c.sign(holder("boss"), to("law")).state(typev1.Approval_STATE_OPEN)
	require.Equal(t, []string{"law", "decide"}, approval.Missing(c.a), "the place beside it keeps its signature")
	require.Equal(t, []string{"lawyer"}, approval.Next(c.a))
	require.True(t, c.a.GetSteps()[1].GetSignatures()[0].GetVoid(), "it stays on file")
	require.True(t, c.a.GetSteps()[3].GetSignatures()[0].GetVoid())
	c.refused(approval.ReasonOrder, holder("boss"))
	c.sign(holder("lawyer")).sign(holder("boss")).state(typev1.Approval_STATE_GRANTED)
	require.Len(t, c.a.GetSteps()[1].GetSignatures(), 2)

	first := open(t, three(), asked("")).sign(holder("checker"))
	first.refused(approval.ReasonReturnTo, holder("lawyer"), to("money"))
	first.sign(holder("lawyer"), to("check"))
	require.Equal(t, []string{"checker"}, approval.Next(first.a))
	open(t, three(), asked("")).sign(holder("checker"), no(giveBack)).state(typev1.Approval_STATE_RETURNED)
}

func TestOneMorePersonSignsBesideWhoeverAsksThem(t *testing.T) {
	t.Parallel()
	expert := named("expert")
	c := open(t, three(), asked(""))
	c.refused(approval.ReasonOrder, holder("boss"), naming(addSigner, expert))
	c.refused(approval.ReasonOwnRequest, holder("checker"), naming(addSigner, approval.Person{Name: "people/asker"}))
	c.refused(approval.ReasonTarget, holder("checker"), naming(addSigner, holder("checker")))
	c.refused(approval.ReasonTarget, holder("checker"), naming(addSigner, approval.Person{}))
	c.refused(approval.ReasonRecused, holder("checker"), naming(addSigner, expert), recused("people/expert"))
	c.sign(holder("checker"), naming(addSigner, expert)).state(typev1.Approval_STATE_OPEN)
	c.refused(approval.ReasonTarget, holder("checker"), naming(addSigner, expert))
	c.sign(holder("checker"))
	require.Equal(t, []string{"people/expert"}, approval.Next(c.a), "the chain waits for both")
	c.refused(approval.ReasonOrder, holder("lawyer"))
	c.refused(approval.ReasonAuthority, named("else"))
	require.Equal(t, "people/checker", c.a.GetSteps()[1].GetAddedBy())
	require.Equal(t, "check+1", c.a.GetSteps()[1].GetId())
	c.sign(expert).sign(holder("lawyer")).sign(holder("cashier")).sign(holder("boss")).state(typev1.Approval_STATE_GRANTED)

	refusing := open(t, three(), asked("")).sign(holder("checker"), naming(addSigner, expert))
	refusing.sign(expert, no(reject)).state(typev1.Approval_STATE_REFUSED)

	many := open(t, three(), asked(""))
	for i := range 10 {
		many.sign(holder("checker"), naming(addSigner, named(string(rune('a'+i)))))
	}
	many.refused(approval.ReasonTarget, holder("checker"), naming(addSigner, expert))
}

func TestAPlaceIsHandedToSomebodyWhoCouldHoldIt(t *testing.T) {
	t.Parallel()
	second := named("second", "lawyer")
	c := open(t, three(), asked("")).sign(holder("checker"))
	c.refused(approval.ReasonTarget, holder("lawyer"), naming(handOver, named("else")))
	c.refused(approval.ReasonTarget, holder("lawyer"), naming(handOver, holder("lawyer")))
	c.sign(holder("lawyer"), naming(handOver, second))
	require.Equal(t, []string{"people/second", "cashier"}, approval.Next(c.a))
	c.refused(approval.ReasonAuthority, holder("lawyer"))
	c.sign(second, naming(handOver, named("third", "lawyer")))
	c.refused(approval.ReasonAuthority, second)
	c.sign(named("third", "lawyer")).sign(holder("cashier")).sign(holder("boss")).state(typev1.Approval_STATE_GRANTED)

	both := open(t, p27(), asked("1000")).sign(holder("sales_company_manager"))
	deputy := named("deputy", "quality_manager")
	both.sign(holder("quality_manager"), naming(handOver, deputy))
	require.Equal(t, []string{"people/deputy", "sales_manager"}, approval.Next(both.a))
	both.refused(approval.ReasonTarget, deputy, naming(handOver, named("else", "quality_manager")))
	both.sign(deputy).sign(holder("sales_manager")).state(typev1.Approval_STATE_GRANTED)
}

func TestRemindersDecideNothing(t *testing.T) {
	t.Parallel()
	asker := approval.Person{Name: "people/asker"}
	c := open(t, three(), asked("")).sign(asker, naming(remind, approval.Person{})).sign(holder("boss"), naming(remind, approval.Person{}))
	require.Len(t, c.a.GetRemindTimes(), 2)
	require.Equal(t, []string{"checker"}, approval.Next(c.a))
	c.refused(approval.ReasonAuthority, named("else"), naming(remind, approval.Person{}))
	for range 30 {
		c.sign(asker, naming(remind, approval.Person{}))
	}
	require.Len(t, c.a.GetRemindTimes(), 20)
	c.refused(approval.ReasonAuthority, holder("boss"), naming(withdraw, approval.Person{}))
	c.sign(asker, naming(withdraw, approval.Person{})).state(typev1.Approval_STATE_WITHDRAWN)
	c.refused(approval.ReasonNotOpen, asker, naming(remind, approval.Person{}))
}

// Source: SCENARIOS P27-S4; PROCEDURES P27 4.5.2 d.
func TestTheApproversWordByTelephoneGrantsAndOwesThePapers(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("6200.00", "urgent"))
	require.Equal(t, "6200.00", c.a.GetAmount().GetAmount())
	c.refused(approval.ReasonOrder, holder("general_manager"))
	c.refused(approval.ReasonAuthority, holder("deputy_gm_marketing"), byTelephone(p27(), "urgent"))
	c.refused(approval.ReasonNotUrgent, holder("general_manager"), byTelephone(p27()))
	c.refused(approval.ReasonNotUrgent, holder("general_manager"), byTelephone(three()))
	c.refused(approval.ReasonDecision, holder("general_manager"), byTelephone(p27(), "urgent"), no(reject))
	f := c.refused(approval.ReasonAuthority, holder("sales_company_manager"), byTelephone(p27(), "urgent"))
	require.Equal(t, "general_manager", f.Facts["next"], "reviewers sign the papers")
	c.sign(holder("general_manager"), byTelephone(p27(), "urgent")).state(typev1.Approval_STATE_GRANTED)
	require.True(t, approval.Complete(c.a))
	require.True(t, c.a.GetByTelephone())
	require.Equal(t, start().Add(25*time.Hour), c.a.GetPaperworkDueTime().AsTime())
	require.Equal(t, []string{"review"}, approval.Missing(c.a), "the papers lack it")
	c.refused(approval.ReasonDecision, holder("sales_company_manager"), no(reject))
	c.sign(holder("sales_company_manager")).state(typev1.Approval_STATE_GRANTED)
	require.Empty(t, approval.Missing(c.a))
	c.refused(approval.ReasonNotOpen, holder("sales_company_manager"))

	two := open(t, p27(), asked("1000", "urgent")).sign(holder("quality_manager"), byTelephone(p27(), "urgent")).state(typev1.Approval_STATE_OPEN)
	two.sign(holder("sales_manager"), byTelephone(p27(), "urgent")).state(typev1.Approval_STATE_GRANTED)
}

func TestAnUnknownUrgencyNamesTheFact(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("6200.00"))
	c.refused(approval.ReasonFactsMissing, holder("general_manager"), byTelephone(p27()), func(s *approval.SignRequest) {
		s.Urgent.Applies = func(string) (bool, []string, error) { return false, []string{"goods.urgent"}, nil }
	})
}

func TestWhoIsComplainedAboutAndTheirHeadDecideNothing(t *testing.T) {
	t.Parallel()
	c := open(t, three(), asked(""))
	c.refused(approval.ReasonRecused, holder("checker"), recused("people/checker"))
	standIn := approval.Person{Name: "people/standin", Matches: func(w string) (bool, string) { return w == "checker", "people/checker" }}
	c.refused(approval.ReasonRecused, standIn, recused("people/checker"))
	c.refused(approval.ReasonRecused, holder("checker"), naming(handOver, named("li", "checker")), recused("people/li", "people/boss"))
	_, err := approval.Sign(c.a, c.request(holder("checker"), recused("people/checker")))
	f, _ := fault.As(err)
	require.Equal(t, "plan", f.Rule.GetRule())
	c.sign(standIn, recused("people/else")).state(typev1.Approval_STATE_OPEN)

	noted := &policyv1.Approval{Id: "penalty", Clause: "1", Signs: []*policyv1.Sign{{Id: "note", Kind: acknowledge, Who: []string{"penalised"}}}}
	open(t, noted, asked("")).sign(holder("penalised"), recused("people/penalised")).state(typev1.Approval_STATE_GRANTED)
}

package approval_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

const (
	review      = typev1.ApprovalStep_KIND_REVIEW
	countersign = typev1.ApprovalStep_KIND_COUNTERSIGN
	opinion     = typev1.ApprovalStep_KIND_OPINION
	annotate    = typev1.ApprovalStep_KIND_ANNOTATE
	decide      = typev1.ApprovalStep_KIND_APPROVE
	acknowledge = typev1.ApprovalStep_KIND_ACKNOWLEDGE

	approve  = typev1.Decision_DECISION_APPROVE
	reject   = typev1.Decision_DECISION_REJECT
	giveBack = typev1.Decision_DECISION_RETURN
)

func start() time.Time { return time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC) }

func yuan(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }

// p02 is the compensation chain of a property developer. Source: P02 clause 5, PACK-SKETCH 3.4.
func p02() *policyv1.Approval {
	return &policyv1.Approval{
		Id: "compensation", Clause: "5", Of: policyv1.Subject_SUBJECT_CLAIM, AskedBy: []string{"anyone@marketing_customer_service"}, Amount: "claim.amount",
		Text: &typev1.Text{Zh: "补偿审批", En: "Approval of a compensation"},
		Signs: []*policyv1.Sign{
			{Id: "director", Kind: review, Who: []string{"marketing_director"}},
			{Id: "legal", Kind: countersign, Who: []string{"legal_officer"}},
			{Id: "project", Kind: countersign, Who: []string{"head@project"}, If: "project"},
			{Id: "design", Kind: countersign, Who: []string{"head@design"}, If: "design"},
			{Id: "engineering", Kind: countersign, Who: []string{"head@engineering"}, If: "engineering"},
			{Id: "tier", Kind: decide, Form: "tier_decision", Bands: []*policyv1.Band{
				{UpTo: "50000.00", Who: []string{"general_manager"}},
				{Above: "50000.00", UpTo: "200000.00", Who: []string{"chairman"}},
				{Above: "200000.00", Who: []string{"board_of_directors"}},
			}},
		},
	}
}

// p27 is the return authority of a carton maker. Source: P27 clause 4.5.2, PACK-SKETCH 3.1.
func p27() *policyv1.Approval {
	return &policyv1.Approval{
		Id: "return_authority", Clause: "4.5.2", Reading: []string{"P27-A3"}, Amount: "goods.value",
		Urgent: &policyv1.Urgent{If: "urgent", Paperwork: "24 h", Form: "return_application"},
		Signs: []*policyv1.Sign{
			{Id: "review", Kind: review, Who: []string{"sales_company_manager"}},
			{Id: "authorise", Kind: decide, Bands: []*policyv1.Band{
				{Below: "2000.00", Who: []string{"quality_manager", "sales_manager"}, Enough: "all"},
				{From: "2000.00", UpTo: "5000.00", Who: []string{"deputy_gm_marketing"}},
				{Above: "5000.00", Who: []string{"general_manager"}},
			}},
		},
	}
}

func asked(amount string, holds ...string) approval.Request {
	in := approval.Request{
		AskedBy: "people/asker", Digest: approval.Digest("claim", amount), Time: start(), Revision: "r1", Pack: "p",
		Applies: func(cond string) (bool, []string, error) { return slices.Contains(holds, cond), nil, nil },
	}
	if amount != "" {
		in.Amount = yuan(amount)
	}
	return in
}

// holder is a person named after the one thing they are.
func holder(who string) approval.Person {
	return approval.Person{Name: "people/" + who, Matches: func(w string) (bool, string) { return w == who, "" }}
}

// with is a person who is several things; "role=people/x" is a role on behalf of x.
func with(name string, roles ...string) approval.Person {
	return approval.Person{Name: name, Matches: func(w string) (bool, string) {
		for _, r := range roles {
			role, behalf, _ := strings.Cut(r, "=")
			if role == w {
				return true, behalf
			}
		}
		return false, ""
	}}
}

// chain signs one after another.
type chain struct {
	t *testing.T
	a *typev1.Approval
}

func open(t *testing.T, def *policyv1.Approval, in approval.Request) *chain {
	t.Helper()
	a, err := approval.Open(def, in)
	require.NoError(t, err)
	return &chain{t, a}
}

func (c *chain) request(p approval.Person, change ...func(*approval.SignRequest)) approval.SignRequest {
	s := approval.SignRequest{Person: p, Decision: approve, Digest: c.a.GetSealedDigest(), Time: start().Add(time.Hour)}
	for _, f := range change {
		f(&s)
	}
	return s
}

func (c *chain) sign(p approval.Person, change ...func(*approval.SignRequest)) *chain {
	c.t.Helper()
	before := proto.Clone(c.a)
	next, err := approval.Sign(c.a, c.request(p, change...))
	require.NoError(c.t, err)
	require.Empty(c.t, cmp.Diff(before, c.a, protocmp.Transform()), "what is given stays as it is")
	c.a = next
	return c
}

func (c *chain) refused(reason string, p approval.Person, change ...func(*approval.SignRequest)) *fault.Error {
	c.t.Helper()
	_, err := approval.Sign(c.a, c.request(p, change...))
	f, ok := fault.As(err)
	require.True(c.t, ok, "want %s, got %v", reason, err)
	require.Equal(c.t, reason, f.Reason)
	require.Equal(c.t, c.a.GetRule().GetClause(), f.Rule.GetClause(), "every refusal quotes the rule")
	require.Equal(c.t, c.a.GetId(), f.Facts["approval"])
	return f
}

func (c *chain) state(want typev1.Approval_State) *chain {
	c.t.Helper()
	require.Equal(c.t, want.String(), c.a.GetState().String())
	return c
}

func form(s *approval.SignRequest) {
	s.Facts = map[string]*typev1.Fact{"cash_allowed": {Value: &typev1.Fact_Flag{Flag: true}}}
}

func as(step string) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) { s.Step = step }
}

func no(d typev1.Decision) func(*approval.SignRequest) {
	return func(s *approval.SignRequest) { s.Decision, s.Comment = d, "because" }
}

// Source: SCENARIOS P02-S1.
func TestTheTierSignsByExactAmount(t *testing.T) {
	t.Parallel()
	for amount, who := range map[string]string{
		"0.01": "general_manager", "50000": "general_manager", "50000.01": "chairman", "200000.00": "chairman", "200000.01": "board_of_directors",
	} {
		c := open(t, p02(), asked(amount))
		require.Equal(t, []string{who}, c.a.GetSteps()[2].GetWho(), amount)
	}
	for value, who := range map[string]string{
		"1999.99": "quality_manager sales_manager", "2000": "deputy_gm_marketing", "5000.00": "deputy_gm_marketing", "5000.01": "general_manager",
	} {
		c := open(t, p27(), asked(value))
		require.Equal(t, who, strings.Join(c.a.GetSteps()[1].GetWho(), " "), value)
	}
}

// Source: SCENARIOS P02-S2.
func TestCountersignsRunSideBySideAndTheTierComesLast(t *testing.T) {
	t.Parallel()
	c := open(t, p02(), asked("120000", "engineering"))
	require.Equal(t, []string{"director", "legal", "engineering", "tier"}, approval.Missing(c.a), "design and project are not asked")
	require.Equal(t, []string{"marketing_director"}, approval.Next(c.a))

	f := c.refused(approval.ReasonOrder, holder("legal_officer"))
	require.Equal(t, "director", f.Facts["missing"])
	c.sign(holder("marketing_director"))
	require.Equal(t, []string{"legal_officer", "head@engineering"}, approval.Next(c.a))

	c.sign(holder("head@engineering"))
	f = c.refused(approval.ReasonOrder, holder("chairman"), form)
	require.Equal(t, []fault.Violation{{Field: "legal", Reason: "SIGN"}}, f.Violations)
	require.Equal(t, "legal_officer", f.Facts["next"])

	c.sign(holder("legal_officer"))
	f = c.refused(approval.ReasonAuthority, holder("general_manager"), form)
	require.Equal(t, "chairman", f.Facts["next"], "a lower tier's approver is refused and told who may")
	require.Equal(t, []fault.Violation{{Field: "chairman", Reason: "WHO"}}, f.Violations)

	c.refused(approval.ReasonFormIncomplete, holder("chairman"))
	require.False(t, approval.Complete(c.a))
	c.sign(holder("chairman"), form)
	c.state(typev1.Approval_STATE_GRANTED)
	require.True(t, approval.Complete(c.a))
	require.Empty(t, approval.Missing(c.a))
	require.Empty(t, approval.Next(c.a))
	require.Equal(t, start().Add(time.Hour), c.a.GetDecideTime().AsTime())
	last := c.a.GetSteps()[3].GetSignatures()[0]
	require.Equal(t, "chairman", last.GetWho())
	require.True(t, last.GetFacts()["cash_allowed"].GetFlag())
	require.Equal(t, c.a.GetSealedDigest(), last.GetSealedDigest())
	c.refused(approval.ReasonNotOpen, holder("chairman"))
}

func TestTheFormIsCheckedByItsPack(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("6000"))
	c.refused(approval.ReasonFormUnexpected, holder("sales_company_manager"), form)
	c = open(t, p02(), asked("1")).sign(holder("marketing_director")).sign(holder("legal_officer"))
	missing := fault.Violation{Field: "board_resolution", Reason: "REQUIRED"}
	f := c.refused(approval.ReasonFormIncomplete, holder("general_manager"), form, func(s *approval.SignRequest) {
		s.Check = func(form string, facts map[string]*typev1.Fact) []fault.Violation {
			require.Equal(t, "tier_decision", form)
			require.Len(t, facts, 1)
			return []fault.Violation{missing}
		}
	})
	require.Equal(t, []fault.Violation{missing}, f.Violations)
	c.sign(holder("general_manager"), no(reject)) // a refusal needs no form
	c.state(typev1.Approval_STATE_REFUSED)
}

// Source: SCENARIOS P27: in the lowest band one signature alone is not enough.
func TestAllMeansOneSignatureOfEach(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("1999.99")).sign(holder("sales_company_manager")).sign(holder("sales_manager"))
	require.Equal(t, []string{"quality_manager"}, approval.Next(c.a))
	c.refused(approval.ReasonStepDone, with("people/second", "sales_manager"))
	c.refused(approval.ReasonAlreadySigned, with("people/sales_manager", "quality_manager"))
	c.sign(holder("quality_manager"))
	c.state(typev1.Approval_STATE_GRANTED)
}

func TestSomeOfSeveral(t *testing.T) {
	t.Parallel()
	board := func(enough string, who ...string) *policyv1.Approval {
		return &policyv1.Approval{Id: "board", Clause: "1", Signs: []*policyv1.Sign{{Id: "vote", Kind: decide, Who: who, Enough: enough}}}
	}
	member := func(n string) approval.Person { return with("people/"+n, "member") }
	c := open(t, board("2 of 3", "member"), asked("")).sign(member("a")).sign(member("b"), no(reject))
	c.state(typev1.Approval_STATE_OPEN)
	c.refused(approval.ReasonAlreadySigned, member("a"))
	c.sign(member("c")).state(typev1.Approval_STATE_GRANTED)

	c = open(t, board("2 of 3", "member"), asked("")).sign(member("a"), no(reject)).sign(member("b"), no(reject))
	c.state(typev1.Approval_STATE_REFUSED)

	c = open(t, board("2 of 3", "x", "y", "z"), asked("")).sign(holder("x"))
	c.refused(approval.ReasonStepDone, with("people/other", "x"))
	require.Equal(t, []string{"y", "z"}, approval.Next(c.a))
	c.sign(holder("z")).state(typev1.Approval_STATE_GRANTED)

	c = open(t, board("any", "x", "y"), asked("")).sign(holder("y"), no(reject))
	c.state(typev1.Approval_STATE_REFUSED)
	for _, enough := range []string{"0 of 3", "4 of 3", "some", "2 of", "two of 3", " of "} {
		_, err := approval.Open(board(enough, "x"), asked(""))
		require.Equal(t, approval.ReasonDefinition, fault.ReasonOf(err), enough)
	}
}

func TestNobodySignsTheirOwnRequest(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("6000"))
	c.refused(approval.ReasonOwnRequest, with("people/asker", "sales_company_manager"))
	c.refused(approval.ReasonOwnRequest, with("people/asker", "sales_company_manager=people/manager"))
	c.refused(approval.ReasonOwnRequest, with("people/friend", "sales_company_manager=people/asker"))
	c.refused(approval.ReasonOwnRequest, with("people/asker"))
	c.sign(with("people/friend", "sales_company_manager=people/manager"))
	require.Equal(t, "people/manager", c.a.GetSteps()[0].GetSignatures()[0].GetOnBehalfOf())
}

func TestOnePersonCountsOnceInPersonOrRepresented(t *testing.T) {
	t.Parallel()
	begin := func() *chain {
		return open(t, p27(), asked("6000")).sign(with("people/deputy", "sales_company_manager=people/manager"))
	}
	begin().refused(approval.ReasonAlreadySigned, with("people/deputy", "general_manager"))
	begin().refused(approval.ReasonAlreadySigned, with("people/manager", "general_manager"))
	begin().refused(approval.ReasonAlreadySigned, with("people/else", "general_manager=people/manager"))
	begin().refused(approval.ReasonAlreadySigned, with("people/else", "general_manager=people/deputy"))
	begin().sign(with("people/else", "general_manager=people/gm")).state(typev1.Approval_STATE_GRANTED)
}

func TestOwnRightCountsBeforeAnothersPlace(t *testing.T) {
	t.Parallel()
	def := &policyv1.Approval{Id: "a", Clause: "1", Signs: []*policyv1.Sign{{Id: "s", Kind: decide, Who: []string{"x", "y"}, Enough: "any"}}}
	c := open(t, def, asked("")).sign(with("people/p", "x=people/q", "y"))
	require.Empty(t, c.a.GetSteps()[0].GetSignatures()[0].GetOnBehalfOf())
	require.Equal(t, "y", c.a.GetSteps()[0].GetSignatures()[0].GetWho())
	c = open(t, def, asked("")).sign(with("people/p", "x=people/q", "y"), func(s *approval.SignRequest) { s.Who = "x" })
	require.Equal(t, "people/q", c.a.GetSteps()[0].GetSignatures()[0].GetOnBehalfOf())
	c = open(t, def, asked("")).sign(with("people/p", "x=people/p"))
	require.Empty(t, c.a.GetSteps()[0].GetSignatures()[0].GetOnBehalfOf())
}

func TestAChangedSubjectMakesSignaturesStaleAndVoidsTheChain(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("6000"))
	f := c.refused(approval.ReasonStale, holder("sales_company_manager"), func(s *approval.SignRequest) { s.Digest = approval.Digest("claim", "6001") })
	require.Equal(t, fault.Aborted, f.Kind)
	same, changed := approval.Recheck(c.a, c.a.GetSealedDigest(), start())
	require.False(t, changed)
	require.Same(t, c.a, same)

	c.sign(holder("sales_company_manager")).sign(holder("general_manager"))
	next, changed := approval.Recheck(c.a, approval.Digest("claim", "6001"), start())
	require.True(t, changed)
	require.Equal(t, typev1.Approval_STATE_VOID, next.GetState())
	require.True(t, approval.Complete(c.a), "the given one is not touched")
	_, changed = approval.Recheck(next, "x", start())
	require.False(t, changed)
	_, err := approval.Void(next, start())
	require.Equal(t, approval.ReasonNotOpen, fault.ReasonOf(err))

	again, err := approval.Again(next, p27(), asked("6001"))
	require.NoError(t, err)
	require.EqualValues(t, 2, again.GetNumber())
	require.Equal(t, []string{"review", "authorise"}, approval.Missing(again))
	_, err = approval.Again(again, p27(), asked("6001"))
	require.Equal(t, approval.ReasonStillOpen, fault.ReasonOf(err))
}

func TestRejectingAndReturningEndTheChainAndNeedWords(t *testing.T) {
	t.Parallel()
	for d, state := range map[typev1.Decision]typev1.Approval_State{reject: typev1.Approval_STATE_REFUSED, giveBack: typev1.Approval_STATE_RETURNED} {
		c := open(t, p02(), asked("1", "design")).sign(holder("marketing_director"))
		f := c.refused(approval.ReasonComment, holder("legal_officer"), func(s *approval.SignRequest) { s.Decision, s.Comment = d, " \n" })
		require.Equal(t, "comment", f.Violations[0].Field)
		c.sign(holder("legal_officer"), no(d)).state(state)
		require.Empty(t, approval.Next(c.a), "nothing may be signed in what has ended")
		require.Equal(t, []string{"legal", "design", "tier"}, approval.Missing(c.a))
		c.refused(approval.ReasonNotOpen, holder("head@design"))
	}
}

func TestOnlyTheAskerWithdraws(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("1"))
	_, err := approval.Withdraw(c.a, "people/other", start())
	require.Equal(t, approval.ReasonAuthority, fault.ReasonOf(err))
	next, err := approval.Withdraw(c.a, "people/asker", start())
	require.NoError(t, err)
	require.Equal(t, typev1.Approval_STATE_WITHDRAWN, next.GetState())
	_, err = approval.Withdraw(next, "people/asker", start())
	require.Equal(t, approval.ReasonNotOpen, fault.ReasonOf(err))
}

// Source: PACK-SKETCH 2.7: unknown conditions and amounts make the approval wait.
func TestUnknownFactsMakeItWait(t *testing.T) {
	t.Parallel()
	in := asked("")
	in.Applies = func(cond string) (bool, []string, error) {
		if cond == "design" {
			return false, []string{"claim.causes"}, nil
		}
		return false, []string{"claim.causes", "facts.a"}, nil
	}
	_, err := approval.Open(p02(), in)
	f, _ := fault.As(err)
	require.Equal(t, approval.ReasonFactsMissing, f.Reason)
	require.Equal(t, "claim.amount, claim.causes, facts.a", f.Facts["missing"])
	require.Len(t, f.Violations, 3)

	boom := errors.New("boom")
	in.Applies = func(string) (bool, []string, error) { return false, nil, boom }
	_, err = approval.Open(p02(), in)
	require.ErrorIs(t, err, boom)
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	in := asked("1")
	in.MayAsk = func(who string) bool { return who == "anyone@finance" }
	_, err := approval.Open(p02(), in)
	f, _ := fault.As(err)
	require.Equal(t, approval.ReasonAsker, f.Reason)
	require.Equal(t, "anyone@marketing_customer_service", f.Facts["next"])
	in.MayAsk = func(who string) bool { return who == "anyone@marketing_customer_service" }
	_, err = approval.Open(p02(), in)
	require.NoError(t, err)
}

// Source: SCENARIOS P24-S1.
func TestAWitnessMaySignInstead(t *testing.T) {
	t.Parallel()
	def := &policyv1.Approval{Id: "notice_chain", Clause: "样式", Signs: []*policyv1.Sign{
		{Id: "acknowledge", Kind: acknowledge, Who: []string{"penalised"}, Instead: &policyv1.Sign{Id: "witness_signs", Kind: acknowledge, Who: []string{"witness"}}},
		{Id: "leader", Kind: decide, Who: []string{"leader"}},
	}}
	signed := open(t, def, asked("")).sign(holder("penalised"))
	signed.refused(approval.ReasonOrder, holder("witness"))
	signed.sign(holder("leader")).state(typev1.Approval_STATE_GRANTED)

	c := open(t, def, asked(""))
	c.refused(approval.ReasonOrder, holder("leader")) // neither: it stops
	require.Equal(t, []string{"penalised", "witness"}, approval.Next(c.a))
	c.sign(holder("witness"), as("witness_signs"))
	c.refused(approval.ReasonStepDone, holder("penalised"))
	require.Equal(t, "acknowledge.witness_signs", c.a.GetSteps()[1].GetId())
	require.Equal(t, "witness_signs", approval.SignID(c.a.GetSteps()[1].GetId()))
	c.sign(holder("leader")).state(typev1.Approval_STATE_GRANTED)

	c = open(t, def, asked("")).sign(holder("penalised"), no(reject))
	c.state(typev1.Approval_STATE_OPEN)
	require.Equal(t, []string{"witness"}, approval.Next(c.a))
	require.Equal(t, []string{"acknowledge", "leader"}, approval.Missing(c.a))
	c.refused(approval.ReasonDecision, holder("witness"), no(reject))
	c.sign(holder("witness")).sign(holder("leader")).state(typev1.Approval_STATE_GRANTED)
}

func TestOptionalPlacesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	def := &policyv1.Approval{Id: "a", Clause: "1", Signs: []*policyv1.Sign{
		{Id: "aside", Kind: opinion, Who: []string{"expert"}, Optional: true},
		{Id: "note", Kind: annotate, Who: []string{"boss"}},
		{Id: "end", Kind: decide, Who: []string{"head"}},
	}}
	c := open(t, def, asked(""))
	require.Equal(t, []string{"expert", "boss"}, approval.Next(c.a))
	require.Equal(t, []string{"note", "end"}, approval.Missing(c.a))
	c.refused(approval.ReasonDecision, holder("boss"), no(reject))
	c.refused(approval.ReasonDecision, holder("expert"), no(giveBack))
	c.sign(with("people/both", "expert", "boss"))
	require.Len(t, c.a.GetSteps()[1].GetSignatures(), 1, "the required place comes first")
	c.sign(holder("expert"), no(reject)).state(typev1.Approval_STATE_OPEN) // an opinion decides nothing
	c.sign(holder("head")).state(typev1.Approval_STATE_GRANTED)

	c = open(t, def, asked("")).sign(holder("boss")).sign(holder("head"))
	c.state(typev1.Approval_STATE_GRANTED)
}

func TestDefinitionsThatCannotBeCarriedOutAreRefused(t *testing.T) {
	t.Parallel()
	one := func(s *policyv1.Sign) *policyv1.Approval {
		return &policyv1.Approval{Id: "a", Clause: "1", Signs: []*policyv1.Sign{s}}
	}
	for name, c := range map[string]struct {
		def    *policyv1.Approval
		in     approval.Request
		reason string
	}{
		"parameter not set": {one(&policyv1.Sign{Id: "s", Kind: decide, Who: []string{"$consenter"}}), asked("1"), approval.ReasonDefinition},
		"nobody":            {one(&policyv1.Sign{Id: "s", Kind: decide}), asked("1"), approval.ReasonDefinition},
		"no kind":           {one(&policyv1.Sign{Id: "s", Who: []string{"x"}}), asked("1"), approval.ReasonDefinition},
		"no id":             {one(&policyv1.Sign{Kind: decide, Who: []string{"x"}}), asked("1"), approval.ReasonDefinition},
		"dot in an id":      {one(&policyv1.Sign{Id: "a.b", Kind: decide, Who: []string{"x"}}), asked("1"), approval.ReasonDefinition},
		"bad bound":         {one(&policyv1.Sign{Id: "s", Kind: decide, Bands: []*policyv1.Band{{Above: "$x", Who: []string{"x"}}}}), asked("1"), approval.ReasonDefinition},
		"gap in the bands":  {one(&policyv1.Sign{Id: "s", Kind: decide, Bands: []*policyv1.Band{{Above: "1", Who: []string{"x"}}}}), asked("1"), approval.ReasonNoBand},
		"none applies":      {one(&policyv1.Sign{Id: "s", Kind: decide, If: "never", Who: []string{"x"}}), asked("1"), approval.ReasonNobody},
		"only optional":     {one(&policyv1.Sign{Id: "s", Kind: decide, Optional: true, Who: []string{"x"}}), asked("1"), approval.ReasonNobody},
		"no digest":         {p27(), approval.Request{AskedBy: "people/asker", Amount: yuan("1")}, approval.ReasonDefinition},
		"nobody decides the condition": {
			p02(),
			approval.Request{AskedBy: "people/asker", Digest: approval.Digest(), Amount: yuan("1")},
			approval.ReasonDefinition,
		},
		"instead of instead": {one(&policyv1.Sign{Id: "s", Kind: decide, Who: []string{"x"}, Instead: &policyv1.Sign{
			Id: "t", Kind: decide, Who: []string{"y"}, Instead: &policyv1.Sign{Id: "u", Kind: decide, Who: []string{"z"}},
		}}), asked("1"), approval.ReasonDefinition},
	} {
		_, err := approval.Open(c.def, c.in)
		require.Equal(t, c.reason, fault.ReasonOf(err), name)
	}
	in := asked("")
	in.Amount = &typev1.Money{CurrencyCode: "USD", Amount: "1"}
	_, err := approval.Open(p02(), in)
	require.Equal(t, "MONEY_CURRENCY", fault.ReasonOf(err))
}

func TestUnknownStepsAndStrangers(t *testing.T) {
	t.Parallel()
	c := open(t, p27(), asked("1"))
	c.refused(approval.ReasonStepUnknown, holder("sales_company_manager"), as("nothing"))
	f := c.refused(approval.ReasonAuthority, holder("sales_company_manager"), as("authorise"))
	require.Equal(t, "quality_manager, sales_manager", f.Facts["next"])
	c.refused(approval.ReasonAuthority, approval.Person{Name: "people/nobody"})
	c.refused(approval.ReasonDecision, holder("sales_company_manager"), func(s *approval.SignRequest) { s.Decision = 0 })
}

func TestDigestsTellPartsApart(t *testing.T) {
	t.Parallel()
	require.NotEqual(t, approval.Digest("ab", "c"), approval.Digest("a", "bc"))
	require.NotEqual(t, approval.Digest(), approval.Digest(""))
	again := approval.Digest("a")
	require.Equal(t, again, approval.Digest("a"))
	require.Len(t, approval.Digest(), 64)
	_, err := fault.NewCatalogue(approval.Reasons()...)
	require.NoError(t, err)
}

package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// The people of the property developer.
const (
	agent     = "people/agent"     // marketing customer service
	colleague = "people/colleague" // marketing customer service, too
	engineer  = "people/engineer"  // head of engineering
	designer  = "people/designer"  // head of design
	builder   = "people/builder"   // head of project
	director  = "people/director"  // marketing director
	legal     = "people/legal"     // legal officer
	manager   = "people/manager"   // general manager
	chairman  = "people/chairman"  // chairman
	board     = "people/board"     // secretary of the board
	cashier   = "people/cashier"   // finance
)

func roles() map[string][]string {
	return map[string][]string{
		agent: {"anyone@marketing_customer_service"}, colleague: {"anyone@marketing_customer_service"},
		engineer: {"anyone@engineering", "head@engineering"}, designer: {"anyone@design", "head@design"}, builder: {"anyone@project", "head@project"},
		director: {"marketing_director"}, legal: {"legal_officer"}, manager: {"general_manager"}, chairman: {"chairman"},
		board: {"board_of_directors"}, cashier: {"anyone@finance"},
	}
}

// testingT is what a test and a property of rapid have in common.
type testingT interface {
	require.TestingT
	Helper()
}

// bench plays acts on one claim. It is not a test's business how events are stored,
// so it keeps the newest state.
type bench struct {
	t     testingT
	p     *policy.Policy
	now   time.Time
	on    *intakev1.Complaint
	claim *compensationv1.Claim
	roles map[string][]string
	past  []domain.Event
	kase  *routingv1.Case
	sums  domain.Sums
}

func setup(t testing.TB) *bench {
	t.Helper()
	pack, _, err := policy.LoadShipped("property-developer-compensation")
	require.NoError(t, err)
	p, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p, findings)
	return &bench{
		t: t, p: p, now: time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC), roles: roles(),
		on: &intakev1.Complaint{Name: "complaints/1", Number: "C20260413-000001", Subject: "subjects/1", PolicyRevision: "packs/p/revisions/1", State: intakev1.Complaint_STATE_VERIFIED},
	}
}

func (b *bench) act(person string) domain.Act {
	b.now = b.now.Add(time.Minute)
	return domain.Act{
		Policy: b.p, Sheet: sheet.Of(b.on, b.kase), Now: b.now, Sums: b.sums,
		By: domain.Person{Name: person, Matches: func(who string) (bool, string) { return slices.Contains(b.roles[person], who), "" }},
	}
}

// took keeps what an act led to.
func (b *bench) took(events []domain.Event, err error) error {
	if err == nil && len(events) > 0 {
		b.claim = events[len(events)-1].State
		b.past = append(b.past, events...)
	}
	return err
}

func (b *bench) request(person string, terms *compensationv1.Claim) error {
	return b.took(domain.Request(domain.Identity{Name: "claims/1", Number: "K20260413-0001"}, b.on, terms, b.act(person)))
}

func (b *bench) sign(person string, facts map[string]*typev1.Fact) error {
	return b.decide(person, typev1.Decision_DECISION_APPROVE, facts)
}

func (b *bench) decide(person string, decision typev1.Decision, facts map[string]*typev1.Fact) error {
	comment := ""
	if decision != typev1.Decision_DECISION_APPROVE {
		comment = "not like this"
	}
	return b.took(domain.Sign(b.claim, domain.Signature{Decision: decision, Comment: comment, Facts: facts}, b.act(person)))
}

func (b *bench) still(s *typev1.Signature) bool {
	return slices.Contains(b.roles[s.GetPerson()], s.GetWho())
}

func (b *bench) check(person string) ([]string, error) {
	events, missing, err := domain.Check(b.claim, b.still, b.act(person))
	return missing, b.took(events, err)
}

func (b *bench) execute(person string) error {
	return b.took(domain.Execute(b.claim, b.still, b.act(person)))
}

func (b *bench) remedy(person, remedy string) error {
	return b.took(domain.SetRemedy(b.claim, remedy, nil, 0, b.act(person)))
}

func (b *bench) refuse(person string) error {
	return b.took(domain.RecordRefusal(b.claim, "cash or nothing", time.Time{}, b.act(person)))
}

func (b *bench) submit(person string, terms *compensationv1.Claim) error {
	return b.took(domain.Submit(b.claim, terms, nil, b.act(person)))
}

// signAll lets everybody sign who comes before the tier.
func (b *bench) signAll(countersigners ...string) {
	b.t.Helper()
	require.NoError(b.t, b.sign(director, nil))
	require.NoError(b.t, b.sign(legal, nil))
	for _, c := range countersigners {
		require.NoError(b.t, b.sign(c, nil))
	}
}

// next are the people who may sign now.
func (b *bench) open() []string {
	var out []string
	for _, s := range b.claim.GetApproval().GetSteps() {
		if s.GetState() == typev1.ApprovalStep_STATE_OPEN {
			out = append(out, s.GetId())
		}
	}
	return out
}

func terms(amount, remedy string, causes ...string) *compensationv1.Claim {
	return &compensationv1.Claim{
		Ground: "warranty_works", Remedy: remedy, Amount: yuan(amount), Causes: causes,
		Payee: &compensationv1.Payee{DisplayName: "~s1.1.name", Account: "~s1.1.account"},
		Facts: map[string]*typev1.Fact{"demanded": words("~s1.1.demand"), "claim_basis": words("~s1.1.basis")},
	}
}

func yuan(amount string) *typev1.Money {
	return &typev1.Money{CurrencyCode: "CNY", Amount: amount}
}

func words(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

func flag(is bool) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: is}} }

func cash(is bool) map[string]*typev1.Fact { return map[string]*typev1.Fact{"cash_allowed": flag(is)} }

func resolution() map[string]*typev1.Fact {
	return map[string]*typev1.Fact{"board_resolution": words("~s1.1.resolution")}
}

// refused asks that the act was refused for the reason; refusal also tells how.
func refused(t testing.TB, err error, reason string) {
	t.Helper()
	require.Equal(t, reason, fault.ReasonOf(err), "%v", err)
}

func refusal(t testing.TB, err error, reason string) *fault.Error {
	t.Helper()
	require.Equal(t, reason, fault.ReasonOf(err), "%v", err)
	f, _ := fault.As(err)
	return f
}

func fields(f *fault.Error) []string {
	out := make([]string, len(f.Violations))
	for i, v := range f.Violations {
		out[i] = v.Field
	}
	return out
}

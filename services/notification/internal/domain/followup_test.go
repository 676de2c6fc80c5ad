package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

func template(t *testing.T) *policy.Policy {
	t.Helper()
	pack, _, err := policy.LoadShipped("generic-template")
	require.NoError(t, err)
	p, _ := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p)
	return p
}

func score(n int32) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}}
}

func answers(efficiency, resolution, attitude, reasonable int32, confirmed string) map[string]*typev1.Fact {
	facts := map[string]*typev1.Fact{"efficiency": score(efficiency), "resolution": score(resolution), "attitude": score(attitude), "reasonable": score(reasonable)}
	if confirmed != "" {
		facts["confirmed"] = &typev1.Fact{Value: &typev1.Fact_Choice{Choice: confirmed}}
	}
	return facts
}

func opened(t *testing.T) (*notificationv1.FollowUp, *policy.Policy) {
	t.Helper()
	p := template(t)
	return domain.Open(domain.Opening{
		Obligation: &typev1.Obligation{Id: "cases/c1#follow_up-1", Resource: "followUps/f1", Rule: p.Rule("survey")},
		Case:       &routingv1.Case{Name: "cases/c1", Complaint: "complaints/c1", Number: "C1", Round: 1, Subject: "subjects/s1", PolicyRevision: "packs/generic-template/revisions/r1"},
		Policy:     p, TokenDigest: "digest", Handlers: []string{"people/owner"}, Time: local(t, "04-16 10:00"),
	}), p
}

func TestOpenCarriesWhatTheObligationSays(t *testing.T) {
	t.Parallel()
	f, _ := opened(t)
	require.Equal(t, "survey", f.GetKind())
	require.Equal(t, "survey_form", f.GetForm())
	require.Equal(t, notificationv1.FollowUp_STATE_OPEN, f.GetState())
	require.Equal(t, "(六)", f.GetRule().GetClause())
	require.Equal(t, local(t, "05-16 10:00"), f.GetTokenExpireTime().AsTime())
}

// Scores 4, 5, 4, 3 and "satisfied" count as satisfied, 4, 5, 5, 5 and "not
// satisfied" do not, a score of 6 or 0 is refused. Source: SCENARIOS P26-S4.
func TestTheCustomersWordCountsNotTheScores(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		facts     map[string]*typev1.Fact
		satisfied bool
		field     string // refused for
	}{
		"4 5 4 3 and satisfied":     {answers(4, 5, 4, 3, "satisfied"), true, ""},
		"4 5 5 5 and not satisfied": {answers(4, 5, 5, 5, "not_satisfied"), false, ""},
		"1 1 1 1 and satisfied":     {answers(1, 1, 1, 1, "satisfied"), true, ""},
		"a score of 6":              {answers(4, 6, 4, 3, "satisfied"), false, "facts.resolution"},
		"a score of 0":              {answers(4, 5, 0, 3, "satisfied"), false, "facts.attitude"},
		"no word":                   {answers(4, 5, 4, 3, ""), false, "facts.confirmed"},
		"another word":              {answers(4, 5, 4, 3, "perhaps"), false, "facts.confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, p := opened(t)
			next, err := domain.Record(f, domain.Answer{
				Facts: c.facts, Mode: domain.ModeTelephone, Recorder: "people/specialist", Sheet: sheet.Of(nil, nil), Policy: p, Time: local(t, "04-17 10:00"),
			})
			if c.field != "" {
				refusal, ok := fault.As(err)
				require.True(t, ok, "%v", err)
				require.Equal(t, domain.ReasonForm, refusal.Reason)
				require.Equal(t, c.field, refusal.Violations[0].Field)
				require.Equal(t, "(六)", refusal.Rule.GetClause())
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.satisfied, next.GetSatisfied())
			require.Equal(t, notificationv1.FollowUp_STATE_ANSWERED, next.GetState())
			require.Equal(t, notificationv1.FollowUp_STATE_OPEN, f.GetState(), "the state before is not touched")
			_, err = domain.Record(next, domain.Answer{Facts: c.facts, Mode: domain.ModeTelephone, Recorder: "people/specialist", Policy: p})
			require.Equal(t, domain.ReasonFollowUpState, fault.ReasonOf(err))
		})
	}
}

func TestWhoHandledTheCaseMayNotEnterTheAnswer(t *testing.T) {
	t.Parallel()
	f, p := opened(t)
	for who, further := range map[string][]string{"people/owner": nil, "people/replier": {"people/replier"}} {
		_, err := domain.Record(f, domain.Answer{
			Facts: answers(4, 5, 4, 3, "satisfied"), Mode: domain.ModeTelephone, Recorder: who, Handlers: further, Sheet: sheet.Of(nil, nil), Policy: p,
		})
		require.Equal(t, domain.ReasonHandler, fault.ReasonOf(err), who)
	}
	_, err := domain.Record(f, domain.Answer{Mode: "guess", Recorder: "people/x", Policy: p})
	require.Equal(t, domain.ReasonMode, fault.ReasonOf(err))
}

func TestHandlersAreOwnerPlannersDoersAndRepliers(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"people/a", "people/b", "people/c", "people/d"}, domain.Handlers(
		&routingv1.Case{Owner: "people/d"},
		[]*routingv1.Plan{{ProposedBy: "people/b", Measures: []*routingv1.Measure{{Person: "people/a"}, {Person: "people/b"}, {}}}},
		[]*routingv1.Reply{{Sender: "people/c"}},
	))
}

func TestALinkOpensItsOwnOpenFollowUpUntilItExpires(t *testing.T) {
	t.Parallel()
	f, _ := opened(t)
	now := local(t, "04-17 10:00")
	require.NoError(t, domain.TakesLink(f, "digest", now))
	require.NoError(t, domain.TakesLink(f, "digest", f.GetTokenExpireTime().AsTime()))
	for name, err := range map[string]error{
		"another token": domain.TakesLink(f, "other", now),
		"expired":       domain.TakesLink(f, "digest", f.GetTokenExpireTime().AsTime().Add(time.Second)),
		"cancelled":     domain.TakesLink(domain.Cancel(f), "digest", now),
	} {
		require.Equal(t, domain.ReasonLink, fault.ReasonOf(err), name)
	}
	require.Nil(t, domain.Cancel(domain.Cancel(f)), "only an open one is cancelled")
}

func TestQuestionsAreThoseOfTheForm(t *testing.T) {
	t.Parallel()
	items := domain.Questions(domain.FormOf(template(t), "survey_form"))
	require.Len(t, items, 6)
	require.Equal(t, "SCORE", items[0].GetType())
	require.Equal(t, []int32{1, 5}, []int32{items[0].GetMin(), items[0].GetMax()})
	require.Equal(t, "处理效率", items[0].GetText().GetZh())
	require.Equal(t, "CHOICE", items[4].GetType())
	require.True(t, items[4].GetRequired())
	require.Equal(t, "不满意", items[4].GetOptions()[1].GetText().GetZh())
	require.Equal(t, "TEXT", items[5].GetType())
}

func TestThePackDecidesWhetherALinkIsSent(t *testing.T) {
	t.Parallel()
	def := domain.FollowUpOf(template(t), "survey")
	require.True(t, domain.AsksByLink(def))
	visited := proto.CloneOf(def)
	visited.Modes = []policyv1.Medium{policyv1.Medium_MEDIUM_VISIT, policyv1.Medium_MEDIUM_TELEPHONE}
	require.False(t, domain.AsksByLink(visited))
	staffOnly := proto.CloneOf(def)
	staffOnly.By = []string{"customer_service_specialist"}
	require.False(t, domain.AsksByLink(staffOnly))
}

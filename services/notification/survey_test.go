package notification_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/policy"
)

// asked is a bed in which a customer has been asked.
type asked struct {
	*bed
	complaint *intakev1.Complaint
	kase      *routingv1.Case
	owed      *typev1.Obligation
	token     string
}

func ask(t *testing.T) *asked {
	t.Helper()
	return askOn(t, kittest.SQLite(t))
}

func askOn(t *testing.T, db *sqldb.DB) *asked {
	t.Helper()
	b := newBedOn(t, db)
	b.pack()
	b.person("owner", "customer_service_specialist", "")
	b.person("carl", "customer_service_specialist", "")
	b.person("dora", "operations_director", "")
	b.settled()
	a := &asked{bed: b, complaint: b.complaint(nil)}
	a.kase = caseOf(a.complaint)
	b.happened("intake", &intakev1.ComplaintRegistered{}, a.complaint)
	b.happened("routing", &routingv1.CaseOpened{}, a.kase)
	b.happened("routing", &routingv1.PlanProposed{}, &routingv1.Plan{Name: a.kase.GetName() + "/plans/1", Complaint: a.complaint.GetName(), ProposedBy: "people/carl", Round: 1})
	a.owed = owed(t, a.kase)
	b.happened("routing", &routingv1.ObligationOpened{}, a.kase)
	b.settled()
	mail := b.mail("https://redress.example/survey/")
	_, after, _ := strings.Cut(mail, "https://redress.example/survey/")
	a.token = strings.FieldsFunc(after, func(r rune) bool {
		return !strings.ContainsRune("._-", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})[0]
	return a
}

func score(n int32) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}} }

func answers(efficiency, resolution, attitude, reasonable int32, confirmed string) map[string]*typev1.Fact {
	return map[string]*typev1.Fact{
		"efficiency": score(efficiency), "resolution": score(resolution), "attitude": score(attitude), "reasonable": score(reasonable),
		"confirmed": {Value: &typev1.Fact_Choice{Choice: confirmed}}, "remark": {Value: &typev1.Fact_Text{Text: "谢谢"}},
	}
}

func (a *asked) submit(token string, facts map[string]*typev1.Fact) (*notificationv1.SubmitSurveyResponse, error) {
	return a.client.SubmitSurvey(a.t.Context(), &notificationv1.SubmitSurveyRequest{Token: token, Facts: facts, RequestId: uuid.NewString()})
}

// Scores 4, 5, 4, 3 and "satisfied": the customer is satisfied; the link is used up.
// Source: SCENARIOS P26-S4.
func TestALinkTakesOneAnswer(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) { oneAnswer(askOn(t, open(t))) })
}

func oneAnswer(a *asked) {
	t := a.t
	f := a.followUp(a.owed)
	require.Equal(t, notificationv1.FollowUp_STATE_OPEN, f.GetState())
	require.Equal(t, []string{"people/carl", "people/owner"}, f.GetHandlers())
	require.Empty(t, f.GetTokenDigest())
	require.Equal(t, a.owed.GetId(), a.notice("survey").GetObligation())

	page, err := a.client.GetSurvey(t.Context(), &notificationv1.GetSurveyRequest{Token: a.token})
	require.NoError(t, err)
	require.Equal(t, "C20260408-0001", page.GetNumber())
	require.Len(t, page.GetItems(), 6)
	require.Equal(t, "zh-CN", page.GetLocale())

	for _, wrong := range []int32{0, 6} {
		_, err := a.submit(a.token, answers(wrong, 5, 4, 3, "satisfied"))
		refusal, ok := fault.As(err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "FORM_INCOMPLETE", refusal.Reason)
		require.Equal(t, "facts.efficiency", refusal.Violations[0].Field)
		require.Equal(t, policy.FieldRange, refusal.Violations[0].Reason)
	}

	request := &notificationv1.SubmitSurveyRequest{Token: a.token, Facts: answers(4, 5, 4, 3, "satisfied"), RequestId: uuid.NewString()}
	got, err := a.client.SubmitSurvey(t.Context(), request)
	require.NoError(t, err)
	require.True(t, got.GetSatisfied())
	again, err := a.client.SubmitSurvey(t.Context(), request)
	require.NoError(t, err, "a second press of the button gives the first answer")
	require.True(t, again.GetSatisfied())
	_, err = a.submit(a.token, answers(1, 1, 1, 1, "not_satisfied"))
	require.Equal(t, "LINK_INVALID", fault.ReasonOf(err))
	_, err = a.client.GetSurvey(t.Context(), &notificationv1.GetSurveyRequest{Token: a.token})
	require.Equal(t, "LINK_INVALID", fault.ReasonOf(err))

	f = a.followUp(a.owed)
	require.Equal(t, notificationv1.FollowUp_STATE_ANSWERED, f.GetState())
	require.True(t, f.GetSatisfied())
	require.Equal(t, "page", f.GetMode())
	require.Equal(t, "customer", f.GetRecorder())
	require.Equal(t, "谢谢", f.GetFacts()["remark"].GetText())
}

func TestDissatisfactionIsToldAndTheNextRoundAsksAnew(t *testing.T) {
	t.Parallel()
	a := ask(t)
	got, err := a.submit(a.token, answers(4, 5, 5, 5, "not_satisfied"))
	require.NoError(t, err)
	require.False(t, got.GetSatisfied())

	a.kase.Obligations[0].State = typev1.Obligation_STATE_DONE
	a.kase.Round = 2
	a.happened("routing", &routingv1.RoundStarted{Round: "restart"}, a.kase)
	second := owed(t, a.kase)
	a.happened("routing", &routingv1.ObligationOpened{}, a.kase)
	a.settled()
	require.Equal(t, notificationv1.FollowUp_STATE_OPEN, a.followUp(second).GetState())
	require.Equal(t, int32(2), a.followUp(second).GetRound())
	require.Len(t, a.notices("survey"), 2)
}

func TestOpenFollowUpsAreCancelledByARoundAndByWithdrawal(t *testing.T) {
	t.Parallel()
	for name, happen := range map[string]func(a *asked){
		"another round": func(a *asked) {
			a.kase.Round = 2
			a.happened("routing", &routingv1.RoundStarted{}, a.kase)
		},
		"withdrawal": func(a *asked) {
			a.complaint.State = intakev1.Complaint_STATE_WITHDRAWN
			a.happened("intake", &intakev1.ComplaintWithdrawn{}, a.complaint)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t)
			happen(a)
			a.settled()
			require.Equal(t, notificationv1.FollowUp_STATE_CANCELLED, a.followUp(a.owed).GetState())
			_, err := a.submit(a.token, answers(4, 5, 4, 3, "satisfied"))
			require.Equal(t, "LINK_INVALID", fault.ReasonOf(err))
		})
	}
}

func TestNobodyIsAskedAfterAWithdrawal(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	c := b.complaint(nil)
	k := caseOf(c)
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	c.State = intakev1.Complaint_STATE_WITHDRAWN
	b.happened("intake", &intakev1.ComplaintWithdrawn{}, c)
	b.settled()
	o := owed(t, k)
	b.happened("routing", &routingv1.ObligationOpened{}, k)
	b.settled()
	_, err := b.client.GetFollowUp(as(t.Context(), "people/agent"), &notificationv1.GetFollowUpRequest{Name: o.GetResource()})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestForgedAndExpiredLinksAreRefusedAlike(t *testing.T) {
	t.Parallel()
	a := ask(t)
	content, signature, _ := strings.Cut(a.token, ".")
	forged := []string{
		content + "." + strings.Repeat("A", len(signature)), "AAAA" + content + "." + signature, content, strings.Repeat("x", 40), content + "." + signature + "A",
	}
	for _, token := range forged {
		_, err := a.submit(token, answers(4, 5, 4, 3, "satisfied"))
		require.Equal(t, "LINK_INVALID", fault.ReasonOf(err), token)
	}
	require.NoError(t, a.clock.Advance(a.clock.Now().Add(30*24*time.Hour+time.Second)))
	_, err := a.submit(a.token, answers(4, 5, 4, 3, "satisfied"))
	require.Equal(t, "LINK_INVALID", fault.ReasonOf(err))
	_, err = a.client.GetSurvey(t.Context(), &notificationv1.GetSurveyRequest{Token: a.token})
	require.Equal(t, "LINK_INVALID", fault.ReasonOf(err))
	require.Equal(t, notificationv1.FollowUp_STATE_OPEN, a.followUp(a.owed).GetState(), "staff may still enter it")
}

func TestWhoMayEnterAnAnswer(t *testing.T) {
	t.Parallel()
	a := ask(t)
	a.person("eva", "customer_service_specialist", "")
	a.settled()
	record := func(who, etag string, facts map[string]*typev1.Fact) (*notificationv1.FollowUp, error) {
		got, err := a.client.RecordFollowUp(as(t.Context(), who), &notificationv1.RecordFollowUpRequest{
			Name: a.owed.GetResource(), Mode: "telephone", Facts: facts, Etag: etag, RequestId: uuid.NewString(),
		})
		return got.GetFollowUp(), err
	}
	good := answers(4, 5, 4, 3, "satisfied")
	etag := a.followUp(a.owed).GetEtag()
	for who, reason := range map[string]string{
		"people/owner": "FOLLOW_UP_HANDLER", // owns the case
		"people/carl":  "FOLLOW_UP_HANDLER", // proposed the plan
		"people/dora":  "RULE_ROLE",         // the pack names others
	} {
		_, err := record(who, etag, good)
		require.Equal(t, reason, fault.ReasonOf(err), who)
	}
	_, err := record("people/eva", "77", good)
	require.Equal(t, "ETAG_MISMATCH", fault.ReasonOf(err))
	_, err = record("people/eva", etag, answers(4, 6, 4, 3, "satisfied"))
	require.Equal(t, "FORM_INCOMPLETE", fault.ReasonOf(err))
	f, err := record("people/eva", etag, good)
	require.NoError(t, err)
	require.True(t, f.GetSatisfied())
	require.Equal(t, "people/eva", f.GetRecorder())
	_, err = record("people/eva", f.GetEtag(), good)
	require.Equal(t, "FOLLOW_UP_STATE", fault.ReasonOf(err))
	_, err = a.submit(a.token, good)
	require.Equal(t, "LINK_INVALID", fault.ReasonOf(err), "answered already")
}

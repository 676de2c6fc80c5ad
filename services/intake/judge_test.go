package intake_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

const (
	valid   = intakev1.Judgement_STANDS_VALID
	invalid = intakev1.Judgement_STANDS_INVALID
)

func TestAComplaintInTimeIsValidAndAccepted(t *testing.T) {
	t.Parallel()
	b := newBed(t, "03-20 09:00:00")
	c, err := b.judge(b.register("02-09 23:00:00"), intakev1.Judgement_STANDS_UNSPECIFIED)
	require.NoError(t, err)
	require.Equal(t, valid, c.GetJudgement().GetStands())
	require.Equal(t, "people/agent", c.GetJudgement().GetJudgedBy())
	require.NotNil(t, c.GetAcceptTime())
	require.Equal(t, []string{"ComplaintRegistered", "ComplaintJudged", "ComplaintAccepted"}, b.told(c.GetName()))
}

func TestAComplaintADayLateIsInvalidByItsWindow(t *testing.T) {
	t.Parallel()
	b := newBed(t, "03-20 09:00:00")
	c, err := b.judge(b.register("02-10 00:00:00"), valid)
	require.NoError(t, err)
	require.Equal(t, invalid, c.GetJudgement().GetStands())
	require.Equal(t, "days30", c.GetJudgement().GetRule().GetRule())
	require.Equal(t, "8.1", c.GetJudgement().GetRule().GetClause())
	require.Equal(t, "INVALID", c.GetJudgement().GetOutcome())
	require.Nil(t, c.GetAcceptTime())
}

func TestTheFirstJudgementThatLetsItStandAcceptsOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c := b.register("02-01 08:00:00")
	for _, word := range []intakev1.Judgement_Stands{intakev1.Judgement_STANDS_NOT_UPHELD, intakev1.Judgement_STANDS_UPHELD, intakev1.Judgement_STANDS_UPHELD} {
		var err error
		c, err = b.judge(c, word)
		require.NoError(t, err)
		require.Equal(t, word, c.GetJudgement().GetStands())
	}
	require.Equal(t, []string{"ComplaintRegistered", "ComplaintJudged", "ComplaintJudged", "ComplaintAccepted", "ComplaintJudged"}, b.told(c.GetName()))
}

// Source: PROCEDURES P22-A2, P04 三 2: the answer says why; without a reason it could not be written.
func TestWhoeverTurnsAComplaintAwaySaysWhy(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c := b.register("02-01 08:00:00")
	ask := func(stands intakev1.Judgement_Stands) (*intakev1.JudgeComplaintResponse, error) {
		return b.JudgeComplaint(b.as("agent"), &intakev1.JudgeComplaintRequest{Name: c.GetName(), Stands: stands, Etag: c.GetEtag(), RequestId: uuid.NewString()})
	}
	for _, word := range []intakev1.Judgement_Stands{intakev1.Judgement_STANDS_NOT_UPHELD, invalid, intakev1.Judgement_STANDS_OUT_OF_SCOPE} {
		_, err := ask(word)
		require.Equal(t, "RULE_INCOMPLETE", reason(err))
		require.ErrorContains(t, err, "reason")
	}
	got, err := ask(intakev1.Judgement_STANDS_UPHELD)
	require.NoError(t, err, "what is upheld needs no reason")
	require.Equal(t, intakev1.Judgement_STANDS_UPHELD, got.GetComplaint().GetJudgement().GetStands())
}

func TestWithoutContactItDoesNotStand(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c, err := b.judge(b.register("02-01 08:00:00", func(c *intakev1.Complaint) { c.Complainant.Telephone = "" }), valid)
	require.NoError(t, err)
	require.Equal(t, invalid, c.GetJudgement().GetStands())
	require.Equal(t, "contact", c.GetJudgement().GetRule().GetRule())
}

func TestJudgingWaitsForTheFactsItsRulesRead(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c := b.register("02-01 08:00:00", func(c *intakev1.Complaint) { c.Facts = nil })
	_, err := b.judge(c, valid)
	require.Equal(t, "RULE_INCOMPLETE", reason(err))
	got, err := b.JudgeComplaint(b.as("agent"), &intakev1.JudgeComplaintRequest{
		Name: c.GetName(), Facts: map[string]*typev1.Fact{"arrived": date("2026-01-10"), "claims": flag(false)}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err, "the facts may come with the judgement")
	require.Equal(t, valid, got.GetComplaint().GetJudgement().GetStands())
	require.Equal(t, "2026-01-10", got.GetComplaint().GetFacts()["arrived"].GetDate())
	_, err = b.JudgeComplaint(b.as("agent"), &intakev1.JudgeComplaintRequest{
		Name: c.GetName(), Facts: map[string]*typev1.Fact{"weight": flag(true)}, Etag: got.GetComplaint().GetEtag(), RequestId: uuid.NewString(),
	})
	require.Equal(t, "FORM_INCOMPLETE", reason(err), "but only fields of the pack")
}

func TestPapersNeedEverySignatureOrAnotherPaper(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	claims := func(c *intakev1.Complaint) { c.Facts["claims"] = flag(true) }
	c, err := b.provide(b.register("02-01 08:00:00", claims), "note", "customer")
	require.NoError(t, err)
	c, err = b.judge(c, valid)
	require.NoError(t, err)
	require.Equal(t, invalid, c.GetJudgement().GetStands())
	require.Equal(t, []string{"note", "agreement", "anyone@hall"}, c.GetJudgement().GetMissing())
	c, err = b.provide(c, "note", "customer", "anyone@hall")
	require.NoError(t, err)
	c, err = b.judge(c, valid)
	require.NoError(t, err)
	require.Equal(t, valid, c.GetJudgement().GetStands())
	_, err = b.provide(c, "photograph")
	require.Equal(t, "DOCUMENT_UNKNOWN", reason(err))
}

func TestPapersAfterTheirWindowAreOnFileAndDoNotCount(t *testing.T) {
	t.Parallel()
	for now, want := range map[string]intakev1.Judgement_Stands{"03-11 23:59:59": valid, "03-12 00:00:00": invalid} {
		b := newBed(t, now)
		c, err := b.provide(b.register("02-09 10:00:00", func(c *intakev1.Complaint) { c.Facts["claims"] = flag(true) }), "agreement")
		require.NoError(t, err)
		require.Equal(t, want == invalid, c.GetDocuments()[0].GetLate(), now)
		c, err = b.judge(c, valid)
		require.NoError(t, err)
		require.Equal(t, want, c.GetJudgement().GetStands(), now)
	}
}

func TestLossFiguresNeedTheirApprovalAndTheirWindow(t *testing.T) {
	t.Parallel()
	b := newBed(t, "08-10 12:00:00")
	c := b.register("02-09 10:00:00")
	fill := func() error {
		_, err := b.FillForm(b.as("agent"), &intakev1.FillFormRequest{
			Name: c.GetName(), Form: "loss", Facts: map[string]*typev1.Fact{"loss": amount("1200.00")}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
		})
		return err
	}
	require.Equal(t, "RULE_GATE", reason(fill()), "nobody has allowed that figures follow")
	k := &routingv1.Case{Name: "cases/" + c.GetName()[len("complaints/"):], Complaint: c.GetName(), PolicyRevision: c.GetPolicyRevision(), Approved: []string{"may_follow"}}
	b.put(k.GetName(), k, &routingv1.CaseOpened{})
	b.settle()
	b.advance("08-11 00:00:00")
	require.Equal(t, "WINDOW_CLOSED", reason(fill()))
	b2 := newBed(t, "08-10 23:59:59")
	c = b2.register("02-09 10:00:00")
	k.Name, k.Complaint, k.PolicyRevision = "cases/"+c.GetName()[len("complaints/"):], c.GetName(), c.GetPolicyRevision()
	b2.put(k.GetName(), k, &routingv1.CaseOpened{})
	b2.settle()
	b = b2
	require.NoError(t, fill())
}

func TestWhatThePackDoesNotTakeIsRefusedOrClosedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	_, err := b.CreateComplaint(b.as("agent"), asked(t, "02-01 08:00:00", func(c *intakev1.Complaint) { c.Expression = "praise" }))
	require.Equal(t, "NOT_REGISTERED", reason(err))
	c := b.register("02-01 08:00:00", func(c *intakev1.Complaint) { c.Facts["settled_on_spot"] = flag(true) })
	require.Equal(t, intakev1.Complaint_STATE_CLOSED, c.GetState())
	require.Equal(t, "OUT_OF_PROCEDURE", c.GetOutcome())
	require.Equal(t, "on_the_spot", c.GetOutside().GetRule())
	require.Equal(t, []string{"ComplaintRegistered", "ComplaintOutside"}, b.told(c.GetName()))
	k := &routingv1.Case{Name: "cases/" + c.GetName()[len("complaints/"):], Complaint: c.GetName(), PolicyRevision: c.GetPolicyRevision(), CloseOutcome: "out_of_procedure"}
	b.put(k.GetName(), k, &routingv1.CaseClosed{})
	b.settle()
	require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, b.get(c.GetName(), "agent").GetState())
}

func TestWhatComesToBeOutsideIsClosedWhenItsFactIsRecorded(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c := b.register("02-01 08:00:00")
	got, err := b.FillForm(b.as("agent"), &intakev1.FillFormRequest{
		Name: c.GetName(), Form: "record", Facts: map[string]*typev1.Fact{"settled_on_spot": flag(true)}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.Equal(t, intakev1.Complaint_STATE_CLOSED, got.GetComplaint().GetState())
	require.Equal(t, "OUT_OF_PROCEDURE", got.GetComplaint().GetOutcome())
}

func TestNumberedFormsCountWithinTheirDay(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 23:59:00")
	require.Equal(t, "KS20260201-001", b.register("02-01 08:00:00").GetForms()[0].GetNumber())
	c := b.register("02-01 08:00:00")
	require.Equal(t, "KS20260201-002", c.GetForms()[0].GetNumber())
	b.advance("02-02 00:00:00")
	got, err := b.FillForm(b.as("agent"), &intakev1.FillFormRequest{Name: c.GetName(), Form: "record", Etag: c.GetEtag(), RequestId: uuid.NewString()})
	require.NoError(t, err)
	require.Equal(t, "KS20260202-001", got.GetComplaint().GetForms()[1].GetNumber())
}

func TestHiddenFieldsAreNotShownToWhomTheyAreHiddenFrom(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	c := b.register("02-01 08:00:00")
	_, err := b.FillForm(b.as("agent"), &intakev1.FillFormRequest{
		Name: c.GetName(), Form: "coding", Facts: map[string]*typev1.Fact{"blind_code": words("A-17")}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.Equal(t, "A-17", b.get(c.GetName(), "agent").GetFacts()["blind_code"].GetText())
	require.NotContains(t, b.get(c.GetName(), "tester").GetFacts(), "blind_code")
	listed, err := b.ListComplaints(b.as("tester"), &intakev1.ListComplaintsRequest{})
	require.NoError(t, err)
	require.NotContains(t, listed.GetComplaints()[0].GetFacts(), "blind_code")
	for person, shown := range map[string]bool{"tester": false, "agent": true} {
		exported, err := b.ExportPerson(b.as(person), &intakev1.ExportPersonRequest{Name: c.GetName(), Reason: "asked for", RequestId: uuid.NewString()})
		require.NoError(t, err)
		_, there := exported.GetComplaints()[0].GetFacts()["blind_code"]
		require.Equal(t, shown, there, person)
	}

	// Nor in what an act of theirs answers.
	seen := b.get(c.GetName(), "tester")
	changed, err := b.UpdateComplaint(b.as("tester"), &intakev1.UpdateComplaintRequest{
		Complaint: &intakev1.Complaint{Name: c.GetName(), Description: "more of it"},
		Etag:      seen.GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.NotContains(t, changed.GetComplaint().GetFacts(), "blind_code")
	withdrawn, err := b.WithdrawComplaint(b.as("tester"), &intakev1.WithdrawComplaintRequest{
		Name: c.GetName(), Etag: changed.GetComplaint().GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.NotContains(t, withdrawn.GetComplaint().GetFacts(), "blind_code")
}

package edgetest_test

import (
	"github.com/stretchr/testify/require"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// prevents opens a preventive action: refused, asked again, granted, amended, so that what was
// granted counts no longer, and cancelled.
func (w *walk) prevents() {
	opened := as[*correctiveactionv1.CreateActionResponse](w, quality, &correctiveactionv1.CreateActionRequest{Action: &correctiveactionv1.Action{
		Complaint: w.complaint, Description: "渗漏应急演练", PolicyKind: "drill", Owner: quality, Department: "departments/quality",
	}}).GetAction()
	require.Nil(w.t, opened.GetApproval(), "its form is blank")
	a := as[*correctiveactionv1.FillActionFormResponse](w, quality, &correctiveactionv1.FillActionFormRequest{
		Name: opened.GetName(), Form: "drill_plan", Facts: map[string]*typev1.Fact{"place": text("8 号楼")}, Etag: opened.GetEtag(),
	}).GetAction()
	require.Equal(w.t, typev1.Approval_STATE_OPEN, a.GetApproval().GetState())
	sign := func(d typev1.Decision) typev1.Approval_State {
		a = as[*correctiveactionv1.SignActionResponse](w, operations, &correctiveactionv1.SignActionRequest{
			Name: a.GetName(), Decision: d, Comment: "见批注", SealedDigest: a.GetApproval().GetSealedDigest(), Etag: a.GetEtag(),
		}).GetAction()
		return a.GetApproval().GetState()
	}
	require.Equal(w.t, typev1.Approval_STATE_REFUSED, sign(typev1.Decision_DECISION_REJECT))
	a = as[*correctiveactionv1.RequestActionApprovalResponse](w, quality, &correctiveactionv1.RequestActionApprovalRequest{Name: a.GetName(), Note: "请再考虑", Etag: a.GetEtag()}).GetAction()
	require.Len(w.t, a.GetEarlierApprovals(), 1)
	require.Equal(w.t, typev1.Approval_STATE_GRANTED, sign(typev1.Decision_DECISION_APPROVE))
	a = as[*correctiveactionv1.AmendActionResponse](w, quality, &correctiveactionv1.AmendActionRequest{Name: a.GetName(), Description: "渗漏应急演练两次", Etag: a.GetEtag()}).GetAction()
	require.Equal(w.t, int32(3), a.GetApproval().GetNumber(), "what has changed is asked for anew")
	a = as[*correctiveactionv1.CancelActionResponse](w, quality, &correctiveactionv1.CancelActionRequest{Name: a.GetName(), Reason: "并入年度演练", Etag: a.GetEtag()}).GetAction()
	require.Equal(w.t, correctiveactionv1.Action_STATE_CANCELLED, a.GetState())
	require.Equal(w.t, typev1.Approval_STATE_VOID, a.GetApproval().GetState())
}

// penalises books a fine that a person sets and one that a notice brings, and ends the
// duties that follow.
func (w *walk) penalises() {
	ledger := func() *correctiveactionv1.Ledger {
		return as[*correctiveactionv1.GetLedgerResponse](w, operations, &correctiveactionv1.GetLedgerRequest{Party: quality, Period: "2026-04"}).GetLedger()
	}
	e := as[*correctiveactionv1.PenaliseResponse](w, operations, &correctiveactionv1.PenaliseRequest{
		Entry: "neglect", To: quality, Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "120.25"}, Reason: "未按期巡检",
	}).GetEntry()
	notice := as[*correctiveactionv1.CreatePenaltyResponse](w, supervisor, &correctiveactionv1.CreatePenaltyRequest{Penalty: &correctiveactionv1.Penalty{
		Form: "penalty_notice", Facts: map[string]*typev1.Fact{"penalised": {Value: &typev1.Fact_Person{Person: quality}}},
	}}).GetPenalty()
	require.Equal(w.t, correctiveactionv1.Penalty_STATE_OPEN, notice.GetState())
	for _, who := range []string{quality, operations} {
		require.Equal(w.t, "120.25", ledger().GetFines().GetAmount(), "the notice is not in force")
		notice = as[*correctiveactionv1.SignPenaltyResponse](w, who, &correctiveactionv1.SignPenaltyRequest{
			Name: notice.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: notice.GetApproval().GetSealedDigest(), Etag: notice.GetEtag(),
		}).GetPenalty()
	}
	notice = as[*correctiveactionv1.GetPenaltyResponse](w, operations, &correctiveactionv1.GetPenaltyRequest{Name: notice.GetName()}).GetPenalty()
	require.Equal(w.t, correctiveactionv1.Penalty_STATE_IN_FORCE, notice.GetState())
	require.Len(w.t, notice.GetEntries(), 1)
	brought := as[*correctiveactionv1.GetEntryResponse](w, operations, &correctiveactionv1.GetEntryRequest{Name: notice.GetEntries()[0]}).GetEntry()
	require.Equal(w.t, "30.50", brought.GetAmount().GetAmount())
	require.Equal(w.t, notice.GetName(), brought.GetPenalty())
	as[*correctiveactionv1.PayEntryResponse](w, finance, &correctiveactionv1.PayEntryRequest{Name: e.GetName(), Note: "收据 17", Etag: e.GetEtag()})
	sums := ledger()
	require.Equal(w.t, "150.75", sums.GetFines().GetAmount())
	require.Equal(w.t, "120.25", sums.GetPaid().GetAmount())
	require.Equal(w.t, "30.50", sums.GetAccounts()["wages"].GetAmount())
	require.Equal(w.t, "150.75", sums.GetFunds()["welfare"].GetAmount())

	for _, step := range []string{"talk", "train"} { // both were opened at one instant, in no order
		open := as[*correctiveactionv1.ListDutiesResponse](w, operations, &correctiveactionv1.ListDutiesRequest{Step: step, State: correctiveactionv1.Duty_STATE_OPEN}).GetDuties()
		require.Len(w.t, open, 1)
		d := as[*correctiveactionv1.GetDutyResponse](w, operations, &correctiveactionv1.GetDutyRequest{Name: open[0].GetName()}).GetDuty()
		require.Equal(w.t, "2026-04", d.GetPeriod())
		if d.GetOptional() {
			d = as[*correctiveactionv1.SkipDutyResponse](w, supervisor, &correctiveactionv1.SkipDutyRequest{Name: d.GetName(), Note: "已受训", Etag: d.GetEtag()}).GetDuty()
			require.Equal(w.t, correctiveactionv1.Duty_STATE_SKIPPED, d.GetState())
			continue
		}
		d = as[*correctiveactionv1.DoDutyResponse](w, supervisor, &correctiveactionv1.DoDutyRequest{Name: d.GetName(), Note: "已谈话", Etag: d.GetEtag()}).GetDuty()
		require.Equal(w.t, correctiveactionv1.Duty_STATE_DONE, d.GetState())
	}
	require.Empty(w.t, as[*correctiveactionv1.ListDutiesResponse](w, operations, &correctiveactionv1.ListDutiesRequest{State: correctiveactionv1.Duty_STATE_OPEN}).GetDuties())
}

// files puts the rules of a department on file, which was missing.
func (w *walk) files() {
	missing := func() []string {
		var out []string
		for _, m := range as[*correctiveactionv1.ListMissingFilesResponse](w, operations, &correctiveactionv1.ListMissingFilesRequest{Form: "own_rules"}).GetMissingFiles() {
			out = append(out, m.GetDepartment())
		}
		return out
	}
	before := missing()
	require.Contains(w.t, before, "departments/quality")
	f := as[*correctiveactionv1.FileDepartmentFormResponse](w, quality, &correctiveactionv1.FileDepartmentFormRequest{
		Parent: "departments/quality", Form: "own_rules", Facts: map[string]*typev1.Fact{"rules_title": text("质量部奖惩办法")},
	}).GetDepartmentFile()
	f = as[*correctiveactionv1.GetDepartmentFileResponse](w, operations, &correctiveactionv1.GetDepartmentFileRequest{Name: f.GetName()}).GetDepartmentFile()
	require.Equal(w.t, "质量部奖惩办法", f.GetFacts()["rules_title"].GetText())
	after := missing()
	require.Len(w.t, after, len(before)-1)
	require.NotContains(w.t, after, "departments/quality")
}

// proposes asks the customer which way it shall be settled and records the answer, first none and then one.
func (w *walk) proposes() {
	issued := as[*notificationv1.IssueNoticeResponse](w, agent, &notificationv1.IssueNoticeRequest{Name: w.complaint, Notice: "proposal"})
	require.Equal(w.t, int32(1), issued.GetCount())
	answer := func(choices ...string) *notificationv1.Notice {
		n := as[*notificationv1.GetNoticeResponse](w, agent, &notificationv1.GetNoticeRequest{Name: issued.GetNotice().GetName()}).GetNotice()
		return as[*notificationv1.AnswerNoticeResponse](w, agent, &notificationv1.AnswerNoticeRequest{Name: n.GetName(), Choices: choices, Etag: n.GetEtag()}).GetNotice()
	}
	require.Empty(w.t, answer("repaired", "refunded").GetChosen(), "two are none")
	n := answer("refunded")
	require.Equal(w.t, "refunded", n.GetChosen())
	require.Equal(w.t, int32(1), n.GetUnclearAnswers())
}

// watched reads what the watch found at the end of April: one of two was satisfied.
func (w *walk) watched() {
	found := as[*reportingv1.ListWatchedResponse](w, operations, &reportingv1.ListWatchedRequest{}).GetWatched()
	require.Len(w.t, found, 1)
	got := as[*reportingv1.GetWatchedResponse](w, operations, &reportingv1.GetWatchedRequest{Name: found[0].GetName()}).GetWatched()
	require.Equal(w.t, "2026-04", got.GetPeriod())
	require.Equal(w.t, []int64{1, 2}, []int64{got.GetPeriods()[0].GetCounts(), got.GetPeriods()[0].GetAmong()})
	owed := as[*correctiveactionv1.ListDutiesResponse](w, operations, &correctiveactionv1.ListDutiesRequest{Step: "explain"}).GetDuties()
	require.Len(w.t, owed, 1)
	require.Equal(w.t, "dissatisfied", owed[0].GetBecause().GetRule())
}

package correctiveaction

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
)

// growing has numbered reports, a blind retest, and points that cost money.
const growing = `
pack: growing
title: {zh: 样例, en: Sample}
source: sample
roles: [{id: tester, clause: "1", text: {zh: 检测员, en: tester}}]
departments: [{id: product, clause: "1", text: {zh: 产品部, en: product department}}]
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
forms:
- id: retest
  clause: "3"
  about: ACTION
  text: {zh: 复检, en: retest}
  fields:
  - {id: blind_code, type: TEXT, required: true, hidden_from: [tester], text: {zh: 盲样编号, en: blind code}}
  - {id: testers, type: COUNT, required: true, text: {zh: 检测人数, en: number of testers}}
clocks:
- {id: handling, clause: "2", from: [COMPLAINT_REGISTERED], limit: 24 h, each: 24 h, met_by: [CASE_CLOSED], owed_by: [department@responsible], text: {zh: 办结, en: handled}}
corrective_action:
- {id: eight_d, clause: "2", kind: CORRECTIVE, written_by: [anyone], number: "8D{date}{serial:3/day}", text: {zh: 8D报告, en: 8D report}}
- {id: retesting, clause: "3", kind: RETEST, written_by: [anyone], forms: [retest], text: {zh: 复检, en: retest}}
assessment:
- {id: late, clause: "4", kind: POINTS, when: [CLOCK_LATE handling], to: [department@responsible], points: "-1", text: {zh: 逾期扣分, en: late}}
- {id: month_end, clause: "5", kind: FINE, every: MONTH, converts: [late], to: [department], amount: "100.00", text: {zh: 月末, en: month end}}
`

func TestNumbersOfReportsAreGivenOnceHoweverManyAskAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, growing)
	b.activate()
	b.register()
	const many = 40
	var wg sync.WaitGroup
	numbers, errs := make([]string, many), make([]error, many)
	for i := range many {
		wg.Go(func() {
			a, err := b.create("quality", &correctiveactionv1.Action{Complaint: complaint, PolicyKind: "eight_d", Description: "焊接不良"})
			numbers[i], errs[i] = a.GetNumber(), err
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	slices.Sort(numbers)
	require.Len(t, slices.Compact(slices.Clone(numbers)), many, "each once")
	require.Equal(t, "8D20260413001", numbers[0])
	require.Equal(t, "8D20260413040", numbers[many-1], "without gaps")
	require.NoError(t, b.clock.Advance(time.Date(2026, 4, 13, 16, 0, 0, 0, time.UTC))) // midnight in Shanghai
	a, err := b.create("quality", &correctiveactionv1.Action{Complaint: complaint, PolicyKind: "eight_d", Description: "焊接不良"})
	require.NoError(t, err)
	require.Equal(t, "8D20260414001", a.GetNumber(), "anew each date")
}

func TestTestersDoNotSeeTheBlindCode(t *testing.T) {
	t.Parallel()
	b := setup(t, growing)
	b.activate()
	b.register()
	b.project(directory.AssignmentsPattern, "people/second/assignments/t", &directoryv1.Assignment{Name: "people/second/assignments/t", Role: "tester", StartTime: timestamppb.New(b.clock.Now().Add(-time.Hour))})
	a, err := b.create("quality", &correctiveactionv1.Action{Complaint: complaint, PolicyKind: "retesting", Description: "复检"})
	require.NoError(t, err)
	ctx, c := b.as("quality")
	_, err = c.FillActionForm(ctx, &correctiveactionv1.FillActionFormRequest{Name: a.GetName(), Form: "retest", Facts: map[string]*typev1.Fact{"testers": {Value: &typev1.Fact_Count{Count: 2}}}, Etag: a.GetEtag(), RequestId: id()})
	require.Equal(t, domain.ReasonForm, fault.ReasonOf(err), "the code is missing")
	filled, err := c.FillActionForm(ctx, &correctiveactionv1.FillActionFormRequest{
		Name: a.GetName(), Form: "retest", Etag: a.GetEtag(), RequestId: id(),
		Facts: map[string]*typev1.Fact{"testers": {Value: &typev1.Fact_Count{Count: 2}}, "blind_code": {Value: &typev1.Fact_Text{Text: "B-7"}}},
	})
	require.NoError(t, err)
	require.Equal(t, "B-7", filled.GetAction().GetFacts()["blind_code"].GetText())
	ctx, c = b.as("second")
	seen, err := c.GetAction(ctx, &correctiveactionv1.GetActionRequest{Name: a.GetName()})
	require.NoError(t, err)
	require.Nil(t, seen.GetAction().GetFacts()["blind_code"])
	require.EqualValues(t, 2, seen.GetAction().GetFacts()["testers"].GetCount())
	require.Equal(t, []string{"blind_code"}, seen.GetAction().GetWithheld())
	list, err := c.ListActions(ctx, &correctiveactionv1.ListActionsRequest{Complaint: complaint})
	require.NoError(t, err)
	require.Nil(t, list.GetActions()[0].GetFacts()["blind_code"])
	again, err := c.FillActionForm(ctx, &correctiveactionv1.FillActionFormRequest{
		Name: a.GetName(), Form: "retest", Etag: seen.GetAction().GetEtag(), RequestId: id(), Facts: map[string]*typev1.Fact{"testers": {Value: &typev1.Fact_Count{Count: 3}}},
	})
	require.NoError(t, err, "what is hidden stays filled")
	require.Nil(t, again.GetAction().GetFacts()["blind_code"])
}

func TestPointsBecomeMoneyOnceAtTheEndOfTheMonth(t *testing.T) {
	t.Parallel()
	b := setup(t, growing)
	b.activate()
	b.register()
	b.hear("routing", "cases/c1", &routingv1.DepartmentsAssigned{}, &routingv1.Case{Name: "cases/c1", Complaint: complaint, Departments: []string{"departments/product"}})
	for range 3 {
		b.hear("routing", "cases/c1/clocks/handling-1", &clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_LATE}, &clockv1.Clock{Name: "cases/c1/clocks/handling-1", Kind: "handling", Subject: "cases/c1", Complaint: complaint})
	}
	ledger := func(period string) *correctiveactionv1.Ledger {
		ctx, c := b.as("quality")
		got, err := c.GetLedger(ctx, &correctiveactionv1.GetLedgerRequest{Party: "departments/product", Period: period})
		require.NoError(t, err)
		return got.GetLedger()
	}
	fire := func(at time.Time) {
		require.NoError(t, b.clock.Advance(at))
		_, _, err := b.host.FireDue(t.Context())
		require.NoError(t, err)
	}
	require.EqualValues(t, 3, ledger("2026-04").GetDeducted())
	end := time.Date(2026, 4, 30, 16, 0, 0, 0, time.UTC) // the first of May in Shanghai
	fire(end.Add(-time.Second))
	require.Equal(t, "0.00", ledger("2026-04").GetFines().GetAmount())
	fire(end)
	require.Equal(t, "300.00", ledger("2026-04").GetFines().GetAmount())
	fire(end.Add(time.Hour))
	require.Equal(t, "300.00", ledger("2026-04").GetFines().GetAmount(), "once")
	require.EqualValues(t, 3, ledger("2026-04").GetDeducted(), "the points stay in the ledger")
	require.Zero(t, ledger("2026-05").GetEntries())
}

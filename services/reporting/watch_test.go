package reporting_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
)

// unitPack watches the satisfaction with each unit over two months.
const unitPack = `
pack: units
title: {zh: 单位, en: units}
source: test
roles: [{id: keeper, clause: "1", text: {zh: 保管员, en: keeper}}]
departments: [{id: unit, clause: "1", many: true, text: {zh: 单位, en: unit}}]
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
forms: [{id: contact_form, clause: "1", about: FOLLOW_UP, text: {zh: 表, en: form}, fields: [{id: pleased, type: FLAG, required: true, text: {zh: 满意, en: pleased}}]}]
duties: [{id: verify_penalty, clause: R7, by: [keeper], text: {zh: 核实, en: verify}}]
follow_up: [{id: contact, clause: "1", opens: [CASE_HANDLING_COMPLETED], by: [keeper], form: contact_form, satisfied: facts.pleased, text: {zh: 回访, en: contact}}]
reports:
  measures:
  - {id: closure, clause: "2", of: COMPLAINTS, dated_by: received, among: "true", counts: 'case.status == "CLOSED"', target: 100%, text: {zh: 办结率, en: closed}}
  - {id: satisfaction, clause: R7, of: FOLLOW_UPS, dated_by: answered, among: follow_up.answered, counts: follow_up.satisfied, text: {zh: 满意率, en: satisfied}}
  watches: [{id: two_months, clause: R7, measure: satisfaction, per: respondent, every: MONTH, below: 90%, periods: "2", do: [{step: verify_penalty}], text: {zh: 连续两月, en: two months}}]
  reports:
  - {id: bulletin, clause: "4", every: MONTH, per: respondent, shows: [closure, satisfaction], lists: 'case.status != "CLOSED"', by: [keeper], to: [anyone], text: {zh: 动态, en: bulletin}}
  - {id: weekly, clause: "5", every: WEEK, shows: [closure], by: [keeper], to: [anyone], written: true, text: {zh: 周报, en: weekly}}
  - {id: quarterly, clause: "6", every: QUARTER, shows: [closure], by: [keeper], to: [anyone], text: {zh: 季报, en: quarterly}}
`

// units puts the pack in force instead of the template.
func units(t *testing.T, now string) *bed {
	t.Helper()
	b := newBed(t, now)
	b.settle()
	b.put("routing", b.revision, &policyv1.Revision{Name: b.revision, Pack: "generic-template", State: policyv1.Revision_STATE_RETIRED}, &policyv1.PolicyRevisionActivated{}, b.clock.Now())
	p, findings := policy.Load("units.yaml", []byte(unitPack), nil)
	require.NotNil(t, p, "%v", findings)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(t, compiled, "%v", findings)
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(t, err)
	b.policy, b.revision = compiled, "packs/units/revisions/"+compiled.Revision()[:32]
	b.put("routing", b.revision, &policyv1.Revision{
		Name: b.revision, Pack: "units", State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved,
	}, &policyv1.PolicyRevisionActivated{}, b.clock.Now())
	b.settle()
	return b
}

// asked makes complaints against a unit whose customers answered in the month.
func (b *bed) asked(unit, month string, satisfied, of int) {
	b.t.Helper()
	for i := range of {
		id := fmt.Sprintf("%s-%s-%d", unit, month, i)
		b.complaint(id, month+"-05 10:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
			c.Respondent, k.Departments = "departments/"+unit, []string{"departments/" + unit}
			if i > 0 {
				k.State = routingv1.Case_STATE_CLOSED
			}
		})
		f := &notificationv1.FollowUp{
			Name: "followUps/" + id, Complaint: "complaints/" + id, Kind: "contact", State: notificationv1.FollowUp_STATE_ANSWERED, Satisfied: i < satisfied,
			OpenTime: stamp(b.t, month+"-06 10:00:00"), AnswerTime: stamp(b.t, month+"-07 10:00:00"), PolicyRevision: b.revision,
		}
		b.put("notification", f.Name, f, &notificationv1.FollowUpAnswered{}, at(b.t, month+"-07 10:00:00"))
	}
}

// advance moves business time from instant to instant, as the suite does.
func (b *bed) advance(to string) {
	b.t.Helper()
	for {
		b.caughtUp()
		next, ok, err := b.host.NextInstant(b.t.Context())
		require.NoError(b.t, err)
		if !ok || next.After(at(b.t, to)) {
			break
		}
		require.NoError(b.t, b.clock.Advance(next))
	}
	require.NoError(b.t, b.clock.Advance(at(b.t, to)))
	b.caughtUp()
}

func (b *bed) watched() []*reportingv1.Watched {
	b.t.Helper()
	got, err := b.ListWatched(b.as("manager"), &reportingv1.ListWatchedRequest{})
	require.NoError(b.t, err)
	return got.GetWatched()
}

// TestWatchTripsBelowTheShareInTwoMonths is P15-S4: the run of a unit is its own, 90.0% is
// not below 90%, and it is told of at the instant the second month ended.
func TestWatchTripsBelowTheShareInTwoMonths(t *testing.T) {
	t.Parallel()
	b := units(t, "02-01 09:00:00")
	b.asked("east", "02", 9, 10) // 90.0%
	b.asked("west", "02", 8, 10)
	b.advance("03-20 09:00:00")
	b.asked("east", "03", 8, 10)
	b.asked("west", "03", 9, 10)
	b.advance("04-20 09:00:00")
	require.Empty(t, b.watched(), "no unit was below in two months in a row")
	b.asked("east", "04", 89, 100)
	b.asked("west", "04", 8, 10)
	b.advance("04-30 23:59:59")
	require.Empty(t, b.watched(), "April is not over")
	b.advance("05-01 00:00:00")

	found := b.watched()
	require.Len(t, found, 1)
	require.Equal(t, "departments/east", found[0].GetPer())
	require.Equal(t, "two_months", found[0].GetWatch())
	require.Equal(t, "2026-04", found[0].GetPeriod())
	require.Equal(t, "R7", found[0].GetRule().GetClause())
	require.Equal(t, b.revision, found[0].GetPolicyRevision())
	require.Equal(t, at(t, "05-01 00:00:00"), found[0].GetCreateTime().AsTime())
	require.Equal(t, []string{"2026-03 8/10 80.0%", "2026-04 89/100 89.0%"}, shown(found[0]))
	one, err := b.GetWatched(b.as("manager"), &reportingv1.GetWatchedRequest{Name: found[0].GetName()})
	require.NoError(t, err)
	require.Equal(t, found[0].GetName(), one.GetWatched().GetName())

	b.advance("06-01 00:00:00")
	require.Len(t, b.watched(), 1, "May had no cases")
	none, err := b.ListWatched(b.as("manager"), &reportingv1.ListWatchedRequest{Per: "departments/west"})
	require.NoError(t, err)
	require.Empty(t, none.GetWatched())
}

func shown(w *reportingv1.Watched) []string {
	var out []string
	for _, p := range w.GetPeriods() {
		out = append(out, fmt.Sprintf("%s %d/%d %s", p.GetPeriod(), p.GetCounts(), p.GetAmong(), p.GetShare()))
	}
	return out
}

func TestMonthWithoutCasesBreaksTheRun(t *testing.T) {
	t.Parallel()
	b := units(t, "02-01 09:00:00")
	b.asked("east", "02", 1, 10)
	b.advance("04-10 09:00:00")
	b.asked("east", "04", 1, 10)
	b.advance("05-01 00:00:00")
	require.Empty(t, b.watched(), "nobody was asked in March")
	b.asked("east", "05", 1, 10)
	b.advance("06-01 00:00:00")
	require.Len(t, b.watched(), 1)
}

// TestWatchWaitsForAllFeeds: a period is not judged before all that happened in it was read.
func TestWatchWaitsForAllFeeds(t *testing.T) {
	t.Parallel()
	b := units(t, "03-01 09:00:00")
	b.asked("east", "02", 1, 10)
	b.asked("east", "03", 1, 10)
	b.settle()
	b.caughtUp()
	b.sources["compensation"].stop()
	require.NoError(t, b.clock.Advance(at(t, "04-01 00:00:00")))
	ok, err := b.host.CaughtUp(t.Context())
	require.True(t, err != nil || !ok)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	due, err := b.host.Due(ctx, "watchRuns/*", 10)
	require.NoError(t, err)
	require.Len(t, due, 1)
	require.Empty(t, b.watched())
}

func TestReportOfAUnit(t *testing.T) {
	t.Parallel()
	b := units(t, "04-02 09:00:00")
	b.asked("east", "03", 11, 12)
	b.asked("west", "03", 0, 3)
	b.settle()
	manager := b.as("manager")
	got, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "bulletin", Period: "2026-03", Per: "unknown", RequestId: requestID()})
	require.NoError(t, err)
	require.Zero(t, figure(t, got.GetReport(), "closure").GetAmong())

	got, err = b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "bulletin", Period: "2026-03", Per: "departments/east", RequestId: requestID()})
	require.NoError(t, err)
	r := got.GetReport()
	require.Equal(t, "departments/east", r.GetPer())
	require.Equal(t, []string{"anyone"}, r.GetRecipients())
	require.Equal(t, "91.7%", figure(t, r, "satisfaction").GetShare())
	closure := figure(t, r, "closure")
	require.Equal(t, "91.7%", closure.GetShare())
	require.Equal(t, "100%", closure.GetTarget())
	require.True(t, closure.GetBelowTarget())
	require.Equal(t, []string{"C-east-03-0"}, closure.GetOutstanding())
	require.Equal(t, []string{"C-east-03-0"}, r.GetListed())
	require.Empty(t, r.GetRestates(), "that of another unit is another report")

	all, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "bulletin", Period: "2026-03", RequestId: requestID()})
	require.NoError(t, err)
	require.EqualValues(t, 15, figure(t, all.GetReport(), "closure").GetAmong())
	again, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "bulletin", Period: "2026-03", Per: "east", RequestId: requestID()})
	require.NoError(t, err)
	require.Equal(t, "departments/east", again.GetReport().GetPer())
}

func TestReportOfAQuarterAndAWeekInWriting(t *testing.T) {
	t.Parallel()
	b := units(t, "04-02 09:00:00")
	b.asked("east", "01", 1, 2)
	b.asked("east", "03", 1, 3)
	b.settle()
	b.put("routing", "people/keeper", &directoryv1.Person{Name: "people/keeper", State: directoryv1.Person_STATE_ACTIVE, Functions: []typev1.Function{typev1.Function_FUNCTION_MANAGER}}, &directoryv1.PersonChanged{}, b.clock.Now())
	b.put("routing", "people/keeper/assignments/a1", &directoryv1.Assignment{Name: "people/keeper/assignments/a1", Role: "keeper"}, &directoryv1.AssignmentChanged{}, b.clock.Now())
	b.settle()
	generate := func(person, report, period, written string) (*reportingv1.Report, error) {
		got, err := b.GenerateReport(b.as(person), &reportingv1.GenerateReportRequest{Report: report, Period: period, Written: written, RequestId: requestID()})
		return got.GetReport(), err
	}
	q, err := generate("manager", "quarterly", "2026-Q1", "")
	require.NoError(t, err)
	require.EqualValues(t, 5, figure(t, q, "closure").GetAmong())
	w, err := generate("keeper", "weekly", "2026-W10", "一切正常")
	require.NoError(t, err)
	require.Equal(t, "一切正常", w.GetWritten())
	require.EqualValues(t, 3, figure(t, w, "closure").GetAmong(), "5 March is in the tenth week")
	empty, err := generate("keeper", "weekly", "2026-W11", "无投诉")
	require.NoError(t, err)
	require.Zero(t, figure(t, empty, "closure").GetAmong())

	for _, c := range []struct{ person, report, period, written, reason string }{
		{"keeper", "weekly", "2026-W10", "", domain.ReasonWords},
		{"keeper", "bulletin", "2026-03", "x", domain.ReasonWords},
		{"manager", "weekly", "2026-W10", "x", policy.ReasonRole},
		{"keeper", "weekly", "2026-03", "x", domain.ReasonPeriod},
		{"keeper", "weekly", "2025-W53", "x", domain.ReasonPeriod}, // 2025 has 52 weeks, 2026 has 53
		{"keeper", "weekly", "2026-W53", "x", domain.ReasonPeriodNotOver},
		{"keeper", "weekly", "2026-W14", "x", domain.ReasonPeriodNotOver},
		{"manager", "quarterly", "2026-03", "", domain.ReasonPeriod},
		{"manager", "quarterly", "2026-Q2", "", domain.ReasonPeriodNotOver},
	} {
		_, err := generate(c.person, c.report, c.period, c.written)
		require.Equal(t, c.reason, reason(err), c)
	}
	_, err = b.GenerateReport(b.as("manager"), &reportingv1.GenerateReportRequest{Report: "quarterly", Period: "2026-Q1", Per: "east", RequestId: requestID()})
	require.Equal(t, domain.ReasonPer, reason(err))
}

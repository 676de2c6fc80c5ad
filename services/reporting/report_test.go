package reporting_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/reporting/internal/domain"
)

// june makes the month of P26-S5: 40 received, 36 within limit, 40 asked, 34
// confirmed satisfied; and what lies just outside it.
func june(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, "07-01 09:00:00")
	var problems []string
	for _, p := range []struct {
		category string
		n        int
	}{
		{"damage", 11}, {"late_delivery", 9}, {"wrong_item", 7}, {"service_attitude", 5}, {"policy_misunderstanding", 4}, {"size", 3}, {"other", 1},
	} {
		problems = append(problems, slices.Repeat([]string{p.category}, p.n)...)
	}
	require.Len(t, problems, 40)
	for i, category := range problems {
		received := "06-15 10:00:00"
		switch i {
		case 0:
			received = "06-01 00:00:00" // in UTC still May
		case 39:
			received = "06-30 23:59:59"
		}
		b.handled(i, received, category, i%10 == 3, i < 34)
	}
	b.handled(100, "05-31 23:59:59", "size", true, false)
	b.handled(101, "07-01 00:00:00", "size", true, false)
	b.settle()
	return b
}

// handled makes a complaint with its follow-up. The last two of June were not answered.
func (b *bed) handled(i int, received, category string, late, satisfied bool) {
	b.t.Helper()
	id := fmt.Sprintf("c%03d", i)
	b.complaint(id, received, func(c *intakev1.Complaint, k *routingv1.Case) {
		c.State, k.State, c.Category = intakev1.Complaint_STATE_VERIFIED, routingv1.Case_STATE_ANSWERED, category
		if late {
			k.Breached = []string{"response"}
		}
	})
	f := &notificationv1.FollowUp{
		Name: "followUps/" + id, Complaint: "complaints/" + id, Number: "C-" + id, Kind: "survey", State: notificationv1.FollowUp_STATE_OPEN,
		OpenTime: stamp(b.t, received), Round: 1, PolicyRevision: b.revision,
	}
	if i < 38 || i > 99 {
		confirmed := "not_satisfied"
		if satisfied {
			confirmed = "satisfied"
		}
		f.State, f.Satisfied, f.AnswerTime = notificationv1.FollowUp_STATE_ANSWERED, satisfied, stamp(b.t, "07-01 08:00:00")
		f.Facts = map[string]*typev1.Fact{
			"confirmed":  {Value: &typev1.Fact_Choice{Choice: confirmed}},
			"efficiency": {Value: &typev1.Fact_Score{Score: 4}},
			"resolution": {Value: &typev1.Fact_Score{Score: int32(4 + i%3/2)}}, // 4, 4, 5
		}
		if i != 5 { // one customer gave no score for attitude
			f.Facts["attitude"] = &typev1.Fact{Value: &typev1.Fact_Score{Score: 5}}
		}
	}
	b.put("notification", f.Name, f, &notificationv1.FollowUpOpened{}, at(b.t, received))
}

func figure(t *testing.T, r *reportingv1.Report, id string) *reportingv1.Measurement {
	t.Helper()
	for _, m := range r.GetMeasurements() {
		if m.GetId() == id {
			return m
		}
	}
	require.FailNow(t, "no such figure", id)
	return nil
}

// TestMonthlyReport is P26-S5.
func TestMonthlyReport(t *testing.T) {
	t.Parallel()
	b := june(t)
	got, err := b.GenerateReport(b.as("manager"), &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()})
	require.NoError(t, err)
	r := got.GetReport()

	timely := figure(t, r, "timely")
	require.Equal(t, "90.0%", timely.GetShare())
	require.EqualValues(t, 36, timely.GetCounts())
	require.EqualValues(t, 40, timely.GetAmong())
	require.Equal(t, "(七)", timely.GetRule().GetClause())
	require.Equal(t, "及时处理率", timely.GetTitle().GetZh())

	satisfaction := figure(t, r, "satisfaction")
	require.Equal(t, "85.0%", satisfaction.GetShare())
	require.EqualValues(t, 34, satisfaction.GetCounts())
	require.EqualValues(t, 40, satisfaction.GetAmong())

	var top []string
	for _, x := range figure(t, r, "top_problems").GetTop() {
		top = append(top, fmt.Sprintf("%s %d %s", x.GetValue(), x.GetCount(), x.GetShare()))
	}
	require.Equal(t, []string{
		"damage 11 27.5%", "late_delivery 9 22.5%", "wrong_item 7 17.5%", "service_attitude 5 12.5%", "policy_misunderstanding 4 10.0%",
	}, top)
	require.Len(t, figure(t, r, "types").GetTop(), 7)
	require.Empty(t, figure(t, r, "types").GetShare(), "nothing counts among its rows")

	require.Equal(t, "4.00", figure(t, r, "mean_efficiency").GetMean())
	require.Equal(t, "4.32", figure(t, r, "mean_resolution").GetMean(), "12 fives among 38")
	attitude := figure(t, r, "mean_attitude")
	require.Equal(t, "5.00", attitude.GetMean())
	require.EqualValues(t, 37, attitude.GetAmong())
	require.Equal(t, []string{"C-c005"}, attitude.GetNotAssessable(), "who gave no score")
	require.Empty(t, figure(t, r, "mean_reasonable").GetMean())

	require.Equal(t, "monthly_analysis", r.GetKind())
	require.Equal(t, "Asia/Shanghai", r.GetTimeZone())
	require.Equal(t, "people/manager", r.GetGeneratedBy())
	require.Equal(t, b.clock.Now(), r.GetGenerateTime().AsTime())
	require.Equal(t, b.clock.Now(), r.GetDataTime().AsTime(), "all sources answered")
	require.Empty(t, r.GetRestates())
}

func TestReportsAreFrozenAndRestated(t *testing.T) {
	t.Parallel()
	b := june(t)
	manager := b.as("manager")
	request := &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()}
	first, err := b.GenerateReport(manager, request)
	require.NoError(t, err)

	again, err := b.GenerateReport(manager, request)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(first, again, protocmp.Transform()), "the same request is the same report")

	// A breach comes to light after the report was made.
	b.complaint("c000", "06-01 00:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		c.State, k.State, k.Breached = intakev1.Complaint_STATE_VERIFIED, routingv1.Case_STATE_ANSWERED, []string{"response"}
	})
	b.settle()
	frozen, err := b.GetReport(manager, &reportingv1.GetReportRequest{Name: first.GetReport().GetName()})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(first.GetReport(), frozen.GetReport(), protocmp.Transform()))

	second, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()})
	require.NoError(t, err)
	require.Equal(t, "87.5%", figure(t, second.GetReport(), "timely").GetShare())
	require.Equal(t, first.GetReport().GetName(), second.GetReport().GetRestates())
	third, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()})
	require.NoError(t, err)
	require.Equal(t, second.GetReport().GetName(), third.GetReport().GetRestates())
	may, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-05", RequestId: requestID()})
	require.NoError(t, err)
	require.Empty(t, may.GetReport().GetRestates(), "another month")
	require.EqualValues(t, 1, figure(t, may.GetReport(), "timely").GetAmong())

	var names []string
	for token := ""; ; {
		list, err := b.ListReports(manager, &reportingv1.ListReportsRequest{Report: "monthly_analysis", PageSize: 3, PageToken: token})
		require.NoError(t, err)
		for _, r := range list.GetReports() {
			names = append(names, r.GetName())
		}
		if token = list.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Equal(t, []string{may.GetReport().GetName(), third.GetReport().GetName(), second.GetReport().GetName(), first.GetReport().GetName()}, names, "the newest first")
}

func TestReportsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, "06-30 23:59:59")
	b.settle()
	manager := b.as("manager")
	_, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()})
	require.Equal(t, domain.ReasonPeriodNotOver, reason(err))
	_, err = b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "yearly", Period: "2026-05", RequestId: requestID()})
	require.Equal(t, domain.ReasonReportUnknown, reason(err))
	_, err = b.GetReport(manager, &reportingv1.GetReportRequest{Name: "reports/none"})
	require.Equal(t, reason(host.NotFound("reports/none")), reason(err))

	require.NoError(t, b.clock.Advance(at(t, "07-01 00:00:00")))
	got, err := b.GenerateReport(manager, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-06", RequestId: requestID()})
	require.NoError(t, err)
	require.Empty(t, figure(t, got.GetReport(), "timely").GetShare(), "nothing to divide")
}

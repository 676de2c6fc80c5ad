package reporting_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// sealed makes one complaint with personal data, words, evidence, a plan in two
// versions, a clock and a notice.
func sealed(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, "04-09 12:00:00")
	complainant := &intakev1.Complainant{DisplayName: "张三", Telephone: "13800000000"}
	c := &intakev1.Complaint{Complainant: complainant, Description: "杯子碎了"}
	require.NoError(t, seal.Seal(t.Context(), &b.keys.Keys, organization, "s1", c))
	b.complaint("x", "04-08 10:00:00", func(to *intakev1.Complaint, k *routingv1.Case) {
		to.Complainant, to.Description, to.Subject = c.GetComplainant(), c.GetDescription(), "subjects/s1"
		k.CurrentPlan, k.Subject = "cases/x/plans/10", "subjects/s1"
	})
	for _, plan := range []string{"2", "10", "1"} {
		p := &routingv1.Plan{Name: "cases/x/plans/" + plan, Complaint: "complaints/x", State: routingv1.Plan_STATE_PROPOSED}
		b.put("routing", p.Name, p, &routingv1.PlanProposed{}, at(t, "04-08 12:00:00"))
	}
	b.response("x", "04-08 10:00:00", "04-09 10:00:00", clockv1.Clock_STATE_BREACHED)
	b.put("intake", "complaints/x/evidence/e1", &intakev1.Evidence{Name: "complaints/x/evidence/e1", Blob: "secret", MediaType: "image/png"},
		&intakev1.EvidenceAdded{}, at(t, "04-08 11:00:00"))
	b.put("notification", "notices/n1", &notificationv1.Notice{Name: "notices/n1", Complaint: "complaints/x", Kind: "acknowledgement"},
		&notificationv1.NoticeIssued{}, at(t, "04-08 10:00:00"))
	b.settle()
	return b
}

func (b *bed) file() *reportingv1.CaseFile {
	b.t.Helper()
	got, err := b.GetCaseFile(b.as("specialist"), &reportingv1.GetCaseFileRequest{Name: "complaints/x"})
	require.NoError(b.t, err)
	return got.GetFile()
}

func TestCaseFile(t *testing.T) {
	t.Parallel()
	b := sealed(t)
	f := b.file()

	require.Equal(t, seal.Masked, f.GetComplaint().GetComplainant().GetTelephone(), "the contact is masked")
	require.Equal(t, seal.Masked, f.GetComplaint().GetComplainant().GetDisplayName())
	require.Equal(t, "杯子碎了", f.GetComplaint().GetDescription(), "words are shown to staff")
	require.Equal(t, "1", f.GetComplaint().GetEtag())
	require.Equal(t, "cases/x", f.GetCase().GetName())
	require.Empty(t, f.GetEvidence()[0].GetBlob())
	require.Len(t, f.GetClocks(), 1)
	require.Len(t, f.GetNotices(), 1)
	var plans []string
	for _, p := range f.GetPlans() {
		plans = append(plans, p.GetName())
	}
	require.Equal(t, []string{"cases/x/plans/1", "cases/x/plans/2", "cases/x/plans/10"}, plans, "in order")

	var told []string
	for _, i := range f.GetTimeline() {
		told = append(told, i.GetText().GetZh())
	}
	require.Equal(t, []string{
		"投诉已登记", "已生成通知：acknowledgement", "开始处理", "时限：首次实质性回复，已逾期", "已上传证据", "提出处理方案", "提出处理方案", "提出处理方案",
	}, told, "by when it happened, not by when it was heard")
	first := f.GetTimeline()[0]
	require.Equal(t, "intake", first.GetService())
	require.Equal(t, "people/specialist", first.GetPrincipal())
	require.Equal(t, "The complaint was registered", first.GetText().GetEn())
	require.Len(t, first.GetDigest(), 64)

	_, err := b.GetCaseFile(b.as("specialist"), &reportingv1.GetCaseFileRequest{Name: "complaints/none"})
	require.Equal(t, journal.ReasonNotFound, reason(err))
	_, err = b.GetCaseFile(b.from("specialist", "other"), &reportingv1.GetCaseFileRequest{Name: "complaints/x"})
	require.Equal(t, journal.ReasonNotFound, reason(err), "another organisation's is as absent")
}

func TestCaseFileWithEverybodyElseStopped(t *testing.T) {
	t.Parallel()
	b := sealed(t)
	b.caughtUp()
	want := b.file()
	for _, s := range b.sources {
		s.stop()
	}
	f := b.file()
	require.Equal(t, "杯子碎了", f.GetComplaint().GetDescription(), "a key lent before is still known")
	f.FreshTime, want.FreshTime = nil, nil
	require.Empty(t, cmp.Diff(want, f, protocmp.Transform()))
	require.NotEmpty(t, b.list("specialist", &reportingv1.ListWorkRequest{}))
}

func TestCaseFileWithoutKeysIsMasked(t *testing.T) {
	t.Parallel()
	b := sealed(t)
	b.sources["intake"].stop()
	require.Equal(t, seal.Masked, b.file().GetComplaint().GetDescription(), "no key was lent and nobody lends one")
}

func TestCaseFileAsFreshAsAsked(t *testing.T) {
	t.Parallel()
	b := sealed(t)
	position := b.put("routing", "cases/x/replies/r1", &routingv1.Reply{Name: "cases/x/replies/r1", Substantive: true}, &routingv1.ReplySent{}, at(t, "04-09 11:00:00"))
	got, err := b.GetCaseFile(b.as("specialist"), &reportingv1.GetCaseFileRequest{Name: "complaints/x", Fresh: position})
	require.NoError(t, err)
	require.Len(t, got.GetFile().GetReplies(), 1)

	_, err = b.GetCaseFile(b.as("specialist"), &reportingv1.GetCaseFileRequest{
		Name: "complaints/x", Fresh: &eventv1.Position{Service: "routing", Shard: position.GetShard(), Sequence: position.GetSequence() + 1},
	})
	require.Equal(t, host.ReasonStale, reason(err))
}

func TestRebuildGivesTheSameAnswers(t *testing.T) {
	t.Parallel()
	b := office(t)
	report, err := b.GenerateReport(b.as("manager"), &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-03", RequestId: requestID()})
	require.NoError(t, err)
	answers := func() []any {
		work, err := b.ListWork(b.as("owner"), &reportingv1.ListWorkRequest{Mine: true})
		require.NoError(t, err)
		all, err := b.ListWork(b.as("owner"), &reportingv1.ListWorkRequest{})
		require.NoError(t, err)
		overdue, err := b.ListOverdue(b.as("owner"), &reportingv1.ListOverdueRequest{})
		require.NoError(t, err)
		file, err := b.GetCaseFile(b.as("owner"), &reportingv1.GetCaseFileRequest{Name: "complaints/d"})
		require.NoError(t, err)
		file.GetFile().FreshTime = nil
		frozen, err := b.GetReport(b.as("manager"), &reportingv1.GetReportRequest{Name: report.GetReport().GetName()})
		require.NoError(t, err)
		return []any{work, all, overdue, file, frozen}
	}
	want := answers()
	var events int64
	for _, s := range b.sources {
		heads, err := s.journal.Heads(t.Context())
		require.NoError(t, err)
		for _, h := range heads {
			events += h.GetSequence()
		}
	}

	got, err := b.RebuildReporting(b.as("operator"), &reportingv1.RebuildReportingRequest{})
	require.NoError(t, err)
	require.Equal(t, events, got.GetEvents())
	b.caughtUp()
	require.Empty(t, cmp.Diff(want, answers(), protocmp.Transform()))
}

func TestErasureIsConfirmedOnceIntakeAnswers(t *testing.T) {
	t.Parallel()
	b := sealed(t)
	require.Equal(t, "杯子碎了", b.file().GetComplaint().GetDescription())
	b.keys.goAway(true)
	require.NoError(t, b.keys.Destroy(t.Context(), organization, "s1"))
	b.put("intake", "subjects/s1", &intakev1.DataSubject{Name: "subjects/s1", State: intakev1.DataSubject_STATE_ERASED, EraseTime: stamp(t, "04-09 11:59:00")},
		&intakev1.PersonErased{}, at(t, "04-09 11:59:00"))
	b.settle()
	require.Equal(t, seal.Erased, b.file().GetComplaint().GetDescription(), "the key lent before is not used any more")
	quiet, err := b.host.CaughtUp(t.Context())
	require.NoError(t, err)
	require.False(t, quiet, "intake has not heard about it")

	b.keys.goAway(false)
	b.caughtUp()
	require.Equal(t, []string{organization + "/s1"}, b.keys.told(), "once")

	_, err = b.RebuildReporting(b.as("operator"), &reportingv1.RebuildReportingRequest{})
	require.NoError(t, err)
	b.caughtUp()
	require.Equal(t, []string{organization + "/s1"}, b.keys.told(), "a rebuild owes it no second time")
}

package obligationtest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/policy"
	"example.com/redress/services/suite/suitetest"
)

// The people of the sample directory who act here.
const (
	agent      = "people/li-na"
	asker      = "people/qian-mei"
	group      = "people/zhang-wei"
	operations = "people/zhao-lei"
	marketing  = "people/chen-jing"
	quality    = "people/wu-di"
	verifier   = "people/xu-rui"
	finance    = "people/zhou-hui"
	officer    = "people/privacy"
	admin      = "people/admin"
	customer   = "customers/zhao-qian"
)

const (
	day = 24 * time.Hour
	// patience is how long a test waits for what must happen, in machine time.
	patience = 30 * time.Second
)

// bed is a suite with clients of its services.
type bed struct {
	*suitetest.Suite

	intake       intakev1.IntakeServiceClient
	routing      routingv1.RoutingServiceClient
	compensation compensationv1.CompensationServiceClient
	corrective   correctiveactionv1.CorrectiveActionServiceClient
	notification notificationv1.NotificationServiceClient
	reporting    reportingv1.ReportingServiceClient
}

func on(s *suitetest.Suite) *bed {
	return &bed{
		Suite: s, intake: intakev1.NewIntakeServiceClient(s.Conn), routing: routingv1.NewRoutingServiceClient(s.Conn),
		compensation: compensationv1.NewCompensationServiceClient(s.Conn), corrective: correctiveactionv1.NewCorrectiveActionServiceClient(s.Conn),
		notification: notificationv1.NewNotificationServiceClient(s.Conn), reporting: reportingv1.NewReportingServiceClient(s.Conn),
	}
}

// ungated puts the demo's pack in force without its gates: what keeps a case from being
// closed then is what it owes.
func (b *bed) ungated(t *testing.T) *bed {
	t.Helper()
	source, err := policy.Shipped("demo", "")
	require.NoError(t, err)
	require.Contains(t, string(source), "gates, ")
	b.Activate([]byte(strings.ReplaceAll(string(source), "gates, ", "")))
	return b
}

// do calls as somebody, requires success and lets everything happen that follows.
func do[Q proto.Message, R any](t *testing.T, b *bed, who string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), req Q) R {
	t.Helper()
	got, err := rpc(b.As(who), req)
	require.NoError(t, err, "%s, %T, %+v", who, req, rpcerr.FromStatus(err))
	b.Settled()
	return got
}

// refused calls as somebody, requires a refusal for the reason and returns what it names.
func refused[Q proto.Message, R any](t *testing.T, b *bed, reason string, who string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), req Q) []fault.Violation {
	t.Helper()
	_, err := rpc(b.As(who), req)
	f, ok := fault.As(rpcerr.FromStatus(err))
	require.True(t, ok, "%s, %T: %v", who, req, err)
	require.Equal(t, reason, f.Reason, "%s, %T: %v", who, req, err)
	return f.Violations
}

// without does something while a service is stopped for a day.
func (b *bed) without(t *testing.T, service string, do func()) {
	t.Helper()
	b.Settled()
	require.NoError(t, b.StopService(t.Context(), service))
	do()
	b.Pass(day)
	require.NoError(t, b.StartService(t.Context(), service))
	b.Settled()
}

// again lets the service receive everything it ever received from another one once
// more: its position in that feed is put back to the beginning.
func (b *bed) again(t *testing.T, service, source string) {
	t.Helper()
	b.Settled()
	require.NoError(t, b.StopService(t.Context(), service))
	rewind(t, b.Path("db", service+".db"), source)
	require.NoError(t, b.StartService(t.Context(), service))
	b.Settled()
	b.nothingParked(t, service)
}

// rewind puts a stopped service's position in a feed back to the beginning.
func rewind(t *testing.T, file, source string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: file})
	require.NoError(t, err)
	n, err := db.Exec(t.Context(), "test.rewind", `UPDATE feed_positions SET sequence = 0, base_sequence = 0, digest = $1 WHERE source = $2`, []byte{}, source)
	require.NoError(t, err)
	require.NotZero(t, n, "it has received something")
	require.NoError(t, db.Close())
}

// eventually waits until look reports true, in machine time.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), patience)
	defer cancel()
	for !look() {
		require.NoError(t, clock.System().Pause(ctx, 10*time.Millisecond), "waited in vain: %s", what)
	}
}

// standing returns what is owed on a complaint and what was made for it, as text: what
// an event that comes twice must not change. The stage is none of it: packs say by which
// events a case enters one, and it enters again.
func (b *bed) standing(t *testing.T, complaint string) []string {
	t.Helper()
	c, k := b.complaint(t, complaint), b.caseOf(t, complaint)
	plans, err := b.routing.ListPlans(b.As(agent), &routingv1.ListPlansRequest{Parent: k.GetName()})
	require.NoError(t, err)
	notices, err := b.notification.ListNotices(b.As(agent), &notificationv1.ListNoticesRequest{Complaint: complaint})
	require.NoError(t, err)
	all := []proto.Message{c, plans, notices, &routingv1.Case{Round: k.GetRound(), CurrentPlan: k.GetCurrentPlan(), Obligations: k.GetObligations()}}
	for _, c := range b.claims(t, complaint) {
		all = append(all, c)
	}
	for _, a := range b.actions(t, complaint) {
		all = append(all, a)
	}
	for _, f := range b.followUps(t, complaint) {
		all = append(all, f)
	}
	var out []string
	for _, m := range all {
		for line := range strings.Lines(protojson.Format(m)) {
			out = append(out, strings.Join(strings.Fields(line), " ")) // protojson varies its white space on purpose
		}
	}
	return out
}

func (b *bed) complaint(t *testing.T, name string) *intakev1.Complaint {
	t.Helper()
	got, err := b.intake.GetComplaint(b.As(agent), &intakev1.GetComplaintRequest{Name: name})
	require.NoError(t, err)
	return got.GetComplaint()
}

func (b *bed) caseOf(t *testing.T, complaint string) *routingv1.Case {
	t.Helper()
	got, err := b.routing.GetCase(b.As(agent), &routingv1.GetCaseRequest{Name: strings.Replace(complaint, "complaints/", "cases/", 1)})
	require.NoError(t, err)
	return got.GetCase()
}

func (b *bed) plan(t *testing.T, name string) *routingv1.Plan {
	t.Helper()
	got, err := b.routing.GetPlan(b.As(agent), &routingv1.GetPlanRequest{Name: name})
	require.NoError(t, err)
	return got.GetPlan()
}

func (b *bed) claims(t *testing.T, complaint string) []*compensationv1.Claim {
	t.Helper()
	got, err := b.compensation.ListClaims(b.As(finance), &compensationv1.ListClaimsRequest{Complaint: complaint})
	require.NoError(t, err)
	return got.GetClaims()
}

func (b *bed) actions(t *testing.T, complaint string) []*correctiveactionv1.Action {
	t.Helper()
	got, err := b.corrective.ListActions(b.As(quality), &correctiveactionv1.ListActionsRequest{Complaint: complaint})
	require.NoError(t, err)
	return got.GetActions()
}

func (b *bed) followUps(t *testing.T, complaint string) []*notificationv1.FollowUp {
	t.Helper()
	got, err := b.notification.ListFollowUps(b.As(agent), &notificationv1.ListFollowUpsRequest{Complaint: complaint})
	require.NoError(t, err)
	return got.GetFollowUps()
}

// owed returns the obligations of a kind of the case, oldest first.
func (b *bed) owed(t *testing.T, complaint, kind string) []*typev1.Obligation {
	t.Helper()
	var out []*typev1.Obligation
	for _, o := range b.caseOf(t, complaint).GetObligations() {
		if o.GetKind() == kind {
			out = append(out, o)
		}
	}
	return out
}

// theOne returns the only obligation of the kind.
func (b *bed) theOne(t *testing.T, complaint, kind string) *typev1.Obligation {
	t.Helper()
	all := b.owed(t, complaint, kind)
	require.Len(t, all, 1)
	return all[0]
}

// stateOf returns how the measure of a plan stands.
func (b *bed) stateOf(t *testing.T, plan, measure string) routingv1.Measure_State {
	t.Helper()
	for _, m := range b.plan(t, plan).GetMeasures() {
		if m.GetId() == measure {
			return m.GetState()
		}
	}
	require.Fail(t, "the plan has no measure "+measure)
	return 0
}

// waits reports whether the work list has something of the kind for the complaint.
func (b *bed) waits(t *testing.T, complaint string, kind reportingv1.WorkItem_Kind) bool {
	t.Helper()
	got, err := b.reporting.ListWork(b.As(operations), &reportingv1.ListWorkRequest{Complaint: complaint, Kind: kind})
	require.NoError(t, err)
	return len(got.GetItems()) > 0
}

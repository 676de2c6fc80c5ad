package faulttest_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/suite/demo"
	"example.com/redress/services/suite/suitetest"
)

// day is how long a service is stopped.
const day = 24 * time.Hour

// TestADayWithoutAServiceChangesNothing plays the main job twice: undisturbed, and
// with compensation, routing and notification each stopped for a day of it. What the
// files hold in the end is the same.
func TestADayWithoutAServiceChangesNothing(t *testing.T) {
	t.Parallel()
	var files [2]map[string][]string
	each(t, 2, 2, func(i int) (err error) {
		j := &job{t: t, Suite: suitetest.New(t), disturbed: i == 1, labels: map[string]string{}}
		files[i], err = j.play(t.Context())
		return err
	})
	undisturbed, disturbed := files[0], files[1]
	expired := 0
	for label, lines := range disturbed {
		for i, line := range lines {
			was, ok := strings.CutSuffix(line, " EXPIRED")
			if ok && i < len(undisturbed[label]) && undisturbed[label][i] != line && strings.HasPrefix(undisturbed[label][i], was) {
				lines[i] = undisturbed[label][i]
				expired++
			}
		}
	}
	clocks, claims, notices := 0, 0, 0
	for label, lines := range undisturbed {
		require.Equal(t, lines, disturbed[label], label)
		for _, line := range lines {
			switch word, _, _ := strings.Cut(line, " "); word {
			case "clock":
				clocks++
			case "claim":
				claims++
			case "notice":
				notices++
			}
		}
	}
	require.Len(t, disturbed, len(undisturbed))
	t.Logf("%d complaints: %d clocks, %d claims, %d notices are the same; %d notices expired for the outage", len(undisturbed), clocks, claims, notices, expired)
	for _, line := range slices.Concat(undisturbed["main"], undisturbed["before routing"], undisturbed[withdrawn]) {
		t.Log(line)
	}
}

// job is the main job, with others beside it.
type job struct {
	*suitetest.Suite
	t         testing.TB
	disturbed bool
	labels    map[string]string // by name of a complaint
}

// play tells the story of the demo and returns what the files hold.
func (j *job) play(ctx context.Context) (map[string][]string, error) {
	conn := &between{ClientConnInterface: j.Conn, job: j}
	err := demo.Run(ctx, &demo.World{
		GRPC: func(string) grpc.ClientConnInterface { return conn },
		Edge: j.URL(),
		Token: func(principal string) (string, error) {
			return j.Minter.Mint(authn.Identity{Principal: principal, Organization: suitetest.Organization}, time.Hour)
		},
		Pass: j.pass,
		Out:  io.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("disturbed %t: %w", j.disturbed, err)
	}
	if err := j.Settle(ctx); err != nil {
		return nil, err
	}
	return j.files()
}

// between stands between the story and the suite: it stops compensation while a plan
// begins that owes a claim.
type between struct {
	grpc.ClientConnInterface
	job *job
}

// Invoke implements grpc.ClientConnInterface.
func (b *between) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if method == notificationv1.NotificationService_RecordFollowUp_FullMethodName {
		// A survey that is answered before its mail has left expires: let it leave.
		if err := b.job.Settle(b.job.t.Context()); err != nil {
			return err
		}
	}
	if method != routingv1.RoutingService_StartPlan_FullMethodName {
		err := b.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
		if c, ok := reply.(*intakev1.CreateComplaintResponse); ok && err == nil {
			b.job.labels[c.GetComplaint().GetName()] = "main"
		}
		return err
	}
	return b.job.withdraw(b.job.t.Context(), func() error {
		return b.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	})
}

// withdraw takes a complaint back on which money is asked for, while compensation
// is stopped: that waits until the money is held.
func (j *job) withdraw(ctx context.Context, do func() error) error {
	if err := j.register(ctx, withdrawn); err != nil {
		return err
	}
	if err := j.Settle(ctx); err != nil {
		return err
	}
	var name string
	for n, label := range j.labels {
		if label == withdrawn {
			name = n
		}
	}
	if _, err := compensationv1.NewCompensationServiceClient(j.Conn).CreateClaim(j.As(marketing), &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: claimOn(name)}); err != nil {
		return err
	}
	intake := intakev1.NewIntakeServiceClient(j.Conn)
	if err := j.without(ctx, "compensation", func() error {
		now, err := intake.GetComplaint(j.As(agent), &intakev1.GetComplaintRequest{Name: name})
		if err != nil {
			return err
		}
		got, err := intake.WithdrawComplaint(j.As(agent), &intakev1.WithdrawComplaintRequest{Name: name, Reason: "客户撤回", Etag: now.GetComplaint().GetEtag(), RequestId: suitetest.ID()})
		if err != nil {
			return err
		}
		if state := got.GetComplaint().GetWithdrawal().GetState(); j.disturbed != (state == intakev1.Withdrawal_STATE_REQUESTED) {
			return fmt.Errorf("disturbed %t and the withdrawal is %s", j.disturbed, state)
		}
		return do()
	}); err != nil {
		return err
	}
	eventually(j.t, "the withdrawal counts", func() bool {
		got, err := intake.GetComplaint(j.As(agent), &intakev1.GetComplaintRequest{Name: name})
		return err == nil && got.GetComplaint().GetWithdrawal().GetState() == intakev1.Withdrawal_STATE_EFFECTIVE
	})
	return j.Settle(ctx)
}

// withdrawn is the label of the complaint that is taken back. Its clocks are not
// compared: they count until it is withdrawn, which waits for compensation.
const withdrawn = "withdrawn"

// pass lets time pass, and in the longest wait of the story two services fail.
func (j *job) pass(ctx context.Context, d time.Duration) error {
	if err := j.Advance(ctx, j.Now().Add(d)); err != nil || d < day {
		return err
	}
	for _, service := range []string{"routing", "notification"} {
		// The limit of 24 hours of this one ends in the middle of the day, that of
		// the next at its end.
		if err := j.register(ctx, "before "+service); err != nil {
			return err
		}
		if err := j.Advance(ctx, j.Now().Add(day/2)); err != nil {
			return err
		}
		if err := j.without(ctx, service, func() error { return j.register(ctx, "without "+service) }); err != nil {
			return err
		}
	}
	return nil
}

// without does something while a service is stopped for a day.
func (j *job) without(ctx context.Context, service string, do func() error) error {
	if err := j.Settle(ctx); err != nil {
		return err
	}
	if j.disturbed {
		if err := j.StopService(ctx, service); err != nil {
			return err
		}
		if _, err := eventv1.NewConsumerServiceClient(j.Conn).ListParkedEvents(j.As("people/admin"), &eventv1.ListParkedEventsRequest{Service: service}); status.Code(err) != codes.Unavailable {
			return fmt.Errorf("%s is stopped and answers %w", service, err)
		}
	}
	if err := do(); err != nil {
		return err
	}
	if err := j.Advance(ctx, j.Now().Add(day)); err != nil {
		return fmt.Errorf("a day without %s: %w", service, err)
	}
	if j.disturbed {
		if err := j.StartService(ctx, service); err != nil {
			return err
		}
	}
	return j.Advance(ctx, j.Now())
}

func (j *job) register(ctx context.Context, label string) error {
	got, err := intakev1.NewIntakeServiceClient(j.Conn).CreateComplaint(j.As(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()})
	j.labels[got.GetComplaint().GetName()] = label
	return err
}

// files returns what each file says of clocks, claims and notices, by label.
func (j *job) files() (map[string][]string, error) {
	out := map[string][]string{}
	for name, label := range j.labels {
		got, err := reportingv1.NewReportingServiceClient(j.Conn).GetCaseFile(j.As("people/zhao-lei"), &reportingv1.GetCaseFileRequest{Name: name})
		if err != nil {
			return nil, err
		}
		f := got.GetFile()
		var lines []string
		if w := f.GetComplaint().GetWithdrawal(); w != nil {
			lines = append(lines, "withdrawal "+w.GetState().String())
		}
		for _, c := range f.GetClocks() {
			if label == withdrawn {
				continue
			}
			lines = append(lines, fmt.Sprintf("clock %s %s %s from %s to %s breached %s stopped %s late %d warned %d", c.GetKind(), c.GetState(), c.GetOutcome(),
				when(c.GetStartTime()), when(c.GetDueTime()), when(c.GetBreachTime()), when(c.GetStopTime()), c.GetLate(), c.GetWarned()))
		}
		for _, c := range f.GetClaims() {
			line := fmt.Sprintf("claim %s %s %s %v %v %s", c.GetState(), c.GetGround(), c.GetRemedy(), c.GetAmount(), c.GetCauses(), c.GetPayout().GetVoucher())
			for _, step := range c.GetApproval().GetSteps() {
				for _, signature := range step.GetSignatures() {
					line += " " + signature.GetPerson()
				}
			}
			lines = append(lines, line)
		}
		for _, n := range f.GetNotices() {
			text := strings.ReplaceAll(n.GetTitle()+" "+n.GetBody(), f.GetComplaint().GetNumber(), label)
			lines = append(lines, fmt.Sprintf("notice %s %s %s %q %s", n.GetKind(), n.GetMedia(), n.GetRecipient(), text, strings.TrimPrefix(n.GetState().String(), "STATE_")))
		}
		slices.Sort(lines)
		out[label] = lines
	}
	return out, nil
}

func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().Format(time.DateTime)
}

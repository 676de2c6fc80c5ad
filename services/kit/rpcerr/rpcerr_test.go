package rpcerr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
)

func table(t *testing.T, entries ...fault.Entry) *rpcerr.Table {
	t.Helper()
	c, err := fault.NewCatalogue(append(rpcerr.Reasons(), entries...)...)
	require.NoError(t, err)
	return rpcerr.New(c)
}

func detail[T any](t *testing.T, s *status.Status) T {
	t.Helper()
	var found []T
	for _, d := range s.Details() {
		if m, ok := d.(T); ok {
			found = append(found, m)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func text(zh, en string) *typev1.Text { return &typev1.Text{Zh: zh, En: en} }

func rule() *typev1.RuleRef {
	return &typev1.RuleRef{Rule: "reply_gate", Clause: "5.2", Readings: []string{"K4", "P1"}, Pack: "demo", Text: text("先批准", "approve first")}
}

// faults is one of each kind, as rich as it may be.
func faults() []*fault.Error {
	return []*fault.Error{
		fault.New(fault.Invalid, "BAD", "limit", "3").WithViolations(
			fault.Violation{Field: "a.b[0]", Reason: "EMPTY", Text: text("空", "empty")}, fault.Violation{Field: "c", Reason: "LONG"}),
		fault.New(fault.NotFound, "GONE", "name", "cases/1/clocks/2"),
		fault.New(fault.AlreadyExists, "THERE", "name", "cases/1"),
		fault.New(fault.FailedPrecondition, "UNMET").With(rule()).WithViolations(
			fault.Violation{Field: "site_visit", Reason: "STEP"}, fault.Violation{Field: "chief", Reason: "APPROVAL", Text: text("须批准", "")}),
		fault.New(fault.FailedPrecondition, "CLOSED", "state", "CLOSED", "wanted", "OPEN"),
		fault.New(fault.Aborted, "ETAG_MISMATCH", "etag", "4"),
		fault.New(fault.Unauthenticated, "WHO"),
		fault.New(fault.PermissionDenied, "NO"),
		fault.New(fault.Exhausted, "QUOTA", "subject", "people/a").WithRetry(time.Minute),
		fault.New(fault.Unavailable, "AWAY").WithRetry(2 * time.Second),
		fault.New(fault.DataLoss, "LOST", "shard", "3"),
		fault.New(fault.Unavailable, fault.ReasonMethodUnknown, "method", "/a.B/C"),
	}
}

func TestEveryKindComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, want := range faults() {
		t.Run(want.Reason, func(t *testing.T) {
			t.Parallel()
			s := table(t).Status(fault.Chinese, fmt.Errorf("op: %w", want.Wrap(io.EOF)))
			require.Equal(t, rpcerr.Code(want.Kind, want.Reason), s.Code())
			require.NotContains(t, s.String(), "EOF", "the cause stays here")
			require.Equal(t, want.Reason, detail[*errdetails.ErrorInfo](t, s).GetReason())
			require.Equal(t, "redress", detail[*errdetails.ErrorInfo](t, s).GetDomain())
			got, ok := fault.As(rpcerr.FromStatus(s.Err()))
			require.True(t, ok)
			require.Empty(t, cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(fault.Error{})))
			require.Equal(t, s.Code(), status.Code(got), "the status stays in the chain")
		})
	}
}

func TestCodesOfTheTable(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]codes.Code{
		fault.Invalid: codes.InvalidArgument, fault.NotFound: codes.NotFound, fault.AlreadyExists: codes.AlreadyExists,
		fault.FailedPrecondition: codes.FailedPrecondition, fault.Aborted: codes.Aborted, fault.Unauthenticated: codes.Unauthenticated,
		fault.PermissionDenied: codes.PermissionDenied, fault.Exhausted: codes.ResourceExhausted, fault.Unavailable: codes.Unavailable,
		fault.DataLoss: codes.DataLoss, fault.Internal: codes.Internal,
	}
	for kind := fault.Invalid; kind <= fault.Internal; kind++ {
		require.Equal(t, want[kind], rpcerr.Code(kind, "ANY"), kind)
	}
	require.Equal(t, codes.Internal, rpcerr.Code(0, ""))
}

func TestEveryCodeBecomesAKnownFault(t *testing.T) {
	t.Parallel()
	c, err := fault.NewCatalogue(rpcerr.Reasons()...)
	require.NoError(t, err)
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		f, ok := fault.As(rpcerr.FromStatus(status.Error(code, "x")))
		require.True(t, ok)
		e, ok := c.Entry(f.Reason)
		require.True(t, ok, f.Reason)
		require.Equal(t, e.Kind, f.Kind, f.Reason)
	}
}

func TestDetailsOfEachKind(t *testing.T) {
	t.Parallel()
	tab := table(t, fault.Entry{Reason: "BAD", Kind: fault.Invalid, ZH: "超过{limit}", EN: "over {limit}"})
	all := faults()

	bad := tab.Status(fault.English, all[0])
	require.Equal(t, "over 3", bad.Message())
	require.Equal(t, "over 3", detail[*errdetails.LocalizedMessage](t, bad).GetMessage())
	require.Len(t, detail[*errdetails.BadRequest](t, bad).GetFieldViolations(), 2)
	require.Equal(t, "empty", detail[*errdetails.BadRequest](t, bad).GetFieldViolations()[0].GetLocalizedMessage().GetMessage())
	bad = tab.Status("", all[0])
	require.Equal(t, "over 3", bad.Message(), "the status itself speaks to developers")
	require.Equal(t, "超过3", detail[*errdetails.LocalizedMessage](t, bad).GetMessage())
	require.Equal(t, fault.Chinese, detail[*errdetails.LocalizedMessage](t, bad).GetLocale())

	require.Equal(t, "clocks", detail[*errdetails.ResourceInfo](t, tab.Status("", all[1])).GetResourceType())
	require.Equal(t, "cases/1/clocks/2", detail[*errdetails.ResourceInfo](t, tab.Status("", all[1])).GetResourceName())

	unmet := tab.Status("", all[3])
	require.Equal(t, "STEP", detail[*errdetails.PreconditionFailure](t, unmet).GetViolations()[0].GetType())
	require.Equal(t, "site_visit", detail[*errdetails.PreconditionFailure](t, unmet).GetViolations()[0].GetSubject())
	meta := detail[*errdetails.ErrorInfo](t, unmet).GetMetadata()
	require.Equal(t, map[string]string{"rule": "reply_gate", "clause": "5.2", "readings": "K4,P1"}, meta)
	require.Equal(t, "CLOSED", detail[*errdetails.PreconditionFailure](t, tab.Status("", all[4])).GetViolations()[0].GetType())

	require.Equal(t, "people/a", detail[*errdetails.QuotaFailure](t, tab.Status("", all[8])).GetViolations()[0].GetSubject())
	require.Equal(t, time.Minute, detail[*errdetails.RetryInfo](t, tab.Status("", all[8])).GetRetryDelay().AsDuration())
	require.Equal(t, time.Second, detail[*errdetails.RetryInfo](t, tab.Status("", fault.New(fault.Unavailable, "AWAY"))).GetRetryDelay().AsDuration())
}

func TestWhatIsInternalIsMasked(t *testing.T) {
	t.Parallel()
	for _, err := range []error{io.EOF, fault.New(fault.Internal, "SECRET", "key", "value"), status.Error(codes.Unknown, "secret")} {
		s := table(t).Status(fault.English, err)
		require.Equal(t, codes.Internal, s.Code())
		require.NotContains(t, s.Proto().String(), "ecret")
		require.Empty(t, detail[*errdetails.ErrorInfo](t, s).GetMetadata())
		require.Equal(t, fault.ReasonInternal, fault.ReasonOf(rpcerr.FromStatus(s.Err())))
	}
}

func TestErrorsOfContextsKeepTheirCodes(t *testing.T) {
	t.Parallel()
	for err, code := range map[error]codes.Code{context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled} {
		s := table(t).Status("", fmt.Errorf("read: %w", err))
		require.Equal(t, code, s.Code())
		back := rpcerr.FromStatus(s.Err())
		require.ErrorIs(t, back, err)
		require.Equal(t, fault.Unavailable, fault.KindOf(back))
	}
}

func TestManyViolationsAreCutOffAndCounted(t *testing.T) {
	t.Parallel()
	f := fault.New(fault.Invalid, "BAD")
	for i := range 103 {
		f = f.WithViolations(fault.Violation{Field: "f" + strconv.Itoa(i), Reason: "X"})
	}
	s := table(t).Status("", f)
	require.Len(t, detail[*errdetails.BadRequest](t, s).GetFieldViolations(), 100)
	require.Equal(t, "3", detail[*errdetails.ErrorInfo](t, s).GetMetadata()["more_violations"])
}

func TestWhatIsNoStatusStaysAsItIs(t *testing.T) {
	t.Parallel()
	require.NoError(t, rpcerr.FromStatus(nil))
	require.Equal(t, io.EOF, rpcerr.FromStatus(io.EOF))
	plain := errors.New("plain")
	require.Equal(t, plain, rpcerr.FromStatus(plain))
	require.Equal(t, codes.OK, table(t).Status("", nil).Code())
}

func TestAForeignRuleIsReadFromMetadata(t *testing.T) {
	t.Parallel()
	s, err := status.New(codes.FailedPrecondition, "x").WithDetails(&errdetails.ErrorInfo{
		Reason: "UNMET", Domain: "redress",
		Metadata: map[string]string{"rule": "r", "clause": "1", "readings": "K1,K2", "other": "o"},
	})
	require.NoError(t, err)
	f, _ := fault.As(rpcerr.FromStatus(s.Err()))
	require.Empty(t, cmp.Diff(&typev1.RuleRef{Rule: "r", Clause: "1", Readings: []string{"K1", "K2"}}, f.Rule, protocmp.Transform()))
	require.Equal(t, map[string]string{"other": "o"}, f.Facts)
}

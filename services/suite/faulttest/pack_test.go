package faulttest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/suite/suitetest"
)

// TestABrokenPackLeavesTheOldOneInForce stores packs that do not load.
func TestABrokenPackLeavesTheOldOneInForce(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	policies := policyv1.NewPolicyServiceClient(s.Conn)
	intake := intakev1.NewIntakeServiceClient(s.Conn)
	active := func() *policyv1.Revision {
		got, err := policies.GetActiveRevision(s.As("people/author"), &policyv1.GetActiveRevisionRequest{})
		require.NoError(t, err)
		return got.GetRevision()
	}
	before := active()
	for _, broken := range []struct{ name, source, place, about string }{
		{"no YAML", "pack: demo\ntitle: {zh: 演示, en: Demo\n", `:[1-9]\d*:\d+`, ""},
		{"a key nobody knows", "pack: demo\ntitle: {zh: 演示, en: Demo}\nsource: P26\nclokcs: []\n", `:4:1`, "clokcs"},
		{"a limit that is none", string(seconds(t, "ninety blinks")), `:[1-9]\d*:[1-9]\d*`, "ninety blinks"},
	} {
		_, err := policies.CreateRevision(s.As("people/author"), &policyv1.CreateRevisionRequest{Source: []byte(broken.source), RequestId: suitetest.ID()})
		require.Error(t, err, broken.name)
		st := status.Convert(err)
		require.Equal(t, codes.InvalidArgument, st.Code(), "%s: %v", broken.name, err)
		var said string
		for _, d := range st.Details() {
			switch d := d.(type) {
			case *errdetails.ErrorInfo:
				require.Equal(t, "PACK_INVALID", d.GetReason(), broken.name)
			case *errdetails.BadRequest:
				for _, v := range d.GetFieldViolations() {
					said += v.GetField() + " " + v.GetDescription() + "\n"
				}
			}
		}
		said += st.Message()
		require.Regexp(t, broken.place, said, broken.name)
		require.Contains(t, said, broken.about, broken.name)
		t.Logf("%s: %s", broken.name, said)
	}
	require.Equal(t, before.GetName(), active().GetName())
	require.Equal(t, policyv1.Revision_STATE_ACTIVE, active().GetState())
	got, err := intake.CreateComplaint(s.As(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()})
	require.NoError(t, err)
	require.Equal(t, before.GetName(), got.GetComplaint().GetPolicyRevision())
	require.NotEmpty(t, got.GetComplaint().GetPromisedLimits())
}

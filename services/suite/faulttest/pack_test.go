package faulttest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
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

// TestComplaintsThatAreOpenKeepTheirRevisionWhenAnotherOneComesIntoForce goes on with a complaint under
// the limits it began under, beside one that began under the new ones.
func TestComplaintsThatAreOpenKeepTheirRevisionWhenAnotherOneComesIntoForce(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	intake := intakev1.NewIntakeServiceClient(s.Conn)
	policies := policyv1.NewPolicyServiceClient(s.Conn)
	before := s.Register()
	s.Activate(seconds(t, "90 s"))
	after := s.Register()
	require.NotEqual(t, before.GetPolicyRevision(), after.GetPolicyRevision())

	yes := &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}}
	old, err := intake.FillForm(s.As(agent), &intakev1.FillFormRequest{
		Name: before.GetName(), Form: "verification", Etag: before.GetEtag(), RequestId: suitetest.ID(), Facts: map[string]*typev1.Fact{
			"facts_confirmed": yes, "demand_confirmed": yes, "process_explained": yes, "findings": {Value: &typev1.Fact_Text{Text: "一致"}},
		},
	})
	require.NoError(t, err, "the act is judged by the rules it began under")
	require.Equal(t, before.GetPolicyRevision(), old.GetComplaint().GetPolicyRevision())
	require.Empty(t, cmp.Diff(before.GetPromisedLimits(), old.GetComplaint().GetPromisedLimits(), protocmp.Transform()))
	require.NotEmpty(t, cmp.Diff(before.GetPromisedLimits(), after.GetPromisedLimits(), protocmp.Transform()), "the new limits are other ones")

	retired, err := policies.GetRevision(s.As("people/author"), &policyv1.GetRevisionRequest{Name: before.GetPolicyRevision()})
	require.NoError(t, err, "what was in force stays")
	require.Equal(t, policyv1.Revision_STATE_RETIRED, retired.GetRevision().GetState())
}

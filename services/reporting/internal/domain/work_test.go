package domain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
)

func noon() time.Time { return time.Date(2026, 4, 9, 4, 0, 0, 0, time.UTC) }

func compiled(t *testing.T, pack string) *policy.Policy {
	t.Helper()
	p, _, err := policy.LoadShipped(pack)
	require.NoError(t, err)
	out, findings := policy.Compile(p, policy.Options{})
	require.NotNil(t, out, "%v", findings)
	return out
}

// doer is a person with every function who is meant by the entries given.
func doer(name, behalf string, is ...string) domain.Doer {
	return domain.Doer{
		Name: name, May: func(string) bool { return true },
		Is: func(_ *reportingv1.QueuedWork, who string) (bool, string) { return slices.Contains(is, who), behalf },
	}
}

func TestClaimsWaitForTheirInitiators(t *testing.T) {
	t.Parallel()
	work := domain.Waiting(&domain.Matter{Policy: compiled(t, "demo"), Claims: []*compensationv1.Claim{
		{Name: "claims/1", State: compensationv1.Claim_STATE_DRAFT},
		{Name: "claims/2", State: compensationv1.Claim_STATE_RETURNED, Initiator: "people/marketing"},
		{Name: "claims/3", State: compensationv1.Claim_STATE_HELD},
	}})
	require.Len(t, work, 2)
	require.Equal(t, []string{"anyone@marketing_customer_service"}, work[0].GetItem().GetWho(), "whom the pack lets ask (P02 3.1)")
	require.Equal(t, []string{"people/marketing"}, work[1].GetItem().GetWho())
}

// TestSignaturesWaitForWhoMaySign is PROCEDURES K12: nobody signs what they asked
// for, not for another either, and one person counts once.
func TestSignaturesWaitForWhoMaySign(t *testing.T) {
	t.Parallel()
	claim := &compensationv1.Claim{Name: "claims/1", State: compensationv1.Claim_STATE_SUBMITTED, Approval: &typev1.Approval{
		Id: "compensation", State: typev1.Approval_STATE_OPEN, AskedBy: "people/initiator", AskTime: timestamppb.New(noon().Add(-2 * time.Hour)),
		Steps: []*typev1.ApprovalStep{
			{Id: "first", Kind: typev1.ApprovalStep_KIND_REVIEW, State: typev1.ApprovalStep_STATE_SIGNED, Who: []string{"head"}, Signatures: []*typev1.Signature{
				{Person: "people/first", OnBehalfOf: "people/away", Who: "head", Decision: typev1.Decision_DECISION_APPROVE, SignTime: timestamppb.New(noon().Add(-time.Hour))},
			}},
			{Id: "legal", Kind: typev1.ApprovalStep_KIND_COUNTERSIGN, State: typev1.ApprovalStep_STATE_OPEN, Who: []string{"legal_officer"}},
			{Id: "costs", Kind: typev1.ApprovalStep_KIND_COUNTERSIGN, State: typev1.ApprovalStep_STATE_OPEN, Who: []string{"cost_officer"}},
			{Id: "last", Kind: typev1.ApprovalStep_KIND_APPROVE, State: typev1.ApprovalStep_STATE_WAITING, Who: []string{"chairman"}},
		},
	}}
	work := domain.Waiting(&domain.Matter{Claims: []*compensationv1.Claim{claim}})
	require.Len(t, work, 1)
	w := work[0]
	require.Equal(t, reportingv1.WorkItem_KIND_SIGN, w.GetItem().GetKind())
	require.Equal(t, []string{"legal_officer", "cost_officer"}, w.GetItem().GetWho(), "in the order of the pack, not who comes later")
	require.Equal(t, noon().Add(-time.Hour), w.GetItem().GetSinceTime().AsTime(), "since the signature before")

	require.True(t, domain.IsFor(w.QueuedWork, doer("people/legal", "", "legal_officer")))
	require.True(t, domain.IsFor(w.QueuedWork, doer("people/deputy", "people/legal", "legal_officer")))
	require.False(t, domain.IsFor(w.QueuedWork, doer("people/chairman", "", "chairman")), "not yet")
	require.False(t, domain.IsFor(w.QueuedWork, doer("people/initiator", "", "legal_officer")), "own request")
	require.False(t, domain.IsFor(w.QueuedWork, doer("people/deputy", "people/initiator", "legal_officer")), "own request through another")
	require.False(t, domain.IsFor(w.QueuedWork, doer("people/first", "", "legal_officer")), "signed before")
	require.False(t, domain.IsFor(w.QueuedWork, doer("people/away", "", "legal_officer")), "was signed for before")
	without := doer("people/legal", "", "legal_officer")
	without.May = func(string) bool { return false }
	require.False(t, domain.IsFor(w.QueuedWork, without), "no function opens the RPC")
}

func TestNothingWaitsWhereNothingIsKnown(t *testing.T) {
	t.Parallel()
	require.Empty(t, domain.Waiting(&domain.Matter{}))
	// The complaint has arrived before its policy: what it waits for is told all the same.
	work := domain.Waiting(&domain.Matter{Complaint: &intakev1.Complaint{
		Name: "complaints/1", State: intakev1.Complaint_STATE_REGISTERED, ChannelOwner: "people/supervisor",
	}})
	require.Len(t, work, 1)
	require.Equal(t, []string{"people/supervisor"}, work[0].GetItem().GetWho())
}

func TestPlans(t *testing.T) {
	t.Parallel()
	matter := func(c intakev1.Complaint_State, k *routingv1.Case, p *routingv1.Plan) *domain.Matter {
		return &domain.Matter{Complaint: &intakev1.Complaint{Name: "complaints/1", State: c}, Case: k, Plan: p}
	}
	handling := &routingv1.Case{Name: "cases/1", State: routingv1.Case_STATE_HANDLING, Round: 1}
	verified := intakev1.Complaint_STATE_VERIFIED
	for name, c := range map[string]struct {
		matter *domain.Matter
		want   string
	}{
		"NoneYet":           {matter(verified, handling, nil), "Propose a handling plan"},
		"Returned":          {matter(verified, handling, &routingv1.Plan{State: routingv1.Plan_STATE_RETURNED, Round: 1}), "Propose a handling plan"},
		"Approved":          {matter(verified, handling, &routingv1.Plan{State: routingv1.Plan_STATE_APPROVED, Round: 1}), "Start the approved handling plan"},
		"Running":           {matter(verified, handling, &routingv1.Plan{State: routingv1.Plan_STATE_RUNNING, Round: 1}), ""},
		"CarriedOut":        {matter(verified, handling, &routingv1.Plan{State: routingv1.Plan_STATE_CARRIED_OUT, Round: 1}), ""},
		"CarriedOutEarlier": {matter(verified, &routingv1.Case{Name: "cases/1", State: routingv1.Case_STATE_HANDLING, Round: 2}, &routingv1.Plan{State: routingv1.Plan_STATE_CARRIED_OUT, Round: 1}), "Propose an adjusted handling plan"},
		"NotVerified":       {matter(intakev1.Complaint_STATE_WITHDRAWN, handling, nil), ""},
		"Closed":            {matter(verified, &routingv1.Case{Name: "cases/1", State: routingv1.Case_STATE_CLOSED}, nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			for _, w := range domain.Waiting(c.matter) {
				if w.GetItem().GetKind() == reportingv1.WorkItem_KIND_PLAN {
					got = w.GetItem().GetText().GetEn()
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	item := func(name string, late bool, due, since time.Duration) domain.Work {
		w := domain.Work{QueuedWork: &reportingv1.QueuedWork{Item: &reportingv1.WorkItem{Resource: name, Late: late, SinceTime: timestamppb.New(noon().Add(since))}}}
		if due != 0 {
			w.Item.DueTime = timestamppb.New(noon().Add(due))
		}
		return w
	}
	all := []domain.Work{
		item("young", false, 0, 2*time.Hour), item("old", false, 0, -time.Hour), item("tomorrow", false, 24*time.Hour, 0), item("soon", false, time.Hour, 0),
		item("late without a date", true, 0, 0), item("late", true, -time.Hour, 0), item("later", true, -2*time.Hour, 0),
	}
	slices.SortFunc(all, func(a, b domain.Work) int { return strings.Compare(a.Key(), b.Key()) })
	var names []string
	for _, w := range all {
		names = append(names, w.GetItem().GetResource())
	}
	require.Equal(t, []string{"late without a date", "later", "late", "soon", "tomorrow", "old", "young"}, names)
}

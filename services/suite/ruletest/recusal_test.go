package ruletest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/suite/suitetest"
)

// Two directors may consent, and the supervisor.
const consenting = `
roles:
- {id: operations_director, clause: "1", text: {zh: 运营总监, en: operations director}}
- {id: department_director, clause: "1", text: {zh: 部门总监, en: department director}}
- {id: customer_service_supervisor, clause: "1", text: {zh: 客服主管, en: customer service supervisor}}
forms:
- id: registration
  clause: "1"
  about: COMPLAINT
  text: {zh: 登记表, en: registration form}
  fields: [{id: complained_about, type: PERSON, recuses: true, text: {zh: 被投诉人, en: person complained about}}]
approvals:
- id: consent
  of: CONSENT
  clause: "2"
  text: {zh: 同意答复, en: consent to the answer}
  signs: [{id: decide, kind: APPROVE, who: [operations_director, department_director, customer_service_supervisor]}]
`

func TestWhoIsComplainedAboutDecidesNothingOfACaseNorDoesTheirSuperiorNorWhoStandsForThem(t *testing.T) {
	t.Parallel()
	b := setup(t, consenting)
	people := directoryv1.NewDirectoryServiceClient(b.Conn)
	do(t, b, admin, people.CreateDelegation, &directoryv1.CreateDelegationRequest{Parent: operations, RequestId: suitetest.ID(), Delegation: &directoryv1.Delegation{
		Delegate: marketing, StartTime: timestamppb.New(b.Now()), EndTime: timestamppb.New(b.Now().Add(24 * time.Hour)),
	}})
	asked := func(about string) *routingv1.CaseApproval {
		k := b.caseOf(t, b.complaint(t, map[string]*typev1.Fact{"complained_about": person(about)}))
		return do(t, b, agent, b.handling.RequestApproval, &routingv1.RequestApprovalRequest{
			Parent: k.GetName(), RequestId: suitetest.ID(), Approval: "consent",
		}).GetCaseApproval()
	}
	sign := func(a *routingv1.CaseApproval, who string) error {
		_, err := b.handling.SignApproval(b.As(who), &routingv1.SignApprovalRequest{
			Name: a.GetName(), Etag: a.GetEtag(), RequestId: suitetest.ID(), SealedDigest: a.GetApproval().GetSealedDigest(), Decision: typev1.Decision_DECISION_APPROVE,
		})
		return rpcerr.FromStatus(err)
	}

	about := asked(supervisor)
	for _, who := range []string{supervisor, operations, marketing} {
		require.Equal(t, "APPROVAL_RECUSED", fault.ReasonOf(sign(about, who)), who)
	}
	require.NoError(t, sign(about, director), "who has nothing to do with it decides")

	require.NoError(t, sign(asked(quality), marketing), "where another is complained about, the delegate may")
}

package ruletest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/suite/suitetest"
)

// People of the sample directory. The agent's superior is the supervisor, hers the operations
// director; the supervisor heads the agent's department.
const (
	agent      = "people/li-na"
	supervisor = "people/wang-fang"
	operations = "people/zhao-lei"
	director   = "people/liu-yang"
	marketing  = "people/sun-bo"
	quality    = "people/wu-di"
	admin      = "people/admin"
)

// heading begins every pack here.
const heading = `
pack: sample
title: {zh: 样例, en: Sample}
source: sample
`

// bed is a suite in whose demo organisation a small pack is in force.
type bed struct {
	*suitetest.Suite

	intake   intakev1.IntakeServiceClient
	routing  routingv1.RoutingServiceClient
	handling routingv1.HandlingServiceClient
}

func setup(t *testing.T, rules string) *bed {
	t.Helper()
	s := suitetest.New(t)
	b := &bed{
		Suite: s, intake: intakev1.NewIntakeServiceClient(s.Conn), routing: routingv1.NewRoutingServiceClient(s.Conn),
		handling: routingv1.NewHandlingServiceClient(s.Conn),
	}
	b.Activate([]byte(heading + rules))
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

// complaint registers one with the facts and returns its name.
func (b *bed) complaint(t *testing.T, facts map[string]*typev1.Fact) string {
	t.Helper()
	c := suitetest.Complaint()
	c.Category, c.Facts = "", facts
	return do(t, b, agent, b.intake.CreateComplaint, &intakev1.CreateComplaintRequest{Complaint: c, RequestId: suitetest.ID()}).GetComplaint().GetName()
}

// caseOf returns the case of a complaint.
func (b *bed) caseOf(t *testing.T, complaint string) *routingv1.Case {
	t.Helper()
	got, err := b.routing.GetCase(b.As(agent), &routingv1.GetCaseRequest{Name: strings.Replace(complaint, "complaints/", "cases/", 1)})
	require.NoError(t, err)
	return got.GetCase()
}

func person(name string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Person{Person: name}} }

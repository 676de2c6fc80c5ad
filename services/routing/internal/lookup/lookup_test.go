package lookup_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/lookup"
)

const pack = `
pack: small
title: {zh: 小, en: small}
source: test
routing:
  connectors:
  - id: hlr
    clause: "1"
    text: {zh: 归属登记, en: register}
    within: 1 s
    answers:
    - {id: activated, type: FLAG}
    - {id: plan, type: CHOICE, choices: [{id: basic, text: {zh: 甲, en: basic}}, {id: full, text: {zh: 甲, en: full}}]}
`

func compile(t *testing.T) *policy.Policy {
	t.Helper()
	p, _ := policy.Load("pack.yaml", []byte(pack), nil)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(t, compiled, findings)
	return compiled
}

// answering is a connector that behaves as the test says.
type answering struct {
	connectorv1.UnimplementedConnectorServiceServer
	do func(context.Context) (*connectorv1.LookUpResponse, error)
}

func (a answering) LookUp(ctx context.Context, _ *connectorv1.LookUpRequest) (*connectorv1.LookUpResponse, error) {
	return a.do(ctx)
}

func dial(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///connector", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func ask(t *testing.T, conn *grpc.ClientConn) *routingv1.LookUp {
	t.Helper()
	conns := map[string]*grpc.ClientConn{}
	if conn != nil {
		conns["hlr"] = conn
	}
	s := lookup.New(conns, nil, clock.NewVirtual(time.Unix(1_800_000_000, 0)), nil)
	return s.Ask(t.Context(), compile(t), "hlr", &connectorv1.LookUpRequest{Organization: "demo", Connector: "hlr"})
}

func flag(b bool) *typev1.Fact     { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: b}} }
func choice(c string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: c}} }

func giving(answers map[string]*typev1.Fact) func(context.Context) (*connectorv1.LookUpResponse, error) {
	return func(context.Context) (*connectorv1.LookUpResponse, error) {
		return &connectorv1.LookUpResponse{Answers: answers}, nil
	}
}

func TestAConnectorThatAnswersAsDeclaredIsBelieved(t *testing.T) {
	t.Parallel()
	conn := dial(t, func(s *grpc.Server) {
		connectorv1.RegisterConnectorServiceServer(s, answering{do: giving(map[string]*typev1.Fact{"activated": flag(true)})})
	})
	got := ask(t, conn)
	require.Equal(t, routingv1.LookUp_STATE_ANSWERED, got.GetState())
	require.True(t, got.GetAnswers()["activated"].GetFlag())
	require.NotContains(t, got.GetAnswers(), "plan", "what it leaves out stays unknown")
	require.Empty(t, got.GetFault())
}

func TestAConnectorThatHangsIsUnavailableAfterThePacksTime(t *testing.T) {
	t.Parallel()
	conn := dial(t, func(s *grpc.Server) {
		connectorv1.RegisterConnectorServiceServer(s, answering{do: func(ctx context.Context) (*connectorv1.LookUpResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
	})
	unavailable(t, ask(t, conn), lookup.Timeout)
}

func TestAConnectorThatLiesIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers map[string]*typev1.Fact
		fault   string
	}{
		"AWrongType":      {map[string]*typev1.Fact{"activated": choice("yes")}, lookup.WrongType},
		"AnUnknownField":  {map[string]*typev1.Fact{"activated": flag(true), "colour": flag(true)}, lookup.UnknownField},
		"AnUnknownOption": {map[string]*typev1.Fact{"plan": choice("golden")}, lookup.UnknownOption},
		"NoValueAtAll":    {map[string]*typev1.Fact{"activated": {}}, lookup.WrongType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, func(s *grpc.Server) {
				connectorv1.RegisterConnectorServiceServer(s, answering{do: giving(c.answers)})
			})
			unavailable(t, ask(t, conn), c.fault)
		})
	}
}

// twice is a connector that answers LookUp with two messages.
func twice(s *grpc.Server) {
	name, method, _ := strings.Cut(strings.TrimPrefix(connectorv1.ConnectorService_LookUp_FullMethodName, "/"), "/")
	s.RegisterService(&grpc.ServiceDesc{ServiceName: name, HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{{
		StreamName: method, ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			if err := stream.RecvMsg(&connectorv1.LookUpRequest{}); err != nil {
				return err
			}
			for _, b := range []bool{true, false} {
				if err := stream.SendMsg(&connectorv1.LookUpResponse{Answers: map[string]*typev1.Fact{"activated": flag(b)}}); err != nil {
					return err
				}
			}
			return nil
		},
	}}}, struct{}{})
}

func TestAConnectorThatAnswersTwiceIsUnavailable(t *testing.T) {
	t.Parallel()
	unavailable(t, ask(t, dial(t, twice)), lookup.Repeated)
}

func TestAConnectorThatFailsOrHasNoAddressIsUnavailable(t *testing.T) {
	t.Parallel()
	unavailable(t, ask(t, nil), lookup.NoAddress)
	conn := dial(t, func(s *grpc.Server) {
		connectorv1.RegisterConnectorServiceServer(s, answering{do: func(context.Context) (*connectorv1.LookUpResponse, error) {
			return nil, status.Error(codes.NotFound, "no such subscriber")
		}})
	})
	unavailable(t, ask(t, conn), lookup.Unreachable)
}

func unavailable(t *testing.T, got *routingv1.LookUp, fault string) {
	t.Helper()
	require.Equal(t, routingv1.LookUp_STATE_UNAVAILABLE, got.GetState())
	require.Equal(t, fault, got.GetFault())
	require.Empty(t, got.GetAnswers(), "nothing is guessed")
}

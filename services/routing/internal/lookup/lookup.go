// Package lookup asks the systems that packs name as connectors, and turns whatever they
// do into an answer that can be relied on or into none: UNAVAILABLE. Nothing is guessed.
//
// Start reading at [Systems.Ask].
//
// Source: PACK-SKETCH 2.2 (Connector); PROCEDURES P03-A2.
package lookup

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/policy"
)

// DefaultWithin is how long a connector is waited for where the pack says nothing: a
// person waits on the telephone meanwhile.
const DefaultWithin = 10 * time.Second

// Why a connector counts as unavailable; they stand in LookUp.fault.
const (
	Timeout       = "timeout"
	Unreachable   = "unreachable"
	NoAddress     = "no_address"
	WrongType     = "wrong_type"
	UnknownField  = "unknown_field"
	UnknownOption = "unknown_option"
	Repeated      = "repeated"
)

// Systems asks connectors. Safe for concurrent use.
type Systems struct {
	conns     map[string]*grpc.ClientConn
	reference grpc.ClientConnInterface
	clock     clock.Business
	logger    *slog.Logger
}

// New returns systems that are asked over the connections given, by connector; reference
// answers for those that have none, and may be nil. logger may be nil. [Systems.Run]
// closes the connections.
func New(conns map[string]*grpc.ClientConn, reference grpc.ClientConnInterface, business clock.Business, logger *slog.Logger) *Systems {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Systems{conns: conns, reference: reference, clock: business, logger: logger}
}

// Run closes the connections when ctx ends.
func (s *Systems) Run(ctx context.Context) error {
	<-ctx.Done()
	var errs []error
	for _, c := range s.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Ask asks one connector of a pack, for no longer than the pack says. The result is
// ANSWERED with the fields that it gave, or UNAVAILABLE with the reason: it hung, could
// not be reached, gave a field the pack does not declare or one of another type, or
// answered more than once. It never fails.
//
// Cost: one call; at most the pack's within.
func (s *Systems) Ask(ctx context.Context, p *policy.Policy, connector string, question *connectorv1.LookUpRequest) *routingv1.LookUp {
	out := &routingv1.LookUp{Connector: connector, State: routingv1.LookUp_STATE_UNAVAILABLE, AskTime: timestamppb.New(s.clock.Now())}
	conn := s.reference
	if own, ok := s.conns[connector]; ok {
		conn = own
	}
	if conn == nil {
		out.Fault = NoAddress
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, within(p.Connector(connector).GetWithin()))
	defer cancel()
	answer, err := call(ctx, conn, question)
	if err != nil {
		out.Fault = reason(err)
		s.logger.WarnContext(ctx, "connector gave no answer", "connector", connector, "fault", out.GetFault(), "code", status.Code(err).String())
		return out
	}
	if all := p.CheckAnswers(connector, answer.GetAnswers()); len(all) > 0 {
		wrong := all[0]
		switch wrong.Reason {
		case policy.FieldUnknown:
			out.Fault = UnknownField
		case policy.FieldOption, policy.FieldRange:
			out.Fault = UnknownOption
		default:
			out.Fault = WrongType
		}
		s.logger.WarnContext(ctx, "connector answers what the pack does not declare", "connector", connector, "fault", out.GetFault(), "field", wrong.Field)
		return out
	}
	out.State, out.Answers = routingv1.LookUp_STATE_ANSWERED, answer.GetAnswers()
	return out
}

// errRepeated says that a connector answered more than once.
var errRepeated = errors.New("lookup: answered more than once")

// call asks as a stream of answers, so that a second one is seen instead of lost.
func call(ctx context.Context, conn grpc.ClientConnInterface, question *connectorv1.LookUpRequest) (*connectorv1.LookUpResponse, error) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, connectorv1.ConnectorService_LookUp_FullMethodName)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(question); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	answer := &connectorv1.LookUpResponse{}
	if err := stream.RecvMsg(answer); err != nil {
		return nil, err
	}
	switch err := stream.RecvMsg(&connectorv1.LookUpResponse{}); {
	case err == nil:
		return nil, errRepeated
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return answer, nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, errRepeated):
		return Repeated
	case status.Code(err) == codes.DeadlineExceeded, errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Unreachable
}

// within returns how long a connector is waited for.
func within(limit string) time.Duration {
	if l, err := calendar.ParseLimit(limit); err == nil {
		if span, ok := l.Span(); ok && span > 0 {
			return span
		}
	}
	return DefaultWithin
}

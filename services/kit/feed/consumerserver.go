package feed

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
)

// ConsumerServer serves ConsumerService: it shows what a service could not apply,
// and applies it once its cause is mended.
type ConsumerServer struct {
	eventv1.UnimplementedConsumerServiceServer

	j            *journal.Journal
	consumers    map[string]*Consumer
	organization func(ctx context.Context) string
}

// NewConsumerServer returns the ConsumerService of a service with the consumers,
// none of which has been started: they get to know one another, as the events
// parked behind one another may be of several sources.
// organization returns the caller's; events of others are as absent. nil, or "",
// shows all.
func NewConsumerServer(j *journal.Journal, organization func(ctx context.Context) string, consumers ...*Consumer) *ConsumerServer {
	s := &ConsumerServer{j: j, consumers: map[string]*Consumer{}, organization: organization}
	for _, c := range consumers {
		s.consumers[c.source] = c
	}
	for _, c := range consumers {
		c.siblings = s.consumers
	}
	return s
}

func (s *ConsumerServer) sees(ctx context.Context, ev *eventv1.Event) bool {
	if s.organization == nil {
		return true
	}
	own := s.organization(ctx)
	return own == "" || own == ev.GetOrganization()
}

// ListParkedEvents implements ConsumerService.
func (s *ConsumerServer) ListParkedEvents(ctx context.Context, req *eventv1.ListParkedEventsRequest) (*eventv1.ListParkedEventsResponse, error) {
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	token, err := page.After(req.GetPageToken(), req)
	if err != nil {
		return nil, err
	}
	q := journal.ParkedQuery{After: decodePosition(token), Limit: size + 1}
	resp := &eventv1.ListParkedEventsResponse{}
	if req.GetService() != s.j.Service() {
		return resp, nil
	}
	for {
		some, err := s.j.ParkedEvents(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			q.After = positionOf(p.Event)
			if !s.sees(ctx, p.Event) {
				continue
			}
			if len(resp.ParkedEvents) == size {
				resp.NextPageToken = page.Token(encodePosition(resp.ParkedEvents[size-1].GetPosition()), req)
				return resp, nil
			}
			resp.ParkedEvents = append(resp.ParkedEvents, show(p))
		}
		if len(some) < q.Limit {
			return resp, nil
		}
	}
}

func show(p journal.Parked) *eventv1.ParkedEvent {
	return &eventv1.ParkedEvent{
		Position: positionOf(p.Event), Type: p.Event.GetType(), Complaint: p.Event.GetComplaint(),
		Reason: p.Reason, ParkTime: timestamppb.New(p.Time), Waits: p.Waits,
	}
}

func encodePosition(p *eventv1.Position) string {
	return fmt.Sprintf("%s/%d/%d", p.GetService(), p.GetShard(), p.GetSequence())
}

// decodePosition reads a key that encodePosition made; nil for "".
func decodePosition(s string) *eventv1.Position {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return nil
	}
	shard, _ := strconv.ParseInt(parts[1], 10, 32)
	sequence, _ := strconv.ParseInt(parts[2], 10, 64)
	return &eventv1.Position{Service: parts[0], Shard: int32(shard), Sequence: sequence}
}

// RetryParkedEvent implements ConsumerService. An event that waits behind another
// is not applied before that one: it fails with PARKED_EVENT_WAITS as the cause.
func (s *ConsumerServer) RetryParkedEvent(ctx context.Context, req *eventv1.RetryParkedEventRequest) (*eventv1.RetryParkedEventResponse, error) {
	at := req.GetPosition()
	if req.GetService() != s.j.Service() || s.consumers[at.GetService()] == nil {
		return nil, notParked(at)
	}
	p, ok, err := s.j.ParkedEvent(ctx, at)
	if err != nil {
		return nil, err
	}
	if !ok || !s.sees(ctx, p.Event) {
		return nil, notParked(at)
	}
	first, err := firstBehind(ctx, s.j, p.Event)
	if err != nil {
		return nil, err
	}
	if first != nil && encodePosition(positionOf(first)) != encodePosition(at) {
		return nil, failsAgain(fault.New(fault.FailedPrecondition, ReasonWaits))
	}
	applied, err := retryAll(ctx, s.consumers, s.j, p.Event)
	switch {
	case err == nil:
		return &eventv1.RetryParkedEventResponse{Applied: applied}, nil
	case passing(err), fault.ReasonOf(err) == journal.ReasonParkedNotFound:
		return nil, err
	}
	return nil, failsAgain(err)
}

func failsAgain(err error) error {
	return fault.New(fault.FailedPrecondition, ReasonFailsAgain, "cause", fault.ReasonOf(err)).Wrap(err)
}

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/suite"
)

// stuck is what does not go on by itself.
type stuck struct {
	parked  map[string][]*eventv1.ParkedEvent // by service that parked
	notices []*notificationv1.Notice
	late    []*reportingv1.WorkItem
	overdue []*clockv1.Clock
}

func newStuck(a *app) *cobra.Command {
	cl := &client{}
	var retry bool
	c := &cobra.Command{
		Use: "stuck", Short: "List what waits for a person: parked events, undelivered notices, late work, breached clocks",
		Long: `Lists events that a service could not apply and parked with all that follow of the
same complaint, notices that could not be delivered, work that is late, and clocks
that are breached and not stopped. The caller needs the function OPERATOR. With
--retry the parked events are applied again.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				found, err := findStuck(ctx, conn)
				if err != nil {
					return err
				}
				if retry {
					return a.retryParked(ctx, conn, found)
				}
				return a.showStuck(found)
			})
		},
	}
	cl.flags(c)
	c.Flags().BoolVar(&retry, "retry", false, "apply parked events again")
	return c
}

func findStuck(ctx context.Context, conn grpc.ClientConnInterface) (*stuck, error) {
	s := &stuck{parked: map[string][]*eventv1.ParkedEvent{}}
	for _, service := range suite.Names() {
		err := every(0, func(size int32, token string) (int, string, error) {
			got, err := eventv1.NewConsumerServiceClient(conn).ListParkedEvents(ctx, &eventv1.ListParkedEventsRequest{Service: service, PageSize: size, PageToken: token})
			if n := len(got.GetParkedEvents()); n > 0 {
				s.parked[service] = append(s.parked[service], got.GetParkedEvents()...)
			}
			return len(got.GetParkedEvents()), got.GetNextPageToken(), err
		})
		if err != nil {
			return nil, fmt.Errorf("parked events of %s: %w", service, err)
		}
	}
	for _, state := range []notificationv1.Notice_State{notificationv1.Notice_STATE_FAILED, notificationv1.Notice_STATE_NO_ADDRESS} {
		err := every(0, func(size int32, token string) (int, string, error) {
			got, err := notificationv1.NewNotificationServiceClient(conn).ListNotices(ctx, &notificationv1.ListNoticesRequest{State: state, PageSize: size, PageToken: token})
			s.notices = append(s.notices, got.GetNotices()...)
			return len(got.GetNotices()), got.GetNextPageToken(), err
		})
		if err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
	}
	var err error
	if s.late, err = allWork(ctx, conn, &reportingv1.ListWorkRequest{Late: true}); err != nil {
		return nil, fmt.Errorf("late work: %w", err)
	}
	err = every(0, func(size int32, token string) (int, string, error) {
		got, err := reportingv1.NewReportingServiceClient(conn).ListOverdue(ctx, &reportingv1.ListOverdueRequest{PageSize: size, PageToken: token})
		s.overdue = append(s.overdue, got.GetClocks()...)
		return len(got.GetClocks()), got.GetNextPageToken(), err
	})
	if err != nil {
		return nil, fmt.Errorf("breached clocks: %w", err)
	}
	return s, nil
}

func (a *app) showStuck(s *stuck) error {
	if a.json() {
		return a.writeStuck(s)
	}
	if len(s.parked)+len(s.notices)+len(s.late)+len(s.overdue) == 0 {
		fmt.Fprintln(a.Out, "Nothing waits.")
		return nil
	}
	t := a.table("WHAT", "WHERE", "COMPLAINT", "SINCE", "WHY")
	for _, service := range slices.Sorted(maps.Keys(s.parked)) {
		for _, p := range s.parked[service] {
			why := p.GetReason()
			if p.GetWaits() {
				why = "waits behind an earlier one"
			}
			t.row("parked event", fmt.Sprintf("%s, from %s %d/%d", service, p.GetPosition().GetService(), p.GetPosition().GetShard(), p.GetPosition().GetSequence()),
				p.GetComplaint(), local(p.GetParkTime()), why)
		}
	}
	for _, n := range s.notices {
		t.row("notice "+n.GetKind(), n.GetName(), n.GetComplaint(), local(n.GetCreateTime()), strings.ToLower(enum(n.GetState(), "STATE_")))
	}
	for _, k := range s.overdue {
		t.row("clock "+k.GetKind(), k.GetName(), k.GetComplaint(), local(k.GetBreachTime()), "due "+local(k.GetDueTime())+", "+rule(k.GetRule()))
	}
	for _, w := range s.late {
		t.row("late "+strings.ToLower(enum(w.GetKind(), "KIND_")), w.GetResource(), w.GetNumber(), local(w.GetSinceTime()), words(w.GetText()))
	}
	return t.flush()
}

func (a *app) writeStuck(s *stuck) error {
	out := struct {
		Parked  map[string][]rawJSON `json:"parked"`
		Notices []rawJSON            `json:"notices"`
		Late    []rawJSON            `json:"late"`
		Overdue []rawJSON            `json:"overdue"`
	}{Parked: map[string][]rawJSON{}}
	var err error
	for service, events := range s.parked {
		if out.Parked[service], err = rawAll(events); err != nil {
			return err
		}
	}
	if out.Notices, err = rawAll(s.notices); err != nil {
		return err
	}
	if out.Late, err = rawAll(s.late); err != nil {
		return err
	}
	if out.Overdue, err = rawAll(s.overdue); err != nil {
		return err
	}
	return a.writeJSON(out)
}

// rawJSON is JSON as protojson wrote it.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

func rawAll[M proto.Message](all []M) ([]rawJSON, error) {
	out := make([]rawJSON, 0, len(all))
	for _, m := range all {
		text, err := protojson.Marshal(m)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

func (a *app) retryParked(ctx context.Context, conn grpc.ClientConnInterface, s *stuck) error {
	var applied, failed int32
	for service, events := range s.parked {
		for _, p := range events {
			if p.GetWaits() {
				continue // follows the one it waits for
			}
			got, err := eventv1.NewConsumerServiceClient(conn).RetryParkedEvent(ctx, &eventv1.RetryParkedEventRequest{Service: service, Position: p.GetPosition()})
			if err != nil {
				failed++
				a.say("%s, from %s %d/%d: %s", service, p.GetPosition().GetService(), p.GetPosition().GetShard(), p.GetPosition().GetSequence(), explain(err))
				continue
			}
			applied += got.GetApplied()
		}
	}
	fmt.Fprintf(a.Out, "%d events were applied.\n", applied)
	if failed > 0 {
		return fmt.Errorf("%d events fail again", failed)
	}
	return nil
}

func newRebuild(a *app) *cobra.Command {
	c := &cobra.Command{Use: "rebuild", Short: "Fill read models again"}
	cl := &client{}
	cl.flags(c)
	c.AddCommand(&cobra.Command{
		Use: "reporting", Short: "Drop the read model and fill it from the feeds; frozen reports stay", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				got, err := reportingv1.NewReportingServiceClient(conn).RebuildReporting(ctx, &reportingv1.RebuildReportingRequest{})
				if err != nil {
					return err
				}
				if a.json() {
					return a.writeProto(got)
				}
				fmt.Fprintf(a.Out, "Reporting reads %d events again; until then its answers are incomplete.\n", got.GetEvents())
				return nil
			})
		},
	})
	return c
}

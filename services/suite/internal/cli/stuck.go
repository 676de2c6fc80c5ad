package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite"
)

// stuck is what does not go on by itself.
type stuck struct {
	parked      map[string][]*eventv1.ParkedEvent // by service that parked
	owing       []*routingv1.Case                 // with their open obligations only
	withdrawals []*intakev1.Complaint
	notices     []*notificationv1.Notice
	late        []*reportingv1.WorkItem
	overdue     []*clockv1.Clock
}

func newStuck(a *app) *cobra.Command {
	cl := a.client()
	var retry bool
	c := &cobra.Command{
		Use: "stuck", Short: "List what waits: parked events, open obligations, undelivered notices, late work, breached clocks",
		Long: `Lists events that a service could not apply and parked with all that follow of the
same complaint, work that a case waits for from another service (its open
obligations), withdrawals that wait for compensation, notices that could not be
delivered, work that is late, and clocks that are breached and not stopped. The
caller needs the function OPERATOR. With --retry the parked events are applied again.

A service that does not answer is named, and the rest is listed. Open cases and
complaints are read for it: it takes as long as listing them.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				found := &stuck{parked: map[string][]*eventv1.ParkedEvent{}}
				parts := found.parts(ctx, conn)
				if retry {
					parts = parts[:len(suite.Names())]
				}
				silent, err := a.gather(parts)
				if err != nil {
					return err
				}
				if retry {
					err = a.retryParked(ctx, conn, found)
				} else {
					err = a.showStuck(found)
				}
				if err == nil && silent > 0 {
					err = fmt.Errorf(a.tr("%d parts could not be listed"), silent)
				}
				return err
			})
		},
	}
	cl.flags(c)
	c.Flags().BoolVar(&retry, "retry", false, "apply parked events again")
	return c
}

// part is one of the lists that stuck is made of.
type part struct {
	what string
	read func() error
}

// gather reads all parts. Of a service that does not answer it says so and goes on:
// then is when somebody asks. It returns how many did not; the first refusal of
// another kind, or that of all, ends it.
func (a *app) gather(parts []part) (silent int, err error) {
	for _, p := range parts {
		failed := p.read()
		switch s, _ := refusal(failed); {
		case failed == nil:
			continue
		case s.Code() != codes.Unavailable:
			return 0, fmt.Errorf("%s: %w", p.what, failed)
		}
		if silent++; err == nil {
			err = fmt.Errorf("%s: %w", p.what, failed)
		}
		a.say(a.tr("%s: no answer"), p.what)
	}
	if silent < len(parts) {
		err = nil
	}
	return silent, err
}

// parts returns the lists, parked events of each service first.
func (s *stuck) parts(ctx context.Context, conn grpc.ClientConnInterface) []part {
	var all []part
	for _, service := range suite.Names() {
		all = append(all, part{"parked events of " + service, func() error { return s.events(ctx, conn, service) }})
	}
	return append(all,
		part{"obligations", func() error { return s.obligations(ctx, conn) }},
		part{"withdrawals", func() error { return s.withdrawn(ctx, conn) }},
		part{"notices", func() error { return s.undelivered(ctx, conn) }},
		part{"late work", func() (err error) {
			s.late, err = allWork(ctx, conn, &reportingv1.ListWorkRequest{Late: true})
			return err
		}},
		part{"breached clocks", func() error { return s.breached(ctx, conn) }},
	)
}

func (s *stuck) events(ctx context.Context, conn grpc.ClientConnInterface, service string) error {
	return every(0, func(size int32, token string) (int, string, error) {
		got, err := eventv1.NewConsumerServiceClient(conn).ListParkedEvents(ctx, &eventv1.ListParkedEventsRequest{Service: service, PageSize: size, PageToken: token})
		if n := len(got.GetParkedEvents()); n > 0 {
			s.parked[service] = append(s.parked[service], got.GetParkedEvents()...)
		}
		return len(got.GetParkedEvents()), got.GetNextPageToken(), err
	})
}

func (s *stuck) undelivered(ctx context.Context, conn grpc.ClientConnInterface) error {
	for _, state := range []notificationv1.Notice_State{notificationv1.Notice_STATE_FAILED, notificationv1.Notice_STATE_NO_ADDRESS} {
		if err := every(0, func(size int32, token string) (int, string, error) {
			got, err := notificationv1.NewNotificationServiceClient(conn).ListNotices(ctx, &notificationv1.ListNoticesRequest{State: state, PageSize: size, PageToken: token})
			s.notices = append(s.notices, got.GetNotices()...)
			return len(got.GetNotices()), got.GetNextPageToken(), err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *stuck) breached(ctx context.Context, conn grpc.ClientConnInterface) error {
	return every(0, func(size int32, token string) (int, string, error) {
		got, err := reportingv1.NewReportingServiceClient(conn).ListOverdue(ctx, &reportingv1.ListOverdueRequest{PageSize: size, PageToken: token})
		s.overdue = append(s.overdue, got.GetClocks()...)
		return len(got.GetClocks()), got.GetNextPageToken(), err
	})
}

// obligations finds what open cases wait for from other services; one that has ended
// waits for nothing.
//
// Source: docs/architecture.md, obligations.
func (s *stuck) obligations(ctx context.Context, conn grpc.ClientConnInterface) error {
	for _, state := range []routingv1.Case_State{
		routingv1.Case_STATE_REGISTERED, routingv1.Case_STATE_ACCEPTED, routingv1.Case_STATE_HANDLING, routingv1.Case_STATE_ANSWERED, routingv1.Case_STATE_COMPLETED,
	} {
		if err := every(0, func(size int32, token string) (int, string, error) {
			got, err := routingv1.NewRoutingServiceClient(conn).ListCases(ctx, &routingv1.ListCasesRequest{State: state, PageSize: size, PageToken: token})
			for _, k := range got.GetCases() {
				if open := slices.DeleteFunc(k.GetObligations(), settled); len(open) > 0 {
					s.owing = append(s.owing, &routingv1.Case{Name: k.GetName(), Complaint: k.GetComplaint(), Number: k.GetNumber(), Obligations: open})
				}
			}
			return len(got.GetCases()), got.GetNextPageToken(), err
		}); err != nil {
			return err
		}
	}
	return nil
}

// withdrawn finds withdrawals that wait for compensation.
func (s *stuck) withdrawn(ctx context.Context, conn grpc.ClientConnInterface) error {
	for _, state := range []intakev1.Complaint_State{intakev1.Complaint_STATE_REGISTERED, intakev1.Complaint_STATE_VERIFIED} {
		if err := every(0, func(size int32, token string) (int, string, error) {
			got, err := intakev1.NewIntakeServiceClient(conn).ListComplaints(ctx, &intakev1.ListComplaintsRequest{State: state, PageSize: size, PageToken: token})
			for _, c := range got.GetComplaints() {
				if w := c.GetWithdrawal(); w.GetState() == intakev1.Withdrawal_STATE_REQUESTED {
					s.withdrawals = append(s.withdrawals, &intakev1.Complaint{
						Name: c.GetName(), Number: c.GetNumber(), Withdrawal: &intakev1.Withdrawal{State: w.GetState(), RequestTime: w.GetRequestTime()},
					})
				}
			}
			return len(got.GetComplaints()), got.GetNextPageToken(), err
		}); err != nil {
			return err
		}
	}
	return nil
}

func settled(o *typev1.Obligation) bool { return o.GetState() != typev1.Obligation_STATE_OPEN }

func (s *stuck) nothing() bool {
	return len(s.parked)+len(s.owing)+len(s.withdrawals)+len(s.notices)+len(s.late)+len(s.overdue) == 0
}

func (a *app) showStuck(s *stuck) error {
	if a.json() {
		return a.writeStuck(s)
	}
	if s.nothing() {
		fmt.Fprintln(a.Out, a.tr("Nothing waits."))
		return nil
	}
	t := a.table("WHAT", "WHERE", "COMPLAINT", "SINCE", "WHY")
	s.waiting(a, t)
	return t.flush()
}

// waiting writes a row for all that waits, what stops other things first.
func (s *stuck) waiting(a *app, t table) {
	for _, service := range slices.Sorted(maps.Keys(s.parked)) {
		for _, p := range s.parked[service] {
			why := p.GetReason()
			if p.GetWaits() {
				why = a.tr("waits behind an earlier one")
			}
			t.row(a.tr("parked event"), fmt.Sprintf("%s, from %s %d/%d", service, p.GetPosition().GetService(), p.GetPosition().GetShard(), p.GetPosition().GetSequence()),
				p.GetComplaint(), local(p.GetParkTime()), why)
		}
	}
	for _, k := range s.owing {
		for _, o := range k.GetObligations() {
			why := rule(o.GetRule())
			if o.GetBlocksClose() {
				why = strings.TrimPrefix(why+", "+a.tr("the case cannot be closed before"), ", ")
			}
			t.row(a.tr("owed "+strings.ReplaceAll(o.GetKind(), "_", " ")), o.GetResource()+", by "+o.GetService(), k.GetNumber(), local(o.GetCreateTime()), why)
		}
	}
	for _, c := range s.withdrawals {
		t.row(a.tr("withdrawal"), c.GetName()+", by compensation", c.GetNumber(), local(c.GetWithdrawal().GetRequestTime()), a.tr("claims are not held yet"))
	}
	for _, n := range s.notices {
		t.row(a.tr("notice")+" "+n.GetKind(), n.GetName(), n.GetComplaint(), local(n.GetCreateTime()), a.tr(strings.ToLower(enum(n.GetState(), "STATE_"))))
	}
	for _, k := range s.overdue {
		t.row(a.tr("clock")+" "+k.GetKind(), k.GetName(), k.GetComplaint(), local(k.GetBreachTime()), a.tr("due")+" "+local(k.GetDueTime())+", "+rule(k.GetRule()))
	}
	for _, w := range s.late {
		t.row(a.tr("late "+strings.ToLower(enum(w.GetKind(), "KIND_"))), w.GetResource(), w.GetNumber(), local(w.GetSinceTime()), a.words(w.GetText()))
	}
}

func (a *app) writeStuck(s *stuck) error {
	out := struct {
		Parked      map[string][]rawJSON `json:"parked"`
		Obligations []rawJSON            `json:"obligations"` // cases with their open ones
		Withdrawals []rawJSON            `json:"withdrawals"`
		Notices     []rawJSON            `json:"notices"`
		Late        []rawJSON            `json:"late"`
		Overdue     []rawJSON            `json:"overdue"`
	}{Parked: map[string][]rawJSON{}}
	var err error
	for service, events := range s.parked {
		if out.Parked[service], err = rawAll(events); err != nil {
			return err
		}
	}
	if out.Obligations, err = rawAll(s.owing); err != nil {
		return err
	}
	if out.Withdrawals, err = rawAll(s.withdrawals); err != nil {
		return err
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

// retryParked applies the parked events again. One that fails because another comes first is tried
// again once something was applied.
func (a *app) retryParked(ctx context.Context, conn grpc.ClientConnInterface, s *stuck) error {
	type failure struct {
		service string
		parked  *eventv1.ParkedEvent
		err     error
	}
	var left []failure
	for _, service := range slices.Sorted(maps.Keys(s.parked)) {
		for _, p := range s.parked[service] {
			if !p.GetWaits() { // others follow the one they wait for
				left = append(left, failure{service: service, parked: p})
			}
		}
	}
	var applied int32
	for again := true; again; {
		again = false
		var failed []failure
		for _, f := range left {
			got, err := eventv1.NewConsumerServiceClient(conn).RetryParkedEvent(ctx, &eventv1.RetryParkedEventRequest{Service: f.service, Position: f.parked.GetPosition()})
			if err != nil {
				f.err = err
				failed = append(failed, f)
				continue
			}
			applied += got.GetApplied()
			again = true
		}
		again, left = again && len(failed) > 0, failed
	}
	for _, f := range left {
		at := f.parked.GetPosition()
		a.say("%s, from %s %d/%d: %s", f.service, at.GetService(), at.GetShard(), at.GetSequence(), explain(f.err))
	}
	fmt.Fprintf(a.Out, a.tr("%d events were applied.\n"), applied)
	if len(left) > 0 {
		return fmt.Errorf(a.tr("%d events fail again"), len(left))
	}
	return nil
}

func newRebuild(a *app) *cobra.Command {
	c := &cobra.Command{Use: "rebuild", Short: "Fill read models again"}
	cl := a.client()
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

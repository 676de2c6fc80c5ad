package clocks_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/slaclock"
)

// hooks returns what a plain service would do: no sealing, anybody may extend.
func hooks(b *bench, organization string) clocks.Hooks {
	return clocks.Hooks{
		Caller: func(context.Context) (string, string) { return organization, "people/gm" },
		Run: func(ctx context.Context, req proto.Message, c clocks.Command, decide func(*journal.Unit, proto.Message) error) (journal.Receipt, error) {
			digest, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
			if err != nil {
				return journal.Receipt{}, err
			}
			id := req.ProtoReflect().Get(req.ProtoReflect().Descriptor().Fields().ByName("request_id")).String()
			return b.j.Write(ctx, journal.Work{
				Organization: organization, Key: c.Key, Reads: c.Reads, Actor: &eventv1.Actor{Principal: "people/gm"},
				Request: &journal.Request{Principal: "people/gm", Method: string(req.ProtoReflect().Descriptor().Name()), ID: id, Digest: digest},
			}, func(u *journal.Unit) error { return decide(u, req) })
		},
		MayExtend: func(context.Context, *journal.Unit, *clockv1.Clock, time.Time) error { return nil },
	}
}

func TestTheServerShowsAndExplainsClocks(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-02-13 15:00:00")
	b.start(spec("4 working h", "2026-02-13 15:00:00"))
	s := clocks.NewServer(b.j, hooks(b, org))

	got, err := s.GetClock(t.Context(), &clockv1.GetClockRequest{Name: name})
	require.NoError(t, err)
	require.Equal(t, "1", got.Clock.Etag)
	require.Equal(t, "2026-02-14 10:00:00", local(got.Clock.DueTime), "Saturday 14 February 2026 is an exchanged working day")

	explained, err := s.ExplainClock(t.Context(), &clockv1.ExplainClockRequest{Name: name})
	require.NoError(t, err)
	var sum time.Duration
	exchanged := false
	for _, i := range explained.Intervals {
		switch i.Kind {
		case clockv1.Interval_KIND_EXCHANGED_WORKING_DAY:
			exchanged = true
			sum += i.EndTime.AsTime().Sub(i.StartTime.AsTime())
		case clockv1.Interval_KIND_COUNTED:
			sum += i.EndTime.AsTime().Sub(i.StartTime.AsTime())
		}
	}
	require.Equal(t, 4*time.Hour, sum, "what is counted adds up to the limit")
	require.True(t, exchanged)

	_, err = s.GetClock(t.Context(), &clockv1.GetClockRequest{Name: "cases/1/clocks/none-1"})
	require.Equal(t, clocks.ReasonNotFound, fault.ReasonOf(err))
	stranger := clocks.NewServer(b.j, hooks(b, "other"))
	_, err = stranger.GetClock(t.Context(), &clockv1.GetClockRequest{Name: name})
	require.Equal(t, clocks.ReasonNotFound, fault.ReasonOf(err), "organisations never see each other")
	list, err := stranger.ListClocks(t.Context(), &clockv1.ListClocksRequest{Parent: subject})
	require.NoError(t, err)
	require.Empty(t, list.Clocks)
}

func TestTheServerHidesWhatTheCallerMayNotSee(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	h := hooks(b, org)
	h.MayRead = func(context.Context, string, string) error {
		return fault.New(fault.NotFound, journal.ReasonNotFound, "name", subject)
	}
	s := clocks.NewServer(b.j, h)
	_, err := s.GetClock(t.Context(), &clockv1.GetClockRequest{Name: name})
	require.Equal(t, clocks.ReasonNotFound, fault.ReasonOf(err))
	_, err = s.ListClocks(t.Context(), &clockv1.ListClocksRequest{Parent: subject})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestClocksAreListedInTheOrderTheyStarted(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	for i, kind := range []string{"zeta", "alpha", "mid", "beta", "last"} {
		s := spec("24 h", "2026-04-08 09:0"+strconv.Itoa(i)+":00")
		s.Kind = kind
		b.start(s)
	}
	srv := clocks.NewServer(b.j, hooks(b, org))
	var kinds []string
	req := &clockv1.ListClocksRequest{Parent: subject, PageSize: 2}
	for pages := 1; ; pages++ {
		resp, err := srv.ListClocks(t.Context(), req)
		require.NoError(t, err)
		for _, c := range resp.Clocks {
			kinds = append(kinds, c.Kind)
		}
		if req.PageToken = resp.NextPageToken; req.PageToken == "" {
			require.Equal(t, 3, pages)
			break
		}
	}
	require.Equal(t, []string{"zeta", "alpha", "mid", "beta", "last"}, kinds)
	_, err := srv.ListClocks(t.Context(), &clockv1.ListClocksRequest{Parent: "cases/2", PageToken: "AAAA"})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

func TestTheServerPausesAndResumes(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	h := hooks(b, org)
	var changed []clockv1.ClockChanged_Kind
	h.Changed = func(_ *journal.Unit, _ *clockv1.Clock, changes []*clockv1.ClockChanged) error {
		for _, c := range changes {
			changed = append(changed, c.Kind)
		}
		return nil
	}
	s := clocks.NewServer(b.j, h)
	require.NoError(t, b.clock.Advance(at("2026-04-08 10:00:00")))
	pause := &clockv1.PauseClockRequest{Name: name, Reason: "customer is away", Etag: "1", RequestId: uuid.NewString()}
	first, err := s.PauseClock(t.Context(), pause)
	require.NoError(t, err)
	require.Equal(t, clockv1.Clock_STATE_PAUSED, first.Clock.State)
	require.Equal(t, "people/gm", first.Clock.Pauses[0].Principal)
	require.Equal(t, "2", first.Clock.Etag)
	again, err := s.PauseClock(t.Context(), pause)
	require.NoError(t, err)
	require.True(t, proto.Equal(first, again), "the same request_id gives the first answer")

	_, err = s.ResumeClock(t.Context(), &clockv1.ResumeClockRequest{Name: name, Etag: "1", RequestId: uuid.NewString()})
	require.Equal(t, journal.ReasonEtagMismatch, fault.ReasonOf(err))
	require.NoError(t, b.clock.Advance(at("2026-04-08 12:00:00")))
	resumed, err := s.ResumeClock(t.Context(), &clockv1.ResumeClockRequest{Name: name, Etag: "2", RequestId: uuid.NewString()})
	require.NoError(t, err)
	require.Equal(t, "2026-04-09 11:00:00", local(resumed.Clock.DueTime))
	require.Equal(t, []clockv1.ClockChanged_Kind{clockv1.ClockChanged_KIND_PAUSED, clockv1.ClockChanged_KIND_RESUMED}, changed)
}

func TestTheServerExtendsWhereThePackAllows(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	extend := &clockv1.ExtendClockRequest{
		Name: name, DueTime: timestamppb.New(at("2026-04-10 18:00:00")), Reason: "laboratory", Etag: "1", RequestId: uuid.NewString(),
	}
	h := hooks(b, org)
	h.MayExtend = nil
	_, err := clocks.NewServer(b.j, h).ExtendClock(t.Context(), extend)
	require.Equal(t, slaclock.ReasonExtensionRefused, fault.ReasonOf(err), "no rule, no extension")
	got, err := clocks.NewServer(b.j, hooks(b, org)).ExtendClock(t.Context(), extend)
	require.NoError(t, err, "a refusal leaves the request_id free")
	require.Equal(t, "2026-04-10 18:00:00", local(got.Clock.DueTime))
	_, err = clocks.NewServer(b.j, hooks(b, org)).ExtendClock(t.Context(), &clockv1.ExtendClockRequest{
		Name: "cases/9/clocks/none-1", DueTime: extend.DueTime, Reason: "r", Etag: "1", RequestId: uuid.NewString(),
	})
	require.Equal(t, clocks.ReasonNotFound, fault.ReasonOf(err))
}

package host

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/timerindex"
)

// remembering are keys that note whose were dropped.
type remembering struct {
	sealtest.Keys
	dropped []string
}

func (k *remembering) Drop(organization, subject string) {
	k.dropped = append(k.dropped, organization+"/"+subject)
}

// fakeIntake hears of confirmed erasures, while it is not away.
type fakeIntake struct {
	grpc.ClientConnInterface
	mu   sync.Mutex
	away bool
	got  []*intakev1.ConfirmErasureRequest
}

func (f *fakeIntake) Invoke(_ context.Context, _ string, args, _ any, _ ...grpc.CallOption) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, args.(*intakev1.ConfirmErasureRequest))
	if f.away {
		return errors.New("away")
	}
	return nil
}

// erasing is a host that may forget people; nothing of it runs by itself.
type erasing struct {
	*Host
	t         *testing.T
	intake    *fakeIntake
	keys      *remembering
	forgotten []string
	refuses   error
}

func setupErasing(t *testing.T) *erasing {
	t.Helper()
	b := &erasing{t: t, intake: &fakeIntake{}, keys: &remembering{}}
	var err error
	b.Host, err = New(t.Context(), Definition{Name: "compensation", Forget: func(_ *journal.Unit, subject string) error {
		b.forgotten = append(b.forgotten, subject)
		return b.refuses
	}}, Deps{
		DB: kittest.SQLite(t), Clock: clock.NewVirtual(time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC)), Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Dial: func(string) grpc.ClientConnInterface { return b.intake }, Keys: b.keys, DigestKey: make([]byte, 32),
	})
	require.NoError(t, err)
	t.Cleanup(b.Journal.Close)
	return b
}

// hear applies that the service tells of an erasure, as its feed does.
func (b *erasing) hear(service, resource string, confirmed ...string) error {
	s := &intakev1.DataSubject{Name: resource, State: intakev1.DataSubject_STATE_ERASED, EraseTime: timestamppb.New(b.Clock.Now()), ErasuresConfirmed: confirmed}
	body := &eventv1.EventBody{Change: anyOf(b.t, &intakev1.PersonErased{}), State: anyOf(b.t, s)}
	_, err := b.Journal.Write(b.t.Context(), journal.Work{Organization: "acme", Key: resource}, func(u *journal.Unit) error {
		return b.apply(u, &eventv1.Event{Service: service, Organization: "acme", Resource: resource}, body)
	})
	return err
}

func anyOf(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	out, err := anypb.New(m)
	require.NoError(t, err)
	return out
}

func (b *erasing) quiet() bool {
	b.t.Helper()
	quiet, err := b.CaughtUp(b.t.Context())
	require.NoError(b.t, err)
	stands, err := b.StandsAt(b.t.Context(), nil)
	require.NoError(b.t, err)
	require.Equal(b.t, quiet, stands, "both ways to ask")
	return quiet
}

func TestAnErasureIsConfirmedOnceIntakeAnswersAndThenNoMore(t *testing.T) {
	t.Parallel()
	b := setupErasing(t)
	require.NoError(t, b.hear(keeper, "subjects/s1", "intake"))
	require.NoError(t, b.hear(keeper, "subjects/s1", "intake", "routing"), "said again it is noted once")
	require.Equal(t, []string{"acme/s1", "acme/s1"}, b.keys.dropped, "before anything else")
	require.False(t, b.quiet())

	b.intake.away = true
	require.Error(t, b.confirm(t.Context()))
	require.False(t, b.quiet())
	b.intake.away = false
	require.NoError(t, b.confirm(t.Context()))
	require.True(t, b.quiet())
	require.NoError(t, b.confirm(t.Context()))
	require.Len(t, b.intake.got, 2)
	require.Equal(t, "s1", b.intake.got[1].GetSubject())
	require.Equal(t, "acme", b.intake.got[1].GetOrganization())
	require.Equal(t, b.intake.got[0].GetRequestId(), b.intake.got[1].GetRequestId(), "it is the same request")

	require.NoError(t, b.hear(keeper, "subjects/s1", "compensation"))
	require.Equal(t, []string{"s1", "s1"}, b.forgotten, "nothing is left to be forgotten")
	require.True(t, b.quiet())
}

func TestWhatAnotherServiceNotesOfAnErasureIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	b := setupErasing(t)
	require.NoError(t, b.hear("routing", "erasures/s1"))
	require.Empty(t, b.forgotten)
	require.True(t, b.quiet())
}

func TestNothingIsConfirmedOfWhatCannotBeForgotten(t *testing.T) {
	t.Parallel()
	b := setupErasing(t)
	b.refuses = fault.New(fault.Unavailable, fault.ReasonUnavailable)
	require.Error(t, b.hear(keeper, "subjects/s1"))
	require.True(t, b.quiet(), "it was not heard")
	require.NoError(t, b.confirm(t.Context()))
	require.Empty(t, b.intake.got)
}

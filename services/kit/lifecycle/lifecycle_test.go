package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/redress/services/kit/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	_ lifecycle.Failing = (*lifecycle.Loop)(nil)
	_ lifecycle.Failing = (*lifecycle.Group)(nil)
)

func newGroup() *lifecycle.Group { return lifecycle.NewGroup(slog.New(slog.DiscardHandler)) }

// journal records steps in the order they happen.
type journal struct {
	mu    sync.Mutex
	steps []string
}

func (j *journal) add(step string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.steps = append(j.steps, step)
}

func (j *journal) member(name string, startErr, stopErr error) lifecycle.Service {
	return lifecycle.Func(
		func(context.Context) error { j.add("start " + name); return startErr },
		func(context.Context) error { j.add("stop " + name); return stopErr })
}

func untilCancelled(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestGroupStartsInOrderAndStopsInReverse(t *testing.T) {
	t.Parallel()
	j, g := &journal{}, newGroup()
	for _, name := range []string{"telemetry", "storage", "rpc"} {
		g.Add(name, j.member(name, nil, nil))
	}
	require.NoError(t, g.Start(t.Context()))
	require.NoError(t, g.Start(t.Context()))
	require.NoError(t, g.Stop(t.Context()))
	require.NoError(t, g.Stop(t.Context()))
	require.Equal(t, []string{"start telemetry", "start storage", "start rpc", "stop rpc", "stop storage", "stop telemetry"}, j.steps)
	require.Error(t, g.Start(t.Context()), "what was stopped stays stopped")
}

func TestGroupUndoesAFailedStart(t *testing.T) {
	t.Parallel()
	j, g := &journal{}, newGroup()
	g.Add("a", j.member("a", nil, nil))
	g.Add("b", j.member("b", io.EOF, nil))
	g.Add("c", j.member("c", nil, nil))
	err := g.Start(t.Context())
	require.ErrorIs(t, err, io.EOF)
	require.ErrorContains(t, err, "start b")
	require.Equal(t, []string{"start a", "start b", "stop a"}, j.steps)
	require.NoError(t, g.Stop(t.Context()))
}

func TestGroupStopsAllAndTellsEveryError(t *testing.T) {
	t.Parallel()
	j, g := &journal{}, newGroup()
	g.Add("a", j.member("a", nil, io.EOF))
	g.Add("b", lifecycle.Func(nil, func(context.Context) error { panic("oh") }))
	g.Add("c", j.member("c", nil, io.ErrClosedPipe))
	require.NoError(t, g.Start(t.Context()))
	err := g.Stop(t.Context())
	require.ErrorIs(t, err, io.EOF)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.ErrorContains(t, err, "stop b: panic: oh")
}

func TestGroupStoppedBeforeStartDoesNothing(t *testing.T) {
	t.Parallel()
	j, g := &journal{}, newGroup()
	g.Add("a", j.member("a", nil, nil))
	require.NoError(t, g.Stop(t.Context()))
	require.Empty(t, j.steps)
}

func TestGroupFailsWithTheMemberThatEnds(t *testing.T) {
	t.Parallel()
	g := newGroup()
	release := make(chan struct{})
	g.Add("steady", lifecycle.NewLoop("steady", untilCancelled))
	g.Add("weak", lifecycle.NewLoop("weak", func(context.Context) error { <-release; return io.EOF }))
	require.NoError(t, g.Start(t.Context()))
	require.NoError(t, g.Err())
	close(release)
	<-g.Done()
	require.ErrorIs(t, g.Err(), io.EOF)
	require.ErrorIs(t, g.Stop(t.Context()), io.EOF)
}

func TestRunStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	j, g := &journal{}, newGroup()
	g.Add("a", j.member("a", nil, nil))
	g.Add("b", lifecycle.Func(func(context.Context) error { cancel(); return nil }, nil))
	require.NoError(t, lifecycle.Run(ctx, g, func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }))
	require.Equal(t, []string{"start a", "stop a"}, j.steps)
}

func TestRunTellsWhyTheServiceEnded(t *testing.T) {
	t.Parallel()
	l := lifecycle.NewLoop("poll", func(context.Context) error { panic(io.EOF) })
	err := lifecycle.Run(t.Context(), l, func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) })
	require.ErrorIs(t, err, io.EOF)
	var p *lifecycle.PanicError
	require.ErrorAs(t, err, &p)
	require.Contains(t, string(p.Stack), "lifecycle_test")
}

func TestLoopSeesValuesButNotTheEndOfItsStartingContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	seen := make(chan any)
	l := lifecycle.NewLoop("l", func(ctx context.Context) error {
		seen <- ctx.Value(key{})
		seen <- ctx.Err()
		return untilCancelled(ctx)
	})
	require.NoError(t, l.Start(ctx))
	require.Equal(t, "v", <-seen)
	cancel()
	require.Nil(t, <-seen)
	require.NoError(t, l.Stop(t.Context()))
}

func TestLoopThatDoesNotEndIsLeftAtTheDeadline(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	l := lifecycle.NewLoop("deaf", func(context.Context) error { <-release; return nil })
	require.NoError(t, l.Start(t.Context()))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Stop(over), context.Canceled)
	close(release)
	require.NoError(t, l.Stop(t.Context()))
}

func TestLoopStoppedBeforeStartStaysStopped(t *testing.T) {
	t.Parallel()
	l := lifecycle.NewLoop("l", untilCancelled)
	require.NoError(t, l.Stop(t.Context()))
	require.NoError(t, l.Stop(t.Context()))
	require.ErrorContains(t, l.Start(t.Context()), "already stopped")
	<-l.Done()
}

func TestStartAndStopFromEverywhere(t *testing.T) {
	t.Parallel()
	for i := range 200 {
		l := lifecycle.NewLoop(fmt.Sprint(i), untilCancelled)
		g := newGroup()
		g.Add("l", l)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { _ = g.Start(t.Context()) })
			all.Go(func() { _ = g.Stop(t.Context()) })
			all.Go(func() { _ = l.Stop(t.Context()) })
		}
		all.Wait()
		_ = g.Stop(t.Context())
	}
}

func TestFuncCallsEachFunctionOnce(t *testing.T) {
	t.Parallel()
	starts, stops := 0, 0
	f := lifecycle.Func(func(context.Context) error { starts++; return nil }, func(context.Context) error { stops++; return errors.New("once") })
	require.NoError(t, f.Start(t.Context()))
	require.NoError(t, f.Start(t.Context()))
	require.EqualError(t, f.Stop(t.Context()), "once")
	require.NoError(t, f.Stop(t.Context()))
	require.Equal(t, []int{1, 1}, []int{starts, stops})
}

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// Group starts its members in the order they were added and stops them in
// reverse, all under the one deadline of Stop's context. It is a [Failing]
// service that fails with its first member that ends by itself.
type Group struct {
	logger *slog.Logger

	mu      sync.Mutex
	members []member
	running int // members[:running] have been started
	started bool
	stopped bool
	watch   sync.WaitGroup
	quit    chan struct{}

	once sync.Once
	done chan struct{}
	err  error
}

type member struct {
	name    string
	service Service
}

// NewGroup returns an empty group that logs each step at debug to logger.
func NewGroup(logger *slog.Logger) *Group {
	return &Group{logger: logger, quit: make(chan struct{}), done: make(chan struct{})}
}

// Add appends a member. It has no effect on a group that has been started.
func (g *Group) Add(name string, s Service) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started {
		g.members = append(g.members, member{name, s})
	}
}

// Start implements [Service]. When a member does not start, those before it are
// stopped in reverse before Start returns.
func (g *Group) Start(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.stopped:
		return errStopped
	case g.started:
		return nil
	}
	g.started = true
	for _, m := range g.members {
		g.logger.DebugContext(ctx, "starting", "member", m.name)
		if err := Catch("start "+m.name, func() error { return m.service.Start(ctx) }); err != nil {
			g.stopped = true
			err = fmt.Errorf("start %s: %w", m.name, err)
			return errors.Join(err, g.unwind(context.WithoutCancel(ctx)))
		}
		g.running++
		if f, ok := m.service.(Failing); ok {
			g.observe(m.name, f)
		}
	}
	return nil
}

// observe ends the group's Done with the first member that ends by itself.
func (g *Group) observe(name string, f Failing) {
	g.watch.Go(func() {
		select {
		case <-f.Done():
			err := f.Err()
			if err == nil {
				err = errors.New("ended by itself")
			}
			select {
			case <-g.quit: // Stop was faster: a member ending now is no failure
			default:
				g.finish(fmt.Errorf("%s: %w", name, err))
			}
		case <-g.quit:
		}
	})
}

func (g *Group) finish(err error) {
	g.once.Do(func() {
		g.err = err
		close(g.done)
	})
}

// Stop implements [Service]. Every member is stopped even if one before it
// failed to; the errors are joined, each with its member's name.
func (g *Group) Stop(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil
	}
	g.stopped = true
	return g.unwind(ctx)
}

func (g *Group) unwind(ctx context.Context) error {
	close(g.quit)
	g.watch.Wait()
	var errs []error
	for ; g.running > 0; g.running-- {
		m := g.members[g.running-1]
		g.logger.DebugContext(ctx, "stopping", "member", m.name)
		if err := Catch("stop "+m.name, func() error { return m.service.Stop(ctx) }); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", m.name, err))
		}
	}
	g.finish(nil)
	return errors.Join(errs...)
}

// Done implements [Failing].
func (g *Group) Done() <-chan struct{} { return g.done }

// Err implements [Failing].
func (g *Group) Err() error {
	select {
	case <-g.done:
		return g.err
	default:
		return nil
	}
}

// Run starts s, waits until ctx ends or s ends by itself, and stops it within
// the time that stopping gives. It returns the failure that ended s, or what
// starting or stopping returned.
func Run(ctx context.Context, s Failing, stopping func() (context.Context, context.CancelFunc)) error {
	if err := s.Start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-s.Done():
	}
	failure := s.Err()
	bounded, cancel := stopping()
	defer cancel()
	if err := s.Stop(bounded); err != nil && !errors.Is(err, failure) {
		return errors.Join(failure, err)
	}
	return failure
}

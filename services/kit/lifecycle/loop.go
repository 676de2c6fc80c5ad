package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// errStopped is what starting after stopping answers.
var errStopped = errors.New("already stopped")

// Loop owns one goroutine with a name. It is a [Failing] service.
type Loop struct {
	name string
	run  func(context.Context) error

	mu     sync.Mutex
	cancel context.CancelFunc
	ended  bool
	done   chan struct{}
	err    error
}

// NewLoop returns a loop that runs run, which returns when its context ends.
//
// run ending earlier, with an error or without, ends the loop; a panic in it
// becomes a [*PanicError]. An error after the context has ended counts only if
// it is not the context's own.
func NewLoop(name string, run func(context.Context) error) *Loop {
	return &Loop{name: name, run: run, done: make(chan struct{})}
}

// Name returns the loop's name.
func (l *Loop) Name() string { return l.name }

// Start implements [Service]. The goroutine sees the values of ctx, not its end.
func (l *Loop) Start(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended:
		return fmt.Errorf("start %s: %w", l.name, errStopped)
	case l.cancel != nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("start %s: %w", l.name, ctx.Err())
	}
	var running context.Context
	running, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(l.done)
		err := Catch(l.name, func() error { return l.run(running) })
		l.mu.Lock()
		defer l.mu.Unlock()
		if running.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", l.name, err)
		}
		l.err = err
		l.cancel()
	}()
	return nil
}

// Stop implements [Service]. It returns the error the loop ended with.
func (l *Loop) Stop(ctx context.Context) error {
	l.mu.Lock()
	first := !l.ended
	l.ended = true
	if l.cancel == nil && first {
		close(l.done)
	} else if l.cancel != nil {
		l.cancel()
	}
	l.mu.Unlock()
	select {
	case <-l.done:
		return l.Err()
	default:
	}
	select {
	case <-l.done:
		return l.Err()
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", l.name, ctx.Err())
	}
}

// Done implements [Failing].
func (l *Loop) Done() <-chan struct{} { return l.done }

// Err implements [Failing].
func (l *Loop) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

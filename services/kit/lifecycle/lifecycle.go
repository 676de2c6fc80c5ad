// Package lifecycle is the contract by which everything long-lived starts and
// stops, a group that does so in order, and a loop that owns one goroutine.
//
// It knows nothing of signals or processes: main makes the context and decides
// when to stop. Start reading at [Service].
//
// Source: STYLE section 3.
package lifecycle

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// Service is something that runs in the background.
//
// Start returns once the service works, or with the reason why it does not; it
// then has undone what it did. Its context bounds the starting only: what goes
// on afterwards ends with Stop. Starting twice does nothing the second time.
//
// Stop ends the service and waits for its goroutines. When its context ends
// first it stops hard, waits no longer and returns the context's error. It may
// be called more than once, at the same time, and before Start; a service that
// has been stopped does not start again.
type Service interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Failing is a Service that may end by itself.
type Failing interface {
	Service

	// Done is closed when the service has ended, by Stop or by itself.
	Done() <-chan struct{}

	// Err returns why the service ended by itself; nil before, and after a clean end.
	Err() error
}

// PanicError is a panic that was caught where its goroutine ends.
type PanicError struct {
	// Name is the goroutine's.
	Name string
	// Value is what was panicked with.
	Value any
	// Stack is the goroutine's at the panic.
	Stack []byte
}

// Error names the goroutine and the value; the stack is for the log.
func (e *PanicError) Error() string { return fmt.Sprintf("%s: panic: %v", e.Name, e.Value) }

// Unwrap returns the value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Catch calls run and turns a panic into a [*PanicError].
func Catch(name string, run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Name: name, Value: v, Stack: debug.Stack()}
		}
	}()
	return run()
}

// Func makes a Service of two functions, each of which may be nil and is called
// at most once. stop is called only if start succeeded.
func Func(start, stop func(context.Context) error) Service {
	return &funcs{start: start, stop: stop}
}

type funcs struct {
	mu          sync.Mutex
	start, stop func(context.Context) error
	started     bool
	stopped     bool
}

// Start implements [Service].
func (f *funcs) Start(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stopped:
		return errStopped
	case f.started:
		return nil
	}
	if f.start != nil {
		if err := f.start(ctx); err != nil {
			return err
		}
	}
	f.started = true
	return nil
}

// Stop implements [Service].
func (f *funcs) Stop(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return nil
	}
	f.stopped = true
	if !f.started || f.stop == nil {
		return nil
	}
	return f.stop(ctx)
}

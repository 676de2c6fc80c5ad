// Package peers lets job systems that a user would pick instead, and the bare
// heap, keep timers the way ours are kept.
//
// Each is set as its documentation asks for speed. Start reading at [Store].
package peers

import (
	"context"
	"errors"
	"time"
)

// Timer is one to be handled when it is due.
type Timer struct {
	// ID is unique in a store, from 0.
	ID  int
	Due time.Time
}

// Handle is told of each timer as its handler starts, from many goroutines.
type Handle func(t Timer, now time.Time)

// Store keeps timers; a session works on them, one after another.
type Store interface {
	// Open begins a session. What was scheduled before is still there.
	Open(ctx context.Context) (Session, error)
	// Bytes returns what the timers take where they are kept.
	Bytes(ctx context.Context) (float64, error)
	// Tidy puts in order what was stored, as the databases do by themselves after a
	// while, so that they do not in the midst of a turn.
	Tidy(ctx context.Context) error
	// Destroy deletes what was stored.
	Destroy() error
}

// Session is a running job system.
type Session interface {
	// Schedule stores one timer; when it returns, it is as durable as the system has it.
	Schedule(ctx context.Context, t Timer) error
	// Batch stores all of them in one call; [ErrNoBatch] if the system has none.
	Batch(ctx context.Context, ts []Timer) error
	// Fill stores very many as fast as the system can.
	Fill(ctx context.Context, ts []Timer) error
	// Cancel takes a timer back.
	Cancel(ctx context.Context, id int) error
	// Settle returns when everything scheduled is where firing looks for it.
	Settle(ctx context.Context) error
	// Work begins to handle what falls due, until the session is closed.
	Work(ctx context.Context, handle Handle) error
	Close() error
}

// ErrNoBatch says that the system takes one timer a call.
var ErrNoBatch = errors.New("no batch API")

package main

import (
	"context"
	"errors"
	"os"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

// Names of subjects, as tables and goals write them.
const (
	redress = "redress"
	asynq   = "asynq"
	river   = "river"
	nats    = "JetStream"
	inHeap  = "heap"
)

// stores makes an empty store of each job system.
func stores(w *world.World) map[string]func(context.Context) (peers.Store, error) {
	return map[string]func(context.Context) (peers.Store, error){
		redress: func(ctx context.Context) (peers.Store, error) { return ours.NewClocks(ctx, w, "") },
		asynq:   func(ctx context.Context) (peers.Store, error) { return peers.NewAsynq(ctx, w) },
		river:   func(ctx context.Context) (peers.Store, error) { return peers.NewRiver(ctx, w) },
		nats: func(context.Context) (peers.Store, error) {
			folder, err := os.MkdirTemp(w.Folder, "nats")
			return peers.NewNATS(folder), err
		},
		inHeap: func(context.Context) (peers.Store, error) { return peers.NewHeap(), nil },
	}
}

// onPostgres are the job systems that PostgreSQL works for: a checkpoint falls into their turns.
func onPostgres(system string) bool { return system == redress || system == river }

// each is a subject whose every turn has a store and a session of its own.
func each(w *world.World, system, name string, round func(context.Context, peers.Store, peers.Session) (measure.Figures, error)) measure.Subject {
	return measure.Subject{Name: name, Ours: system == redress, Open: func(context.Context) (measure.Turn, error) {
		return fresh(func(ctx context.Context) (_ measure.Figures, err error) {
			store, err := stores(w)[system](ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, store.Destroy()) }()
			session, err := store.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, session.Close()) }()
			return round(ctx, store, session)
		}), nil
	}}
}

// fresh is a turn that shares nothing with the next one.
type fresh func(context.Context) (measure.Figures, error)

// Round implements measure.Turn.
func (f fresh) Round(ctx context.Context) (measure.Figures, error) { return f(ctx) }

// Close implements measure.Turn.
func (f fresh) Close() error { return nil }

// checkpointed runs do while PostgreSQL makes a checkpoint, where the system uses it.
func checkpointed(ctx context.Context, w *world.World, system string, do func() error) error {
	if !onPostgres(system) {
		return do()
	}
	wait := w.Checkpoint(ctx)
	return errors.Join(do(), wait())
}

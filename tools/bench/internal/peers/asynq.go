package peers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/hibiken/asynq"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/world"
)

// asynqDB is the numbered database that asynq has for itself; ours are in 0.
const asynqDB = 1

// Settings of asynq. Source: PERFORMANCE "Settings".
const (
	asynqWorkers  = 64
	asynqInterval = 50 * time.Millisecond
	asynqFillers  = 64
)

type asynqStore struct {
	w     *world.World
	to    asynq.RedisClientOpt
	empty float64
}

// NewAsynq returns a store of asynq in Redis.
func NewAsynq(ctx context.Context, w *world.World) (Store, error) {
	empty, err := w.RedisBytes(ctx)
	return &asynqStore{w, asynq.RedisClientOpt{Addr: w.Redis, DB: asynqDB}, empty}, err
}

// Open implements Store.
func (s *asynqStore) Open(context.Context) (Session, error) {
	return &asynqSession{store: s, client: asynq.NewClient(s.to), inspector: asynq.NewInspector(s.to)}, nil
}

// Bytes implements Store.
func (s *asynqStore) Bytes(ctx context.Context) (float64, error) {
	now, err := s.w.RedisBytes(ctx)
	return now - s.empty, err
}

// Tidy implements Store.
func (s *asynqStore) Tidy(ctx context.Context) error { return s.w.TidyRedis(ctx) }

// Destroy implements Store.
func (s *asynqStore) Destroy() error {
	conn := s.w.Client().Conn()
	defer conn.Close()
	ctx := context.Background()
	return errors.Join(conn.Select(ctx, asynqDB).Err(), conn.FlushDB(ctx).Err(), conn.Select(ctx, 0).Err())
}

type asynqSession struct {
	store     *asynqStore
	client    *asynq.Client
	inspector *asynq.Inspector
	server    *asynq.Server
}

func asynqID(id int) string { return fmt.Sprintf("timer-%015d", id) }

// Schedule implements Session. The payload holds the id and the due instant.
func (a *asynqSession) Schedule(ctx context.Context, t Timer) error {
	payload := binary.BigEndian.AppendUint64(nil, uint64(t.ID))
	payload = binary.BigEndian.AppendUint64(payload, uint64(t.Due.UnixNano()))
	_, err := a.client.EnqueueContext(ctx, asynq.NewTask("fire", payload), asynq.TaskID(asynqID(t.ID)), asynq.ProcessAt(t.Due))
	return err
}

// Batch implements Session.
func (a *asynqSession) Batch(context.Context, []Timer) error { return ErrNoBatch }

// Fill implements Session.
func (a *asynqSession) Fill(ctx context.Context, ts []Timer) error {
	_, err := measure.Each(ctx, asynqFillers, len(ts), func(ctx context.Context, _, i int) error { return a.Schedule(ctx, ts[i]) })
	return err
}

// Cancel implements Session.
func (a *asynqSession) Cancel(_ context.Context, id int) error {
	return a.inspector.DeleteTask("default", asynqID(id))
}

// Settle implements Session.
func (a *asynqSession) Settle(context.Context) error { return nil }

// Work implements Session.
func (a *asynqSession) Work(_ context.Context, handle Handle) error {
	a.server = asynq.NewServer(a.store.to, asynq.Config{
		Concurrency: asynqWorkers, DelayedTaskCheckInterval: asynqInterval, TaskCheckInterval: asynqInterval,
		Logger: silent{log.New(io.Discard, "", 0)}, LogLevel: asynq.ErrorLevel,
	})
	return a.server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		p := task.Payload()
		handle(Timer{int(binary.BigEndian.Uint64(p)), time.Unix(0, int64(binary.BigEndian.Uint64(p[8:])))}, time.Now())
		return nil
	}))
}

// Close implements Session.
func (a *asynqSession) Close() error {
	if a.server != nil {
		a.server.Shutdown()
	}
	return errors.Join(a.client.Close(), a.inspector.Close())
}

// silent implements asynq.Logger.
type silent struct{ *log.Logger }

func (silent) Debug(...any) {}
func (silent) Info(...any)  {}
func (silent) Warn(...any)  {}
func (silent) Error(...any) {}
func (silent) Fatal(...any) {}

package peers

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"example.com/redress/tools/bench/internal/world"
)

// Settings of River. Source: PERFORMANCE "Settings".
const (
	riverWorkers  = 1000
	riverCooldown = 5 * time.Millisecond
	riverPoll     = 20 * time.Millisecond
	riverPool     = 32
	riverFill     = 5000 // jobs in one call
)

// riverArgs are what a job of River carries.
type riverArgs struct {
	ID  int   `json:"id"`
	Due int64 `json:"due"`
}

// Kind implements river.JobArgs.
func (riverArgs) Kind() string { return "fire" }

type riverStore struct {
	dsn  string
	drop func() error

	mu   sync.Mutex
	jobs map[int]int64 // River numbers its jobs itself
}

// NewRiver returns a store of River in a database of its own.
func NewRiver(ctx context.Context, w *world.World) (_ Store, err error) {
	s := &riverStore{jobs: map[int]int64{}}
	if s.dsn, s.drop, err = w.Database(ctx); err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, s.dsn)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return s, err
}

// Open implements Store.
func (s *riverStore) Open(ctx context.Context) (Session, error) {
	c, err := pgxpool.ParseConfig(s.dsn)
	if err != nil {
		return nil, err
	}
	c.MaxConns = riverPool
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &riverSession{store: s, pool: pool}
	workers := river.NewWorkers()
	river.AddWorker(workers, &riverWorker{session: r})
	r.client, err = river.NewClient(riverpgxv5.New(pool), &river.Config{
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}},
		Workers: workers, FetchCooldown: riverCooldown, FetchPollInterval: riverPoll, Logger: slog.New(slog.DiscardHandler),
	})
	return r, err
}

// Bytes implements Store.
func (s *riverStore) Bytes(ctx context.Context) (bytes float64, err error) {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return bytes, conn.QueryRow(ctx, "SELECT pg_total_relation_size('river_job')::float8").Scan(&bytes)
}

// Tidy implements Store.
func (s *riverStore) Tidy(ctx context.Context) error { return world.TidyPostgres(ctx, s.dsn) }

// Destroy implements Store.
func (s *riverStore) Destroy() error { return s.drop() }

type riverSession struct {
	store  *riverStore
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
	handle Handle
	works  bool
}

type riverWorker struct {
	river.WorkerDefaults[riverArgs]

	session *riverSession
}

// Work implements river.Worker.
func (w *riverWorker) Work(_ context.Context, job *river.Job[riverArgs]) error {
	w.session.handle(Timer{job.Args.ID, time.Unix(0, job.Args.Due)}, time.Now())
	return nil
}

// Schedule implements Session.
func (r *riverSession) Schedule(ctx context.Context, t Timer) error {
	got, err := r.client.Insert(ctx, riverArgs{t.ID, t.Due.UnixNano()}, &river.InsertOpts{ScheduledAt: t.Due})
	if err != nil {
		return err
	}
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.jobs[t.ID] = got.Job.ID
	return nil
}

// Batch implements Session: by COPY, the faster of River's two ways.
func (r *riverSession) Batch(ctx context.Context, ts []Timer) error {
	all := make([]river.InsertManyParams, len(ts))
	for i, t := range ts {
		all[i] = river.InsertManyParams{Args: riverArgs{t.ID, t.Due.UnixNano()}, InsertOpts: &river.InsertOpts{ScheduledAt: t.Due}}
	}
	_, err := r.client.InsertManyFast(ctx, all)
	return err
}

// Fill implements Session. The jobs cannot be cancelled by their ids here.
func (r *riverSession) Fill(ctx context.Context, ts []Timer) error {
	for len(ts) > 0 {
		n := min(len(ts), riverFill)
		if err := r.Batch(ctx, ts[:n]); err != nil {
			return err
		}
		ts = ts[n:]
	}
	return nil
}

// Cancel implements Session.
func (r *riverSession) Cancel(ctx context.Context, id int) error {
	r.store.mu.Lock()
	job := r.store.jobs[id]
	r.store.mu.Unlock()
	_, err := r.client.JobCancel(ctx, job)
	return err
}

// Settle implements Session.
func (r *riverSession) Settle(context.Context) error { return nil }

// Work implements Session.
func (r *riverSession) Work(ctx context.Context, handle Handle) error {
	r.handle, r.works = handle, true
	return r.client.Start(ctx)
}

// Close implements Session.
func (r *riverSession) Close() error {
	var err error
	if r.works {
		err = r.client.Stop(context.Background())
	}
	r.pool.Close()
	return err
}

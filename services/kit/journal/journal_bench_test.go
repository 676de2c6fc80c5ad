package journal_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// callers write at the same time in every benchmark.
const callers = 64

// BenchmarkWrite compares calls a second of the journal with the least a service
// without it would do: one transaction for each call that inserts a state and an event.
func BenchmarkWrite(b *testing.B) {
	for _, backend := range []struct {
		name string
		open func(testing.TB) *sqldb.DB
	}{{"SQLite", kittest.SQLite}, {"PostgreSQL", kittest.Postgres}} {
		b.Run(backend.name+"/journal", func(b *testing.B) { benchmarkJournal(b, backend.open(b)) })
		b.Run(backend.name+"/plain", func(b *testing.B) { benchmarkPlain(b, backend.open(b)) })
	}
}

func openForBenchmark(b *testing.B, db *sqldb.DB) *journal.Journal {
	j, err := journal.Open(context.Background(), db, journal.Options{
		Service: "bench", Clock: clock.NewHost(),
		Kinds: []journal.Kind{{
			Pattern: "complaints/*",
			New:     func() proto.Message { return &clockv1.Clock{} },
			Index: func(m proto.Message) []journal.Attr {
				return []journal.Attr{{Name: "state", Value: m.(*clockv1.Clock).State.String()}}
			},
		}},
	})
	require.NoError(b, err)
	b.Cleanup(j.Close)
	return j
}

// state has about the size of a complaint without texts.
func benchmarkState(name string) *clockv1.Clock {
	return &clockv1.Clock{
		Name: name, State: clockv1.Clock_STATE_RUNNING, Subject: name, Complaint: name, Kind: "response", Limit: "24 h",
		TimeZone: "Asia/Shanghai", OwedBy: []string{"people/0190c6d2-0000-7000-8000-000000000000"}, PolicyRevision: string(make([]byte, 64)),
	}
}

func benchmarkJournal(b *testing.B, db *sqldb.DB) {
	j := openForBenchmark(b, db)
	ctx := context.Background()
	benchmarkCalls(b, func(name string) error {
		w := journal.Work{
			Organization: "acme", Key: name, Reads: []string{name}, Actor: &eventv1.Actor{Principal: "people/li"},
			Request: &journal.Request{Principal: "people/li", Method: "Create", ID: name, Digest: []byte(name)},
		}
		_, err := j.Write(ctx, w, func(u *journal.Unit) error {
			return u.Create(name, benchmarkState(name), &clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_STARTED})
		})
		return err
	})
}

func benchmarkPlain(b *testing.B, db *sqldb.DB) {
	ctx := context.Background()
	openForBenchmark(b, db).Close() // makes the tables
	for _, table := range []string{
		"CREATE TABLE plain_state (name TEXT PRIMARY KEY, version BIGINT NOT NULL, state BYTEA NOT NULL)",
		"CREATE TABLE plain_event (name TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (name, version))",
	} {
		_, err := db.Exec(ctx, "create", table)
		require.NoError(b, err)
	}
	benchmarkCalls(b, func(name string) error {
		state, err := proto.Marshal(benchmarkState(name))
		if err != nil {
			return err
		}
		return db.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(ctx, "state", "INSERT INTO plain_state (name, version, state) VALUES ($1, $2, $3)", name, int64(1), state); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "event", "INSERT INTO plain_event (name, version, body) VALUES ($1, $2, $3)", name, int64(1), state)
			return err
		})
	})
}

// benchmarkCalls runs call from 64 goroutines, each with a name of its own.
func benchmarkCalls(b *testing.B, call func(name string) error) {
	b.Helper()
	var failed atomic.Pointer[error]
	b.ResetTimer()
	work := make(chan struct{}, callers)
	done := make(chan struct{})
	for range callers {
		go func() {
			defer func() { done <- struct{}{} }()
			for range work {
				id, err := uuid.NewV7()
				if err == nil {
					err = call("complaints/" + id.String())
				}
				if err != nil {
					failed.Store(&err)
				}
			}
		}()
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	for range callers {
		<-done
	}
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

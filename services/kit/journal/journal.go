// Package journal is the one way to change anything: every service keeps its
// state, its events and everything that must agree with them here.
//
// A write is a closure that decides ([Journal.Write]). It reads what it needs
// through its [Unit], refuses with a fault or says what the new states and events
// are, and everything it said is stored in one SQL transaction, together with the
// request's id, tallies, timers and the position of the feed it reacts to.
// Writes that wait at the same time share a transaction (group commit).
//
// The package knows no business rule and no transport. It is also the outbox:
// package feed sends [Journal.Events] to other services.
//
// Reading order: work.go (what goes in and out), unit.go (what a closure may do),
// lane.go and group.go (how a group is decided), flush.go (how it is written),
// read.go, chain.go and verify.go.
//
// Source: DESIGN section 3; docs/adr/0001.
package journal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Defaults of [Options].
const (
	// DefaultShards is how many streams of events a store has. Source: DESIGN section 3.
	DefaultShards = 64
	// DefaultLanes is how many transactions of one process are in flight on PostgreSQL.
	DefaultLanes = 2
)

// Kind is a collection of resources: complaints, cases, the clocks of cases.
type Kind struct {
	// Pattern is the shape of the names, for example "cases/*/clocks/*". It is
	// also the name of the kind in queries.
	Pattern string
	// New returns an empty state.
	New func() proto.Message
	// Index returns what one may search by; nil for nothing.
	Index func(proto.Message) []Attr
	// Complaint returns the complaint a resource belongs to, or "" if to none:
	// all resources of a complaint share its shard. nil: none does. It must give
	// the same answer throughout the life of a resource.
	Complaint func(name string, m proto.Message) string
	// WithParent says that a decision about the resource above usually looks at
	// these too: a write that reads or makes that one has them at hand, and
	// [Unit.Children] costs it no statement.
	WithParent bool
	// Timer returns when the resource wants to be woken; ok is false for not at
	// all. nil: resources of the kind have no timers.
	Timer func(proto.Message) (at time.Time, generation int64, ok bool)
	// Background says that the kind's timers are looked at by a background loop
	// ([Journal.BackgroundTimers]) and not fired: deliveries, calls to repeat.
	Background bool
}

// Attr is a value that resources or projections can be searched by. Several of one name may be given.
type Attr struct{ Name, Value string }

// FaultHook is called before every SQL statement with its name; an error fails it. For tests.
type FaultHook = sqldb.Hook

// Options says what a journal holds and how it works.
type Options struct {
	// Service is the name events are published under.
	Service string
	// Kinds are all collections the service owns.
	Kinds []Kind
	// Clock stamps events.
	Clock clock.Business
	// Lanes is how many transactions of this process are in flight; 0 means 2, on
	// SQLite 1.
	Lanes int
	// Shards is how many streams a new store gets; 0 means 64. A store keeps the
	// number it was made with; another one, asked for explicitly, is an error.
	Shards int
	// Logger is told of panics and of groups that failed; nil discards.
	Logger *slog.Logger
	// Faults fails statements in tests; nil in production.
	Faults FaultHook
	// OnTimers is told after a commit which timers were armed or changed, before
	// the callers get their answers. It holds up its lane: it must be quick, and
	// may lose what it is told, as the rows in SQL are the truth. nil: nobody listens.
	OnTimers func([]Timer)
	// OnCommit is told after each transaction that stands how many writes shared
	// it and how long it took. It must be quick. nil: nobody listens.
	OnCommit func(writes int, took time.Duration)
}

// Journal is one service's store. Safe for concurrent use.
type Journal struct {
	db      *sqldb.DB
	o       Options
	kinds   kinds
	load    loadStatements
	store   storeStatements
	storeID string
	ctx     context.Context // of transactions: outlives the callers' own
	lanes   []*lane
	stopped chan struct{}
	stop    sync.Once
	counted sync.Map // *atomic.Uint64 by kind, see Standing
	tail    *tail
	placing atomic.Uint64 // ids given by NewID so far, from a random start

	mu        sync.Mutex
	committed chan struct{}
}

// Open brings the tables up to date and opens the journal in them. The caller
// closes it before db.
func Open(ctx context.Context, db *sqldb.DB, o Options) (*Journal, error) {
	if err := Migrate(ctx, db); err != nil {
		return nil, err
	}
	j := &Journal{
		db: db.WithHook(o.Faults), o: o, ctx: context.WithoutCancel(ctx),
		load: newLoadStatements(), store: newStoreStatements(db.Dialect()),
		stopped: make(chan struct{}), committed: make(chan struct{}), tail: newTail(),
	}
	if err := j.prepare(ctx, db); err != nil {
		return nil, fmt.Errorf("open journal of %s: %w", o.Service, err)
	}
	j.placing.Store(anyTurn())
	for range j.o.Lanes {
		j.lanes = append(j.lanes, &lane{j: j})
	}
	return j, nil
}

// Migrate brings the journal's tables in db up to date. Open does it too.
func Migrate(ctx context.Context, db *sqldb.DB) error {
	files, err := fs.Sub(migrations, "migrations/"+db.Dialect())
	if err != nil {
		return err
	}
	return db.Migrate(ctx, sqldb.Migrations{Set: "journal", Files: files})
}

func (j *Journal) prepare(ctx context.Context, db *sqldb.DB) (err error) {
	o := &j.o
	if o.Service == "" || o.Clock == nil {
		return errors.New("service and clock must be given")
	}
	if j.kinds, err = newKinds(o.Kinds); err != nil {
		return err
	}
	if o.Lanes <= 0 {
		o.Lanes = DefaultLanes
		if db.Dialect() == sqldb.SQLite {
			o.Lanes = 1 // it has one writer: more lanes would only make smaller groups
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	shards := o.Shards
	if shards <= 0 {
		shards = DefaultShards
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	if j.storeID, err = remember(ctx, db, metaStoreID, id.String()); err != nil {
		return err
	}
	service, err := remember(ctx, db, metaService, o.Service)
	if err != nil {
		return err
	}
	if service != o.Service {
		return fmt.Errorf("the store belongs to %s", service)
	}
	recorded, err := remember(ctx, db, metaShards, strconv.Itoa(shards))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(recorded)
	if err != nil || n < 1 {
		return fmt.Errorf("the store records %q shards", recorded)
	}
	if o.Shards > 0 && o.Shards != n {
		return fmt.Errorf("the store was made with %d shards and keeps them, %d were asked for: see \"The number of shards\" in docs/operations.md", n, o.Shards)
	}
	o.Shards = n
	return nil
}

// Keys of store_meta.
const (
	metaStoreID = "store_id"
	metaShards  = "shards"
	metaService = "service"
)

// remember stores the value under the key unless there is one, and returns what is there then.
func remember(ctx context.Context, db *sqldb.DB, key, value string) (string, error) {
	err := db.Write(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "meta.insert", `INSERT INTO store_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, key, value); err != nil {
			return err
		}
		return tx.Query(ctx, "meta.read", `SELECT value FROM store_meta WHERE key = $1`, []any{key}, func(r sqldb.Row) error { return r.Scan(&value) })
	})
	return value, err
}

// Close refuses further writes, waits for those that were taken or wait, and
// returns. Calling it again waits too. The database stays open.
func (j *Journal) Close() {
	j.stop.Do(func() { close(j.stopped) })
	for _, l := range j.lanes {
		l.drain()
	}
}

// StoreID identifies the store for its whole life; copies get another.
func (j *Journal) StoreID() string { return j.storeID }

// Service returns the name events are published under.
func (j *Journal) Service() string { return j.o.Service }

// Shards returns how many streams of events the store has.
func (j *Journal) Shards() int { return j.o.Shards }

// ShardOf returns the shard, from 0, of a complaint's or resource's name: the
// 64-bit FNV-1a hash modulo the number of shards, so that a name has the same
// shard in every store of as many shards.
func (j *Journal) ShardOf(key string) int {
	return j.shard(fnv1a(fnvOffset, []byte(key)))
}

func (j *Journal) shard(hash uint64) int { return int(hash % uint64(j.o.Shards)) }

// FNV-1a of 64 bits, which can go on from where a prefix ended.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func fnv1a(before uint64, rest []byte) uint64 {
	for _, b := range rest {
		before = (before ^ uint64(b)) * fnvPrime
	}
	return before
}

// Committed returns a channel that is closed at the next commit of this process.
// To miss none, take the channel first and read then.
func (j *Journal) Committed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.committed
}

func (j *Journal) announce() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.committed)
	j.committed = make(chan struct{})
}

// Package sqldb opens the two databases the suite runs on, SQLite and
// PostgreSQL, and hides where they differ.
//
// SQL is written once, with $1, $2 … used in order, and runs on both. The places
// that differ have names here: how a database is opened (sqlite.go, postgres.go),
// how many rows are written at once ([Statement]), and what an error means
// ([ClassOf]). No type of a driver leaves this package.
//
// It is no query builder and knows no table. Start reading at [Open], then [DB.Write].
//
// Source: DESIGN sections 3 and 10.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// DB is an open database. Safe for concurrent use.
type DB struct {
	*pools
	hook Hook
}

// pools are the connections, shared by all views of one DB.
type pools struct {
	driver string
	schema string
	pool   *sql.DB     // PostgreSQL: everything; SQLite: reads
	writer *writer     // SQLite only
	reads  *statements // SQLite only

	migrating sync.Mutex
	closing   sync.Once
	closed    error
}

// Open opens the database and proves that it answers. The caller closes it.
func Open(ctx context.Context, c Config) (*DB, error) {
	c.Defaults()
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	var p *pools
	var err error
	switch c.Driver {
	case SQLite:
		p, err = openSQLite(ctx, c)
	default:
		p, err = openPostgres(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", c.Driver, err)
	}
	return &DB{pools: p, hook: c.Hook}, nil
}

// Dialect returns "sqlite" or "postgres".
func (db *DB) Dialect() string { return db.driver }

// Schema returns the PostgreSQL schema the tables are in, "" for none.
func (db *DB) Schema() string { return db.schema }

// WithHook returns a view of db whose statements pass the hook. Closing either closes both.
func (db *DB) WithHook(h Hook) *DB {
	if h == nil {
		return db
	}
	return &DB{pools: db.pools, hook: h}
}

// Close closes all connections. It waits for statements that run. Closing again
// does nothing.
func (db *DB) Close() error {
	db.closing.Do(func() {
		if db.writer != nil {
			db.closed = errors.Join(db.writer.close(), db.reads.close())
		}
		db.closed = errors.Join(db.closed, db.pool.Close())
	})
	return db.closed
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	return db.Query(ctx, "ping", "SELECT 1", nil, func(Row) error { return nil })
}

// Write runs fn in one write transaction and commits it; an error of fn rolls
// it back and is returned unchanged.
//
// Isolation: SQLite is serial, PostgreSQL READ COMMITTED: a statement sees what
// was committed before it began, so what is read must be compared when it is
// written. fn runs once and must not keep tx. A commit whose outcome is unknown
// has class [Unknown]; every other error means that nothing was written.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.strike("begin"); err != nil {
		return err
	}
	if db.writer != nil {
		return db.writer.run(ctx, func() error { return fn(&Tx{db: db, conn: db.writer}) }, db.strike)
	}
	tx, err := db.pool.BeginTx(ctx, nil)
	if err != nil {
		return classify("begin", err)
	}
	defer tx.Rollback() // after Commit this does nothing
	if err := fn(&Tx{db: db, conn: tx}); err != nil {
		return err
	}
	if err := db.strike("commit"); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return classifyCommit(err)
	}
	return nil
}

// Snapshot runs fn in one read-only transaction that sees one instant of the
// database throughout. A long one keeps SQLite's log and PostgreSQL's dead rows from being cleared.
func (db *DB) Snapshot(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.strike("begin"); err != nil {
		return err
	}
	options := &sql.TxOptions{ReadOnly: true}
	if db.driver == Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.pool.BeginTx(ctx, options)
	if err != nil {
		return classify("begin", err)
	}
	defer tx.Rollback()
	return fn(&Tx{db: db, conn: tx})
}

// Query runs a read outside any transaction; see [Querier].
func (db *DB) Query(ctx context.Context, op, query string, args []any, each func(Row) error) error {
	if err := db.strike(op); err != nil {
		return err
	}
	if db.reads != nil {
		return scan(op, each, func() (*sql.Rows, error) { return db.reads.QueryContext(ctx, query, args...) })
	}
	return scan(op, each, func() (*sql.Rows, error) { return db.pool.QueryContext(ctx, query, args...) })
}

// Exec runs one statement in a transaction of its own and returns the rows it changed.
func (db *DB) Exec(ctx context.Context, op, query string, args ...any) (n int64, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		n, err = tx.Exec(ctx, op, query, args...)
		return err
	})
	return n, err
}

func (db *DB) strike(op string) error {
	if db.hook == nil {
		return nil
	}
	return db.hook(op)
}

// Clean returns b, or an empty slice for nil: a nil one would be stored as NULL.
func Clean(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

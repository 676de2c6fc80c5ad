package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"example.com/redress/services/kit/clock"
)

// WriteGroup is [DB.Write] for a transaction of many rows, made to hold others up
// as little as can be. On PostgreSQL statements travel together ([Tx.ExecLater]),
// BEGIN and COMMIT with them: three round trips instead of one for each. On SQLite
// the writer's turn is taken at the first statement that writes; what is read
// before sees what was committed then, as READ COMMITTED on PostgreSQL does, and
// must be compared when it is written.
func (db *DB) WriteGroup(ctx context.Context, fn func(tx *Tx) error) error {
	if err := db.strike("begin"); err != nil {
		return err
	}
	if db.writer != nil {
		return db.writeLate(ctx, fn)
	}
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return classify("begin", err)
	}
	defer conn.Close() // back to the pool, which takes no broken one
	var ended error
	err = conn.Raw(func(driver any) error {
		p := newPipeline(driver.(*stdlib.Conn).Conn())
		ended = p.run(ctx, func() error { return fn(&Tx{db: db, pipe: p}) }, db.strike)
		return nil
	})
	if ended == nil && err != nil {
		return classify("begin", err)
	}
	return ended
}

// late is a transaction of SQLite that may not have begun.
type late struct {
	w     *writer
	begun bool
	tx    *Tx
}

func (db *DB) writeLate(ctx context.Context, fn func(tx *Tx) error) error {
	l := &late{w: db.writer}
	l.tx = &Tx{db: db, conn: unwatched{db.reads}, late: l}
	run := func() error { return fn(l.tx) }
	defer func() {
		if l.begun { // fn panicked
			_ = db.writer.end(ctx, func() error { return errPanicked }, db.strike)
		}
	}()
	err := run()
	if !l.begun {
		if err == nil {
			err = db.strike("commit")
		}
		return err
	}
	l.begun = false
	return db.writer.end(ctx, func() error { return err }, db.strike)
}

// unwatched reads without watching contexts, as the writer does.
type unwatched struct{ *statements }

// QueryContext implements conn.
func (u unwatched) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return u.statements.QueryContext(context.WithoutCancel(ctx), query, args...)
}

var errPanicked = errors.New("the transaction panicked")

// begin takes the writer's turn, once.
func (l *late) begin(ctx context.Context) error {
	if l.begun {
		return nil
	}
	if err := l.w.begin(ctx); err != nil {
		return err
	}
	l.begun = true
	l.tx.conn = l.w
	return nil
}

// pipeline is a transaction of PostgreSQL whose statements travel together.
type pipeline struct {
	conn  *pgx.Conn
	begun bool
	all   []piped // what waits, BEGIN first
}

// piped is a statement that waits; each for one that reads, check for one that writes.
type piped struct {
	op, query string
	args      []any
	each      func(Row) error
	check     func(changed int64) error
}

func newPipeline(conn *pgx.Conn) *pipeline {
	return &pipeline{conn: conn, all: []piped{{op: "begin", query: "BEGIN"}}}
}

func (p *pipeline) add(s piped) { p.all = append(p.all, s) }

// rollbackTime bounds a ROLLBACK after which the connection is given up.
const rollbackTime = 5 * time.Second

func (p *pipeline) run(ctx context.Context, fn func() error, strike func(op string) error) error {
	done := false
	defer func() { // also when fn panics
		if !done && p.begun && !p.conn.IsClosed() {
			ctx, cancel := clock.System().WithTimeout(context.WithoutCancel(ctx), rollbackTime)
			defer cancel()
			_, _ = p.conn.Exec(ctx, "ROLLBACK") // the pool takes no connection that is still in a transaction
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	if slices.ContainsFunc(p.all, func(s piped) bool { return s.each != nil || s.check != nil }) {
		if err := p.send(ctx); err != nil { // what may refuse comes before COMMIT
			return err
		}
	}
	if err := strike("commit"); err != nil {
		return err
	}
	if !p.begun && len(p.all) == 1 {
		return nil // nothing was asked
	}
	err := p.commit(ctx)
	done = err == nil
	return err
}

// batch sends what waits, and one statement more if it is given.
func (p *pipeline) batch(ctx context.Context, last ...string) ([]piped, pgx.BatchResults) {
	b, all := &pgx.Batch{}, p.all
	for _, s := range all {
		b.Queue(s.query, s.args...)
	}
	for _, query := range last {
		b.Queue(query)
	}
	p.begun, p.all = true, nil
	return all, p.conn.SendBatch(ctx, b)
}

// send runs what waits, in one round trip.
func (p *pipeline) send(ctx context.Context) error {
	if len(p.all) == 0 {
		return nil
	}
	all, results := p.batch(ctx)
	for _, s := range all {
		if err := s.take(results); err != nil {
			_ = results.Close() // what it says follows from err
			return err
		}
	}
	return classify("batch", results.Close())
}

// take reads the result of the statement.
func (s piped) take(results pgx.BatchResults) error {
	if s.each == nil {
		tag, err := results.Exec()
		if err != nil || s.check == nil {
			return classify(s.op, err)
		}
		return s.check(tag.RowsAffected())
	}
	rows, err := results.Query()
	if err != nil {
		return classify(s.op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.each(rows); err != nil {
			return err
		}
	}
	rows.Close()
	return classify(s.op, rows.Err())
}

// commit sends what waits together with COMMIT. If the connection breaks on the
// way nobody knows whether it happened.
func (p *pipeline) commit(ctx context.Context) error {
	all, results := p.batch(ctx, "COMMIT")
	defer results.Close()
	for range all {
		if _, err := results.Exec(); err != nil {
			return classifyCommit(err)
		}
	}
	tag, err := results.Exec()
	switch {
	case err != nil:
		return classifyCommit(err)
	case tag.String() != "COMMIT":
		return &Error{Class: Other, Op: "commit", text: "the server answered " + tag.String()}
	}
	return nil
}

package sqldb

import (
	"context"
	"database/sql"
)

// Row is one row of a result.
type Row interface {
	// Scan copies the columns into the places pointed to.
	Scan(dest ...any) error
}

// Querier reads: a [DB] each time from what is committed, a [Tx] within its transaction.
type Querier interface {
	// Query runs the read named op and calls each for every row, in order. The
	// row is valid during the call, which must not use the Querier. An error of
	// each ends the read and is returned unchanged.
	Query(ctx context.Context, op, query string, args []any, each func(Row) error) error

	// Dialect returns "sqlite" or "postgres".
	Dialect() string
}

// Tx is a transaction. Not safe for concurrent use.
type Tx struct {
	db   *DB
	conn conn
	late *late     // SQLite, of WriteGroup
	pipe *pipeline // PostgreSQL, of WriteGroup
}

// conn is what runs statements: a transaction of PostgreSQL or the writer of SQLite.
type conn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Dialect returns "sqlite" or "postgres".
func (t *Tx) Dialect() string { return t.db.driver }

// Exec runs the statement named op and returns the rows it changed.
func (t *Tx) Exec(ctx context.Context, op, query string, args ...any) (int64, error) {
	if err := t.db.strike(op); err != nil {
		return 0, err
	}
	if t.pipe != nil {
		var n int64
		t.pipe.add(piped{op: op, query: query, args: args, check: func(changed int64) error { n = changed; return nil }})
		return n, t.pipe.send(ctx)
	}
	if err := t.writes(ctx); err != nil {
		return 0, err
	}
	result, err := t.conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, classify(op, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, classify(op, err)
	}
	return n, nil
}

// Query implements [Querier].
func (t *Tx) Query(ctx context.Context, op, query string, args []any, each func(Row) error) error {
	if err := t.Later(ctx, op, query, args, each); err != nil {
		return err
	}
	return t.Send(ctx)
}

// Later is Query whose read may wait like [Tx.ExecLater]; what it finds is there
// after the next Send.
func (t *Tx) Later(ctx context.Context, op, query string, args []any, each func(Row) error) error {
	if err := t.db.strike(op); err != nil {
		return err
	}
	if t.pipe != nil {
		t.pipe.add(piped{op: op, query: query, args: args, each: each})
		return nil
	}
	return scan(op, each, func() (*sql.Rows, error) { return t.conn.QueryContext(ctx, query, args...) })
}

// writes says that the next statement writes.
func (t *Tx) writes(ctx context.Context) error {
	if t.late == nil {
		return nil
	}
	return t.late.begin(ctx)
}

func scan(op string, each func(Row) error, run func() (*sql.Rows, error)) error {
	rows, err := run()
	if err != nil {
		return classify(op, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return classify(op, err)
	}
	return nil
}

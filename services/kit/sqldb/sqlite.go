package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// sqliteDSN returns the connection string of the file with our settings: the
// write-ahead log, every commit on the disk before it is answered, and five
// seconds of patience with another process.
func sqliteDSN(path string, more url.Values) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-16000)", "wal_autocheckpoint(4000)", "temp_store(MEMORY)"}}
	for k, v := range more {
		q[k] = append(q[k], v...)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode(), nil
}

func openSQLite(ctx context.Context, c Config) (*pools, error) {
	writing, err := sqliteDSN(c.DSN, url.Values{"_txlock": {"immediate"}})
	if err != nil {
		return nil, err
	}
	reading, err := sqliteDSN(c.DSN, url.Values{"_pragma": {"query_only(1)"}})
	if err != nil {
		return nil, err
	}
	w, err := newWriter(ctx, writing)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open(SQLite, reading)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	pool.SetMaxOpenConns(c.MaxConns - 1)
	pool.SetMaxIdleConns(c.MaxConns - 1)
	return &pools{driver: SQLite, pool: pool, writer: w, reads: newStatements(pool)}, nil
}

// writer is the one connection that writes. Writers of this process queue for it
// in turn, so that they never meet SQLITE_BUSY, and its statements stay
// prepared across transactions.
type writer struct {
	*statements
	turn chan struct{}
	pool *sql.DB
	conn *sql.Conn
}

func newWriter(ctx context.Context, dsn string) (*writer, error) {
	pool, err := sql.Open(SQLite, dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(2) // the writer and, at start, migrations
	conn, err := pool.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, errors.Join(classify("open", err), pool.Close())
	}
	return &writer{statements: newStatements(conn), turn: make(chan struct{}, 1), pool: pool, conn: conn}, nil
}

// run runs fn between BEGIN IMMEDIATE and COMMIT.
func (w *writer) run(ctx context.Context, fn func() error, strike func(op string) error) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	return w.end(ctx, fn, strike)
}

// begin takes the turn and begins a transaction. The context counts only while
// it waits for its turn: statements on a local file do not hang, and watching a
// context costs a goroutine for each.
func (w *writer) begin(ctx context.Context) error {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return classify("begin", ctx.Err())
	}
	err := ctx.Err() // perhaps both were ready
	if err == nil {
		_, err = w.ExecContext(context.WithoutCancel(ctx), "BEGIN IMMEDIATE")
	}
	if err != nil {
		<-w.turn
		return classify("begin", err)
	}
	return nil
}

// end runs what is left of the transaction, commits it and gives the turn back.
func (w *writer) end(ctx context.Context, fn func() error, strike func(op string) error) error {
	ctx = context.WithoutCancel(ctx)
	done := false
	defer func() { // also when fn panics: the connection must not stay in a transaction
		if !done {
			_, _ = w.conn.ExecContext(ctx, "ROLLBACK") // fails where SQLite has rolled back by itself
		}
		<-w.turn
	}()
	if err := fn(); err != nil {
		return err
	}
	if err := strike("commit"); err != nil {
		return err
	}
	if _, err := w.ExecContext(ctx, "COMMIT"); err != nil {
		return classify("commit", err) // SQLite says for certain: not committed
	}
	done = true
	return nil
}

func (w *writer) close() error {
	w.turn <- struct{}{} // wait for the writer at work, and let none in after it
	return errors.Join(w.statements.close(), w.conn.Close(), w.pool.Close())
}

// QueryContext implements conn. As in begin, contexts are not watched.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return w.statements.QueryContext(context.WithoutCancel(ctx), query, args...)
}

// maxStatements bounds the statements kept; composed queries are few, but not fixed.
const maxStatements = 512

// statements keeps the prepared statements of a connection or pool. SQLite
// parses a statement anew each time otherwise, which costs more than running it.
type statements struct {
	from interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu  sync.RWMutex
	all map[string]*sql.Stmt
}

func newStatements(from interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
},
) *statements {
	return &statements{from: from, all: map[string]*sql.Stmt{}}
}

// ExecContext implements conn.
func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.get(ctx, query) //nolint:sqlclosecheck // kept for the next call, closed by close
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(context.WithoutCancel(ctx), args...)
}

// QueryContext implements conn.
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.get(ctx, query) //nolint:sqlclosecheck // kept for the next call, closed by close
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt, ok := s.all[query]
	s.mu.RUnlock()
	if ok {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt, ok := s.all[query]; ok {
		return stmt, nil
	}
	stmt, err := s.from.PrepareContext(context.WithoutCancel(ctx), query) //nolint:sqlclosecheck // kept for the next call, closed by close
	if err != nil {
		return nil, err
	}
	if len(s.all) < maxStatements { // one beyond is closed with its connection
		s.all[query] = stmt
	}
	return stmt, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for query, stmt := range s.all {
		errs = append(errs, stmt.Close())
		delete(s.all, query)
	}
	return errors.Join(errs...)
}

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Migrations are the numbered steps of a set of tables, forward only.
type Migrations struct {
	// Set names the tables, for example "journal"; each set counts its own steps.
	Set string
	// Files holds 00001_name.sql and so on, in goose's format, for one dialect.
	Files fs.FS
}

// Migrate brings the tables of m to the last step this binary knows, one
// process at a time: others wait, and find the work done.
//
// A schema one step newer is left alone, so that a binary can be rolled back
// once; one still newer is refused.
//
// Source: DESIGN section 10.
func (db *DB) Migrate(ctx context.Context, m Migrations) error {
	db.migrating.Lock() // a waiting migration holds a connection, and several could hold all
	defer db.migrating.Unlock()
	run := db.migrateSQLite
	if db.driver == Postgres {
		run = db.migratePostgres
	}
	if err := run(ctx, m); err != nil {
		return fmt.Errorf("migrate %s: %w", m.Set, err)
	}
	return nil
}

// migratePostgres holds an advisory lock of the schema on a connection of its own.
// goose's own locker asks again every few seconds; this one waits in line.
func (db *DB) migratePostgres(ctx context.Context, m Migrations) error {
	lock, err := db.pool.Conn(ctx)
	if err != nil {
		return classify("lock", err)
	}
	defer lock.Close()
	const key = "hashtextextended('redress/migrate/' || current_schema(), 0)"
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock("+key+")"); err != nil {
		return classify("lock", err)
	}
	defer func() {
		// The lock ends with its connection, which is closed next.
		_, _ = lock.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+key+")")
	}()
	return up(ctx, goose.DialectPostgres, db.pool, m)
}

// migrateSQLite relies on the file's write lock: each step is an immediate
// transaction. Of two processes that begin the same step the second fails,
// and finds it done when it looks again.
func (db *DB) migrateSQLite(ctx context.Context, m Migrations) error {
	var err error
	for range 3 {
		if err = up(ctx, goose.DialectSQLite3, db.writer.pool, m); err == nil {
			return nil
		}
		if _, ok := errors.AsType[*NewerError](err); ok {
			return err
		}
	}
	return err
}

// NewerError says that the tables were made by a binary too new.
type NewerError struct {
	// Set is the set of tables.
	Set string
	// Found is the step the tables are at, Known the last this binary knows.
	Found, Known int64
}

// Error says what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("tables of %s are at step %d, this binary knows %d: install a newer one", e.Set, e.Found, e.Known)
}

func up(ctx context.Context, dialect goose.Dialect, pool *sql.DB, m Migrations) error {
	p, err := goose.NewProvider(dialect, pool, m.Files,
		goose.WithTableName("schema_"+m.Set), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	found, known, err := p.GetVersions(ctx)
	if err != nil {
		return classify("read the step", err)
	}
	switch {
	case found > known+1:
		return &NewerError{Set: m.Set, Found: found, Known: known}
	case found >= known:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return classify("step", err)
	}
	return nil
}

package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres opens a pool through database/sql: with it both dialects share
// one road, and pgx passes Go slices as arrays all the same.
func openPostgres(ctx context.Context, c Config) (*pools, error) {
	config, err := pgx.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("dsn: not a connection string of PostgreSQL") // the driver's message quotes it, password and all
	}
	if c.PasswordFile != "" {
		password, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("password_file: %w", err)
		}
		config.Password = strings.TrimRight(string(password), "\r\n")
	}
	if c.Schema != "" {
		config.RuntimeParams["search_path"] = c.Schema
	}
	config.RuntimeParams["timezone"] = "UTC"
	// Every statement of the suite has its index. The planner knows a young table
	// as empty and would keep a plan that reads it whole; the price it puts on
	// such plans now must not start its compiler.
	config.RuntimeParams["enable_seqscan"] = "off"
	config.RuntimeParams["jit"] = "off"
	// A process that was stopped in a transaction holds rows that others wait for.
	if config.RuntimeParams["idle_in_transaction_session_timeout"] == "" {
		config.RuntimeParams["idle_in_transaction_session_timeout"] = "10s"
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "redress"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(c.MaxConns)
	pool.SetMaxIdleConns(c.MaxConns)
	if err := makeSchema(ctx, pool, c.Schema); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &pools{driver: Postgres, schema: c.Schema, pool: pool}, nil
}

// makeSchema makes the schema if it is absent, which also proves that the
// server answers. Two services that start at once may both make it: the loser
// of that race finds it there the second time.
func makeSchema(ctx context.Context, pool *sql.DB, schema string) error {
	if schema == "" {
		return classify("ping", pool.PingContext(ctx))
	}
	var err error
	for range 2 {
		if _, err = pool.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize()); err == nil {
			return nil
		}
	}
	return classify("create schema", err)
}

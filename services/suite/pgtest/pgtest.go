// Package pgtest runs the whole suite on PostgreSQL and Redis, where the tests
// beside it run on SQLite and in memory.
//
// Start reading at [On].
package pgtest

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// On returns the change of configuration that puts a suite on PostgreSQL, each
// service in a schema of its own.
func On(t testing.TB) func(*suite.Config) {
	t.Helper()
	dsn := Database(t)
	return func(c *suite.Config) {
		c.Process.Database.Driver, c.Process.Database.DSN = sqldb.Postgres, dsn
	}
}

// WithRedis returns the change that indexes timers in Redis.
func WithRedis(t testing.TB) func(*suite.Config) {
	t.Helper()
	address := kittest.Address(t, kittest.RedisEnv)
	return func(c *suite.Config) { c.Process.Redis.Addresses = []string{address} }
}

// Database makes an empty database of the test's own on the server given by
// [kittest.PostgresEnv], dropped at the test's end, and returns its connection
// string. Schemas are named after services, so suites cannot share a database.
func Database(t testing.TB) string {
	t.Helper()
	given := kittest.Address(t, kittest.PostgresEnv)
	address, err := url.Parse(given)
	require.NoError(t, err)
	name := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	outside(t, given, "CREATE DATABASE "+name)
	t.Cleanup(func() { outside(t, given, "DROP DATABASE "+name+" WITH (FORCE)") })
	address.Path = "/" + name
	return address.String()
}

// outside runs a statement that PostgreSQL takes outside transactions only.
func outside(t testing.TB, dsn, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	db, err := sqldb.Open(ctx, sqldb.Config{Driver: sqldb.Postgres, DSN: dsn})
	require.NoError(t, err)
	require.NoError(t, db.Query(ctx, "database", statement, nil, func(sqldb.Row) error { return nil }))
	require.NoError(t, db.Close())
}

// Package kittest helps the tests of all packages: backends to run against. It
// is for tests only; no production code imports it.
package kittest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/sqldb"
)

// Where the backends of a test run are given. With RequireEnv set to 1 a backend
// whose address is missing fails the test instead of skipping it.
const (
	PostgresEnv = "REDRESS_TEST_POSTGRES" // connection string of an empty database one may do anything in
	RedisEnv    = "REDRESS_TEST_REDIS"    // host:port
	RequireEnv  = "REDRESS_REQUIRE_BACKENDS"
)

// Address returns the value of the environment variable. Without one the test is
// skipped, or fails where backends are required.
func Address(t testing.TB, env string) string {
	t.Helper()
	address := os.Getenv(env)
	switch {
	case address != "":
	case os.Getenv(RequireEnv) == "1":
		t.Fatalf("%s is not set, and %s demands it", env, RequireEnv)
	default:
		t.Skipf("backend address not given: %s", env)
	}
	return address
}

// Program returns the path of a server that a test starts and stops itself. Where it is not installed
// the test fails if backends are required or an address of such a server is given by env: then one was
// promised. Only where nothing was promised is the test skipped.
func Program(t testing.TB, name, env string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv(RequireEnv) == "1", os.Getenv(env) != "":
		t.Fatalf("%s is not installed, and %s or %s promises it", name, RequireEnv, env)
	default:
		t.Skipf("%s is not installed, and neither %s nor %s promises it", name, RequireEnv, env)
	}
	return path
}

// SQLite returns an empty database in a file of the test's own, closed at its end.
func SQLite(t testing.TB) *sqldb.DB {
	t.Helper()
	return open(t, sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(t.TempDir(), "test.db")})
}

// Postgres returns an empty schema of the test's own in the database given by
// PostgresEnv, dropped at its end.
func Postgres(t testing.TB) *sqldb.DB {
	t.Helper()
	dsn := Address(t, PostgresEnv)
	schema := "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	db := open(t, sqldb.Config{Driver: sqldb.Postgres, DSN: dsn, Schema: schema})
	t.Cleanup(func() {
		_, err := db.Exec(context.Background(), "drop", "DROP SCHEMA "+schema+" CASCADE")
		require.NoError(t, err)
	})
	return db
}

func open(t testing.TB, c sqldb.Config) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(context.Background(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// Databases runs the test on SQLite, and on PostgreSQL where its address is given.
func Databases(t *testing.T, test func(t *testing.T, open func(t testing.TB) *sqldb.DB)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, SQLite) })
	t.Run("PostgreSQL", func(t *testing.T) {
		Address(t, PostgresEnv)
		test(t, Postgres)
	})
}

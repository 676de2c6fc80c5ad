package sqldb_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/sqldb"
)

func openFile(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func number(t *testing.T, db *sqldb.DB, query string) (n int64) {
	t.Helper()
	require.NoError(t, db.Query(t.Context(), "number", query, nil, func(r sqldb.Row) error { return r.Scan(&n) }))
	return n
}

// One writer adds to a and, when that is committed, to b: whatever the instant
// of the copies, b never has what a lacks.
func TestCopiesAreOfOneInstantWhileOthersWrite(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	a, b := openFile(t, filepath.Join(dir, "a.db")), openFile(t, filepath.Join(dir, "b.db"))
	for _, db := range []*sqldb.DB{a, b} {
		_, err := db.Exec(ctx, "make", `CREATE TABLE t (n BIGINT, filling TEXT)`)
		require.NoError(t, err)
		_, err = db.Exec(ctx, "fill", `INSERT INTO t WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 3000) SELECT 0, hex(zeroblob(500)) FROM c`)
		require.NoError(t, err)
	}
	writing, stop := context.WithCancel(ctx)
	ended, begun := make(chan error, 1), make(chan struct{})
	go func() {
		for n := int64(1); writing.Err() == nil; n++ {
			for _, db := range []*sqldb.DB{a, b} {
				if _, err := db.Exec(ctx, "insert", `INSERT INTO t VALUES ($1, '')`, n); err != nil {
					ended <- err
					return
				}
			}
			if n == 1 {
				close(begun)
			}
		}
		ended <- nil
	}()
	<-begun
	// As a backup does: through connections of its own. b comes first, so that it
	// would be the older one if each had its own instant.
	otherA, otherB := openFile(t, filepath.Join(dir, "a.db")), openFile(t, filepath.Join(dir, "b.db"))
	toA, toB := filepath.Join(dir, "it's a%20copy.db"), filepath.Join(dir, "b copy.db")
	var done, total int
	require.NoError(t, sqldb.CopyFiles(ctx, func(d, n int) { done, total = d, n }, sqldb.FileCopy{DB: otherA, To: toA}, sqldb.FileCopy{DB: otherB, To: toB}))
	require.Equal(t, total, done)
	require.Positive(t, total)
	stop()
	require.NoError(t, <-ended)
	info, err := os.Stat(toA)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	lastA, lastB := number(t, openFile(t, toA), `SELECT max(n) FROM t`), number(t, openFile(t, toB), `SELECT max(n) FROM t`)
	require.Positive(t, lastA)
	require.GreaterOrEqual(t, lastA, lastB)
	require.LessOrEqual(t, lastA-lastB, int64(1))
	require.Equal(t, "ok", check(t, toA))
	require.ErrorContains(t, sqldb.CopyFiles(ctx, nil, sqldb.FileCopy{DB: a, To: toA}), "there already")
	require.FileExists(t, toA)
}

func check(t *testing.T, path string) (answer string) {
	t.Helper()
	require.NoError(t, openFile(t, path).Query(t.Context(), "check", `PRAGMA integrity_check`, nil, func(r sqldb.Row) error { return r.Scan(&answer) }))
	return answer
}

func TestNoCopyIsLeftAfterAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := openFile(t, filepath.Join(dir, "a.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, sqldb.CopyFiles(ctx, nil, sqldb.FileCopy{DB: db, To: filepath.Join(dir, "copy.db")}))
	require.NoFileExists(t, filepath.Join(dir, "copy.db"))
	_, err := db.Exec(t.Context(), "make", `CREATE TABLE t (n BIGINT)`)
	require.NoError(t, err, "nobody is held any more")
}

func TestPasswordComesFromItsFile(t *testing.T) {
	t.Parallel()
	c := sqldb.Config{Driver: sqldb.Postgres, DSN: "postgres://nobody@127.0.0.1:1/none", PasswordFile: filepath.Join(t.TempDir(), "absent")}
	_, err := sqldb.Open(t.Context(), c)
	require.ErrorContains(t, err, "password_file")
	c.Driver, c.MaxConns = sqldb.SQLite, 2
	require.ErrorContains(t, c.Validate(), "password_file")
}

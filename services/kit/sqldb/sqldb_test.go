package sqldb_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// databases runs the test on every database, on one that has the table t (k, n, b).
func databases(t *testing.T, test func(t *testing.T, db *sqldb.DB)) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		t.Parallel()
		db := open(t)
		bytes := "BLOB"
		if db.Dialect() == sqldb.Postgres {
			bytes = "BYTEA"
		}
		_, err := db.Exec(t.Context(), "create", "CREATE TABLE t (k TEXT PRIMARY KEY, n BIGINT, b "+bytes+")")
		require.NoError(t, err)
		test(t, db)
	})
}

func count(t *testing.T, q sqldb.Querier) (n int) {
	t.Helper()
	require.NoError(t, q.Query(t.Context(), "count", "SELECT count(*) FROM t", nil, func(r sqldb.Row) error { return r.Scan(&n) }))
	return n
}

func TestWriteCommitsOrRollsBack(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert := func(tx *sqldb.Tx) error {
			_, err := tx.Exec(ctx, "insert", "INSERT INTO t (k, n) VALUES ($1, $2)", "a", int64(1))
			return err
		}
		refusal := errors.New("no")
		require.Same(t, refusal, db.Write(ctx, func(tx *sqldb.Tx) error {
			require.NoError(t, insert(tx))
			require.Equal(t, 1, count(t, tx), "it sees its own")
			return refusal
		}))
		require.Zero(t, count(t, db))
		require.Panics(t, func() {
			_ = db.Write(ctx, func(tx *sqldb.Tx) error { require.NoError(t, insert(tx)); panic("defect") })
		})
		require.Zero(t, count(t, db))
		require.NoError(t, db.Write(ctx, insert))
		require.Equal(t, 1, count(t, db))
		err := db.Write(ctx, insert)
		require.Equal(t, sqldb.Unique, sqldb.ClassOf(err))
		_, err = db.Exec(ctx, "nonsense", "INSERT INTO nowhere VALUES (1)")
		require.Equal(t, sqldb.Other, sqldb.ClassOf(err))
		require.NoError(t, db.Ping(ctx))
	})
}

func TestSnapshotSeesOneInstant(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		require.NoError(t, db.Snapshot(t.Context(), func(tx *sqldb.Tx) error {
			require.Zero(t, count(t, tx))
			_, err := db.Exec(t.Context(), "insert", "INSERT INTO t (k) VALUES ('a')")
			require.NoError(t, err)
			require.Zero(t, count(t, tx))
			return nil
		}))
		require.Equal(t, 1, count(t, db))
	})
}

func TestStatementsTakeAnyNumberOfRows(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert := sqldb.NewStatement("insert", "INSERT INTO t (k, n, b) {rows}", sqldb.Text, sqldb.IntNull, sqldb.Bytes)
		read := sqldb.NewLookup("read", "k, n", "t", sqldb.Key{Name: "k", Type: sqldb.Text}, sqldb.Key{Name: "n", Type: sqldb.Int})
		remove := sqldb.NewDelete("remove", "t", sqldb.Key{Name: "k", Type: sqldb.Text})
		for _, size := range []int{1, 7, 8, 9, 31, 32, 33, 40, 73} {
			var rows, keys, both [][]any
			for i := range size {
				n := int64(i)
				k := fmt.Sprintf("k%d", i)
				rows, keys = append(rows, []any{k, &n, []byte{}}), append(keys, []any{k})
				both = append(both, []any{k, n}, []any{k, n + 1})
			}
			found := map[string]int64{}
			require.NoError(t, db.Write(ctx, func(tx *sqldb.Tx) error {
				n, err := tx.ExecRows(ctx, insert, rows)
				require.NoError(t, err)
				require.EqualValues(t, size, n)
				require.NoError(t, tx.QueryRows(ctx, read, both, func(r sqldb.Row) error {
					var k string
					var n int64
					err := r.Scan(&k, &n)
					require.NotContains(t, found, k)
					found[k] = n
					return err
				}))
				n, err = tx.ExecRows(ctx, remove, keys)
				require.EqualValues(t, size, n)
				return err
			}))
			require.Len(t, found, size)
			require.EqualValues(t, size-1, found[fmt.Sprintf("k%d", size-1)])
			require.Zero(t, count(t, db))
		}
	})
}

func TestStatementsTakeManyRows(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert := sqldb.NewStatement("insert", "INSERT INTO t (k, n, b) {rows} ON CONFLICT (k) DO UPDATE SET n = excluded.n WHERE t.n < excluded.n",
			sqldb.Text, sqldb.IntNull, sqldb.Bytes)
		read := sqldb.NewLookup("read", "k, n, b", "t", sqldb.Key{Name: "k", Type: sqldb.Text})
		remove := sqldb.NewDelete("remove", "t", sqldb.Key{Name: "k", Type: sqldb.Text}, sqldb.Key{Name: "n", Type: sqldb.Int})
		number := func(n int64) *int64 { return &n }
		require.NoError(t, db.Write(ctx, func(tx *sqldb.Tx) error {
			n, err := tx.ExecRows(ctx, insert, [][]any{{"a", number(1), []byte{0, 1}}, {"b", (*int64)(nil), sqldb.Clean(nil)}, {"c", number(3), []byte("x")}})
			require.NoError(t, err)
			require.EqualValues(t, 3, n)
			n, err = tx.ExecRows(ctx, insert, [][]any{{"a", number(5), []byte{}}, {"c", number(2), []byte{}}})
			require.NoError(t, err)
			require.EqualValues(t, 1, n, "only what the WHERE lets through counts")
			n, err = tx.ExecRows(ctx, insert, nil)
			require.Zero(t, n)
			return err
		}))
		type row struct {
			n *int64
			b []byte
		}
		found := map[string]row{}
		require.NoError(t, db.Write(ctx, func(tx *sqldb.Tx) error {
			return tx.QueryRows(ctx, read, [][]any{{"a"}, {"b"}, {"z"}}, func(r sqldb.Row) error {
				var k string
				var v row
				err := r.Scan(&k, &v.n, &v.b)
				found[k] = v
				return err
			})
		}))
		require.Len(t, found, 2)
		require.Equal(t, row{number(5), []byte{0, 1}}, found["a"])
		require.Nil(t, found["b"].n)
		require.Empty(t, found["b"].b)
		require.NoError(t, db.Write(ctx, func(tx *sqldb.Tx) error {
			n, err := tx.ExecRows(ctx, remove, [][]any{{"a", int64(5)}, {"b", int64(0)}, {"c", int64(3)}, {"z", int64(1)}})
			require.EqualValues(t, 2, n)
			return err
		}))
		require.Equal(t, 1, count(t, db))
	})
}

// While a table has no statistics PostgreSQL takes an index that begins with any of the
// keys for as good as the one that has them all, at some number of rows or other; the
// plan it makes then is kept while the table grows.
func TestAGrowingTableIsReadByItsPartialIndex(t *testing.T) {
	t.Parallel()
	db := kittest.Postgres(t)
	ctx := t.Context()
	exec := func(text string) {
		_, err := db.Exec(ctx, "prepare", text)
		require.NoError(t, err)
	}
	for _, text := range []string{
		`CREATE TABLE leaves (owner TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, branch TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (owner, name)) WITH (autovacuum_enabled = off)`,
		`CREATE INDEX leaves_by_kind ON leaves (kind, owner, name)`,
		`CREATE INDEX leaves_by_branch ON leaves (branch, kind, owner, name) WHERE branch <> ''`,
	} {
		exec(text)
	}
	s := sqldb.NewPartialLookup("leaves.read", "name", "leaves", "branch <> ''", sqldb.Key{Name: "branch"}, sqldb.Key{Name: "kind"}, sqldb.Key{Name: "owner"})
	explain := "EXPLAIN " + regexp.MustCompile(`\$\d::text\[\]`).ReplaceAllString(s.Many(), "ARRAY['x']")
	for n := range 400 {
		exec(fmt.Sprintf(`INSERT INTO leaves VALUES ('acme', 'branches/%d/leaves/1', 'branches/*/leaves/*', 'branches/%d', repeat('x', 400))`, n, n))
		var plan strings.Builder
		require.NoError(t, db.Query(ctx, "explain", explain, nil, func(r sqldb.Row) error {
			var line string
			err := r.Scan(&line)
			plan.WriteString(line + "\n")
			return err
		}))
		require.Contains(t, plan.String(), "leaves_by_branch", "%d rows", n+1)
		require.NotContains(t, plan.String(), "leaves_by_kind", "%d rows", n+1)
		require.NotContains(t, plan.String(), "leaves_pkey", "%d rows", n+1)
	}
}

func TestHookSeesAndFailsEveryStatement(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		var seen []string
		injected := errors.New("injected")
		fail := ""
		hooked := db.WithHook(func(op string) error {
			seen = append(seen, op)
			if op == fail {
				return injected
			}
			return nil
		})
		insert := func() error {
			seen = nil
			return hooked.Write(t.Context(), func(tx *sqldb.Tx) error {
				_, err := tx.Exec(t.Context(), "insert", "INSERT INTO t (k) VALUES ('a')")
				return err
			})
		}
		for _, fail = range []string{"begin", "insert", "commit"} {
			require.Same(t, injected, insert())
			require.Zero(t, count(t, db))
		}
		fail = ""
		require.NoError(t, insert())
		require.Equal(t, []string{"begin", "insert", "commit"}, seen)
		require.Equal(t, 1, count(t, hooked))
	})
}

func TestWritersTakeTurns(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		_, err := db.Exec(t.Context(), "insert", "INSERT INTO t (k, n) VALUES ('a', 0)")
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for range 10 {
					if _, err := db.Exec(t.Context(), "add", "UPDATE t SET n = n + 1 WHERE k = $1", "a"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var n int
		require.NoError(t, db.Query(t.Context(), "read", "SELECT n FROM t", nil, func(r sqldb.Row) error { return r.Scan(&n) }))
		require.Equal(t, 200, n)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, db.Write(ctx, func(*sqldb.Tx) error { return nil }), context.Canceled)
	})
}

func steps(n int) sqldb.Migrations {
	files := fstest.MapFS{}
	for i := range n {
		files["0000"+string(rune('1'+i))+"_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE step" + string(rune('1'+i)) + " (n BIGINT);\n")}
	}
	return sqldb.Migrations{Set: "steps", Files: files}
}

func TestMigrationsRunOnceAndRefuseTheFuture(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		var wg sync.WaitGroup
		for range 4 { // all start at once
			wg.Go(func() {
				if err := db.Migrate(t.Context(), steps(2)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.NoError(t, db.Migrate(t.Context(), steps(4)))
		require.NoError(t, db.Migrate(t.Context(), steps(3)), "one step newer: a binary can be rolled back once")
		var newer *sqldb.NewerError
		require.ErrorAs(t, db.Migrate(t.Context(), steps(2)), &newer)
		require.Equal(t, sqldb.NewerError{Set: "steps", Found: 4, Known: 2}, *newer)
	})
}

func TestPostgresErrorsHaveClasses(t *testing.T) {
	t.Parallel()
	db := kittest.Postgres(t)
	ctx := t.Context()
	for code, want := range map[string]sqldb.Class{
		"40001": sqldb.Serialization, "40P01": sqldb.Deadlock, "23505": sqldb.Unique, "57P01": sqldb.Unavailable,
		"53300": sqldb.Unavailable, "08006": sqldb.Unavailable, "23514": sqldb.Other,
	} {
		_, err := db.Exec(ctx, "raise", "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '"+code+"'; END $$")
		require.Equal(t, want, sqldb.ClassOf(err), code)
		require.Equal(t, want == sqldb.Serialization || want == sqldb.Deadlock, sqldb.ClassOf(err).Retryable())
	}
	// The connection is cut between a statement and the commit.
	err := db.Write(ctx, func(tx *sqldb.Tx) error {
		var pid int
		require.NoError(t, tx.Query(ctx, "pid", "SELECT pg_backend_pid()", nil, func(r sqldb.Row) error { return r.Scan(&pid) }))
		return db.Query(ctx, "cut", "SELECT pg_terminate_backend($1, 5000)", []any{pid}, func(sqldb.Row) error { return nil })
	})
	require.Equal(t, sqldb.Unknown, sqldb.ClassOf(err))
	require.NoError(t, db.Ping(ctx), "the pool gets another")

	_, err = sqldb.Open(ctx, sqldb.Config{Driver: sqldb.Postgres, DSN: "postgres://nobody:secret@127.0.0.1:1/none"})
	require.Equal(t, sqldb.Unavailable, sqldb.ClassOf(err))
	require.NotContains(t, err.Error(), "secret")
	_, err = sqldb.Open(ctx, sqldb.Config{Driver: sqldb.Postgres, DSN: "postgres://nobody:secret@host:port/none"})
	require.NotContains(t, err.Error(), "secret")
}

func TestSQLiteKeepsItsPromises(t *testing.T) {
	t.Parallel()
	db := kittest.SQLite(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000"} {
		var got string
		require.NoError(t, db.Write(t.Context(), func(tx *sqldb.Tx) error {
			return tx.Query(t.Context(), "pragma", "PRAGMA "+pragma, nil, func(r sqldb.Row) error { return r.Scan(&got) })
		}))
		require.Equal(t, want, got, pragma)
	}
	err := db.Query(t.Context(), "write", "CREATE TABLE x (n BIGINT)", nil, func(sqldb.Row) error { return nil })
	require.Equal(t, sqldb.Unavailable, sqldb.ClassOf(err), "readers only read")
	_, err = sqldb.Open(t.Context(), sqldb.Config{DSN: filepath.Join(t.TempDir(), "no", "such", "folder.db")})
	require.Equal(t, sqldb.Unavailable, sqldb.ClassOf(err))
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []sqldb.Config{
		{Driver: "oracle", DSN: "x", MaxConns: 8},
		{Driver: sqldb.SQLite, MaxConns: 8},
		{Driver: sqldb.SQLite, DSN: "x", MaxConns: 1},
		{Driver: sqldb.SQLite, DSN: "x", MaxConns: 8, Schema: "s"},
		{Driver: sqldb.Postgres, DSN: "x", MaxConns: 8, Schema: "Bad-Name"},
	} {
		require.Error(t, c.Validate())
	}
	c := sqldb.Config{DSN: "x"}
	c.Defaults()
	require.NoError(t, c.Validate())
	require.Equal(t, sqldb.Config{Driver: sqldb.SQLite, DSN: "x", MaxConns: 8}, c)
}

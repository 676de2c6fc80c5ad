package sqldb_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/sqldb"
)

// statements are what these tests write and read with.
func statements() (insert, read *sqldb.Statement) {
	return sqldb.NewStatement("insert", "INSERT INTO t (k, n, b) {rows}", sqldb.Text, sqldb.IntNull, sqldb.Bytes),
		sqldb.NewLookup("read", "k", "t", sqldb.Key{Name: "k", Type: sqldb.Text})
}

func rowOf(k string) []any { return []any{k, (*int64)(nil), []byte{}} }

func TestWriteGroupStoresAllOrNothing(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert, read := statements()
		refusal := errors.New("no")
		for name, fail := range map[string]func(tx *sqldb.Tx) error{
			"a refusal":                        func(*sqldb.Tx) error { return refusal },
			"a refusal after a statement went": func(tx *sqldb.Tx) error { return errors.Join(tx.Send(ctx), refusal) },
			"a check": func(tx *sqldb.Tx) error {
				return tx.ExecLater(ctx, insert, [][]any{rowOf("c")}, func(int64) error { return refusal })
			},
			"a key that is taken": func(tx *sqldb.Tx) error { return tx.ExecLater(ctx, insert, [][]any{rowOf("a")}, nil) },
		} {
			err := db.WriteGroup(ctx, func(tx *sqldb.Tx) error {
				if err := tx.ExecLater(ctx, insert, [][]any{rowOf("a"), rowOf("b")}, nil); err != nil {
					return err
				}
				return fail(tx)
			})
			require.Error(t, err, name)
			if name == "a key that is taken" {
				require.Equal(t, sqldb.Unique, sqldb.ClassOf(err))
			} else {
				require.ErrorIs(t, err, refusal)
			}
			require.Zero(t, count(t, db), name)
		}
		require.Panics(t, func() {
			_ = db.WriteGroup(ctx, func(tx *sqldb.Tx) error {
				require.NoError(t, tx.ExecLater(ctx, insert, [][]any{rowOf("a")}, nil))
				require.NoError(t, tx.Send(ctx))
				panic("defect")
			})
		})
		require.Zero(t, count(t, db))

		var changed int64
		var found []string
		require.NoError(t, db.WriteGroup(ctx, func(tx *sqldb.Tx) error {
			if err := tx.ExecLater(ctx, insert, [][]any{rowOf("a"), rowOf("b")}, func(n int64) error { changed = n; return nil }); err != nil {
				return err
			}
			return tx.QueryLater(ctx, read, [][]any{{"a"}, {"z"}}, func(r sqldb.Row) error {
				found = append(found, "")
				return r.Scan(&found[len(found)-1])
			})
		}), "what waits at the end is run")
		require.EqualValues(t, 2, changed)
		require.Equal(t, []string{"a"}, found, "it sees its own")
		require.Equal(t, 2, count(t, db))
	})
}

func TestWriteGroupNamesEveryStatementToTheHook(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert, read := statements()
		var mu sync.Mutex
		var ops []string
		failing := ""
		hooked := db.WithHook(func(op string) error {
			mu.Lock()
			defer mu.Unlock()
			if ops = append(ops, op); op == failing {
				return sqldb.NewError(sqldb.Unavailable, op, "struck")
			}
			return nil
		})
		run := func() error {
			return hooked.WriteGroup(ctx, func(tx *sqldb.Tx) error {
				if err := tx.QueryLater(ctx, read, [][]any{{"a"}}, func(sqldb.Row) error { return nil }); err != nil {
					return err
				}
				if err := tx.Send(ctx); err != nil {
					return err
				}
				return tx.ExecLater(ctx, insert, [][]any{rowOf("a")}, nil)
			})
		}
		want := []string{"begin", "read", "insert", "commit"}
		for _, failing = range want {
			require.Equal(t, sqldb.Unavailable, sqldb.ClassOf(run()), failing)
			require.Zero(t, count(t, db), failing)
		}
		failing, ops = "", nil
		require.NoError(t, run())
		require.Equal(t, want, slices.Compact(ops))
		require.Equal(t, 1, count(t, db))
	})
}

func TestWriteGroupHoldsNobodyUpBeforeItWrites(t *testing.T) {
	databases(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		insert, read := statements()
		require.NoError(t, db.WriteGroup(ctx, func(tx *sqldb.Tx) error {
			if err := tx.QueryRows(ctx, read, [][]any{{"a"}}, func(sqldb.Row) error { return nil }); err != nil {
				return err
			}
			_, err := db.Exec(ctx, "beside", "INSERT INTO t (k) VALUES ($1)", "beside") // it would wait for ever
			require.NoError(t, err)
			require.Equal(t, 1, count(t, tx), "what was committed meanwhile is seen")
			return tx.ExecLater(ctx, insert, [][]any{rowOf("a")}, nil)
		}))
		require.Equal(t, 2, count(t, db))
	})
}

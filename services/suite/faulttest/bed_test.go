package faulttest_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// The people who play a part.
const (
	agent     = "people/li-na"
	marketing = "people/chen-jing"
	finance   = "people/zhou-hui"
)

// patience is how long a test waits for what must happen, in machine time.
const patience = 30 * time.Second

// eventually waits until look reports true.
func eventually(t testing.TB, what string, look func() bool) {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), patience)
	defer cancel()
	for !look() {
		require.NoError(t, clock.System().Pause(ctx, 10*time.Millisecond), "waited in vain: %s", what)
	}
}

// each runs do for 0 to n-1, some of them at a time, and fails the test with the
// first error.
func each(t testing.TB, n, atOnce int, do func(i int) error) {
	t.Helper()
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	errs := make([]error, n)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	all.Wait()
	for i, err := range errs {
		require.NoError(t, err, "number %d", i)
	}
}

// store opens the database of a service beside it, to look into.
func store(t testing.TB, folder, service string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(folder, "db", service+".db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// rows counts what every table of a store holds.
func rows(t testing.TB, db *sqldb.DB) map[string]int64 {
	t.Helper()
	var tables []string
	require.NoError(t, db.Query(t.Context(), "test.tables", `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`, nil, func(r sqldb.Row) error {
		var name string
		err := r.Scan(&name)
		tables = append(tables, name)
		return err
	}))
	out := map[string]int64{}
	for _, name := range tables {
		require.NoError(t, db.Query(t.Context(), "test.count", `SELECT count(*) FROM `+name, nil, func(r sqldb.Row) error {
			var n int64
			err := r.Scan(&n)
			out[name] = n
			return err
		}))
	}
	return out
}

// as returns a function that gives the context of a principal, whose token is made once.
func as(s *suitetest.Suite) func(principal string) context.Context {
	var mu sync.Mutex
	tokens := map[string]string{}
	return func(principal string) context.Context {
		mu.Lock()
		defer mu.Unlock()
		if tokens[principal] == "" {
			tokens[principal] = s.Token(principal)
		}
		return s.With(tokens[principal])
	}
}

// realTime lets business time be the machine's.
func realTime(c *suite.Config) { c.VirtualClock = "" }

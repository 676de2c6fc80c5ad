package pgtest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite/demo"
	"example.com/redress/services/suite/pgtest"
)

// The demo's story, from the first call to the archive, with every service in a
// schema of its own and timers indexed in Redis.
func TestTheMainJobOnPostgreSQL(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	folder := t.TempDir()
	err := demo.AllInOne(t.Context(), folder, &out, pgtest.On(t), pgtest.WithRedis(t))
	t.Log(out.String())
	require.NoError(t, err)
	require.Contains(t, out.String(), "PostgreSQL")
	require.NoDirExists(t, filepath.Join(folder, "db"), "no SQLite beside it")
	require.Contains(t, out.String(), "closed and archived")
}

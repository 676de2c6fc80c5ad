package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/suite"
)

func TestStoresMoveToPostgreSQL(t *testing.T) {
	t.Parallel()
	dsn := kittest.Address(t, kittest.PostgresEnv)
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, data)
	s.create(t)
	require.NoError(t, s.stop())

	var sections strings.Builder
	for _, name := range suite.Names() {
		fmt.Fprintf(&sections, "%s: {database: {driver: postgres, dsn: '%s', schema: %s}}\n", name, dsn, kittest.Postgres(t).Schema())
	}
	file := write(t, "split.yaml", sections.String())
	counts := func(out string) string { return strings.Join(strings.Fields(out), " ") }
	require.Equal(t, counts(must(t, "verify", "--data", data)), counts(must(t, "store", "copy", "--data", data, "--to-split", file)), "all of it")
	require.Contains(t, refused(t, "store", "copy", "--data", data, "--to-split", file), "name an empty one")

	back := filepath.Join(t.TempDir(), "back")
	require.NotContains(t, must(t, "store", "copy", "--split", file, "--to-data", back), "problems")
	require.Contains(t, refused(t, "verify", "--split", file, "--data", data), "leave --config and --data out")
}

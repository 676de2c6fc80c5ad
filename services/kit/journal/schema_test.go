package journal_test

import (
	"context"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// TestBothDialectsHaveTheSameTables compares tables, columns and their types, as
// each database tells them after the migrations.
func TestBothDialectsHaveTheSameTables(t *testing.T) {
	t.Parallel()
	lite, post := kittest.SQLite(t), kittest.Postgres(t)
	require.Equal(t,
		columns(t, lite, `SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`),
		columns(t, post, `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()`))
	require.Equal(t,
		columns(t, lite, `SELECT tbl_name, name, '' FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'`),
		columns(t, post, `SELECT tablename, indexname, '' FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT LIKE '%_pkey'`))
}

func columns(t *testing.T, db *sqldb.DB, query string) (all []string) {
	t.Helper()
	require.NoError(t, journal.Migrate(context.Background(), db))
	same := strings.NewReplacer("BIGINT", "number", "bigint", "number", "TEXT", "text", "BLOB", "bytes", "bytea", "bytes")
	bookkeeping := regexp.MustCompile(`^(schema_|sqlite_)`)
	require.NoError(t, db.Query(context.Background(), "columns", query, nil, func(r sqldb.Row) error {
		var table, column, kind string
		err := r.Scan(&table, &column, &kind)
		if !bookkeeping.MatchString(table) {
			all = append(all, table+"."+column+" "+same.Replace(kind))
		}
		return err
	}))
	sort.Strings(all)
	require.NotEmpty(t, all)
	return all
}

func TestReasonsMakeACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(journal.Reasons()...)
	require.NoError(t, err)
}

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
	bookkeeping := regexp.MustCompile(`^(schema_|sqlite_|search_)`) // each has an index of terms in its own way; the conformance suite holds them together
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

// TestYoungTablesAreReadByTheirKey asks PostgreSQL how it would look rows up in
// tables that are empty: prepared plans are made then and kept while they grow.
// The first order of the indexes cost nine tenths of the rate.
func TestYoungTablesAreReadByTheirKey(t *testing.T) {
	t.Parallel()
	db := kittest.Postgres(t)
	require.NoError(t, journal.Migrate(context.Background(), db))
	for table, where := range map[string]string{
		"resources":     "t.organization = w.a AND t.name = w.b",
		"projections":   "t.organization = w.a AND t.name = w.b",
		"timers":        "t.organization = w.a AND t.name = w.b",
		"tallies":       "t.organization = w.a AND t.key = w.b",
		"requests":      "t.organization = w.a AND t.principal = w.b AND t.method = w.a AND t.request_id = w.b",
		"parked_events": "t.source = w.a AND t.shard = 1 AND t.sequence = 1",
	} {
		var plan strings.Builder
		query := `EXPLAIN SELECT * FROM unnest(ARRAY['a'], ARRAY['b']) AS w(a, b) CROSS JOIN LATERAL (SELECT t.* FROM ` + table + ` t WHERE ` + where + ` OFFSET 0) f`
		require.NoError(t, db.Query(context.Background(), "explain", query, nil, func(r sqldb.Row) error {
			var line string
			err := r.Scan(&line)
			plan.WriteString(line + "\n")
			return err
		}))
		require.Contains(t, plan.String(), "using "+table+"_pkey")
	}
}

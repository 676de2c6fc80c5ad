package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"example.com/redress/services/kit/sqldb"
)

func newStore(a *app) *cobra.Command {
	c := &cobra.Command{Use: "store", Short: "Move the databases of the services"}
	c.AddCommand(newStoreCopy(a))
	return c
}

func newStoreCopy(a *app) *cobra.Command {
	var from, to place
	c := &cobra.Command{
		Use: "copy", Short: "Copy all stores to other databases, for example from SQLite to PostgreSQL",
		Long: `Copies every row of every service's store to the database that another
configuration names, which must hold nothing yet, and verifies what is there
afterwards. Each copy gets a store id of its own, so that timers of both never meet.

The suite must not serve meanwhile: what is written after a store was read would be
missing in the copy. Keys and evidence stay in the data folder; take it along.

A copy has as many shards as what it was copied from: every event names the one before it
in its shard by digest, and other services name both as their cause.`,
		Example: `  redress store copy --data data --to-config postgres.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if to.config == "" && to.data == "" && to.split == "" {
				return usage("say where to: --to-config, --to-data or --to-split")
			}
			source, err := from.databases()
			if err != nil {
				return err
			}
			target, err := to.databases()
			if err != nil {
				return err
			}
			if err := a.copyStores(c.Context(), source, target); err != nil {
				return err
			}
			reports, err := a.verify(c.Context(), target)
			if err != nil {
				return err
			}
			if err := a.showVerified(reports); err != nil {
				return err
			}
			return problemsIn(reports)
		},
	}
	from.flags(c)
	from.splitFlag(c)
	c.Flags().StringVar(&to.config, "to-config", "", "the configuration `FILE` that names the new databases")
	c.Flags().StringVar(&to.data, "to-data", "", "the data `FOLDER` of new SQLite files")
	c.Flags().StringVar(&to.split, "to-split", "", "a `FILE` with one section for each service")
	return c
}

func (a *app) copyStores(ctx context.Context, source, target []store) (err error) {
	source, closeSource, err := openStores(ctx, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSource()) }()
	target, closeTarget, err := makeStores(ctx, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTarget()) }()
	for i, s := range source {
		if err := a.copyStore(ctx, s, target[i]); err != nil {
			return fmt.Errorf("copy %s: %w", s.name, err)
		}
	}
	return nil
}

// nullable is the one column that may hold nothing: requests kept for ever.
const nullable = "expire_time"

// columns of the tables of a store, in the order in which they are copied.
//
// Leases and requests in hand are the old process's own, but remembered requests
// must be known to the copy too. What texts are found by (search_terms) is as each
// database keeps it: the copy makes it anew, as it has no position in its own feed.
func columns() [][2]string {
	return [][2]string{
		{"resources", "organization, name, kind, shard, parent, complaint, version, base_version, state, attributes, digest, create_time, update_time"},
		{"resource_index", "term, name"},
		{"events", "shard, sequence, organization, resource, version, complaint, type, record_time, body, previous_digest, digest, cause_service, cause_shard, cause_sequence, cause_digest, depth"},
		{"requests", "organization, principal, method, request_id, digest, resource, version, create_time, expire_time"},
		{"tallies", "organization, key, revision, value"},
		{"projections", "organization, name, kind, version, revision, state, attributes, update_time"},
		{"projection_index", "term, name"},
		{"timers", "organization, name, shard, fire_time, generation"},
		{"feed_positions", "source, shard, sequence, base_sequence, digest"},
		{"parked_events", "source, shard, sequence, organization, complaint, type, reason, waits, park_time, event"},
		{"shard_heads", "shard, sequence, digest"},
		{"store_meta", "key, value"},
	}
}

// copyStore copies one store in one transaction: after an error there is nothing.
func (a *app) copyStore(ctx context.Context, from, to store) error {
	p := a.progress("copy " + from.name)
	var rows int64
	return from.db.Snapshot(ctx, func(snapshot *sqldb.Tx) error {
		return to.db.Write(ctx, func(tx *sqldb.Tx) error {
			var events int64
			if err := tx.Query(ctx, "copy.empty", `SELECT count(*) FROM events`, nil, func(r sqldb.Row) error { return r.Scan(&events) }); err != nil {
				return err
			}
			if events > 0 {
				return usage("the database of %s holds %d events already: name an empty one", to.name, events)
			}
			if _, err := tx.Exec(ctx, "copy.meta", `DELETE FROM store_meta`); err != nil {
				return err
			}
			for _, table := range columns() {
				names := strings.Split(table[1], ", ")
				places := make([]string, len(names))
				for i := range places {
					places[i] = fmt.Sprintf("$%d", i+1)
				}
				insert := "INSERT INTO " + table[0] + " (" + table[1] + ") VALUES (" + strings.Join(places, ", ") + ")"
				err := snapshot.Query(ctx, "copy.read", "SELECT "+table[1]+" FROM "+table[0], nil, func(r sqldb.Row) error {
					row, into := make([]any, len(names)), make([]any, len(names))
					for i := range row {
						into[i] = &row[i]
					}
					if err := r.Scan(into...); err != nil {
						return err
					}
					for i, cell := range row {
						if b, ok := cell.([]byte); ok || cell == nil && names[i] != nullable {
							row[i] = sqldb.Clean(b) // an empty digest comes as nothing
						}
					}
					if table[0] == "feed_positions" && row[0] == from.name {
						return nil
					}
					if table[0] == "store_meta" && row[0] == "store_id" {
						row[1] = uuid.NewString()
					}
					if rows++; rows%1000 == 0 {
						p.tell(rows, rows, table[0])
					}
					_, err := tx.Exec(ctx, "copy.write", insert, row...)
					return err
				})
				if err != nil {
					return fmt.Errorf("%s: %w", table[0], err)
				}
			}
			return nil
		})
	})
}

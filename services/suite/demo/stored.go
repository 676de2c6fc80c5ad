package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// Stored returns how many bytes rows and index entries take in the stores of a
// data folder on SQLite, by "service table" and "service index". The suite must
// be at rest.
//
// What pages have left free does not count, so the difference of two folders is
// what happened in one and not in the other.
func Stored(ctx context.Context, folder string) (map[string]int64, error) {
	out := map[string]int64{}
	for _, name := range suite.Names() {
		db, err := sqldb.Open(ctx, sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(folder, "db", name+".db")})
		if err != nil {
			return nil, err
		}
		err = db.Query(ctx, "size", "SELECT name, sum(payload) FROM dbstat GROUP BY name", nil, func(r sqldb.Row) error {
			var what string
			var bytes int64
			err := r.Scan(&what, &bytes)
			out[name+" "+what] = bytes
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			return nil, fmt.Errorf("size of %s: %w", name, err)
		}
	}
	return out, nil
}

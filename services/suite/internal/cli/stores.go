package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// store is the database of one service, opened beside the service that uses it.
type store struct {
	name    string
	config  sqldb.Config
	db      *sqldb.DB
	journal *journal.Journal
}

// databases returns where each service's store is, in the order of suite.Names.
func (p *place) databases() ([]store, error) {
	if p.split != "" {
		return p.splitDatabases()
	}
	c, err := p.load()
	if err != nil {
		return nil, err
	}
	return databasesOf(&c.Process), nil
}

func databasesOf(c *process.Config) []store {
	var out []store
	for _, name := range suite.Names() {
		out = append(out, store{name: name, config: c.Store(name)})
	}
	return out
}

func (p *place) splitDatabases() ([]store, error) {
	if p.config != "" || p.data != "" {
		return nil, usage("--split names all there is: leave --config and --data out")
	}
	sections, err := readSections(p.split)
	if err != nil {
		return nil, &UsageError{err}
	}
	var out []store
	for _, program := range services() {
		text, ok := sections[program.Name]
		if !ok {
			return nil, usage("%s: %s: the section is missing", p.split, program.Name)
		}
		settings := program.Settings()
		if err := config.Parse(p.split+": "+program.Name, text, settings); err != nil {
			return nil, &UsageError{err}
		}
		out = append(out, store{name: program.Name, config: settings.Common().Store(program.Name)})
	}
	return out, nil
}

// openStores opens all stores; a SQLite file that is not there is not made.
func openStores(ctx context.Context, all []store) ([]store, func() error, error) {
	for _, s := range all {
		if s.config.Driver != sqldb.SQLite {
			continue
		}
		if _, err := os.Stat(s.config.DSN); errors.Is(err, os.ErrNotExist) {
			return nil, nil, usage("there is no database of %s at %s: name the data folder with --data, or the configuration with --config", s.name, s.config.DSN)
		}
	}
	return makeStores(ctx, all)
}

// makeStores opens all stores, and makes those that are not there.
func makeStores(ctx context.Context, all []store) (_ []store, closeAll func() error, err error) {
	closeAll = func() error {
		var errs []error
		for _, s := range all {
			if s.journal != nil {
				s.journal.Close()
			}
			if s.db != nil {
				errs = append(errs, s.db.Close())
			}
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	for i := range all {
		s := &all[i]
		if s.config.Driver == sqldb.SQLite {
			if err := os.MkdirAll(filepath.Dir(s.config.DSN), 0o700); err != nil {
				return nil, closeAll, err
			}
		}
		if s.db, err = sqldb.Open(ctx, s.config); err != nil {
			return nil, closeAll, fmt.Errorf("database of %s: %w", s.name, err)
		}
		if s.journal, err = journal.Open(ctx, s.db, journal.Options{Service: s.name, Clock: clock.NewHost(), Kinds: []journal.Kind{clocks.Kind("cases")}}); err != nil {
			return nil, closeAll, err
		}
	}
	return all, closeAll, nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// Parts of a backup, and the folders of a data folder they are of.
const (
	databases = "databases" // db
	evidence  = "evidence"  // evidence
	secrets   = "keys"      // keys
)

func newBackup(a *app) *cobra.Command {
	var at place
	var withKeys, onlyKeys bool
	c := &cobra.Command{
		Use: "backup FOLDER", Short: "Copy databases and evidence, while the suite serves",
		Long: `Copies the SQLite databases of all services, as of one instant, and the evidence
to a new folder, verifies the copies and writes a manifest with the digest of each
file. The suite may serve meanwhile; its writers wait some milliseconds.

The keys are not in it. Whoever has database and keys can read what was erased
since, so keep them in another place with other readers: make a second backup with
--only-keys. Without the keys nothing personal in a backup can be read; lost keys
are an erasure of everybody. --with-keys puts both in one folder, for a move to
another machine.

Of PostgreSQL databases make copies with pg_dump, all from one moment at which
nobody writes, or with the means of the platform.`,
		Example: `  redress backup /backup/2026-04-08
  redress backup --only-keys /safe/2026-04-08`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := at.load()
			if err != nil {
				return err
			}
			holds := []string{databases, evidence}
			switch {
			case onlyKeys:
				holds = []string{secrets}
			case withKeys:
				holds = append(holds, secrets)
			}
			return a.backup(c.Context(), conf, args[0], holds)
		},
	}
	at.flags(c)
	c.Flags().BoolVar(&withKeys, "with-keys", false, "the keys too: keep such a backup like the keys themselves")
	c.Flags().BoolVar(&onlyKeys, "only-keys", false, "nothing but the keys")
	c.MarkFlagsMutuallyExclusive("with-keys", "only-keys")
	return c
}

func (a *app) backup(ctx context.Context, conf suite.Config, folder string, holds []string) (err error) {
	data := conf.Process.Data
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return usage("there is no data folder %s: name it with --data", data)
	}
	if err := newFolder(folder); err != nil {
		return err
	}
	m := &manifest{Format: manifestFormat, Time: clock.System().Now().Format(time.RFC3339), Version: command.Version(), Holds: holds}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w; what is in %s has no manifest and cannot be restored", err, folder)
		}
	}()
	if m.holds(databases) {
		if err := a.backupDatabases(ctx, &conf.Process, folder, m); err != nil {
			return err
		}
	}
	// Files of evidence never change and are there before any event names them:
	// copied after the databases, none is missing.
	for _, part := range []struct{ what, folder, skip string }{{evidence, "evidence", unfinished}, {secrets, "keys", ""}} {
		if m.holds(part.what) {
			if err := copyFiles(ctx, filepath.Join(data, part.folder), filepath.Join(folder, part.folder), part.skip, a.progress("copy "+part.what)); err != nil {
				return err
			}
		}
	}
	names, err := list(folder)
	if err != nil {
		return err
	}
	var size int64
	for _, name := range names {
		f, err := record(folder, name)
		if err != nil {
			return err
		}
		m.Files, size = append(m.Files, f), size+f.Size
	}
	if err := m.write(folder); err != nil {
		return err
	}
	if a.json() {
		return a.writeJSON(m)
	}
	fmt.Fprintf(a.Out, "%s holds %s: %d files, %.1f MB.\n", folder, join(holds), len(m.Files), float64(size)/1e6)
	switch {
	case m.holds(databases) && m.holds(secrets):
		a.say("It holds databases and keys: whoever reads it can read everything, also what is erased later.")
	case m.holds(databases):
		a.say("It holds no keys: back them up to another place with --only-keys, or nothing personal can be read after a restore.")
	}
	return nil
}

// backupDatabases copies the databases and verifies the copies.
func (a *app) backupDatabases(ctx context.Context, c *process.Config, folder string, m *manifest) error {
	to := *c
	to.Data, to.Database = folder, sqldb.Config{}
	if err := os.MkdirAll(filepath.Join(folder, "db"), 0o700); err != nil {
		return err
	}
	copied, err := a.copyDatabases(ctx, databasesOf(c), databasesOf(&to))
	if err != nil {
		return err
	}
	reports, err := a.verify(ctx, copied)
	if err != nil {
		return err
	}
	for _, r := range reports {
		m.Stores = append(m.Stores, storeRecord{Service: r.Service, Store: r.Store, Events: r.Events})
	}
	return problemsIn(reports)
}

// copyDatabases copies SQLite files and returns the copies, closed.
func (a *app) copyDatabases(ctx context.Context, from, to []store) (_ []store, err error) {
	for _, s := range from {
		if s.config.Driver != sqldb.SQLite {
			return nil, usage("the database of %s is PostgreSQL's: copy it with pg_dump; for keys use --only-keys", s.name)
		}
	}
	opened, closeAll, err := openStores(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	var copies []sqldb.FileCopy
	for i, s := range opened {
		copies = append(copies, sqldb.FileCopy{DB: s.db, To: to[i].config.DSN})
	}
	p := a.progress("copy databases")
	return to, sqldb.CopyFiles(ctx, func(done, total int) { p.tell(int64(done), int64(total), "pages") }, copies...)
}

func newRestore(a *app) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "restore FOLDER [KEYS-FOLDER]", Short: "Make a data folder from a backup",
		Long: `Checks every file of a backup against its manifest, copies them to a new data
folder and verifies the stores there. Nothing is overwritten: the data folder must
not exist, or be empty. A second folder names the backup of the keys, made with
--only-keys; take the newest, since an older one brings back what was erased.`,
		Example: `  redress restore /backup/2026-04-08 /safe/2026-04-08 --data /var/lib/redress
  redress serve --data /var/lib/redress`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return usage("name the new data folder with --data")
			}
			return a.restore(c.Context(), args, data)
		},
	}
	c.Flags().StringVar(&data, "data", "", "the data `FOLDER` to make")
	return c
}

func (a *app) restore(ctx context.Context, from []string, data string) error {
	var manifests []*manifest
	held := map[string]bool{}
	for _, folder := range from {
		m, err := readManifest(folder)
		if err != nil {
			return err
		}
		for _, what := range m.Holds {
			if held[what] {
				return usage("both backups hold %s: name one of them", what)
			}
			held[what] = true
		}
		if err := m.check(ctx, folder, a.progress("check "+folder)); err != nil {
			return fmt.Errorf("%s is damaged: %w", folder, err)
		}
		manifests = append(manifests, m)
	}
	if !held[databases] {
		return usage("%s holds only keys: name the backup of the databases first", from[0])
	}
	if err := newFolder(data); err != nil {
		return err
	}
	for i, folder := range from {
		if err := a.restoreFiles(ctx, folder, data, manifests[i]); err != nil {
			return err
		}
	}
	reports, err := a.verify(ctx, databasesOf(&process.Config{Data: data}))
	if err != nil {
		return err
	}
	if err := a.showVerified(reports); err != nil {
		return err
	}
	if err := problemsIn(reports); err != nil {
		return err
	}
	if !held[secrets] {
		a.say("No keys were restored. Put the folder keys into %s before it is served: a start without them makes new ones, and nothing personal could be read.", data)
	}
	return nil
}

func (a *app) restoreFiles(ctx context.Context, folder, data string, m *manifest) error {
	p := a.progress("restore " + folder)
	for i, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := filepath.FromSlash(f.Path)
		if err := copyFile(filepath.Join(folder, name), filepath.Join(data, name)); err != nil {
			return err
		}
		p.tell(int64(i+1), int64(len(m.Files)), "files")
	}
	return nil
}

// join lists words as one says them.
func join(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

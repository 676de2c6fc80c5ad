package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// FileCopy asks for a copy of a SQLite database.
type FileCopy struct {
	// DB is what is copied, whoever else uses it.
	DB *DB
	// To is the file to be made; it must not be there yet.
	To string
}

// copyStep is how many pages are copied before somebody is told and the context
// is looked at.
const copyStep = 1000

// CopyFiles makes the copies, all of them as of the same instant: no transaction
// is in one and what followed from it missing in another. Writers of the
// databases wait until every snapshot is taken, which is a matter of
// milliseconds, and go on while the pages are copied.
//
// progress is told pages done and in all; nil: nobody. After an error no file is
// left. PostgreSQL has no file to copy: that is an error.
func CopyFiles(ctx context.Context, progress func(done, total int), copies ...FileCopy) (err error) {
	for _, c := range copies {
		if c.DB.driver != SQLite {
			return errors.New("copy files: only SQLite has files; use pg_dump for PostgreSQL")
		}
		if _, err := os.Stat(c.To); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(fmt.Errorf("copy files: %s is there already", c.To), err)
		}
	}
	defer func() {
		if err != nil {
			for _, c := range copies {
				err = errors.Join(err, os.RemoveAll(c.To))
			}
		}
	}()
	snapshots, release, err := freeze(ctx, copies)
	defer func() { err = errors.Join(err, release()) }()
	if err != nil {
		return err
	}
	p := pages{report: progress}
	for i, c := range copies {
		if err := p.copy(ctx, snapshots[i], c.To); err != nil {
			return fmt.Errorf("copy to %s: %w", c.To, err)
		}
	}
	return nil
}

// freeze holds every writer, takes a snapshot of each database, and lets the
// writers go. The snapshots last until release.
func freeze(ctx context.Context, copies []FileCopy) (snapshots []*sql.Conn, release func() error, err error) {
	release = func() error {
		var errs []error
		for _, s := range snapshots {
			_, failed := s.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			errs = append(errs, failed, s.Close())
		}
		return errors.Join(errs...)
	}
	for _, c := range copies {
		letGo, err := c.DB.writer.hold(ctx)
		if err != nil {
			return snapshots, release, err
		}
		defer letGo()
	}
	for _, c := range copies {
		conn, err := c.DB.pool.Conn(ctx)
		if err != nil {
			return snapshots, release, classify("copy", err)
		}
		// BEGIN alone takes no snapshot; the first read does.
		for _, statement := range []string{"BEGIN", "SELECT count(*) FROM sqlite_schema"} {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return snapshots, release, errors.Join(classify("copy", err), conn.Close())
			}
		}
		snapshots = append(snapshots, conn)
	}
	return snapshots, release, nil
}

// hold begins a write transaction that writes nothing and keeps others from writing.
func (w *writer) hold(ctx context.Context) (letGo func(), err error) {
	select {
	case w.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, classify("hold", ctx.Err())
	}
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		<-w.turn
		return nil, classify("hold", err)
	}
	return func() {
		_, _ = w.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // nothing was written
		<-w.turn
	}, nil
}

// pages counts what is copied.
type pages struct {
	report      func(done, total int)
	done, total int
}

func (p *pages) copy(ctx context.Context, from *sql.Conn, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // SQLite fills it, with these rights
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	path, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	return from.Raw(func(driver any) error {
		b, err := driver.(interface {
			NewBackup(uri string) (*sqlite.Backup, error)
		}).NewBackup("file:" + (&url.URL{Path: path}).EscapedPath())
		if err != nil {
			return classify("copy", err)
		}
		for more := true; more; {
			if more, err = b.Step(copyStep); err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return errors.Join(classify("copy", err), b.Finish())
			}
			if p.report != nil {
				p.report(p.done+b.PageCount()-b.Remaining(), p.total+b.PageCount())
			}
		}
		p.done, p.total = p.done+b.PageCount(), p.total+b.PageCount()
		return b.Finish()
	})
}

package plain

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// pool is how many connections the plain transaction has. Source: PERFORMANCE section 2.
const pool = 32

// Store is a database with a way to put.
type Store interface {
	Put(ctx context.Context, id int64, body []byte) error
	Close() error
}

const (
	tables = `
		CREATE TABLE state (id BIGINT PRIMARY KEY, version BIGINT NOT NULL, body BYTEA NOT NULL);
		CREATE TABLE event (id BIGINT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (id, version));`
	insertState = `INSERT INTO state (id, version, body) VALUES ($1, 1, $2)`
	insertEvent = `INSERT INTO event (id, version, body) VALUES ($1, 1, $2)`
	manyStates  = `INSERT INTO state (id, version, body) SELECT id, 1, body FROM unnest($1::bigint[], $2::bytea[]) AS t(id, body)`
	manyEvents  = `INSERT INTO event (id, version, body) SELECT id, 1, body FROM unnest($1::bigint[], $2::bytea[]) AS t(id, body)`
)

// Transaction stores each call in a transaction of its own on PostgreSQL: BEGIN,
// two INSERTs, COMMIT.
type Transaction struct{ pool *pgxpool.Pool }

// NewTransaction makes the tables.
func NewTransaction(ctx context.Context, dsn string) (*Transaction, error) {
	p, err := open(ctx, dsn)
	return &Transaction{p}, err
}

func open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	c.MaxConns = pool
	p, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	_, err = p.Exec(ctx, tables)
	return p, err
}

// Put implements Store.
func (t *Transaction) Put(ctx context.Context, id int64, body []byte) error {
	return pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertState, id, body); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertEvent, id, body)
		return err
	})
}

// Close implements Store.
func (t *Transaction) Close() error {
	t.pool.Close()
	return nil
}

// row waits for its commit.
type row struct {
	id   int64
	body []byte
	done chan error
}

// grouping lets what waits share a commit; nothing waits longer than for the
// commit before it.
type grouping struct {
	rows  chan row
	ended sync.WaitGroup
}

// MostRows is how many calls share a commit at most, as our journal has it.
const MostRows = 128

func group(most int, commit func([]row) error) *grouping {
	g := &grouping{rows: make(chan row, 4096)}
	g.ended.Go(func() {
		for first := range g.rows {
			all := []row{first}
		more:
			for len(all) < most {
				select {
				case r, ok := <-g.rows:
					if !ok {
						break more
					}
					all = append(all, r)
				default:
					break more
				}
			}
			err := commit(all)
			for _, r := range all {
				r.done <- err
			}
		}
	})
	return g
}

// Put implements Store.
func (g *grouping) Put(_ context.Context, id int64, body []byte) error {
	r := row{id, body, make(chan error, 1)}
	g.rows <- r
	return <-r.done
}

func (g *grouping) end() {
	close(g.rows)
	g.ended.Wait()
}

// Group stores calls on PostgreSQL, those that wait in one commit: both inserts
// travel together and are one transaction, in one round trip.
type Group struct {
	*grouping

	pool *pgxpool.Pool
}

// NewGroup makes the tables.
func NewGroup(ctx context.Context, dsn string) (*Group, error) {
	p, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	return &Group{group(MostRows, func(rows []row) error {
		ids, bodies := make([]int64, len(rows)), make([][]byte, len(rows))
		for i, r := range rows {
			ids[i], bodies[i] = r.id, r.body
		}
		b := &pgx.Batch{}
		b.Queue(manyStates, ids, bodies)
		b.Queue(manyEvents, ids, bodies)
		return p.SendBatch(context.Background(), b).Close()
	}), p}, nil
}

// Close implements Store.
func (g *Group) Close() error {
	g.end()
	g.pool.Close()
	return nil
}

// SQLite stores calls in a file with the write-ahead log, every commit on the
// disk before it is answered (synchronous FULL), through one connection.
type SQLite struct {
	*grouping

	db *sql.DB
}

// NewSQLite makes the tables. most is how many calls may share a transaction: 1
// for a plain one.
func NewSQLite(path string, most int) (*SQLite, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(tables); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	state, err := db.Prepare(insertState)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	event, err := db.Prepare(insertEvent)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	commit := func(rows []row) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()                              // after Commit this does nothing
		states, events := tx.Stmt(state), tx.Stmt(event) //nolint:sqlclosecheck // they end with the transaction
		for _, r := range rows {
			if _, err := states.Exec(r.id, r.body); err != nil {
				return err
			}
			if _, err := events.Exec(r.id, r.body); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	return &SQLite{group(most, commit), db}, nil
}

// Close implements Store.
func (s *SQLite) Close() error {
	s.end()
	return s.db.Close()
}

package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"example.com/redress/services/kit/sqldb"
)

// forgotten is the version of terms that were taken away for good.
const forgotten = math.MaxInt64

// terms are what a resource is found by, as of a version.
type terms struct {
	version int64
	terms   []uint32 // sorted, each there once
}

// SetTerms says by which terms [Journal.Search] finds the resource, as it was in the
// version; of older ones than the one stored nothing is kept, so the order of
// arrival does not matter. A term means what the caller makes of it; few should be
// of a kind that most resources have. The name ends in a UUIDv7, see [Journal.NewID].
func (u *Unit) SetTerms(name string, version int64, all []uint32) error {
	if _, err := order(name); err != nil {
		return u.fail(fmt.Errorf("terms of %s: %w", name, err))
	}
	at := u.key(name)
	for _, o := range []*overlay{&u.own, &u.g.seen} {
		if t := o.terms[at]; t != nil && t.version > version {
			return nil
		}
	}
	all = slices.Clone(all)
	slices.Sort(all)
	u.own.terms[at] = &terms{version: version, terms: slices.Compact(all)}
	return nil
}

// ForgetTerms takes the resource's terms away, for good: who sets some later, or
// does so in a transaction that began before, sets none.
func (u *Unit) ForgetTerms(name string) error { return u.SetTerms(name, forgotten, nil) }

// order returns a number that rises with the time in the name's UUIDv7, to less than
// a microsecond: that of names made in one process, in the order in which they were.
func order(name string) (int64, error) {
	id, err := uuid.Parse(name[strings.LastIndexByte(name, '/')+1:])
	if err != nil {
		return 0, err
	}
	if id.Version() != 7 {
		return 0, fmt.Errorf("a UUID of version %d", id.Version())
	}
	const bitsOfVersion, bitsOfVariant = 4, 2
	high := binary.BigEndian.Uint64(id[:8])
	instant, turn := high>>16, high&0x0fff
	chance := uint64(id[8]<<bitsOfVariant) >> 5 // three bits: sixty-three in all
	return int64(instant<<(16-bitsOfVersion+3) | turn<<3 | chance), nil
}

// flushTerms writes what resources are found by.
func (g *group) flushTerms() error {
	keys := changed(g.seen.terms, func(*terms) bool { return true }, compareKeys)
	rows := make([][]any, len(keys))
	for i, k := range keys {
		t := g.seen.terms[k]
		rows[i] = []any{k.organization, k.name, t.version, g.j.encode(t.terms)}
		if g.j.db.Dialect() == sqldb.SQLite {
			id, err := order(k.name)
			if err != nil {
				return err
			}
			rows[i] = append([]any{id}, rows[i]...)
		}
	}
	return g.tx.ExecLater(g.ctx, g.j.store.terms, rows, nil) // one that changes no row is older
}

// encode writes terms as the statements take them, with blanks between them.
func (j *Journal) encode(all []uint32) string {
	var b strings.Builder
	for i, t := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		if j.db.Dialect() == sqldb.SQLite {
			fmt.Fprintf(&b, "%08x", t)
		} else {
			b.WriteString(strconv.Itoa(int(int32(t))))
		}
	}
	return b.String()
}

// newTermsStatement makes the upsert of terms. Terms that stay as they are cost no
// writing; of none the version counts too, as they may be forgotten ones.
func newTermsStatement(dialect string) *sqldb.Statement {
	const newer = `search_terms.version < excluded.version AND (search_terms.terms <> excluded.terms OR excluded.terms = '`
	const text, number = sqldb.Text, sqldb.Int
	if dialect == sqldb.Postgres {
		return sqldb.NewStatement("search_terms.upsert", `
			INSERT INTO search_terms (organization, name, version, terms)
			SELECT r.organization, r.name, r.version, string_to_array(r.terms, ' ')::integer[]
			FROM ({rows}) AS r (organization, name, version, terms)
			ON CONFLICT (organization, name) DO UPDATE SET version = excluded.version, terms = excluded.terms
			WHERE `+newer+`{}')`, text, text, number, text)
	}
	// Should two names have one id, the second takes the next free one.
	return sqldb.NewStatement("search_terms.upsert", `
		INSERT INTO search_terms (id, organization, name, version, terms)
		SELECT CASE WHEN EXISTS (SELECT 1 FROM search_terms t WHERE t.id = r.column1 AND (t.organization, t.name) <> (r.column2, r.column3))
		       THEN (SELECT max(t.id) + 1 FROM search_terms t WHERE t.id < r.column1 + 1024) ELSE r.column1 END,
		       r.column2, r.column3, r.column4, r.column5
		FROM ({rows}) AS r WHERE true
		ON CONFLICT DO UPDATE SET version = excluded.version, terms = excluded.terms
		WHERE search_terms.organization = excluded.organization AND search_terms.name = excluded.name AND `+newer+`')`,
		number, text, text, number, text)
}

// TermQuery asks for resources by their terms, the youngest first.
type TermQuery struct {
	// Organization must match.
	Organization string
	// All are terms that must all be there; none finds nothing.
	All []uint32
	// Limit is the size of a page; 0 means 50.
	Limit int
	// After is the Next of the page before, or the name of any row of it; "" for the first.
	After string
}

// Search returns a page of resources that have all the terms. A term may be shared
// by words of which the caller meant one: whoever knows compares what was found.
//
// Cost: two statements and up to five on PostgreSQL; for a term that every n-th
// resource has, it grows with n or with the number of those that have it, whichever
// is less.
func (j *Journal) Search(ctx context.Context, q TermQuery) (Page, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	if len(q.All) == 0 {
		return Page{}, nil
	}
	find := j.walk
	if j.db.Dialect() == sqldb.SQLite {
		find = j.match
	}
	names, err := find(ctx, q, q.Limit+1)
	if err != nil {
		return Page{}, refusal(err)
	}
	var p Page
	if len(names) > q.Limit {
		names = names[:q.Limit]
		p.Next = names[q.Limit-1]
	}
	if p.Rows, err = j.named(ctx, q.Organization, names); err != nil {
		return Page{}, refusal(err)
	}
	return p, nil
}

// named reads resources by their names, in the order of the names.
func (j *Journal) named(ctx context.Context, organization string, names []string) ([]Row, error) {
	if len(names) == 0 {
		return nil, nil
	}
	c := &composed{}
	c.add("SELECT name, version, state, update_time FROM resources WHERE organization = ", organization)
	before := " AND name IN ("
	for _, name := range names {
		c.add(before, name)
		before = ", "
	}
	c.add(")")
	found := make(map[string]Row, len(names))
	err := j.db.Query(ctx, "search_terms.rows", c.text.String(), c.args, func(row sqldb.Row) error {
		r := Row{Organization: organization}
		var updated int64
		if err := row.Scan(&r.Name, &r.Version, &r.State, &updated); err != nil {
			return err
		}
		r.Time = instant(updated)
		found[r.Name] = r
		return nil
	})
	rows := make([]Row, 0, len(names))
	for _, name := range names {
		if r, ok := found[name]; ok {
			rows = append(rows, r)
		}
	}
	return rows, err
}

// match finds names on SQLite, whose index has the ids in order.
func (j *Journal) match(ctx context.Context, q TermQuery, limit int) ([]string, error) {
	c := &composed{}
	c.add("SELECT s.name FROM search_index x CROSS JOIN search_terms s ON s.id = x.rowid WHERE x.search_index MATCH ", j.encode(q.All))
	if q.After != "" {
		id, err := order(q.After)
		if err != nil {
			return nil, err
		}
		c.add(" AND x.rowid < coalesce((SELECT id FROM search_terms WHERE organization = ", q.Organization)
		c.add(" AND name = ", q.After)
		c.add("), ", id)
		c.add(")")
	}
	c.add(" AND s.organization = ", q.Organization)
	c.add(" ORDER BY x.rowid DESC LIMIT ", int64(limit))
	return j.names(ctx, "search_terms.match", c)
}

// names runs a query for names.
func (j *Journal) names(ctx context.Context, op string, c *composed) (names []string, err error) {
	err = j.db.Query(ctx, op, c.text.String(), c.args, func(r sqldb.Row) error {
		var name string
		err := r.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

const (
	// walkFirst is how many of the youngest resources are looked at to learn how common the terms are.
	walkFirst = 1000
	// walkMost is how many are looked at in all before the other index is worth its cost:
	// it has to read and sort everything that has the terms. At a million resources the two
	// cost about the same for terms of one in 140, some 7,000 rows either way.
	walkMost = 10_000
	// gatherCost is what a row found by the other index costs, in halves of a row looked at
	// (measured: 1.4 µs against 0.6 to 1.1).
	gatherCost = 3
)

// walk finds names on PostgreSQL, whose index of terms has no order: what is common
// is found soon by looking at the youngest, what is rare by the index. The database's
// own estimate is not asked: it is that of a plan made before anything was stored.
func (j *Journal) walk(ctx context.Context, q TermQuery, limit int) ([]string, error) {
	var names []string
	wanted := make([]int32, len(q.All)) // PostgreSQL has no numbers without a sign
	for i, t := range q.All {
		wanted[i] = int32(t)
	}
	for looked, step := 0, walkFirst; step > 0; {
		found, last, all, rows, err := j.look(ctx, q, wanted, step)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
		if len(names) >= limit || all {
			return names[:min(limit, len(names))], nil
		}
		q.After = last
		looked += step
		step = 0
		if len(names) > 0 { // as common as it was so far, and half as much again
			step = (limit - len(names)) * looked / len(names) * 3 / 2
			if looked+step > walkMost || step > len(names)*int(rows)/looked*gatherCost/2 {
				step = 0
			}
		}
	}
	rest, err := j.gather(ctx, q, wanted, limit-len(names))
	return append(names, rest...), err
}

// look looks at the next resources and returns those that have the terms, the last
// one looked at, whether there are no more, and about how many rows the table has.
func (j *Journal) look(ctx context.Context, q TermQuery, wanted []int32, step int) (names []string, last string, all bool, rows int64, err error) {
	c := &composed{}
	c.add("WITH walked AS MATERIALIZED (SELECT s.name, s.terms @> ", wanted)
	c.add(" AS hit FROM (SELECT name, terms FROM search_terms WHERE organization = ", q.Organization)
	if q.After != "" {
		c.add(" AND name < ", q.After)
	}
	c.add(" ORDER BY name DESC LIMIT ", int64(step))
	c.add(") AS s) SELECT 0, name, 0 FROM walked WHERE hit UNION ALL (SELECT count(*), coalesce(min(name), ''), (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'search_terms'::regclass) FROM walked)")
	err = j.db.Query(ctx, "search_terms.walk", c.text.String(), c.args, func(r sqldb.Row) error {
		var n int
		var name string
		var about int64
		err := r.Scan(&n, &name, &about)
		if n == 0 && name != "" {
			names = append(names, name)
		} else {
			last, all, rows = name, n < step, about
		}
		return err
	})
	slices.Sort(names)
	slices.Reverse(names)
	return names, last, all, rows, err
}

// gather finds names by the index of terms. Only the terms are named beside it, so
// that no other index is taken.
func (j *Journal) gather(ctx context.Context, q TermQuery, wanted []int32, limit int) ([]string, error) {
	c := &composed{}
	c.add("WITH hits AS MATERIALIZED (SELECT organization, name FROM search_terms WHERE terms @> ", wanted)
	c.add(") SELECT name FROM hits WHERE organization = ", q.Organization)
	if q.After != "" {
		c.add(" AND name < ", q.After)
	}
	c.add(" ORDER BY name DESC LIMIT ", int64(limit))
	return j.names(ctx, "search_terms.gather", c)
}

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
// of a kind that most resources have. The name ends in a UUIDv7, see [Journal.NewID];
// the names that an organisation has terms of differ in nothing before it.
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

// bitsBelowMilliseconds of what order returns tell ids of one millisecond apart.
const bitsBelowMilliseconds = 15

// order returns a number that rises with the time in the name's UUIDv7, to less than
// a microsecond: that of names made in one process, in the order in which they were.
func order(name string) (int64, error) {
	text := name[strings.LastIndexByte(name, '/')+1:]
	id, err := uuid.Parse(text)
	if err != nil {
		return 0, err
	}
	if id.Version() != 7 || id.String() != text {
		return 0, fmt.Errorf("%q is not a UUIDv7 as it is usually written", text)
	}
	const bitsOfVariant = 2
	high := binary.BigEndian.Uint64(id[:8])
	instant, turn := high>>16, high&0x0fff
	chance := uint64(id[8]<<bitsOfVariant) >> 5 // three bits: sixty-three in all
	return int64(instant<<bitsBelowMilliseconds | turn<<3 | chance), nil
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
// Cost: two statements; on PostgreSQL one more for what none of the youngest thousand has. For
// what few of them have, or none though it is common, up to seven more, and up to seven again
// to find the youngest of very many that are close together.
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
	// walkFirst is how many of the youngest resources are looked at before the index of terms is asked.
	walkFirst = 1000
	// gatherMost is how many found by the index are read and sorted before it is asked for
	// shorter periods instead.
	gatherMost = 500
)

// Periods are told apart by how an id begins; each is sixteen times as long as the one before it.
const (
	shortestDigits = 9 // hexadecimal ones of the milliseconds: 4 s
	longestDigits  = 3 // 2 years
	digitsOfTime   = 12
	digitsAhead    = 8 // of the first hyphen
)

// periods are neighbours, all of a length: from the one of the number first to that of last.
type periods struct {
	digits      int
	first, last int64
}

// beginnings returns how ids begin that were made in the periods.
func (p periods) beginnings() []string {
	var all []string
	for n := p.first; n <= p.last; n++ {
		digits := fmt.Sprintf("%0*x", p.digits, n)
		if p.digits > digitsAhead {
			digits = digits[:digitsAhead] + "-" + digits[digitsAhead:]
		}
		all = append(all, digits)
	}
	return all
}

// parts returns what the periods are made of, one by one and the youngest first; one of
// the shortest has no parts.
func (p periods) parts() (all []periods) {
	if p.first == p.last {
		if p.digits == shortestDigits {
			return nil
		}
		p = periods{p.digits + 1, p.first * 16, p.first*16 + 15}
	}
	for n := p.last; n >= p.first; n-- {
		all = append(all, periods{p.digits, n, n})
	}
	return all
}

// since returns the periods that lead back from a time to the very first, the youngest
// first: where a longer one begins, those go on, one, one more, two, four and eight of them.
func since(milliseconds int64) (all []periods) {
	n := milliseconds >> (4 * (digitsOfTime - shortestDigits))
	for digits := shortestDigits; digits >= longestDigits && n >= 0; digits-- {
		end := n &^ 15 // where the longer ones go on
		if digits == longestDigits {
			end = 0
		}
		for last, many := n, int64(1); last >= end; many = n - last {
			first := max(end, last-many+1)
			all = append(all, periods{digits, first, last})
			last = first - 1
		}
		n = n/16 - 1
	}
	return all
}

// walk finds names on PostgreSQL, whose index of terms has no order. What is common
// among the youngest is found by looking at them. The rest is asked of the index by periods
// that become longer, and by the parts of one that holds too much. The database's own
// estimate is not asked: it is that of a plan made before anything was stored.
func (j *Journal) walk(ctx context.Context, q TermQuery, limit int) ([]string, error) {
	wanted := make([]int32, len(q.All)) // PostgreSQL has no numbers without a sign
	for i, t := range q.All {
		wanted[i] = int32(t)
	}
	names, last, all, err := j.look(ctx, q, wanted)
	if err != nil || all || len(names) >= limit {
		return names[:min(limit, len(names))], err
	}
	q.After = last
	at, err := order(last)
	if err != nil {
		return nil, err
	}
	for waiting := since(at >> bitsBelowMilliseconds); len(waiting) > 0 && len(names) < limit; {
		found, done, err := j.gather(ctx, q, wanted, waiting, limit-len(names))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
		if done == len(waiting) {
			break
		}
		waiting = append(waiting[done].parts(), waiting[done+1:]...)
	}
	return names, nil
}

// look looks at the youngest resources after q.After and returns those that have the
// terms, the last one looked at, and whether there are no more.
func (j *Journal) look(ctx context.Context, q TermQuery, wanted []int32) (names []string, last string, all bool, err error) {
	c := &composed{}
	c.add("WITH walked AS MATERIALIZED (SELECT s.name, s.terms @> ", wanted)
	c.add(" AS hit FROM (SELECT name, terms FROM search_terms WHERE organization = ", q.Organization)
	if q.After != "" {
		c.add(" AND name < ", q.After)
	}
	c.add(" ORDER BY name DESC LIMIT ", int64(walkFirst))
	c.add(") AS s) SELECT 0, name FROM walked WHERE hit UNION ALL (SELECT count(*), coalesce(min(name), '') FROM walked)")
	err = j.db.Query(ctx, "search_terms.walk", c.text.String(), c.args, func(r sqldb.Row) error {
		var n int
		var name string
		err := r.Scan(&n, &name)
		if n == 0 && name != "" {
			names = append(names, name)
		} else {
			last, all = name, n < walkFirst
		}
		return err
	})
	slices.Sort(names)
	slices.Reverse(names)
	return names, last, all, err
}

// gather finds names by the index of terms in periods, the youngest first, until there
// are enough of them or one has more hits than are read at once. It returns how many
// periods it is done with: all of them if there were enough.
//
// The database asks for one period after the other, and for none behind the one that ends
// it: the index makes a list of all hits in a period before the first is read. Terms are
// given by a subquery, and periods by a row: whatever the database knows of them, it takes
// them for rare, and not the whole table for shorter.
func (j *Journal) gather(ctx context.Context, q TermQuery, wanted []int32, all []periods, limit int) (names []string, done int, err error) {
	beginnings, most := make([]string, len(all)), make([]int64, len(all))
	for i, p := range all {
		beginnings[i], most[i] = strings.Join(p.beginnings(), ","), gatherMost
		if p.parts() == nil {
			most[i] = math.MaxInt32
		}
	}
	c := &composed{}
	c.add("WITH RECURSIVE periods AS MATERIALIZED (SELECT * FROM unnest(", beginnings)
	c.add("::text[], ", most)
	c.add(`::bigint[]) WITH ORDINALITY AS p (beginnings, most, at)), asked AS (
SELECT 0::bigint AS at, false AS many, 0::bigint AS total, ARRAY[]::text[] COLLATE "C" AS names
UNION ALL
SELECT p.at, f.many, a.total + cardinality(f.names), f.names FROM asked a JOIN periods p ON p.at = a.at + 1 CROSS JOIN LATERAL (
WITH hits AS MATERIALIZED (SELECT organization, name FROM search_terms WHERE terms @> (SELECT `, wanted)
	c.add(`::integer[]) AND periods && string_to_array(p.beginnings, ',') LIMIT p.most + 1)
SELECT (SELECT count(*) FROM hits) > p.most AS many, ARRAY(SELECT name FROM hits WHERE organization = `, q.Organization)
	c.add(" AND name < ", q.After)
	c.add(" ORDER BY name DESC LIMIT ", int64(limit))
	c.add(") AS names OFFSET 0) AS f WHERE NOT a.many AND a.total < ", int64(limit))
	c.add(") SELECT at, many, unnest(CASE WHEN many THEN ARRAY[''] ELSE names END) FROM asked")
	done = len(all)
	err = j.db.Query(ctx, "search_terms.gather", c.text.String(), c.args, func(r sqldb.Row) error {
		var at int64
		var many bool
		var name string
		if err := r.Scan(&at, &many, &name); err != nil {
			return err
		}
		if many {
			done = int(at) - 1
		} else {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	slices.Reverse(names)
	return names[:min(limit, len(names))], done, err
}

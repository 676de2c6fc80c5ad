package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"example.com/redress/services/kit/sqldb"
)

// DefaultLimit is how many rows a page has if its query does not say.
const DefaultLimit = 50

// Query asks for resources or projections of one kind, in order of their names.
type Query struct {
	// Organization and Kind must match.
	Organization, Kind string
	// Parent limits to children of that resource; "" for all. Not for projections.
	Parent string
	// Where lists attributes that must all be there.
	Where []Attr
	// Any lists attributes of which one must be there, instead of Where and Parent; nil
	// asks for none. Not for counts.
	// Cost: for each of them as many index entries as a page has rows, whatever there is.
	Any []Attr
	// Limit is the size of a page; 0 means 50.
	Limit int
	// After is the Next of the page before; "" for the first.
	After string
	// Descending returns the last names first. Names end in a UUIDv7: the youngest.
	Descending bool
}

// Row is a resource or projection as stored.
type Row struct {
	Organization, Name string
	Version            int64
	// State is the serialized message.
	State []byte
	// Time is when this version was stored.
	Time time.Time
}

// Page is a part of a list. Next goes into the next query's After; "" at the end.
type Page struct {
	Rows []Row
	Next string
}

// tables names what resources, or projections, live in.
type tables string

const (
	resourceTables   tables = "resources"
	projectionTables tables = "projections"
)

func (t tables) rows() string { return string(t) }

func (t tables) index() string {
	if t == resourceTables {
		return "resource_index"
	}
	return "projection_index"
}

// Get reads a resource into the message and returns its version, outside any
// transaction. RESOURCE_NOT_FOUND leaves the message as it was.
func (j *Journal) Get(ctx context.Context, organization, name string, into proto.Message) (int64, error) {
	version, ok, err := j.get(ctx, resourceTables, organization, name, into)
	if err == nil && !ok {
		return 0, notFound(name)
	}
	return version, err
}

// Projection reads another service's resource as last heard of; ok is false if
// nothing was.
func (j *Journal) Projection(ctx context.Context, organization, name string, into proto.Message) (version int64, ok bool, err error) {
	return j.get(ctx, projectionTables, organization, name, into)
}

func (j *Journal) get(ctx context.Context, t tables, organization, name string, into proto.Message) (version int64, ok bool, err error) {
	var state []byte
	err = j.db.Query(ctx, t.rows()+".get", `SELECT version, state FROM `+t.rows()+` WHERE organization = $1 AND name = $2`,
		[]any{organization, name}, func(r sqldb.Row) error {
			ok = true
			return r.Scan(&version, &state)
		})
	if err != nil {
		return 0, false, refusal(err)
	}
	if ok {
		if err := proto.Unmarshal(state, into); err != nil {
			return 0, false, refusal(fmt.Errorf("state of %s: %w", name, err))
		}
	}
	return version, ok, nil
}

// List returns a page of resources.
func (j *Journal) List(ctx context.Context, q Query) (Page, error) {
	return j.page(ctx, resourceTables, q)
}

// Projections returns a page of projections.
func (j *Journal) Projections(ctx context.Context, q Query) (Page, error) {
	return j.page(ctx, projectionTables, q)
}

func (j *Journal) page(ctx context.Context, t tables, q Query) (Page, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	var p Page
	if q.Any != nil {
		return j.pageAny(ctx, t, q, limit)
	}
	if err := list(ctx, j.db, t, q, limit+1, func(r Row) { p.Rows = append(p.Rows, r) }); err != nil {
		return Page{}, refusal(err)
	}
	if len(p.Rows) > limit {
		p.Rows = p.Rows[:limit]
		p.Next = p.Rows[limit-1].Name
	}
	return p, nil
}

// pageAny is page for a query with Any.
func (j *Journal) pageAny(ctx context.Context, t tables, q Query, limit int) (p Page, err error) {
	if len(q.Any) == 0 {
		return Page{}, nil
	}
	found, last := 0, ""
	err = listAny(ctx, j.db, t, q, limit+1, func(r Row, meant bool) {
		if found++; found > limit {
			p.Next = last
			return
		}
		if last = r.Name; meant {
			p.Rows = append(p.Rows, r)
		}
	})
	if err != nil {
		return Page{}, refusal(err)
	}
	return p, nil
}

// Count returns how many resources match; Limit, After and Descending do not matter.
func (j *Journal) Count(ctx context.Context, q Query) (int64, error) {
	return j.count(ctx, resourceTables, q)
}

// CountProjections returns how many projections match; Limit, After and Descending do not matter.
func (j *Journal) CountProjections(ctx context.Context, q Query) (int64, error) {
	return j.count(ctx, projectionTables, q)
}

func (j *Journal) count(ctx context.Context, t tables, q Query) (n int64, err error) {
	q.After = ""
	s := selection(t, q)
	err = j.db.Query(ctx, t.rows()+".count", "SELECT count(*)"+s.text.String(), s.args, func(r sqldb.Row) error { return r.Scan(&n) })
	if err != nil {
		return 0, refusal(err)
	}
	return n, nil
}

// list calls each for the rows that match, in order; limit 0 for all.
func list(ctx context.Context, db sqldb.Querier, t tables, q Query, limit int, each func(Row)) error {
	s := selection(t, q)
	s.add(" ORDER BY " + s.name)
	if q.Descending {
		s.add(" DESC")
	}
	if limit > 0 {
		s.add(" LIMIT ", int64(limit))
	}
	text := "SELECT r.name, r.version, r.state, r.update_time" + s.text.String()
	return db.Query(ctx, t.rows()+".list", text, s.args, func(row sqldb.Row) error {
		r := Row{Organization: q.Organization}
		var updated int64
		if err := row.Scan(&r.Name, &r.Version, &r.State, &updated); err != nil {
			return err
		}
		r.Time = instant(updated)
		each(r)
		return nil
	})
}

// listAny is list for a query with Any: the index entries of each attribute are in
// order, so the first of all are among the first of each. A term is a hash: the row
// says whether it is meant. One that is not leaves its page a row short.
func listAny(ctx context.Context, db sqldb.Querier, t tables, q Query, limit int, each func(Row, bool)) error {
	order := " ORDER BY name"
	after := " AND name > "
	if q.Descending {
		order, after = " ORDER BY name DESC", " AND name < "
	}
	c := &composed{}
	c.add("SELECT r.name, r.version, r.state, r.update_time, r.attributes FROM (SELECT DISTINCT name FROM (")
	for i, a := range q.Any {
		if i > 0 {
			c.add(" UNION ALL ")
		}
		c.add("SELECT name FROM (SELECT name FROM "+t.index()+" WHERE term = ", term(q.Organization, q.Kind, a))
		if q.After != "" {
			c.add(after, q.After)
		}
		c.add(order+" LIMIT ", int64(limit))
		c.add(fmt.Sprintf(") AS a%d", i))
	}
	c.add(") AS u"+order+" LIMIT ", int64(limit))
	c.add(") AS i JOIN "+t.rows()+" r ON r.name = i.name AND r.organization = ", q.Organization)
	c.add(" ORDER BY i.name")
	if q.Descending {
		c.add(" DESC")
	}
	return db.Query(ctx, t.rows()+".list_any", c.text.String(), c.args, func(row sqldb.Row) error {
		r := Row{Organization: q.Organization}
		var updated int64
		var attributes string
		if err := row.Scan(&r.Name, &r.Version, &r.State, &updated, &attributes); err != nil {
			return err
		}
		r.Time = instant(updated)
		has := decodeAttrs(attributes)
		each(r, slices.ContainsFunc(q.Any, func(a Attr) bool { return has.match([]Attr{a}) }))
		return nil
	})
}

// find calls each for the names of the rows that match, in order.
func find(ctx context.Context, db sqldb.Querier, t tables, organization, kind string, where []Attr, each func(string)) error {
	s := selection(t, Query{Organization: organization, Kind: kind, Where: where})
	s.add(" ORDER BY " + s.name)
	return db.Query(ctx, t.rows()+".find", "SELECT r.name"+s.text.String(), s.args, func(row sqldb.Row) error {
		var name string
		if err := row.Scan(&name); err != nil {
			return err
		}
		each(name)
		return nil
	})
}

// composed is a statement under construction. Its arguments get their numbers
// in the order of their places, which every driver understands.
type composed struct {
	text strings.Builder
	args []any
	name string // column that gives the order
}

// add appends text, each time followed by the place of an argument.
func (c *composed) add(text string, args ...any) {
	c.text.WriteString(text)
	for _, a := range args {
		c.args = append(c.args, a)
		fmt.Fprintf(&c.text, "$%d", len(c.args))
	}
}

// selection is the FROM and WHERE of a query. With attributes the index of the
// first leads, which has the names in order; the others are looked up in theirs.
// Terms are hashes, so the row must say that it has each attribute: what a
// replacement changes has it, in either dialect.
func selection(t tables, q Query) *composed {
	c := &composed{name: "r.name"}
	if len(q.Where) > 0 {
		c.name = "i.name"
		c.add(" FROM "+t.index()+" i JOIN "+t.rows()+" r ON r.name = i.name WHERE r.organization = ", q.Organization)
		c.add(" AND i.term = ", term(q.Organization, q.Kind, q.Where[0]))
		for _, a := range q.Where[1:] {
			c.add(" AND EXISTS (SELECT 1 FROM "+t.index()+" o WHERE o.name = i.name AND o.term = ", term(q.Organization, q.Kind, a))
			c.add(")")
		}
		for _, a := range q.Where {
			c.add(" AND replace(r.attributes, ", a.encoded())
			c.add(", '') <> r.attributes")
		}
	} else {
		c.add(" FROM "+t.rows()+" r WHERE r.organization = ", q.Organization)
	}
	c.add(" AND r.kind = ", q.Kind)
	if q.Parent != "" && t == resourceTables {
		c.add(" AND r.parent <> '' AND r.parent = ", q.Parent) // the index leaves out what has none
	}
	if q.After != "" {
		after := " > "
		if q.Descending {
			after = " < "
		}
		c.add(" AND "+c.name+after, q.After)
	}
	return c
}

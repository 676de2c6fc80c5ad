package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
)

// Type is the type of a column in the rows of a [Statement].
type Type int

// The types, with the Go type a row holds.
const (
	Text    Type = iota // string
	Int                 // int64
	Bytes               // []byte, not nil
	IntNull             // *int64
)

// Statement works on many rows at once. It is one of the places where the
// dialects differ: PostgreSQL gets one statement with an array for each column,
// SQLite prepared statements for some rows at a time.
//
// PostgreSQL takes the rows in the order given. Whoever locks rows sorts them by
// key first, so that two transactions never wait for each other.
//
// A Statement is immutable and safe for concurrent use.
type Statement struct {
	op      string
	many    string    // PostgreSQL: arrays
	few     [3]string // SQLite: as many rows as batches says
	columns []Type
	writes  bool
}

// batches are the numbers of rows that SQLite has statements for. More rows a
// statement save the cost of running one, which for a small row is half of all.
func batches() [3]int { return [...]int{32, 8, 1} }

// NewStatement makes a statement named op. In its text {rows} stands for the
// rows, of columns of the given types:
//
//	INSERT INTO t (a, b) {rows} ON CONFLICT (a) DO UPDATE SET b = excluded.b
//
// Arguments other than the rows are not possible.
func NewStatement(op, text string, columns ...Type) *Statement {
	s := &Statement{op: op, many: strings.ReplaceAll(text, "{rows}", "SELECT * FROM "+unnest(columns)), columns: columns, writes: true}
	for i, n := range batches() {
		s.few[i] = strings.ReplaceAll(text, "{rows}", values(n, len(columns)))
	}
	return s
}

// values is a list of n rows of arguments.
func values(n, columns int) string {
	var b strings.Builder
	b.WriteString("VALUES ")
	for i := range n * columns {
		switch {
		case i == 0:
			b.WriteString("(?") // with a number the driver would look for it by name
		case i%columns == 0:
			b.WriteString("), (?")
		default:
			b.WriteString(", ?")
		}
	}
	return b.String() + ")"
}

func unnest(columns []Type) string {
	arrays := make([]string, len(columns))
	for i, c := range columns {
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, [...]string{"text", "bigint", "bytea", "bigint"}[c])
	}
	return "unnest(" + strings.Join(arrays, ", ") + ")"
}

// Key is a column of a table by which rows are looked up.
type Key struct {
	Name string
	Type Type
}

// NewLookup makes a statement that reads the columns of the table's rows whose
// keys are among those given. The keys must be the beginning of an index.
//
// On PostgreSQL the fence (OFFSET 0) makes it one search of the index for each
// row. A join by IN was read as "scan the whole table and hash it": the plan is
// made when the table is young and empty, and kept while it grows.
func NewLookup(op, columns, table string, keys ...Key) *Statement {
	return NewPartialLookup(op, columns, table, "", keys...)
}

// NewPartialLookup is [NewLookup] with a partial index: only is its condition, a
// column and what it is compared with ("parent <> ”"), without which the index
// would not be used.
//
// On PostgreSQL the keys are compared as one row, from it and up to it, which no other
// index can answer: compared one by one, an index that begins with the second or third of
// them is as cheap in a table of a hundred rows without statistics, and the plan that is
// made then reads all of an organisation for each row once the table has grown.
func NewPartialLookup(op, columns, table, only string, keys ...Key) *Statement {
	s := &Statement{op: op, many: "SELECT " + columns + " FROM " + fenced("*", table, only, keys), columns: types(keys)}
	var compare []string
	if only != "" {
		compare = append(compare, "t."+only)
	}
	for i, k := range keys {
		compare = append(compare, fmt.Sprintf("t.%s = wanted.column%d", k.Name, i+1))
	}
	for i, n := range batches() {
		if n == 1 {
			s.few[i] = "SELECT " + columns + " FROM " + table + " WHERE " + given(keys)
			if only != "" {
				s.few[i] += " AND " + only
			}
			continue
		}
		// CROSS JOIN fixes the order: a search of the table for each row wanted.
		s.few[i] = "SELECT " + columns + " FROM (" + values(n, len(keys)) + ") AS wanted CROSS JOIN " + table + " t WHERE " + strings.Join(compare, " AND ")
	}
	return s
}

// NewSearch makes a statement that reads rows of a table through a table of terms:
// for each row given, a term and the owner, term and columns of the owner's rows of
// that name. The terms' key must be (term, name), the table's (owner, name). Fenced
// as [NewLookup] is.
func NewSearch(op, columns, terms, table, owner string) *Statement {
	keys := []Key{{Name: "term", Type: Int}, {Name: owner}}
	s := &Statement{op: op, columns: types(keys)}
	s.many = "SELECT wanted.k1, found.* FROM " + unnest(s.columns) + " AS wanted(k1, k2)" +
		" CROSS JOIN LATERAL (SELECT i.name FROM " + terms + " i WHERE i.term = wanted.k1 OFFSET 0) AS at" +
		" CROSS JOIN LATERAL (SELECT " + columns + " FROM " + table + " WHERE " + owner + " = wanted.k2 AND name = at.name OFFSET 0) AS found"
	for i, n := range batches() {
		s.few[i] = "SELECT wanted.column1, " + columns + " FROM (" + values(n, len(keys)) + ") AS wanted" +
			" CROSS JOIN (SELECT term, name AS found FROM " + terms + ") AS at CROSS JOIN " + table +
			" WHERE at.term = wanted.column1 AND " + owner + " = wanted.column2 AND name = at.found"
	}
	return s
}

// NewDelete makes a statement that deletes the rows of the table whose keys are
// among those given, found as by [NewLookup].
func NewDelete(op, table string, keys ...Key) *Statement {
	s := &Statement{
		op: op, columns: types(keys), writes: true,
		many: "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT found.ctid FROM " + fenced("ctid", table, "", keys) + "))",
	}
	s.few[len(s.few)-1] = "DELETE FROM " + table + " WHERE " + given(keys)
	return s
}

func types(keys []Key) []Type {
	out := make([]Type, len(keys))
	for i, k := range keys {
		out[i] = k.Type
	}
	return out
}

// given compares every key with its argument.
func given(keys []Key) string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = fmt.Sprintf("%s = $%d", k.Name, i+1)
	}
	return strings.Join(all, " AND ")
}

// fenced is the FROM that searches the table once for each row of the arrays.
func fenced(columns, table, only string, keys []Key) string {
	asked, names, compare := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		asked[i] = fmt.Sprintf("k%d", i+1)
		names[i] = "t." + k.Name
		compare[i] = names[i] + " = wanted." + asked[i]
	}
	if only != "" {
		row, wanted := "("+strings.Join(names, ", ")+")", "(wanted."+strings.Join(asked, ", wanted.")+")"
		compare = []string{row + " >= " + wanted, row + " <= " + wanted, "t." + only}
	}
	return unnest(types(keys)) + " AS wanted(" + strings.Join(asked, ", ") + ")" +
		" CROSS JOIN LATERAL (SELECT t." + columns + " FROM " + table + " t WHERE " + strings.Join(compare, " AND ") + " OFFSET 0) AS found"
}

// Op returns the statement's name.
func (s *Statement) Op() string { return s.op }

// ExecRows runs s on the rows, each in the order of the columns, and returns how
// many rows of the table changed. No rows, no statement.
func (t *Tx) ExecRows(ctx context.Context, s *Statement, rows [][]any) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if t.db.driver == Postgres {
		return t.Exec(ctx, s.op, s.many, s.arrays(rows)...)
	}
	var changed int64
	return changed, s.batched(rows, func(text string, args []any) error {
		n, err := t.Exec(ctx, s.op, text, args...)
		changed += n
		return err
	})
}

// QueryRows runs s on the rows and calls each for every row of the result, in no
// particular order. No rows, no statement.
func (t *Tx) QueryRows(ctx context.Context, s *Statement, rows [][]any, each func(Row) error) error {
	if len(rows) == 0 {
		return nil
	}
	if t.db.driver == Postgres {
		return t.Query(ctx, s.op, s.many, s.arrays(rows), each)
	}
	if s.writes {
		if err := t.writes(ctx); err != nil {
			return err
		}
	}
	return s.batched(rows, func(text string, args []any) error { return t.Query(ctx, s.op, text, args, each) })
}

// ExecLater is ExecRows whose statement may wait: in a [DB.WriteGroup] on
// PostgreSQL it travels with the next [Tx.Send], read or COMMIT. check gets the
// number of rows changed, and its error ends the transaction; nil checks nothing.
func (t *Tx) ExecLater(ctx context.Context, s *Statement, rows [][]any, check func(changed int64) error) error {
	if len(rows) == 0 {
		return nil
	}
	if t.pipe == nil {
		n, err := t.ExecRows(ctx, s, rows)
		if err != nil || check == nil {
			return err
		}
		return check(n)
	}
	t.pipe.add(piped{op: s.op, query: s.many, args: s.arrays(rows), check: check})
	return t.db.strike(s.op)
}

// QueryLater is QueryRows whose read may wait like [Tx.ExecLater]; what it finds
// is there after the next Send.
func (t *Tx) QueryLater(ctx context.Context, s *Statement, rows [][]any, each func(Row) error) error {
	if len(rows) == 0 {
		return nil
	}
	if t.pipe == nil {
		return t.QueryRows(ctx, s, rows, each)
	}
	t.pipe.add(piped{op: s.op, query: s.many, args: s.arrays(rows), each: each})
	return t.db.strike(s.op)
}

// Remote reports whether a read costs a round trip, which reads sent together share.
func (t *Tx) Remote() bool { return t.pipe != nil }

// Send runs the statements that wait.
func (t *Tx) Send(ctx context.Context) error {
	if t.pipe == nil {
		return nil
	}
	return t.pipe.send(ctx)
}

// batched calls run for as many rows at a time as there is a statement for.
func (s *Statement) batched(rows [][]any, run func(text string, args []any) error) error {
	for i, n := range batches() {
		for s.few[i] != "" && len(rows) >= n {
			if err := run(s.few[i], slices.Concat(rows[:n]...)); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

// arrays turns rows into one slice for each column.
func (s *Statement) arrays(rows [][]any) []any {
	out := make([]any, len(s.columns))
	for i, c := range s.columns {
		switch c {
		case Text:
			out[i] = pgtype.FlatArray[string](column[string](rows, i)) // a type the driver encodes without reflection
		case Int:
			out[i] = pgtype.FlatArray[int64](column[int64](rows, i))
		case Bytes:
			out[i] = pgtype.FlatArray[[]byte](column[[]byte](rows, i))
		case IntNull:
			out[i] = pgtype.FlatArray[*int64](column[*int64](rows, i))
		}
	}
	return out
}

func column[T any](rows [][]any, i int) []T {
	out := make([]T, len(rows))
	for n, row := range rows {
		out[n] = row[i].(T)
	}
	return out
}

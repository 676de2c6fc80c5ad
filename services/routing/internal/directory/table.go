package directory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/redress/services/kit/fault"
)

// maxRows is how many rows a table may have. A row of a person has some hundred
// bytes, so a table of the largest size has about as many.
const maxRows = 10_000

// maxProblems is how many violations an answer holds; the rest shows once these are gone.
const maxProblems = 5_000

// Records a row may be of.
const (
	recordPerson     = "person"
	recordDepartment = "department"
	recordAssignment = "assignment"
	recordChannel    = "channel"
)

// columns lists the columns of a table; header says record in the first.
func columns() []string {
	return []string{"record", "id", "zh", "en", "email", "telephone", "functions", "superior", "role", "department", "owner"}
}

// uses lists the columns of each record besides record and id.
func uses() map[string][]string {
	return map[string][]string{
		recordPerson:     {"zh", "en", "email", "telephone", "functions", "superior"},
		recordDepartment: {"zh", "en", "department"}, // department: the one above
		recordAssignment: {"role", "department", "owner"},
		recordChannel:    {"owner"},
	}
}

// problem is one thing wrong with a table.
type problem struct {
	row    int // line of the table, the header is 1
	column string
	err    *fault.Error
}

// row is one row of a table that has a known record.
type row struct {
	line   int
	record string
	cells  map[string]string // by column, without space around; absent columns are not there
}

// given reports whether the table has the column; what a table does not speak of stays as it is.
func (r row) given(column string) bool {
	_, ok := r.cells[column]
	return ok
}

func (r row) id() string { return r.cells["id"] }

// name returns the resource the row speaks of.
func (r row) name() string {
	switch r.record {
	case recordPerson:
		return people + r.id()
	case recordDepartment:
		return departments + r.id()
	case recordAssignment:
		return people + r.cells["owner"] + "/assignments/" + r.id()
	default:
		return channels + r.id()
	}
}

// problems gathers what is wrong.
type problems []problem

func (p *problems) add(row int, column, reason string, facts ...string) {
	kind := fault.Invalid
	for _, e := range Reasons() {
		if e.Reason == reason {
			kind = e.Kind
		}
	}
	p.fault(row, column, fault.New(kind, reason, facts...))
}

func (p *problems) fault(row int, column string, err *fault.Error) {
	*p = append(*p, problem{row: row, column: column, err: err})
}

// tidy puts problems in order of rows, and within a row of columns, and keeps as
// many as an answer holds.
func (p *problems) tidy() {
	order := columns()
	slices.SortStableFunc(*p, func(a, b problem) int {
		if a.row != b.row {
			return a.row - b.row
		}
		return slices.Index(order, a.column) - slices.Index(order, b.column)
	})
	*p = (*p)[:min(len(*p), maxProblems)]
}

// parse reads a table and checks every cell by itself. Rows that cannot be told
// apart are left out; the problems say why.
//
// The bytes are CSV as RFC 4180 has it, UTF-8 with or without byte order mark.
// Lines without any cell are passed over.
func parse(table []byte) ([]row, problems) {
	var found problems
	table = bytes.TrimPrefix(table, []byte("\xef\xbb\xbf"))
	if line := brokenLine(table); line > 0 {
		found.add(line, "", ReasonTableEncoding)
		return nil, found
	}
	r := csv.NewReader(bytes.NewReader(table))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		found.add(1, "", ReasonTableUnreadable)
		return nil, found
	}
	if checkHeader(header, &found); len(found) > 0 {
		return nil, found
	}
	var rows []row
	for n := 0; ; n++ {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, found
		}
		if err != nil {
			line := 0
			if broken, ok := errors.AsType[*csv.ParseError](err); ok {
				line = broken.StartLine
			}
			found.add(line, "", ReasonTableUnreadable)
			return rows, found
		}
		line, _ := r.FieldPos(0)
		if n == maxRows {
			found.add(line, "", ReasonTableLong, "limit", strconv.Itoa(maxRows))
			return rows, found
		}
		if row, ok := readRow(header, cells, line, &found); ok {
			rows = append(rows, row)
		}
	}
}

// brokenLine returns the first line that is not UTF-8, or 0.
func brokenLine(table []byte) int {
	if utf8.Valid(table) {
		return 0
	}
	for i, line := range bytes.Split(table, []byte("\n")) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 1
}

// maxQuoted is how much of a cell a message repeats.
const maxQuoted = 40

func short(s string) string {
	if runes := []rune(s); len(runes) > maxQuoted {
		return string(runes[:maxQuoted]) + "…"
	}
	return s
}

func checkHeader(header []string, found *problems) {
	seen := map[string]bool{}
	for i, column := range header {
		column = strings.TrimSpace(column)
		header[i] = column
		switch {
		case i > 2*len(columns()):
			return // something else than a directory; enough was said
		case !slices.Contains(columns(), column):
			found.add(1, short(column), ReasonColumnUnknown, "column", short(column), "allowed", strings.Join(columns(), ", "))
		case seen[column]:
			found.add(1, column, ReasonColumnRepeated, "column", column)
		}
		seen[column] = true
	}
	for _, column := range []string{"record", "id"} {
		if !seen[column] {
			found.add(1, column, ReasonColumnMissing, "column", column)
		}
	}
}

// readRow checks the cells of a row; ok is false if nobody can say what it speaks of.
func readRow(header, cells []string, line int, found *problems) (row, bool) {
	if len(cells) != len(header) {
		found.add(line, "", ReasonCellCount, "cells", strconv.Itoa(len(cells)), "columns", strconv.Itoa(len(header)))
		return row{}, false
	}
	r := row{line: line, cells: make(map[string]string, len(header))}
	for i, column := range header {
		r.cells[column] = strings.TrimSpace(cells[i])
	}
	r.record = r.cells["record"]
	used, ok := uses()[r.record]
	if !ok {
		found.add(line, "record", ReasonRecordUnknown, "record", short(r.record),
			"allowed", strings.Join([]string{recordPerson, recordDepartment, recordAssignment, recordChannel}, ", "))
		return row{}, false
	}
	for _, column := range header {
		if value := r.cells[column]; value != "" && column != "record" && column != "id" && !slices.Contains(used, column) {
			found.add(line, column, ReasonCellUnused, "record", r.record, "column", column)
		}
	}
	checkCells(r, found)
	return r, true
}

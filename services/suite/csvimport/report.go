package csvimport

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Format is how a report is written.
type Format string

// Formats of reports.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// Reporter writes one line for each row: what it became, or why it was refused.
// It repeats no cell of the file.
type Reporter struct {
	csv  *csv.Writer
	json *json.Encoder
}

// NewReporter returns a reporter that writes to w; JSON writes an object a line.
func NewReporter(w io.Writer, f Format) (*Reporter, error) {
	switch f {
	case CSV:
		r := &Reporter{csv: csv.NewWriter(w)}
		return r, r.csv.Write([]string{"row", "line", "outcome", "number", "complaint", "repeat_of", "reason", "fields", "text"})
	case JSON:
		return &Reporter{json: json.NewEncoder(w)}, nil
	}
	return nil, fmt.Errorf("a report is written as %s or %s, not as %q", CSV, JSON, f)
}

type line struct {
	Row       int64    `json:"row"`
	Line      int64    `json:"line"`
	Outcome   string   `json:"outcome"`
	Number    string   `json:"number,omitempty"`
	Complaint string   `json:"complaint,omitempty"`
	RepeatOf  string   `json:"repeat_of,omitempty"`
	Reason    string   `json:"reason,omitempty"`
	Fields    []string `json:"fields,omitempty"`
	Text      string   `json:"text,omitempty"`
}

// Row writes the line of a row.
func (r *Reporter) Row(o Outcome) error {
	l := line{Row: o.Row, Line: o.Line, Outcome: "ACCEPTED", Number: o.Number, Complaint: o.Complaint, RepeatOf: o.RepeatOf}
	if o.Problem != nil {
		l.Outcome, l.Reason, l.Fields, l.Text = "REFUSED", o.Problem.Reason, o.Problem.Fields, o.Problem.Words()
	}
	if r.json != nil {
		return r.json.Encode(l)
	}
	cells := []string{
		strconv.FormatInt(l.Row, 10), strconv.FormatInt(l.Line, 10), l.Outcome, l.Number, l.Complaint, l.RepeatOf, l.Reason, strings.Join(l.Fields, " "), l.Text,
	}
	for i := range cells {
		cells[i] = inert(cells[i])
	}
	return r.csv.Write(cells)
}

// Flush writes what is still held back.
func (r *Reporter) Flush() error {
	if r.csv == nil {
		return nil
	}
	r.csv.Flush()
	return r.csv.Error()
}

// inert keeps spreadsheets from taking a cell for a formula.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
		return "'" + cell
	}
	return cell
}

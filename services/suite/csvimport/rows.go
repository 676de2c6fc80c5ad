package csvimport

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Limits of what is read of a file.
const (
	// MaxColumns is how many columns a row may have.
	MaxColumns = 1000
	// MaxRecord is how many bytes a row may have, with its line breaks.
	MaxRecord = 1 << 20
)

// row is one record of the file, or what is wrong with it.
type row struct {
	// number counts records from 1, the header is not counted. line is where it begins.
	number, line int64
	cells        []string
	problem      *Problem
}

// rows reads records one by one. A record that is broken is given back as such and
// reading goes on behind its first line: an open quote takes no other row with it.
type rows struct {
	r       *bufio.Reader
	ahead   []string // lines read beyond a broken record
	line    int64    // of the next line
	number  int64
	skipped bool // the record at hand was longer than is read
}

func newRows(r *bufio.Reader) *rows { return &rows{r: r, line: 1} }

// nextLine returns a line with its line break; io.EOF behind the last.
func (r *rows) nextLine() (string, error) {
	if len(r.ahead) > 0 {
		l := r.ahead[0]
		r.ahead = r.ahead[1:]
		return l, nil
	}
	var b strings.Builder
	for {
		part, err := r.r.ReadSlice('\n')
		if b.Len()+len(part) <= MaxRecord {
			b.Write(part)
		} else {
			r.skipped = true
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && b.Len() > 0:
			return b.String(), nil
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return "", err
		}
	}
}

// next returns the next record; io.EOF at the end. Empty lines are no records.
func (r *rows) next() (row, error) {
	for {
		r.skipped = false
		first, err := r.nextLine()
		if err != nil {
			return row{}, err
		}
		at := r.line
		if strings.Trim(first, "\r\n") == "" {
			r.line++
			continue
		}
		r.number++
		out := row{number: r.number, line: at}
		if r.skipped {
			r.line++
			out.problem = &Problem{Reason: ReasonTooLong}
			return out, nil
		}
		cells, open, problem := split(first)
		if !open {
			r.line++
			out.cells, out.problem = cells, problem
			return out, nil
		}
		return r.joined(out, first)
	}
}

// joined reads a record that begins with a line whose quote is not closed.
func (r *rows) joined(out row, first string) (row, error) {
	lines, size, quotes := []string{first}, len(first), strings.Count(first, `"`)
	for {
		more, err := r.nextLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return row{}, err
		}
		if err != nil || r.skipped || size+len(more) > MaxRecord {
			// The quote is not closed: the record is its first line, the others are rows of their own.
			out.problem = &Problem{Reason: ReasonQuoteOpen}
			if err == nil {
				lines = append(lines, more)
			}
			r.line += int64(len(lines))
			r.again(lines)
			return out, nil
		}
		lines, size, quotes = append(lines, more), size+len(more), quotes+strings.Count(more, `"`)
		if quotes%2 != 0 {
			continue // a doubled quote counts twice: the field is still open
		}
		cells, _, problem := split(strings.Join(lines, ""))
		r.line += int64(len(lines))
		out.cells, out.problem = cells, problem
		if problem != nil {
			r.again(lines)
		}
		return out, nil
	}
}

// again gives the lines behind the first back.
func (r *rows) again(lines []string) {
	r.ahead = append(append([]string{}, lines[1:]...), r.ahead...)
	r.line -= int64(len(lines) - 1)
}

// split returns the cells of a record (RFC 4180). open tells that a quote is not
// closed yet.
func split(s string) (cells []string, open bool, problem *Problem) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	for {
		if len(cells) == MaxColumns {
			return nil, false, &Problem{Reason: ReasonColumns}
		}
		if !strings.HasPrefix(s, `"`) {
			i := strings.IndexByte(s, ',')
			cell := s
			if i >= 0 {
				cell = s[:i]
			}
			if strings.Contains(cell, `"`) {
				return nil, false, &Problem{Reason: ReasonQuote}
			}
			cells = append(cells, cell)
			if i < 0 {
				return cells, false, nil
			}
			s = s[i+1:]
			continue
		}
		var b strings.Builder
		s = s[1:]
		for {
			i := strings.IndexByte(s, '"')
			if i < 0 {
				return nil, true, nil
			}
			b.WriteString(s[:i])
			s = s[i+1:]
			if !strings.HasPrefix(s, `"`) {
				break
			}
			b.WriteByte('"')
			s = s[1:]
		}
		cells = append(cells, strings.ReplaceAll(b.String(), "\r\n", "\n"))
		switch {
		case s == "":
			return cells, false, nil
		case s[0] != ',':
			return nil, false, &Problem{Reason: ReasonQuote}
		}
		s = s[1:]
	}
}

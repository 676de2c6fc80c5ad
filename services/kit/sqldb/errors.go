package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Class is what an error of the database means to who asked.
type Class int

// The classes.
const (
	// Other: the statement cannot succeed as it is.
	Other Class = iota
	// Unique: a row of that key is there already.
	Unique
	// Serialization: the database gave up one of several concurrent
	// transactions; the same one may succeed now (40001).
	Serialization
	// Deadlock: as Serialization, because two waited for each other (40P01).
	Deadlock
	// Unavailable: the database is away, full or overloaded; nothing was written.
	Unavailable
	// Unknown: the connection broke during a commit, which may or may not stand.
	Unknown
)

// String returns the class in words.
func (c Class) String() string {
	return [...]string{"other", "unique", "serialization failure", "deadlock", "unavailable", "outcome unknown"}[c]
}

// Retryable reports whether running the transaction again makes sense at once.
func (c Class) Retryable() bool { return c == Serialization || c == Deadlock }

// Error is an error of the database with its class. It wraps a context's error
// if that was the cause, and never one of a driver.
type Error struct {
	// Class is what it means.
	Class Class
	// Op names the statement.
	Op string

	text  string
	cause error
}

// NewError returns an error of the class, for fakes that stand in for a database.
func NewError(class Class, op, text string) *Error { return &Error{Class: class, Op: op, text: text} }

// Error returns operation, class and the database's own words.
func (e *Error) Error() string { return e.Op + ": " + e.Class.String() + ": " + e.text }

// Unwrap returns the context's error that was the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// ClassOf returns the class of the first [Error] in err's chain, [Other] if there is none.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Other
}

// classify turns a driver's error into ours; nil stays nil.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Class: classOf(err), Op: op, text: err.Error()}
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, sql.ErrNoRows} {
		if errors.Is(err, known) {
			e.cause = known
		}
	}
	return e
}

// classifyCommit is classify for COMMIT on PostgreSQL: unless the server itself
// refused, nobody knows whether it happened.
func classifyCommit(err error) error {
	e := func() *Error {
		target := &Error{}
		_ = errors.As(classify("commit", err), &target)
		return target
	}()
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || e.Class == Unavailable {
		e.Class = Unknown
	}
	return e
}

func classOf(err error) Class {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classOfState(pg.Code)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return classOfCode(lite.Code())
	}
	var refused *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &refused), errors.As(err, &network),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		strings.Contains(err.Error(), "conn closed"), // pgconn has no value for it
		strings.Contains(err.Error(), "database is closed"):
		return Unavailable
	}
	return Other
}

// classOfState reads a SQLSTATE (PostgreSQL manual, appendix A).
func classOfState(code string) Class {
	switch {
	case code == "23505":
		return Unique
	case code == "40001":
		return Serialization
	case code == "40P01":
		return Deadlock
	case strings.HasPrefix(code, "08"), // connection exception
		strings.HasPrefix(code, "53"),                     // insufficient resources
		strings.HasPrefix(code, "57P"),                    // shutdown
		strings.HasPrefix(code, "58"),                     // system error, disk among them
		code == "55P03", code == "25006", code == "57014": // lock not available; read-only standby; cancelled
		return Unavailable
	}
	return Other
}

// classOfCode reads an extended result code of SQLite; its low byte is the primary code.
func classOfCode(code int) Class {
	const (
		busy, locked, ioerr, full, cantopen, readonly = 5, 6, 10, 13, 14, 8
		primaryKey, unique, rowID                     = 1555, 2067, 2579
	)
	switch code {
	case primaryKey, unique, rowID:
		return Unique
	}
	switch code & 0xff {
	case busy, locked, ioerr, full, cantopen, readonly:
		return Unavailable
	}
	return Other
}

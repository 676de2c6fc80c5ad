// Package fault gives errors a meaning that is the same in every process: a
// kind, a reason from a catalogue, and the facts behind it.
//
// It knows no transport. Package rpcerr turns faults into gRPC statuses and
// back; nothing else does. Start reading at [Error], then at [Catalogue], which
// puts a fault into words.
package fault

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Kind is what a fault means to the one who called, whatever the subject.
type Kind int

// The kinds. Zero is no kind and belongs to no error.
const (
	// Invalid: the request is malformed; repeating it unchanged cannot help.
	Invalid Kind = iota + 1
	// NotFound: there is no such resource, or the caller may not know of it.
	NotFound
	// AlreadyExists: the resource to be made is there already.
	AlreadyExists
	// FailedPrecondition: not allowed in the present state.
	FailedPrecondition
	// Aborted: a race was lost; read again and decide again.
	Aborted
	// Unauthenticated: the caller is not known.
	Unauthenticated
	// PermissionDenied: the caller may not call this method.
	PermissionDenied
	// Exhausted: a quota or limit is used up.
	Exhausted
	// Unavailable: something needed is away; the same call may succeed later.
	Unavailable
	// DataLoss: what was stored is gone or contradicts itself.
	DataLoss
	// Internal: a defect of ours.
	Internal
)

// String returns the kind in lower case words.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not found"
	case AlreadyExists:
		return "already exists"
	case FailedPrecondition:
		return "failed precondition"
	case Aborted:
		return "aborted"
	case Unauthenticated:
		return "unauthenticated"
	case PermissionDenied:
		return "permission denied"
	case Exhausted:
		return "exhausted"
	case Unavailable:
		return "unavailable"
	case DataLoss:
		return "data loss"
	case Internal:
		return "internal"
	default:
		return "no kind"
	}
}

// Error is a refusal or failure with a meaning.
//
// Its fields are read freely and not changed once the error has been returned:
// the methods that add something return a copy.
type Error struct {
	// Kind says what it means to the caller.
	Kind Kind
	// Reason is the catalogue's name for it, UPPER_SNAKE.
	Reason string
	// Facts are the names and figures of the message, never personal data.
	Facts map[string]string
	// Violations are all the single complaints about the request, or all unmet needs.
	Violations []Violation
	// Rule is the rule of the policy pack that refused; nil if none did.
	Rule *typev1.RuleRef
	// RetryAfter is when repeating makes sense; zero if nothing is known.
	RetryAfter time.Duration

	err error
}

// Violation is one of several things wrong with a request, or missing for an act.
type Violation struct {
	// Field is the path of the request field; for an unmet need the id of the
	// step, form, approval, notice or fact.
	Field string
	// Reason says what is wrong with the field; for an unmet need its kind (STEP, FORM, APPROVAL).
	Reason string
	// Text says it in words; nil if the reason speaks for itself.
	Text *typev1.Text
}

// New returns an error of the kind and reason. facts are keys and values in
// turn; a key without a value gets the empty one.
func New(kind Kind, reason string, facts ...string) *Error {
	e := &Error{Kind: kind, Reason: reason}
	if len(facts) > 0 {
		e.Facts = make(map[string]string, (len(facts)+1)/2)
	}
	for i := 0; i < len(facts); i += 2 {
		value := ""
		if i+1 < len(facts) {
			value = facts[i+1]
		}
		e.Facts[facts[i]] = value
	}
	return e
}

// Wrap returns a copy of e caused by err. The cause is logged and never shown to a caller.
func (e *Error) Wrap(err error) *Error {
	c := e.copy()
	c.err = err
	return c
}

// With returns a copy of e that names the rule which refused.
func (e *Error) With(rule *typev1.RuleRef) *Error {
	c := e.copy()
	c.Rule = rule
	return c
}

// WithViolations returns a copy of e with the violations added to those it has.
func (e *Error) WithViolations(violations ...Violation) *Error {
	c := e.copy()
	c.Violations = append(slices.Clip(slices.Clone(e.Violations)), violations...)
	return c
}

// WithFacts returns a copy of e with the facts added; keys and values in turn.
func (e *Error) WithFacts(facts ...string) *Error {
	c := e.copy()
	more := New(e.Kind, e.Reason, facts...)
	if c.Facts = maps.Clone(e.Facts); c.Facts == nil {
		c.Facts = more.Facts
	} else {
		maps.Copy(c.Facts, more.Facts)
	}
	return c
}

// WithRetry returns a copy of e that says when repeating makes sense.
func (e *Error) WithRetry(after time.Duration) *Error {
	c := e.copy()
	c.RetryAfter = after
	return c
}

func (e *Error) copy() *Error {
	c := *e
	return &c
}

// Error returns kind, reason, facts in order of their keys, and the cause.
// It is for logs; [Catalogue.Message] is for people.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	b.WriteString(": ")
	b.WriteString(e.Reason)
	for i, key := range slices.Sorted(maps.Keys(e.Facts)) {
		b.WriteString(separator(i))
		b.WriteString(key + "=" + e.Facts[key])
	}
	if len(e.Facts) > 0 {
		b.WriteByte(')')
	}
	for _, v := range e.Violations {
		b.WriteString("; " + v.Field + ": " + v.Reason)
	}
	if e.err != nil {
		b.WriteString(": " + e.err.Error())
	}
	return b.String()
}

func separator(i int) string {
	if i == 0 {
		return " ("
	}
	return ", "
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether target is a fault of the same kind and reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Reason == e.Reason
}

// As returns the first fault in err's chain.
func As(err error) (*Error, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, true
	}
	return nil, false
}

// KindOf returns the kind of the first fault in err's chain, [Internal] for an
// error that holds none, zero for nil.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}

// ReasonOf returns the reason of the first fault in err's chain,
// [ReasonInternal] for an error that holds none, "" for nil.
func ReasonOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := As(err); ok {
		return e.Reason
	}
	return ReasonInternal
}

package fault

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Languages of the suite. Chinese is spoken where a caller asks for nothing else.
const (
	Chinese = "zh-CN"
	English = "en"
)

// Entry is one reason of the catalogue. Packages list theirs by position.
type Entry struct {
	// Reason is UPPER_SNAKE and means the same everywhere.
	Reason string
	// Kind is what every fault of this reason means to its caller.
	Kind Kind
	// ZH and EN are the message in both languages. {fact} is replaced by the
	// fact of that name; a fact that is absent leaves "?".
	ZH, EN string
}

// Catalogue knows every reason a process may answer with and puts faults into
// words. It is immutable and safe for concurrent use.
type Catalogue struct {
	entries map[string]Entry
}

// NewCatalogue returns the catalogue of the entries and of [Reasons].
//
// It refuses, naming every culprit, an entry with a malformed reason, no kind or
// an empty message, messages that speak of different facts, and two entries of
// one reason that differ. The same entry given twice is fine: packages share reasons.
func NewCatalogue(entries ...Entry) (*Catalogue, error) {
	c := &Catalogue{entries: make(map[string]Entry, len(entries))}
	var errs []error
	for _, e := range append(Reasons(), entries...) {
		if err := e.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if other, ok := c.entries[e.Reason]; ok && other != e {
			errs = append(errs, fmt.Errorf("reason %s: two different meanings: %q and %q", e.Reason, other.EN, e.EN))
			continue
		}
		c.entries[e.Reason] = e
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func (e Entry) check() error {
	switch {
	case !isReason(e.Reason):
		return fmt.Errorf("reason %q: must be UPPER_SNAKE of at most 63 letters", e.Reason)
	case e.Kind < Invalid || e.Kind > Internal:
		return fmt.Errorf("reason %s: no kind", e.Reason)
	case e.ZH == "" || e.EN == "":
		return fmt.Errorf("reason %s: a message is empty", e.Reason)
	}
	if zh, en := placeholders(e.ZH), placeholders(e.EN); !maps.Equal(zh, en) {
		return fmt.Errorf("reason %s: the messages speak of different facts: %v and %v", e.Reason,
			slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en)))
	}
	return nil
}

var reasons = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,61}[A-Z0-9]$`)

// isReason accepts what google.rpc.ErrorInfo accepts.
func isReason(s string) bool { return reasons.MatchString(s) }

// Entry returns the entry of the reason.
func (c *Catalogue) Entry(reason string) (Entry, bool) {
	e, ok := c.entries[reason]
	return e, ok
}

// Entries returns all entries in order of their reasons.
func (c *Catalogue) Entries() []Entry {
	out := make([]Entry, 0, len(c.entries))
	for _, reason := range slices.Sorted(maps.Keys(c.entries)) {
		out = append(out, c.entries[reason])
	}
	return out
}

// Message returns what err says to a person who reads the language of locale
// ("zh-CN" or "en"; anything else counts as Chinese).
//
// Faults of kind [Internal], errors that hold no fault, and reasons the
// catalogue does not know get a message that reveals nothing; nil gets "".
func (c *Catalogue) Message(locale string, err error) string {
	if err == nil {
		return ""
	}
	f, ok := As(err)
	if !ok || f.Kind == Internal {
		f = New(Internal, ReasonInternal)
	}
	e, ok := c.entries[f.Reason]
	if !ok {
		if locale == English {
			return "The request was refused: " + f.Reason + "."
		}
		return "请求被拒绝：" + f.Reason + "。"
	}
	template := e.ZH
	if locale == English {
		template = e.EN
	}
	return fill(template, f.Facts)
}

// fill replaces every {fact} once: a brace inside a value stays as it is.
func fill(template string, facts map[string]string) string {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(template, "{")
		b.WriteString(before)
		if !open {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{" + rest)
			return b.String()
		}
		if value, ok := facts[name]; ok {
			b.WriteString(value)
		} else {
			b.WriteByte('?')
		}
		template = after
	}
}

func placeholders(template string) map[string]bool {
	found := map[string]bool{}
	for {
		_, rest, open := strings.Cut(template, "{")
		if !open {
			return found
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return found
		}
		found[name] = true
		template = after
	}
}

package seal

import (
	"cmp"
	"context"
	"slices"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"google.golang.org/protobuf/proto"
)

// What stands in the place of a text that is not shown.
const (
	// Erased: the person was erased; the text is gone for everybody.
	Erased = "[erased]"
	// Masked: the caller may not see texts of this class.
	Masked = "***"
)

// View says what a reader may see. The zero value shows nothing.
type View struct {
	// Personal shows texts of class PERSONAL.
	Personal bool
	// FreeText shows texts of class FREE_TEXT.
	FreeText bool
	// MaskUnavailable masks texts whose key cannot be had now, where a caller
	// is better served by the rest than by a failure. Otherwise [Open] fails.
	MaskUnavailable bool
}

// All shows every class.
func All() View { return View{Personal: true, FreeText: true} }

// shows reports whether texts of the class are shown; classes that are not sealed always are.
func (v View) shows(c typev1.DataClass) bool {
	switch c {
	case typev1.DataClass_DATA_CLASS_PERSONAL:
		return v.Personal
	case typev1.DataClass_DATA_CLASS_FREE_TEXT:
		return v.FreeText
	default:
		return true
	}
}

// Seal replaces every text in m that has a class to seal by a token of the
// subject, in place. Empty texts stay empty and tokens stay as they are, of
// whatever subject, so sealing twice changes nothing. For what a caller sent
// use [SealRequest], which trusts no token.
//
// The key is fetched once, made if the subject has none yet, and only if there
// is something to seal. An error leaves m partly sealed: throw it away. Faults:
// SUBJECT_ERASED, SUBJECT_INVALID, SEAL_TOKEN_MALFORMED, and those of keys.
//
// Source: DESIGN section 3.
func Seal(ctx context.Context, keys Keys, organization, subject string, m proto.Message) error {
	w := &sealing{ctx: ctx, keys: keys, organization: organization, subject: subject}
	return w.run(&walker{visit: w.text, sealed: true}, m)
}

// SealRequest is [Seal] for a message from outside: it refuses any string in it,
// of whatever class and also as a key of a map, that begins like a token (fault
// SEAL_TOKEN_REFUSED, all places at once), and drops unknown fields, which could
// carry texts of a class this binary does not know.
func SealRequest(ctx context.Context, keys Keys, organization, subject string, m proto.Message) error {
	w := &sealing{ctx: ctx, keys: keys, organization: organization, subject: subject}
	var found refused
	err := w.run(&walker{dropUnknown: true, visit: func(at *walker, class typev1.DataClass, s string, key bool) (string, error) {
		if found.note(at, s) || len(found) > 0 {
			return s, nil
		}
		return w.text(at, class, s, key)
	}}, m)
	return cmp.Or(found.fault(), err)
}

// CheckRequest refuses a message from outside that holds, in any string, what
// begins like a token: for a request of which nothing is sealed. [SealRequest] does it too.
func CheckRequest(m proto.Message) error {
	var found refused
	err := walk(m, func(w *walker, _ typev1.DataClass, s string, _ bool) (string, error) {
		found.note(w, s)
		return s, nil
	})
	return cmp.Or(found.fault(), err)
}

// refused are the strings of a request that begin like a token.
type refused []fault.Violation

// note reports whether s is one of them.
func (r *refused) note(w *walker, s string) bool {
	if !strings.HasPrefix(s, Prefix) {
		return false
	}
	*r = append(*r, fault.Violation{Field: w.path(), Reason: ReasonTokenRefused})
	return true
}

func (r refused) fault() error {
	if len(r) == 0 {
		return nil
	}
	slices.SortFunc(r, func(a, b fault.Violation) int { return strings.Compare(a.Field, b.Field) })
	return fault.New(fault.Invalid, ReasonTokenRefused, "field", r[0].Field).WithViolations(r...)
}

// sealing seals the texts of one message.
type sealing struct {
	ctx                   context.Context
	keys                  Keys
	organization, subject string
	box                   *box // made with the first text
}

func (x *sealing) run(w *walker, m proto.Message) error {
	if !ValidSubject(x.subject) {
		return invalidSubject(x.subject)
	}
	return w.walk(m)
}

// text is a visitor.
func (x *sealing) text(w *walker, class typev1.DataClass, s string, key bool) (_ string, err error) {
	if s == "" || key || !sealable(class) {
		return s, nil
	}
	if strings.HasPrefix(s, Prefix) {
		if IsToken(s) {
			return s, nil
		}
		return "", fault.New(fault.Internal, ReasonTokenMalformed, "field", w.path())
	}
	if x.box == nil {
		if x.box, err = boxOf(x.ctx, x.keys, x.organization, x.subject, true); err != nil {
			return "", err
		}
	}
	token := x.box.text(class, s)
	remembered(x.ctx).add(token, class, s)
	return token, nil
}

// Open replaces the tokens in m by their texts, in place: as far as v shows
// them; else by [Masked], or by [Erased] if their subject was erased. A text is
// shown only if v shows both the class it was sealed as and the class of the
// field it stands in. Texts that were never sealed are treated by the class of
// their field. Masked texts need no key and none is fetched.
//
// Each subject's key is fetched once. An error leaves m partly opened: throw it
// away. Faults: SEAL_BROKEN (a token that its key does not open, or a malformed
// one), and those of keys.
func Open(ctx context.Context, keys Keys, organization string, m proto.Message, v View) error {
	o := opener{ctx: ctx, keys: keys, organization: organization, view: v, memory: remembered(ctx)}
	return walkSealed(m, func(w *walker, class typev1.DataClass, s string, key bool) (string, error) {
		if s == "" || key || !sealable(class) {
			return s, nil
		}
		shown, err := o.open(class, s)
		if f, ok := fault.As(err); ok && f.Reason == ReasonBroken {
			err = f.WithFacts("field", w.path())
		}
		return shown, err
	})
}

// OpenText opens one token that stands outside a message; see [Open].
func OpenText(ctx context.Context, keys Keys, organization, s string, v View) (string, error) {
	if t, ok := parse(s); ok {
		o := opener{ctx: ctx, keys: keys, organization: organization, view: v}
		return o.open(t.class, s)
	}
	return s, nil
}

// Text seals one text that stands outside a message; see [Seal].
func Text(ctx context.Context, keys Keys, organization, subject string, class typev1.DataClass, s string) (string, error) {
	switch {
	case !ValidSubject(subject):
		return "", invalidSubject(subject)
	case s == "" || !sealable(class):
		return s, nil
	case strings.HasPrefix(s, Prefix):
		return "", fault.New(fault.Invalid, ReasonTokenRefused, "field", "")
	}
	b, err := boxOf(ctx, keys, organization, subject, true)
	if err != nil {
		return "", err
	}
	return b.text(class, s), nil
}

// opener opens tokens and remembers the keys of one call.
type opener struct {
	ctx          context.Context
	keys         Keys
	organization string
	view         View
	memory       *memory
	boxes        map[string]*box // nil box: erased or unavailable
	instead      map[string]string
}

func (o *opener) open(class typev1.DataClass, s string) (string, error) {
	if !o.view.shows(class) {
		return Masked, nil
	}
	if r, ok := o.memory.of(s); ok {
		if !o.view.shows(r.class) {
			return Masked, nil
		}
		return r.text, nil
	}
	t, ok := parse(s)
	if !ok {
		if strings.HasPrefix(s, Prefix) {
			return "", fault.New(fault.DataLoss, ReasonBroken, "subject", "")
		}
		return s, nil
	}
	if !o.view.shows(t.class) {
		return Masked, nil
	}
	b, known := o.boxes[t.subject]
	if !known {
		var err error
		if b, err = o.fetch(t.subject); err != nil {
			return "", err
		}
	}
	if b == nil {
		return o.instead[t.subject], nil
	}
	return b.open(t)
}

// fetch returns the box of the subject, or nil after noting what stands in place of its texts.
func (o *opener) fetch(subject string) (*box, error) {
	if o.boxes == nil {
		o.boxes, o.instead = map[string]*box{}, map[string]string{}
	}
	key, err := o.keys.Key(o.ctx, o.organization, subject, false)
	switch f, _ := fault.As(err); {
	case err == nil:
	case f != nil && f.Reason == ReasonSubjectErased:
		o.boxes[subject], o.instead[subject] = nil, Erased
		return nil, nil
	case f != nil && f.Kind == fault.Unavailable && o.view.MaskUnavailable:
		o.boxes[subject], o.instead[subject] = nil, Masked
		return nil, nil
	default:
		return nil, err
	}
	b, err := newBox(key, o.organization, subject)
	if err == nil {
		o.boxes[subject] = b
	}
	return b, err
}

// Subjects returns the data subjects whose tokens m holds, sorted, each once.
func Subjects(m proto.Message) ([]string, error) {
	var found []string
	err := walk(m, func(_ *walker, _ typev1.DataClass, s string, _ bool) (string, error) {
		if t, ok := parse(s); ok {
			found = append(found, t.subject)
		}
		return s, nil
	})
	slices.Sort(found)
	return slices.Compact(found), err
}

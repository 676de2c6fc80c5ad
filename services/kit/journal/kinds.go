package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// kinds finds the collection of a name.
type kinds []*kind

type kind struct {
	Kind
	segments []string
	below    []*kind // kinds that are read with their parent, which is of this kind
}

func newKinds(all []Kind) (kinds, error) {
	var out kinds
	for _, k := range all {
		if k.Pattern == "" || k.New == nil {
			return nil, fmt.Errorf("kind %q: pattern and New must be given", k.Pattern)
		}
		if out.byPattern(k.Pattern) != nil {
			return nil, fmt.Errorf("kind %q is given twice", k.Pattern)
		}
		out = append(out, &kind{Kind: k, segments: strings.Split(k.Pattern, "/")})
	}
	for _, k := range out {
		if above := out.byPattern(parentOf(k.Pattern)); k.WithParent && above != nil {
			above.below = append(above.below, k)
		}
	}
	return out, nil
}

func (ks kinds) byPattern(pattern string) *kind {
	for _, k := range ks {
		if k.Pattern == pattern {
			return k
		}
	}
	return nil
}

// of returns the kind whose pattern the name has, or nil.
func (ks kinds) of(name string) *kind {
	for _, k := range ks {
		if k.has(name) {
			return k
		}
	}
	return nil
}

func (k *kind) has(name string) bool {
	for i, want := range k.segments {
		segment, rest, more := strings.Cut(name, "/")
		if segment == "" || (want != "*" && want != segment) || more == (i == len(k.segments)-1) {
			return false
		}
		name = rest
	}
	return true
}

// parentOf returns the name two segments shorter: cases/1 for cases/1/clocks/2, "" for cases/1.
func parentOf(name string) string {
	for range 2 {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return ""
		}
		name = name[:i]
	}
	return name
}

func (k *kind) complaint(name string, m proto.Message) string {
	if k.Complaint == nil {
		return ""
	}
	return k.Complaint(name, m)
}

func (k *kind) attrs(m proto.Message) attrs {
	if k.Index == nil {
		return nil
	}
	return tidy(k.Index(m))
}

// attrs are sorted and each there once.
type attrs []Attr

func tidy(all []Attr) attrs {
	all = slices.Clone(all)
	slices.SortFunc(all, compareAttr)
	return slices.Compact(all)
}

func compareAttr(a, b Attr) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}

// match reports whether every wanted attribute is there.
func (as attrs) match(want []Attr) bool {
	for _, w := range want {
		if !slices.Contains(as, w) {
			return false
		}
	}
	return true
}

// minus returns the attributes that others lack.
func (as attrs) minus(others attrs) []Attr {
	var out []Attr
	for _, a := range as {
		if !slices.Contains(others, a) {
			out = append(out, a)
		}
	}
	return out
}

// The attributes stored beside a row say what the index holds of it, also after
// a newer binary indexes other things. Control characters separate them, which
// no searchable value contains.
const (
	attrEnd   = "\x1e"
	attrEqual = "\x1f"
)

func (as attrs) encode() string {
	if len(as) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(attrEnd)
	for _, a := range as {
		b.WriteString(a.Name + attrEqual + a.Value + attrEnd)
	}
	return b.String()
}

// encoded is what attributes hold, encoded, if the attribute is among them.
func (a Attr) encoded() string { return attrEnd + a.Name + attrEqual + a.Value + attrEnd }

// term is what the index holds of an attribute. A number makes its rows half as
// dear to write as the words; a query compares the words with the row's attributes.
func term(organization, kind string, a Attr) int64 {
	sum := sha256.Sum256([]byte(organization + attrEnd + kind + a.encoded()))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func decodeAttrs(s string) attrs {
	var out attrs
	for part := range strings.SplitSeq(s, attrEnd) {
		if name, value, ok := strings.Cut(part, attrEqual); ok {
			out = append(out, Attr{name, value})
		}
	}
	return out
}

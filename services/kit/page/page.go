// Package page reads and writes the page sizes and page tokens of list methods.
//
// A token says after which key the next page begins and is bound to all other
// arguments of the request and to the caller's scope, so that a token taken to
// another list is refused instead of answering nonsense. It is no secret and
// grants nothing: every page is authorized like the first.
//
// Source: AIP-158; STYLE section 5.
package page

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

const (
	// DefaultSize is how many entries a page has if the caller does not say.
	DefaultSize = 50
	// MaxSize is how many entries a page has at most; a larger wish is capped.
	MaxSize = 500
)

// Reasons of this package.
const (
	// ReasonSize: page_size is negative.
	ReasonSize = "PAGE_SIZE_NEGATIVE"
	// ReasonToken: page_token was not made by this list with these arguments.
	ReasonToken = "PAGE_TOKEN_INVALID"
)

const (
	version   = 1
	digestLen = 12
	header    = 1 + digestLen
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonSize, Kind: fault.Invalid, ZH: "每页条数不能为负数（{page_size}）。", EN: "page_size must not be negative ({page_size})."},
		{Reason: ReasonToken, Kind: fault.Invalid, ZH: "翻页标记与查询条件不符，请从第一页重新开始。", EN: "page_token does not belong to these arguments; begin at the first page."},
	}
}

// Size returns how many entries to answer with: the default for 0, at most
// [MaxSize]; a negative wish is a fault.
func Size(wish int32) (int, error) {
	switch {
	case wish < 0:
		return 0, fault.New(fault.Invalid, ReasonSize, "page_size", strconv.Itoa(int(wish))).WithViolations(fault.Violation{
			Field: "page_size", Reason: ReasonSize, Text: &typev1.Text{Zh: "不能为负数", En: "must not be negative"},
		})
	case wish == 0:
		return DefaultSize, nil
	default:
		return min(int(wish), MaxSize), nil
	}
}

// Token returns the next_page_token of a page that ended at the key after; ""
// for "": the list has ended.
//
// request is the list request; its page_size and page_token do not bind. scope
// is what binds besides, at least the organization.
func Token(after string, request proto.Message, scope ...string) string {
	if after == "" {
		return ""
	}
	raw := make([]byte, 0, header+len(after))
	raw = append(raw, version)
	raw = append(raw, digest(request, scope)...)
	raw = append(raw, after...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// After returns the key after which the page of a request begins; "" without a
// token: the first page. The arguments are those of [Token].
func After(token string, request proto.Message, scope ...string) (string, error) {
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= header || raw[0] != version ||
		subtle.ConstantTimeCompare(raw[1:header], digest(request, scope)) != 1 {
		return "", fault.New(fault.Invalid, ReasonToken).WithViolations(fault.Violation{
			Field: "page_token", Reason: ReasonToken, Text: &typev1.Text{Zh: "与查询条件不符", En: "does not belong to these arguments"},
		})
	}
	return string(raw[header:]), nil
}

// digest covers the type and arguments of the request and the scope, each with
// its length, so that no two lists of arguments run into one another.
func digest(request proto.Message, scope []string) []byte {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	m := proto.Clone(request).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil {
			m.Clear(f)
		}
	}
	// A request that came over the wire can be marshalled; one that cannot gets
	// a digest no other request has a token for.
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		bytes = []byte(err.Error())
	}
	part([]byte(m.Descriptor().FullName()))
	part(bytes)
	for _, s := range scope {
		part([]byte(s))
	}
	return h.Sum(nil)[:digestLen]
}

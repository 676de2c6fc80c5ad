package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// Prefix begins every token. A caller's text never does: [SealRequest] refuses it.
const Prefix = "~s1."

// KeySize is the length of every key in bytes: AES-256.
const KeySize = 32

// overhead is what a sealed text is longer than the text: class, nonce and tag.
const overhead = 1 + 12 + 16

// domain separates what the keys of this package authenticate from every other use.
const domain = "redress.seal.v1"

// token is a parsed token. It says nothing about whether a key opens it.
type token struct {
	subject string
	class   typev1.DataClass
	sealed  []byte // nonce, ciphertext, tag
}

// parse returns the token that s is, or false if s is none or a malformed one.
func parse(s string) (token, bool) {
	rest, ok := strings.CutPrefix(s, Prefix)
	if !ok {
		return token{}, false
	}
	subject, text, ok := strings.Cut(rest, ".")
	if !ok || !ValidSubject(subject) {
		return token{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The decoder skips line breaks; a token has one spelling only.
	if err != nil || len(raw) < overhead || strings.ContainsAny(text, "\r\n") {
		return token{}, false
	}
	class := typev1.DataClass(raw[0])
	if !sealable(class) {
		return token{}, false
	}
	return token{subject: subject, class: class, sealed: raw[1:]}, true
}

// IsToken reports whether s is a well-formed token. It does not say that it opens.
func IsToken(s string) bool {
	_, ok := parse(s)
	return ok
}

// SubjectOf returns the data subject whose key opens the token s.
func SubjectOf(s string) (subject string, ok bool) {
	t, ok := parse(s)
	return t.subject, ok
}

// ValidSubject reports whether s may be the id of a data subject: 1 to 63
// lower-case letters, digits and hyphens, beginning with a letter or digit.
func ValidSubject(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func sealable(c typev1.DataClass) bool {
	return c == typev1.DataClass_DATA_CLASS_PERSONAL || c == typev1.DataClass_DATA_CLASS_FREE_TEXT
}

// box seals and opens with the key of one subject.
type box struct {
	aead                  cipher.AEAD
	organization, subject string
}

func newBox(key []byte, organization, subject string) (*box, error) {
	if len(key) != KeySize {
		return nil, fault.New(fault.DataLoss, ReasonBroken, "subject", subject).Wrap(fmt.Errorf("key of %d bytes", len(key)))
	}
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return &box{aead: aead, organization: organization, subject: subject}, nil
}

// gcm returns AES-GCM that draws a nonce for every seal and puts it first. Under
// one key at most 2^32 texts may be sealed; a subject has some thousands.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// text returns the token of a text of the class.
func (b *box) text(class typev1.DataClass, s string) string {
	raw := make([]byte, 1, overhead+len(s))
	raw[0] = byte(class)
	raw = b.aead.Seal(raw, nil, []byte(s), b.bound(class, "text")) //nolint:gosec // G407: the AEAD draws the nonce itself (cipher.NewGCMWithRandomNonce)
	return Prefix + b.subject + "." + encode(raw)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// open returns the text of a token.
func (b *box) open(t token) (string, error) {
	plain, err := b.aead.Open(nil, nil, t.sealed, b.bound(t.class, "text"))
	if err != nil {
		return "", fault.New(fault.DataLoss, ReasonBroken, "subject", t.subject).Wrap(err)
	}
	return string(plain), nil
}

// bound is the associated data: every part behind its length, so that no two
// different lists of parts look alike.
func (b *box) bound(class typev1.DataClass, use string) []byte {
	return parts(domain, use, b.organization, b.subject, string(rune(class)))
}

func parts(values ...string) []byte {
	n := 0
	for _, v := range values {
		n += 4 + len(v)
	}
	out := make([]byte, 0, n)
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, uint32(len(v)))
		out = append(out, v...)
	}
	return out
}

package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"
)

// Lookup returns the keyed digest, 64 hex digits, under which something
// normalised (see [NormalizeTelephone]) is found again without being stored.
// key is the organisation's look-up key, never a subject's.
//
// Numbers can be tried out by whoever has the key: at an erasure the rows that
// hold the digest are deleted, destroying the subject's key is not enough.
//
// Source: RELIABILITY 3.4 (lookup through a keyed hash).
func Lookup(key []byte, normalized string) string {
	return hex.EncodeToString(mac(key, "redress.lookup.v1", []byte(normalized)))
}

// RequestDigest returns the keyed digest of a request as the caller sent it,
// before sealing, which never gives the same bytes twice. It tells a repeated
// request from another one under the same request_id.
//
// Source: DESIGN section 3 (digests of requests are keyed).
func RequestDigest(key []byte, m proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return mac(key, "redress.request.v1 "+string(m.ProtoReflect().Descriptor().FullName()), raw), nil
}

func mac(key []byte, use string, content []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(parts(use))
	h.Write(content)
	return h.Sum(nil)
}

// NormalizeTelephone returns one spelling for all spellings of a telephone
// number: "+" and digits, numbers without country code taken as Chinese. It
// folds full-width forms (NFKC), drops spaces, hyphens, dots, brackets and
// invisible characters, reads a leading 00 as +, drops the trunk 0 behind +86
// and an extension (转, ext, x, #, ;). ok is false for what is no number of 3 to
// 15 digits.
//
//	" ０１０－６２３４ 5678 转 9 " → "+861062345678"      "138-0013-8000" → "+8613800138000"
//
// Source: RELIABILITY 3.4, 3.5 (numbers compared after NFKC).
func NormalizeTelephone(s string) (normalized string, ok bool) {
	s = strings.ToLower(norm.NFKC.String(s))
	for _, mark := range []string{"转", "轉", "ext", "x", "#", ";"} {
		s, _, _ = strings.Cut(s, mark)
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+' && b.Len() == 0:
			b.WriteRune(r)
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Pd, r), strings.ContainsRune("().[]/−_", r):
		default:
			return "", false
		}
	}
	digits, international := strings.CutPrefix(b.String(), "+")
	if !international {
		if digits, international = strings.CutPrefix(digits, "00"); !international {
			// 13 digits that begin with 86 and a mobile prefix: the country code without its plus.
			if rest, has := strings.CutPrefix(digits, "86"); has && len(rest) == 11 && rest[0] == '1' {
				digits = rest
			}
			digits = "86" + strings.TrimPrefix(digits, "0")
		}
	}
	shortest := 3
	if rest, chinese := strings.CutPrefix(digits, "86"); chinese {
		digits = "86" + strings.TrimLeft(rest, "0")
		shortest += 2
	}
	if len(digits) < shortest || len(digits) > 15 || digits[0] == '0' {
		return "", false
	}
	return "+" + digits, true
}

// NormalizeEmail returns one spelling for an e-mail address: NFKC, lower case,
// without surrounding space. ok is false without exactly one @ between two parts.
func NormalizeEmail(s string) (normalized string, ok bool) {
	s = strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
	local, host, found := strings.Cut(s, "@")
	if !found || local == "" || host == "" || strings.ContainsAny(s, " \t\r\n") || strings.Contains(host, "@") {
		return "", false
	}
	return s, true
}

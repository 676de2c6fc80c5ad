package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Links makes and reads the tokens of survey links:
//
//	base64url(organisation " " follow-up id) "." base64url(HMAC-SHA256)
//
// A token is derived and never stored, so it can be made again when the notice is
// sent; states hold its SHA-256. Who has the key can make all of them.
type Links struct {
	// Key signs, 32 bytes.
	Key []byte
}

// Token returns the token of a follow-up.
func (l Links) Token(organization, followUp string) string {
	content := base64.RawURLEncoding.EncodeToString([]byte(organization + " " + last(followUp)))
	return content + "." + l.sign(content)
}

func (l Links) sign(content string) string {
	mac := hmac.New(sha256.New, l.Key)
	mac.Write([]byte("redress.survey-link.v1 " + content))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Read returns whose follow-up a token opens; false for one that was not made with
// the key. Whether it still opens it, its state says.
func (l Links) Read(token string) (organization, followUp string, ok bool) {
	content, signature, _ := strings.Cut(token, ".")
	if !hmac.Equal([]byte(signature), []byte(l.sign(content))) {
		return "", "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(content)
	if err != nil {
		return "", "", false
	}
	organization, id, ok := strings.Cut(string(raw), " ")
	return organization, "followUps/" + id, ok
}

// Digest returns what a state keeps of a token: its SHA-256, lower-case hex.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

package app

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// Secrets seals the signing secrets of receivers under the service's own key. They
// belong to the organisation, not to a person, so no subject's key fits.
type Secrets struct {
	// Key is 32 bytes.
	Key []byte
}

// Derive returns a key for one use, so that the service's secret itself is used for nothing.
func Derive(secret []byte, use string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("redress.notification.v1 " + use))
	return mac.Sum(nil)
}

// secretSize is the size of a signing secret in bytes. Source: Standard Webhooks (24 to 64).
const secretSize = 32

// New returns a fresh signing secret, "whsec_" and base64.
func (s Secrets) New() (string, error) {
	raw := make([]byte, secretSize)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(raw), nil
}

// Seal returns the secret encrypted for one receiver of one organisation.
func (s Secrets) Seal(organization, receiver, secret string) ([]byte, error) {
	aead, err := s.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return aead.Seal(nonce, nonce, []byte(secret), []byte(organization+" "+receiver)), nil
}

// errSecret says nothing about the secret.
var errSecret = errors.New("the receiver's secret does not open under the service's key")

// Open returns the secret that Seal encrypted for the same receiver.
func (s Secrets) Open(organization, receiver string, sealed []byte) (string, error) {
	aead, err := s.aead()
	if err != nil {
		return "", err
	}
	if len(sealed) < aead.NonceSize() {
		return "", errSecret
	}
	secret, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(organization+" "+receiver))
	if err != nil {
		return "", errSecret
	}
	return string(secret), nil
}

func (s Secrets) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.Key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

package world

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// lifetime of certificates and tokens: longer than any round.
const lifetime = 24 * time.Hour

// authority certifies the services of one world.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newAuthority(folder string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	from := time.Now().Add(-time.Hour)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "faults"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: from, NotAfter: from.Add(lifetime), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	a := &authority{folder: folder, cert: cert, key: key, serial: 1}
	return a, a.write("ca.crt", "CERTIFICATE", raw)
}

// certify writes NAME.crt and NAME.key for a service on this machine.
func (a *authority) certify(name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: "faults", Path: "/services/" + name}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(a.write(name+".crt", "CERTIFICATE", raw), a.write(name+".key", "PRIVATE KEY", private))
}

func (a *authority) write(name, kind string, raw []byte) error {
	return os.WriteFile(filepath.Join(a.folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600)
}

// issuer is what tokens say who made them.
const issuer = "urn:redress:faults"

// minter makes tokens, as the customer's identity provider does.
type minter struct {
	key *ecdsa.PrivateKey

	mu   sync.Mutex
	made map[string]string
}

// newMinter writes the public key to file, as a JSON Web Key Set.
func newMinter(file string) (*minter, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "faults", "x": encode(point[1:33]), "y": encode(point[33:]),
	}}})
	if err != nil {
		return nil, err
	}
	return &minter{key: key, made: map[string]string{}}, os.WriteFile(file, set, 0o600)
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// token returns a token of the principal.
func (m *minter) token(principal string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.made[principal]; ok {
		return t, nil
	}
	from := time.Now().Add(-time.Hour)
	claims, err := json.Marshal(map[string]any{
		"iss": issuer, "aud": []string{"redress"}, "sub": principal, "org": Organization,
		"iat": from.Unix(), "nbf": from.Unix(), "exp": from.Add(lifetime).Unix(),
	})
	if err != nil {
		return "", err
	}
	said := encode([]byte(`{"alg":"ES256","kid":"faults","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(said))
	r, s, err := ecdsa.Sign(rand.Reader, m.key, digest[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	m.made[principal] = said + "." + encode(signature[:])
	return m.made[principal], nil
}

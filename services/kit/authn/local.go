package authn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"example.com/redress/services/kit/clock"
)

const (
	// LocalIssuer is the iss claim of tokens the all-in-one makes for itself.
	LocalIssuer = "urn:redress:local"
	// LocalAudience is their aud claim.
	LocalAudience = "redress"

	localKeyFile = "token-key.pem"
)

// LocalKey signs the tokens of an all-in-one that has no identity provider. Who
// can read its file can be anybody.
type LocalKey struct {
	private jwk.Key
	public  jwk.Set
}

// OpenLocalKey reads the key in the data folder and makes one if there is none.
// The folder is made if needed. A file that others than its owner may read is refused.
func OpenLocalKey(folder string) (*LocalKey, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	path := filepath.Join(folder, localKeyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeLocalKey(folder, path); err != nil {
			return nil, fmt.Errorf("make token key: %w", err)
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("open token key: %s may be read by others (%v): it must be 0600", path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	return parseLocalKey(data)
}

// writeLocalKey links a complete file into place: of two processes that start
// at once, one wins and both read the same key.
func writeLocalKey(folder, path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, localKeyFile+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func parseLocalKey(data []byte) (*LocalKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("open token key: no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	if _, ok := parsed.(*ecdsa.PrivateKey); !ok {
		return nil, fmt.Errorf("open token key: %T is not an ECDSA key", parsed)
	}
	private, err := jwk.Import(parsed)
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	if err := jwk.AssignKeyID(private); err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	public, err := private.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		return nil, fmt.Errorf("open token key: %w", err)
	}
	return &LocalKey{private: private, public: set}, nil
}

// Issuer returns the issuer that accepts this key's tokens, for [Config].
func (k *LocalKey) Issuer() Issuer {
	return Issuer{URL: LocalIssuer, Audience: LocalAudience, Algorithms: []string{"ES256"}, keys: keySet{k.public}}
}

// Mint returns a token for the principal that lives as long as lifetime.
//
// id.Expires is ignored. A principal or organization that no verifier would
// take is an error.
func (k *LocalKey) Mint(id Identity, lifetime time.Duration) (string, error) {
	if !isPrincipal(id.Principal) || !isOrganization(id.Organization) {
		return "", fmt.Errorf("mint token: %q of %q is no person, customer or application of an organization", id.Principal, id.Organization)
	}
	now := clock.System().Now()
	b := jwt.NewBuilder().Issuer(LocalIssuer).Audience([]string{LocalAudience}).Subject(id.Principal).
		Claim("org", id.Organization).IssuedAt(now).NotBefore(now).Expiration(now.Add(lifetime))
	if id.Name != "" {
		b = b.Claim("name", id.Name)
	}
	token, err := b.Build()
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), k.private))
	if err != nil {
		return "", fmt.Errorf("mint token: %w", err)
	}
	return string(signed), nil
}

// PublicKeys returns the public half as a JSON Web Key Set, for the keys_file of
// an [Issuer] in services that run on their own.
func (k *LocalKey) PublicKeys() ([]byte, error) { return json.Marshal(k.public) }

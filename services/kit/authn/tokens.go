package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
)

// Identity is what a verified token says.
type Identity struct {
	// Principal is people/x, customers/x or apps/x: no token makes a service.
	Principal string
	// Organization bounds everything the principal sees.
	Organization string
	// Name is for display; it may be empty.
	Name string
	// Expires is when the token stops being valid.
	Expires time.Time
}

// Verifier reads tokens.
type Verifier interface {
	// Verify returns who the token stands for, or a fault of kind
	// Unauthenticated, or Unavailable if that cannot be found out now.
	Verify(ctx context.Context, token string) (Identity, error)
}

// Config says whose tokens count.
type Config struct {
	// Issuers are those whose tokens are accepted, each by its iss claim. None
	// means that only services can call.
	Issuers []Issuer `yaml:"issuers"`
	// Skew is how far clocks of issuers may differ from ours. Default 30s.
	Skew config.Duration `yaml:"skew"`
	// CacheSize is how many verified tokens are remembered. Default 10000.
	CacheSize int `yaml:"cache_size"`
	// CacheFor is how long a token is trusted without looking at the keys
	// again, and so how late a withdrawn key is noticed. Default 1m.
	CacheFor config.Duration `yaml:"cache_for"`
}

// Issuer is who signs tokens.
type Issuer struct {
	// URL is the iss claim, and where OIDC discovery begins unless KeysFile is given.
	URL string `yaml:"url"`
	// Audience must be among the aud claim.
	Audience string `yaml:"audience"`
	// KeysFile holds the issuer's public keys as a JSON Web Key Set; it is read
	// again when it changes.
	KeysFile string `yaml:"keys_file"`
	// Algorithms that count, of ES256, RS256 and EdDSA. Default: all three.
	Algorithms []string `yaml:"algorithms"`
	// SubjectClaim and OrganizationClaim name the claims that hold the principal
	// and the organization. Default sub and org.
	SubjectClaim      string `yaml:"subject_claim"`
	OrganizationClaim string `yaml:"organization_claim"`

	keys keySource
}

// algorithms is the allow-list of the suite. HMAC is absent on purpose: who
// verifies must not be able to sign.
func algorithms() []string { return []string{"ES256", "RS256", "EdDSA"} }

// Defaults implements config.Defaulter.
func (c *Config) Defaults() {
	c.Skew, c.CacheSize, c.CacheFor = config.Duration(30*time.Second), 10_000, config.Duration(time.Minute)
}

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	p.Check(c.Skew >= 0 && c.Skew.Std() <= 5*time.Minute, "skew", "must be between 0s and 5m, not %s", c.Skew)
	p.Check(c.CacheSize > 0, "cache_size", "must be positive")
	p.Check(c.CacheFor > 0 && c.CacheFor.Std() <= time.Hour, "cache_for", "must be positive and at most 1h, not %s", c.CacheFor)
	seen := map[string]bool{}
	for i, issuer := range c.Issuers {
		p.Check(!seen[issuer.URL], fmt.Sprintf("issuers[%d].url", i), "is given twice")
		seen[issuer.URL] = true
	}
}

// Validate implements config.Validator.
func (i *Issuer) Validate(p *config.Problems) {
	p.Check(i.URL != "", "url", "must not be empty")
	p.Check(i.Audience != "", "audience", "must not be empty")
	for _, a := range i.Algorithms {
		p.Check(slices.Contains(algorithms(), a), "algorithms", "%q is not one of %v", a, algorithms())
	}
}

// Tokens verifies the tokens of its issuers and remembers those it has
// verified. It is safe for concurrent use.
type Tokens struct {
	issuers map[string]*Issuer
	skew    time.Duration
	cache   *cache
	clock   clock.Machine
}

// NewTokens returns a verifier. Key files are read now, discovery waits for the
// first token, so that an issuer that is away does not keep a service from starting.
func NewTokens(c Config) (*Tokens, error) {
	t := &Tokens{issuers: map[string]*Issuer{}, skew: c.Skew.Std(), cache: newCache(c.CacheSize, c.CacheFor.Std())}
	for _, issuer := range c.Issuers {
		if len(issuer.Algorithms) == 0 {
			issuer.Algorithms = algorithms()
		}
		if issuer.SubjectClaim == "" {
			issuer.SubjectClaim = jwt.SubjectKey
		}
		if issuer.OrganizationClaim == "" {
			issuer.OrganizationClaim = "org"
		}
		switch {
		case issuer.keys != nil:
		case issuer.KeysFile != "":
			file, err := openKeyFile(issuer.KeysFile)
			if err != nil {
				return nil, fmt.Errorf("keys of %s: %w", issuer.URL, err)
			}
			issuer.keys = file
		default:
			issuer.keys = &discovery{url: issuer.URL}
		}
		t.issuers[issuer.URL] = &issuer
	}
	return t, nil
}

// maxToken bounds what is parsed at all.
const maxToken = 8 << 10

// Verify implements [Verifier].
func (t *Tokens) Verify(ctx context.Context, token string) (Identity, error) {
	if len(token) > maxToken {
		return Identity{}, refuse(errors.New("longer than 8 KiB"))
	}
	key := sha256.Sum256([]byte(token))
	now := t.clock.Now()
	if id, ok := t.cache.get(key, now); ok {
		return id, nil
	}
	id, err := t.verify(ctx, token)
	if err != nil {
		return Identity{}, err
	}
	t.cache.put(key, id, now)
	return id, nil
}

func refuse(err error) error {
	return fault.New(fault.Unauthenticated, ReasonToken).Wrap(err)
}

func (t *Tokens) verify(ctx context.Context, token string) (Identity, error) {
	raw := []byte(token)
	// Read before it is verified only to learn whose it claims to be.
	claims, err := jwt.Parse(raw, jwt.WithVerify(false), jwt.WithValidate(false))
	if err != nil {
		return Identity{}, refuse(err)
	}
	url, _ := claims.Issuer()
	issuer := t.issuers[url]
	if issuer == nil {
		return Identity{}, refuse(fmt.Errorf("issuer %q is not known", url))
	}
	if err := checkAlgorithm(raw, issuer.Algorithms); err != nil {
		return Identity{}, refuse(err)
	}
	if err := issuer.keys.verify(ctx, raw); err != nil {
		if _, ok := fault.As(err); ok {
			return Identity{}, err
		}
		return Identity{}, refuse(err)
	}
	err = jwt.Validate(claims, jwt.WithClock(t.clock), jwt.WithAcceptableSkew(t.skew), jwt.WithIssuer(url),
		jwt.WithAudience(issuer.Audience), jwt.WithRequiredClaim(jwt.ExpirationKey))
	switch {
	case errors.Is(err, jwt.TokenExpiredError()), errors.Is(err, jwt.TokenNotYetValidError()):
		return Identity{}, fault.New(fault.Unauthenticated, ReasonExpired).Wrap(err)
	case err != nil:
		return Identity{}, refuse(err)
	}
	return identity(claims, issuer)
}

func identity(claims jwt.Token, issuer *Issuer) (Identity, error) {
	var id Identity
	if claims.Get(issuer.SubjectClaim, &id.Principal) != nil || !isPrincipal(id.Principal) {
		return Identity{}, refuse(fmt.Errorf("claim %s: %q is no person, customer or application", issuer.SubjectClaim, id.Principal))
	}
	if claims.Get(issuer.OrganizationClaim, &id.Organization) != nil || !isOrganization(id.Organization) {
		return Identity{}, refuse(fmt.Errorf("claim %s: %q is no organization", issuer.OrganizationClaim, id.Organization))
	}
	_ = claims.Get("name", &id.Name)
	id.Expires, _ = claims.Expiration()
	return id, nil
}

// Names are looked at in every call.
var (
	principals = regexp.MustCompile(`^(people|customers|apps)/[a-z0-9][a-z0-9-]{0,62}$`)
	words      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
)

func isPrincipal(s string) bool { return principals.MatchString(s) }

// isOrganization takes what BootstrapOrganization creates and evidence is filed under.
func isOrganization(s string) bool { return words.MatchString(s) }

// checkAlgorithm refuses, before any key is tried, a token that is not signed
// exactly once with an algorithm of the list.
func checkAlgorithm(raw []byte, allowed []string) error {
	message, err := jws.Parse(raw)
	if err != nil {
		return err
	}
	if n := len(message.Signatures()); n != 1 {
		return fmt.Errorf("%d signatures", n)
	}
	a, ok := message.Signatures()[0].ProtectedHeaders().Algorithm()
	if !ok || !slices.Contains(allowed, a.String()) {
		return fmt.Errorf("algorithm %v is not one of %v", a, allowed)
	}
	return nil
}

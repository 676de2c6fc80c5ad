package authn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
)

const issuer = "https://issuer.example"

// signer is an issuer's key.
type signer struct {
	key jwk.Key
	alg jwa.SignatureAlgorithm
}

func newSigner(t *testing.T, raw any, alg jwa.SignatureAlgorithm) signer {
	t.Helper()
	key, err := jwk.Import(raw)
	require.NoError(t, err)
	require.NoError(t, jwk.AssignKeyID(key))
	require.NoError(t, key.Set(jwk.AlgorithmKey, alg))
	return signer{key, alg}
}

func ecSigner(t *testing.T) signer {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return newSigner(t, raw, jwa.ES256())
}

func (s signer) public(t *testing.T) jwk.Set {
	t.Helper()
	public, err := s.key.PublicKey()
	require.NoError(t, err)
	set := jwk.NewSet()
	require.NoError(t, set.AddKey(public))
	return set
}

func keyFile(t *testing.T, set jwk.Set) string {
	t.Helper()
	data, err := json.Marshal(set)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "keys.json")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

type claims map[string]any

func good() claims {
	now := time.Now()
	return claims{
		"iss": issuer, "aud": []string{"redress", "other"}, "sub": "people/li", "org": "org-a", "name": "李",
		"iat": now, "nbf": now, "exp": now.Add(time.Hour),
	}
}

func (c claims) with(key string, value any) claims {
	if value == nil {
		delete(c, key)
	} else {
		c[key] = value
	}
	return c
}

func (s signer) sign(t *testing.T, c claims) string {
	t.Helper()
	token := jwt.New()
	for k, v := range c {
		require.NoError(t, token.Set(k, v))
	}
	signed, err := jwt.Sign(token, jwt.WithKey(s.alg, s.key))
	require.NoError(t, err)
	return string(signed)
}

func verifier(t *testing.T, i authn.Issuer) *authn.Tokens {
	t.Helper()
	c := authn.Config{}
	config.SetDefaults(&c)
	c.Issuers = []authn.Issuer{i}
	require.NoError(t, config.Validate("test", &c))
	v, err := authn.NewTokens(c)
	require.NoError(t, err)
	return v
}

func TestEveryAlgorithmOfTheListIsVerified(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for _, s := range []signer{ecSigner(t), newSigner(t, rsaKey, jwa.RS256()), newSigner(t, edKey, jwa.EdDSA())} {
		v := verifier(t, authn.Issuer{URL: issuer, Audience: "redress", KeysFile: keyFile(t, s.public(t))})
		for range 2 { // the second time from memory
			id, err := v.Verify(t.Context(), s.sign(t, good()))
			require.NoError(t, err, s.alg)
			require.Equal(t, "people/li", id.Principal)
			require.Equal(t, "org-a", id.Organization)
			require.Equal(t, "李", id.Name)
		}
	}
}

func TestTokensThatAreNotForUsAreRefused(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	v := verifier(t, authn.Issuer{URL: issuer, Audience: "redress", KeysFile: keyFile(t, s.public(t))})
	now := time.Now()
	for name, test := range map[string]struct {
		claims claims
		reason string
	}{
		"other issuer":      {good().with("iss", "https://else.example"), authn.ReasonToken},
		"no issuer":         {good().with("iss", nil), authn.ReasonToken},
		"other audience":    {good().with("aud", []string{"other"}), authn.ReasonToken},
		"no audience":       {good().with("aud", nil), authn.ReasonToken},
		"over":              {good().with("exp", now.Add(-time.Minute)), authn.ReasonExpired},
		"not begun":         {good().with("nbf", now.Add(time.Minute)), authn.ReasonExpired},
		"for ever":          {good().with("exp", nil), authn.ReasonToken},
		"a service":         {good().with("sub", "services/routing"), authn.ReasonToken},
		"no principal":      {good().with("sub", "li"), authn.ReasonToken},
		"path in principal": {good().with("sub", "people/li/x"), authn.ReasonToken},
		"no organization":   {good().with("org", nil), authn.ReasonToken},
		"odd organization":  {good().with("org", "a/b"), authn.ReasonToken},
		"underscored":       {good().with("org", "org_a"), authn.ReasonToken}, // evidence is filed under the name
		"list organization": {good().with("org", []string{"org-a"}), authn.ReasonToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.Verify(t.Context(), s.sign(t, test.claims))
			require.Equal(t, test.reason, fault.ReasonOf(err), "%v", err)
			require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
		})
	}
	within, err := v.Verify(t.Context(), s.sign(t, good().with("exp", now.Add(-5*time.Second))))
	require.NoError(t, err, "clocks differ a little")
	require.Equal(t, "people/li", within.Principal)
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	v := verifier(t, authn.Issuer{URL: issuer, Audience: "redress", KeysFile: keyFile(t, s.public(t))})
	token := s.sign(t, good())
	head, rest, _ := strings.Cut(token, ".")
	body, sig, _ := strings.Cut(rest, ".")
	other := ecSigner(t).sign(t, good().with("sub", "people/chief"))
	_, otherRest, _ := strings.Cut(other, ".")
	otherBody, _, _ := strings.Cut(otherRest, ".")
	unsigned, err := jwt.NewSerializer().Serialize(mustToken(t))
	require.NoError(t, err)
	plain, err := jwt.Sign(mustToken(t), jwt.WithInsecureNoSignature())
	require.NoError(t, err)
	hmac, err := jwt.Sign(mustToken(t), jwt.WithKey(jwa.HS256(), []byte("0123456789abcdef0123456789abcdef")))
	require.NoError(t, err)
	for name, forged := range map[string]string{
		"another's key": other, "another body": head + "." + otherBody + "." + sig, "no signature": head + "." + body + ".",
		"alg none": string(plain), "hmac": string(hmac), "no JWS": string(unsigned), "noise": "a.b.c", "empty": "", "huge": strings.Repeat("a", 9<<10),
	} {
		_, err := v.Verify(t.Context(), forged)
		require.Equal(t, authn.ReasonToken, fault.ReasonOf(err), "%s: %v", name, err)
	}
}

func mustToken(t *testing.T) jwt.Token {
	t.Helper()
	token := jwt.New()
	for k, v := range good() {
		require.NoError(t, token.Set(k, v))
	}
	return token
}

func TestAnAlgorithmOutsideTheIssuersListIsRefused(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	v := verifier(t, authn.Issuer{URL: issuer, Audience: "redress", KeysFile: keyFile(t, s.public(t)), Algorithms: []string{"RS256"}})
	_, err := v.Verify(t.Context(), s.sign(t, good()))
	require.ErrorContains(t, err, "algorithm")
}

func TestAChangedKeyFileCounts(t *testing.T) {
	t.Parallel()
	first, second := ecSigner(t), ecSigner(t)
	path := keyFile(t, first.public(t))
	v := verifier(t, authn.Issuer{URL: issuer, Audience: "redress", KeysFile: path})
	_, err := v.Verify(t.Context(), second.sign(t, good()))
	require.Error(t, err)
	data, err := os.ReadFile(keyFile(t, second.public(t)))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(data, '\n'), 0o600))
	_, err = v.Verify(t.Context(), second.sign(t, good()))
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	_, err = v.Verify(t.Context(), second.sign(t, good().with("sub", "people/wang")))
	require.NoError(t, err, "a file that has gone leaves the keys as they were")
}

func TestKeyFilesThatAreNoGoodKeepAServiceFromStarting(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	private := jwk.NewSet()
	require.NoError(t, private.AddKey(s.key))
	for name, path := range map[string]string{"private": keyFile(t, private), "empty": keyFile(t, jwk.NewSet()), "absent": "nowhere.json"} {
		_, err := authn.NewTokens(authn.Config{Issuers: []authn.Issuer{{URL: issuer, Audience: "a", KeysFile: path}}})
		require.Error(t, err, name)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	c := &authn.Config{}
	err := config.Parse("a.yaml", []byte("skew: 10m\ncache_size: 0\nissuers: [{url: a, audience: b}, {url: a, algorithms: [HS256]}]"), c)
	for _, want := range []string{"skew: must be", "cache_size: must be positive", "issuers[1].url: is given twice", "issuers[1].audience: must not", `algorithms: "HS256" is not one of`} {
		require.ErrorContains(t, err, want)
	}
}

func TestLocalKeysAreMadeOnceAndMintTokens(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data")
	keys := make([]*authn.LocalKey, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i], _ = authn.OpenLocalKey(folder) })
	}
	all.Wait()
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := files[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	v := verifier(t, keys[0].Issuer())
	for _, k := range keys {
		token, err := k.Mint(authn.Identity{Principal: "apps/finance", Organization: "org-a", Name: "Finance"}, time.Hour)
		require.NoError(t, err)
		id, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
		require.Equal(t, "apps/finance", id.Principal)
		require.Equal(t, "Finance", id.Name)
		require.WithinDuration(t, time.Now().Add(time.Hour), id.Expires, time.Minute)
	}
	_, err = keys[0].Mint(authn.Identity{Principal: "services/routing", Organization: "org-a"}, time.Hour)
	require.Error(t, err)
}

func TestALocalKeyThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := authn.OpenLocalKey(folder)
	require.NoError(t, err)
	path := filepath.Join(folder, "token-key.pem")
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = authn.OpenLocalKey(folder)
	require.ErrorContains(t, err, "may be read by others")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	_, err = authn.OpenLocalKey(folder)
	require.ErrorContains(t, err, "no PEM block")
}

// provider is an OIDC issuer on a loopback port.
type provider struct {
	*httptest.Server
	set     atomic.Pointer[jwk.Set]
	fetches atomic.Int32
	away    atomic.Bool
}

func newProvider(t *testing.T, set jwk.Set) *provider {
	t.Helper()
	p := &provider{}
	p.set.Store(&set)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.away.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL, "token_endpoint": p.URL})
		default:
			p.fetches.Add(1)
			_ = json.NewEncoder(w).Encode(*p.set.Load())
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func TestDiscoveredKeysVerify(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	p := newProvider(t, s.public(t))
	v := verifier(t, authn.Issuer{URL: p.URL, Audience: "redress"})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := v.Verify(ctx, s.sign(t, good().with("iss", p.URL)))
	require.NoError(t, err)
	cancel()
	_, err = v.Verify(t.Context(), s.sign(t, good().with("iss", p.URL).with("sub", "people/wang")))
	require.NoError(t, err, "discovery outlives the call that began it")
	for range 5 {
		_, err = v.Verify(t.Context(), ecSigner(t).sign(t, good().with("iss", p.URL)))
		require.Error(t, err)
	}
	require.EqualValues(t, 1, p.fetches.Load(), "made-up key ids do not reach the issuer each time")
}

func TestAnIssuerThatIsAwayMakesTokensUnavailableNotInvalid(t *testing.T) {
	t.Parallel()
	s := ecSigner(t)
	p := newProvider(t, s.public(t))
	p.away.Store(true)
	v := verifier(t, authn.Issuer{URL: p.URL, Audience: "redress"})
	for range 2 {
		_, err := v.Verify(t.Context(), s.sign(t, good().with("iss", p.URL)))
		require.Equal(t, authn.ReasonKeys, fault.ReasonOf(err))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
	}
}

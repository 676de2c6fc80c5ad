package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
)

// keySource verifies signatures with the keys of one issuer. A fault means that
// the keys cannot be had; any other error that the signature is no good.
type keySource interface {
	verify(ctx context.Context, token []byte) error
}

// keySet is a fixed set.
type keySet struct{ set jwk.Set }

func (k keySet) verify(_ context.Context, token []byte) error {
	// A key without kid or alg in the file serves too: checkAlgorithm has run.
	_, err := jws.Verify(token, jws.WithKeySet(k.set, jws.WithRequireKid(false), jws.WithInferAlgorithmFromKey(true)))
	return err
}

// keyFile is a JSON Web Key Set in a file, read again when the file changes.
type keyFile struct {
	path string

	mu      sync.Mutex
	set     jwk.Set
	changed time.Time
	size    int64
}

func openKeyFile(path string) (*keyFile, error) {
	f := &keyFile{path: path}
	if _, err := f.current(); err != nil {
		return nil, err
	}
	return f, nil
}

// current returns the keys of the file. A file that cannot be read any more
// leaves the keys as they were.
func (f *keyFile) current() (jwk.Set, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err == nil && f.set != nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
		return f.set, nil
	}
	var set jwk.Set
	if err == nil {
		set, err = readKeys(f.path)
	}
	if err != nil {
		if f.set != nil {
			return f.set, nil
		}
		return nil, err
	}
	f.set, f.changed, f.size = set, info.ModTime(), info.Size()
	return set, nil
}

// readKeys refuses private keys: a file of them where public ones belong is a leak.
func readKeys(path string) (jwk.Set, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set, err := jwk.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("%s: no keys", path)
	}
	for i := range set.Len() {
		key, _ := set.Key(i)
		if private, err := jwk.IsPrivateKey(key); err != nil || private {
			return nil, fmt.Errorf("%s: key %d is not a public key", path, i)
		}
	}
	return set, nil
}

func (f *keyFile) verify(ctx context.Context, token []byte) error {
	set, err := f.current()
	if err != nil {
		return err
	}
	return keySet{set}.verify(ctx, token)
}

// discovery finds the keys of an OIDC issuer, which are fetched again when a
// token names one that is not known.
type discovery struct {
	url string

	mu    sync.Mutex
	keys  oidc.KeySet
	tried time.Time
	last  error
	paths *throttle
}

// way returns the one way to the issuer; discovery is throttled by itself.
func (d *discovery) way() *throttle {
	if d.paths == nil {
		d.paths = &throttle{base: http.DefaultTransport}
	}
	d.paths.next = map[string]time.Time{}
	return d.paths
}

const (
	// fetchTimeout bounds one request to an issuer.
	fetchTimeout = 5 * time.Second
	// retryDiscovery is how long a failed discovery is not repeated, so that an
	// issuer that is away does not hold up every call.
	retryDiscovery = 2 * time.Second
	// refetch is how often keys are fetched at most: tokens with made-up key ids
	// would otherwise turn every call into a request to the issuer.
	refetch = 5 * time.Second
)

// errFetch marks everything that kept keys from being fetched.
var errFetch = errors.New("keys cannot be fetched")

// throttle is the way to an issuer. It says errFetch when the issuer is away,
// and when the same address was asked a moment ago.
type throttle struct {
	base http.RoundTripper

	mu   sync.Mutex
	next map[string]time.Time
}

// RoundTrip implements http.RoundTripper.
func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	now := clock.System().Now()
	t.mu.Lock()
	early := now.Before(t.next[r.URL.String()])
	if !early {
		t.next[r.URL.String()] = now.Add(refetch)
	}
	t.mu.Unlock()
	if early {
		return nil, fmt.Errorf("%w: asked a moment ago", errFetch)
	}
	answer, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFetch, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%w: %s", errFetch, answer.Status), answer.Body.Close())
	}
	return answer, nil
}

func (d *discovery) verify(ctx context.Context, token []byte) error {
	keys, err := d.discover(ctx)
	if err != nil {
		return fault.New(fault.Unavailable, ReasonKeys).Wrap(err)
	}
	if _, err = keys.VerifySignature(ctx, string(token)); errors.Is(err, errFetch) || errors.Is(err, ctx.Err()) && err != nil {
		return fault.New(fault.Unavailable, ReasonKeys).Wrap(err)
	}
	return err
}

func (d *discovery) discover(ctx context.Context) (oidc.KeySet, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := clock.System()
	if d.keys != nil {
		return d.keys, nil
	}
	if d.last != nil && now.Since(d.tried) < retryDiscovery {
		return nil, d.last
	}
	d.tried = now.Now()
	// The provider keeps the context for later fetches, so it must not end with this call.
	lasting := oidc.ClientContext(context.WithoutCancel(ctx), &http.Client{Timeout: fetchTimeout, Transport: d.way()})
	provider, err := oidc.NewProvider(lasting, d.url)
	if err != nil {
		d.last = err
		return nil, err
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		d.last = err
		return nil, err
	}
	d.keys, d.last = oidc.NewRemoteKeySet(lasting, document.Keys), nil
	return d.keys, nil
}

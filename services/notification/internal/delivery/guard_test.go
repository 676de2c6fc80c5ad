package delivery

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSpecialAddressesAreRefused goes through the ranges by their first, an
// inner and their last address. Source: RELIABILITY 3.5.
func TestSpecialAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.1.2.3", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255",
		"127.0.0.1", "127.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.255.255", "168.63.129.16",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.1.1", "192.168.255.255",
		"198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
		"100::1", "2001::1", "2001:0:53aa:64c::1", "2001:db8::1", "2001:10::1", "2002:7f00:1::", "2002:c0a8:101::1", "3fff::1", "5f00::1", "4000::1",
		"fc00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "2606:4700::1%eth0",
	} {
		a, err := netip.ParseAddr(s)
		if err != nil {
			continue // not an address at all: the dialler never sees it as one
		}
		require.False(t, guard{}.allows(a), s)
		require.ErrorIs(t, guard{}.control("tcp", netip.AddrPortFrom(a, 443).String(), nil), errAddress, s)
	}
	for _, s := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "172.15.255.255",
		"172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2400:3200::1", "::ffff:1.1.1.1",
	} {
		require.True(t, guard{}.allows(netip.MustParseAddr(s)), s)
	}
	allowing := guard{allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	require.True(t, allowing.allows(netip.MustParseAddr("10.1.2.3")))
	require.True(t, allowing.allows(netip.MustParseAddr("::ffff:10.1.2.3")))
	require.False(t, allowing.allows(netip.MustParseAddr("10.2.0.1")), "what is allowed for one receiver is that and no more")
	require.ErrorIs(t, guard{}.control("tcp", "nonsense", nil), errAddress)
}

// TestOtherSpellingsOfLoopbackNeverConnect calls real URLs; a server that
// listens on loopback counts who gets through.
func TestOtherSpellingsOfLoopbackNeverConnect(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Host }))
	t.Cleanup(func() {
		server.Close()
		require.Empty(t, reached)
	})
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1.",
		"LOCALHOST", "localhost.", "[::1%25lo]", "%31%32%37.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w, err := NewWebhook(WebhookOptions{URL: "http://" + host + ":" + port + "/", Secrets: []string{testSecret}, PlainHTTP: true})
			if err != nil {
				return // refused even earlier
			}
			// Some are names to the resolver; one that does not answer must not hold the test up.
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			_, err = w.Send(ctx, Message{Key: "k", Text: "t"})
			require.Error(t, err)
		})
	}
}

// testSecret is 24 bytes, base64.
const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestNamesAreCheckedAtEveryConnection stands for a name whose answer changes
// between check and use: the guard sits at the connection, after any resolver.
func TestNamesAreCheckedAtEveryConnection(t *testing.T) {
	t.Parallel()
	client := guard{}.client(&http.Transport{})
	_, err := client.Transport.(*http.Transport).DialContext(context.Background(), "tcp", "localhost:1")
	require.ErrorIs(t, err, errAddress)
	require.Nil(t, client.Transport.(*http.Transport).Proxy, "no proxy from the environment calls for us")
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"https://example.com/hook?a=b", "https://example.com:8443", "https://[2606:4700::1111]/"} {
		_, err := parseURL(s, false)
		require.NoError(t, err, s)
	}
	for _, s := range []string{
		"", "example.com", "http://example.com", "ftp://example.com", "file:///etc/passwd", "gopher://example.com", "https://", "https:example.com",
		"https://user:secret@example.com", "https://example.com/#f", "https:///path", "https://exa\nmple.com", "//example.com", "https://[fe80::1%25eth0]/", "unix:/run/x",
	} {
		_, err := parseURL(s, false)
		require.Error(t, err, s)
	}
	_, err := parseURL("http://example.com", true)
	require.NoError(t, err)
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://example.com/")
	f.Add("https://[::ffff:127.0.0.1]:80/")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := parseURL(s, false)
		if err != nil {
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.NotEmpty(t, u.Hostname())
		require.Nil(t, u.User)
	})
}

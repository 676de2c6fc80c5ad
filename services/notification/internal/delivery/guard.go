package delivery

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// errAddress is wrapped by the error of a connection that the guard refused.
var errAddress = errors.New("address not allowed")

// Limits of every HTTP call to a receiver. Source: RELIABILITY 3.5 (10 s, 64 KiB answer).
const (
	callTimeout = 10 * time.Second
	answerLimit = 64 << 10
)

// guard decides which addresses may be called: public unicast addresses, and
// what the operator allowed for this one receiver.
//
// It looks at the address of each connection as it is made, after names were
// resolved. So other spellings (decimal, octal, IPv6-mapped), names that point
// inside and names whose answer changes between check and use all meet it.
//
// Source: RELIABILITY 3.5 (webhook SSRF).
type guard struct {
	allow []netip.Prefix
}

// control is for net.Dialer.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	if !g.allows(at.Addr()) {
		return fmt.Errorf("%w: %s", errAddress, at.Addr())
	}
	return nil
}

func (g guard) allows(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	covers := func(p netip.Prefix) bool { return p.Contains(a) }
	return slices.ContainsFunc(g.allow, covers) || (isPublic(a) && !slices.ContainsFunc(reserved(), covers))
}

// isPublic takes IPv4, and of IPv6 only what is given out for the Internet.
func isPublic(a netip.Addr) bool {
	return a.Is4() || netip.MustParsePrefix("2000::/3").Contains(a)
}

// reserved are the special-purpose ranges inside what isPublic takes (IANA
// registries of RFC 6890), and the addresses of cloud metadata services.
func reserved() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8",                                         // this network
		"10.0.0.0/8",                                        // private
		"100.64.0.0/10",                                     // carrier-grade NAT; Alibaba Cloud metadata 100.100.100.200
		"127.0.0.0/8",                                       // loopback
		"169.254.0.0/16",                                    // link-local; metadata 169.254.169.254
		"168.63.129.16/32",                                  // Azure platform
		"172.16.0.0/12",                                     // private
		"192.0.0.0/24",                                      // protocol assignments; Oracle metadata 192.0.0.192
		"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // documentation
		"192.88.99.0/24", // 6to4 relays
		"192.168.0.0/16", // private
		"198.18.0.0/15",  // benchmarks
		"224.0.0.0/4",    // multicast
		"240.0.0.0/4",    // reserved, broadcast
		"2001::/23",      // protocol assignments, Teredo: hides an IPv4 address
		"2001:db8::/32",  // documentation
		"2002::/16",      // 6to4: hides an IPv4 address
		"3fff::/20",      // documentation
	} {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// client returns an HTTP client behind the guard: no proxy, no redirects, no
// decompression, bounded in time and headers.
func (g guard) client(transport *http.Transport) *http.Client {
	dialer := &net.Dialer{Timeout: callTimeout, Control: g.control}
	transport.Proxy = nil
	transport.DialContext = dialer.DialContext
	transport.TLSHandshakeTimeout = callTimeout
	transport.ResponseHeaderTimeout = callTimeout
	transport.MaxResponseHeaderBytes = answerLimit
	transport.DisableCompression = true
	transport.ForceAttemptHTTP2 = true
	transport.IdleConnTimeout = callTimeout
	return &http.Client{
		Transport:     transport,
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// parseURL takes an absolute https address without log-in and fragment; plain
// http only where plain says so.
func parseURL(s string, plain bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: %w", err)
	case u.Scheme != "https" && (u.Scheme != "http" || !plain):
		return nil, errors.New("url: must begin with https://")
	case u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "":
		return nil, errors.New("url: must have a host and neither log-in nor fragment")
	case strings.ContainsFunc(s, isControl) || strings.Contains(u.Host, "%"):
		return nil, errors.New("url: malformed host")
	}
	return u, nil
}

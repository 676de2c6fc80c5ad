package rpcserver

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"example.com/redress/services/kit/authn"
)

// certificates are files read again when one of them changes. New ones that do
// not load leave the old in use: a half-written rotation must not stop a service.
type certificates struct {
	cert, key, authorities string

	mu    sync.Mutex
	stamp [3]time.Time
	pair  *tls.Certificate // nil if no certificate is named
	roots *x509.CertPool   // nil if no authorities are named
}

func loadCertificates(cert, key, authorities string) (*certificates, error) {
	c := &certificates{cert: cert, key: key, authorities: authorities}
	stamp, err := c.stamps()
	if err != nil {
		return nil, err
	}
	return c, c.load(stamp)
}

func (c *certificates) stamps() ([3]time.Time, error) {
	var all [3]time.Time
	for i, file := range []string{c.cert, c.key, c.authorities} {
		if file == "" {
			continue
		}
		info, err := os.Stat(file)
		if err != nil {
			return all, err
		}
		all[i] = info.ModTime()
	}
	return all, nil
}

func (c *certificates) load(stamp [3]time.Time) error {
	var pair *tls.Certificate
	var roots *x509.CertPool
	if c.cert != "" {
		loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return err
		}
		pair = &loaded
	}
	if c.authorities != "" {
		pem, err := os.ReadFile(c.authorities)
		if err != nil {
			return err
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: no certificates", c.authorities)
		}
	}
	c.stamp, c.pair, c.roots = stamp, pair, roots
	return nil
}

// current returns what the files hold now.
func (c *certificates) current() (*tls.Certificate, *x509.CertPool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp, err := c.stamps(); err == nil && stamp != c.stamp {
		_ = c.load(stamp)
	}
	return c.pair, c.roots
}

// serverTLS returns the configuration of a listener: clients show a certificate
// of a service on the list, or none where that is allowed.
func serverTLS(t TLS, clients []string) (*tls.Config, error) {
	files, err := loadCertificates(t.CertFile, t.KeyFile, t.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	auth := tls.RequireAndVerifyClientCert
	if t.AllowUncertified {
		auth = tls.VerifyClientCertIfGiven
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pair, roots := files.current()
			if roots == nil {
				roots = x509.NewCertPool() // no authority: a certificate given is refused
			}
			return &tls.Config{
				MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
				Certificates: []tls.Certificate{*pair}, ClientAuth: auth, ClientCAs: roots,
				VerifyConnection: func(s tls.ConnectionState) error { return onList(s, clients) },
			}, nil
		},
	}, nil
}

func onList(s tls.ConnectionState, clients []string) error {
	if len(s.PeerCertificates) == 0 {
		return nil
	}
	if name := authn.ServiceOf(s.PeerCertificates[0]); name == "" || !slices.Contains(clients, name) {
		return fmt.Errorf("client %q is not on the list of allowed services", name)
	}
	return nil
}

// clientTLS returns the configuration of a connection that shows the service's
// own certificate.
func clientTLS(t ClientTLS) (*tls.Config, error) {
	files, err := loadCertificates(t.CertFile, t.KeyFile, t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	_, roots := files.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: t.ServerName, RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, _ := files.current()
			if pair == nil {
				pair = &tls.Certificate{} // shows none; whether that will do is for the server
			}
			return pair, nil
		},
	}, nil
}

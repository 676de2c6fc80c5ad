package rpcserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcserver"
)

// authority certifies services in a folder of its own.
type authority struct {
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{folder: t.TempDir(), key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	require.NoError(t, err)
	writePEM(t, a.file(), "CERTIFICATE", der)
	return a
}

func (a *authority) file() string { return filepath.Join(a.folder, "ca.pem") }

// certify writes certificate and key of the service and returns their paths.
func (a *authority) certify(t *testing.T, service string) (cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	id, err := url.Parse("spiffe://redress.test/services/" + service)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), URIs: []*url.URL{id},
		DNSNames: []string{service}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert, private = filepath.Join(a.folder, service+".pem"), filepath.Join(a.folder, service+"-key.pem")
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, private, "PRIVATE KEY", pkcs8)
	return cert, private
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func protected(t *testing.T, a *authority, uncertified bool) *rpcserver.Server {
	t.Helper()
	o := options()
	o.Config.TLS.CertFile, o.Config.TLS.KeyFile = a.certify(t, "intake")
	o.Config.TLS.ClientCAFile, o.Config.TLS.AllowUncertified = a.file(), uncertified
	s, err := rpcserver.New(o)
	require.NoError(t, err)
	eventv1.RegisterFeedServiceServer(s, eventv1.UnimplementedFeedServiceServer{})
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func heads(t *testing.T, s *rpcserver.Server, tls rpcserver.ClientTLS) error {
	t.Helper()
	conn, err := rpcserver.Dial(rpcserver.ClientConfig{Target: s.Addr().String(), TLS: tls}, nil)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = eventv1.NewFeedServiceClient(conn).GetHeads(t.Context(), &eventv1.GetHeadsRequest{}, grpc.WaitForReady(false))
	return err
}

func as(t *testing.T, a *authority, service string) rpcserver.ClientTLS {
	t.Helper()
	c := rpcserver.ClientTLS{CAFile: a.file(), ServerName: "intake"}
	c.CertFile, c.KeyFile = a.certify(t, service)
	return c
}

func TestCertificatesSayWhichServiceCalls(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	s := protected(t, a, false)
	require.Equal(t, fault.ReasonMethodUnknown, fault.ReasonOf(heads(t, s, as(t, a, "routing"))), "routing passes to the handler")
	require.Equal(t, codes.Unavailable, status.Code(heads(t, s, as(t, a, "billing"))), "billing is not on the list")
	foreign := as(t, other, "routing")
	foreign.CAFile = a.file()
	require.Equal(t, codes.Unavailable, status.Code(heads(t, s, foreign)), "another authority's routing is not ours")
	require.Equal(t, codes.Unavailable, status.Code(heads(t, s, rpcserver.ClientTLS{CAFile: a.file(), ServerName: "intake"})), "no certificate")
	wrong := as(t, a, "routing")
	wrong.ServerName = "compensation"
	require.Equal(t, codes.Unavailable, status.Code(heads(t, s, wrong)), "the server is not who was called")
}

func TestApplicationsWithoutCertificateNeedAToken(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	s := protected(t, a, true)
	require.Equal(t, codes.Unauthenticated, status.Code(heads(t, s, rpcserver.ClientTLS{CAFile: a.file(), ServerName: "intake"})))
	require.Equal(t, codes.Unavailable, status.Code(heads(t, s, as(t, a, "billing"))), "a certificate shown must be on the list")
	require.Equal(t, fault.ReasonMethodUnknown, fault.ReasonOf(heads(t, s, as(t, a, "routing"))))
}

func TestRotatedCertificatesCount(t *testing.T) {
	t.Parallel()
	a, next := newAuthority(t), newAuthority(t)
	s := protected(t, a, false)
	require.Equal(t, fault.ReasonMethodUnknown, fault.ReasonOf(heads(t, s, as(t, a, "routing"))))
	// The old authority's files give way to the next one's, with a later time.
	cert, key := next.certify(t, "intake")
	for from, to := range map[string]string{next.file(): a.file(), cert: filepath.Join(a.folder, "intake.pem"), key: filepath.Join(a.folder, "intake-key.pem")} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, data, 0o600))
		later := time.Now().Add(time.Minute)
		require.NoError(t, os.Chtimes(to, later, later))
	}
	require.Equal(t, fault.ReasonMethodUnknown, fault.ReasonOf(heads(t, s, as(t, next, "routing"))))
}

func TestPlaintextIsForLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0"} {
		o := options()
		o.Config.Listen = address
		_, err := rpcserver.New(o)
		require.ErrorContains(t, err, "needs tls", address)
	}
	for _, target := range []string{"192.0.2.1:1", "dns:///routing:9000", "routing:9000"} {
		_, err := rpcserver.Dial(rpcserver.ClientConfig{Target: target}, nil)
		require.ErrorContains(t, err, "tls.ca_file: must be given", target)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	c := &rpcserver.Config{}
	require.NoError(t, config.Parse("s.yaml", []byte("listen: localhost:0"), c))
	require.Equal(t, 4*config.MiB, c.MaxReceive)
	err := config.Parse("s.yaml", []byte("deadline: 2m\nmax_streams: 0\ndrain: -1s\ntls: {cert_file: a}"), c)
	for _, want := range []string{"max_deadline: must not be less", "max_streams: must be", "drain: must not", "tls: needs cert_file and key_file", "tls.client_ca_file: must be given"} {
		require.ErrorContains(t, err, want)
	}
	o := options()
	o.Config.TLS = rpcserver.TLS{CertFile: "absent.pem", KeyFile: "absent.pem", AllowUncertified: true}
	_, err = rpcserver.New(o)
	require.ErrorIs(t, err, os.ErrNotExist)
}

package rpcserver

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/telemetry"
)

// ClientConfig says where another service is and how this one shows who it is.
type ClientConfig struct {
	// Target is host:port, or any other target of gRPC (dns:///routing:9000).
	Target string `yaml:"target"`
	// TLS protects the connection. Without it only a loopback target is accepted.
	TLS ClientTLS `yaml:"tls"`
}

// ClientTLS names the files of a client's certificate, its key, and the
// authorities of its servers.
type ClientTLS struct {
	// CertFile and KeyFile are PEM files; they are read again when they change.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// CAFile holds the authorities that certify servers, PEM. It is read once.
	CAFile string `yaml:"ca_file"`
	// ServerName is the name in the server's certificate. Default: the target's host.
	ServerName string `yaml:"server_name"`
}

// Validate implements config.Validator.
func (c *ClientConfig) Validate(p *config.Problems) {
	p.Check(c.Target != "", "target", "must not be empty")
	p.Check((c.TLS.CertFile == "") == (c.TLS.KeyFile == ""), "tls", "needs cert_file and key_file, or neither")
	p.Check(c.Target == "" || c.TLS.CAFile != "" || isLoopback(address(c.Target)), "tls.ca_file", "must be given unless the target is a loopback address")
}

// address returns what follows the scheme of a target.
func address(target string) string {
	if i := strings.LastIndexByte(target, '/'); i >= 0 {
		return target[i+1:]
	}
	return target
}

// maxReconnect bounds the wait between attempts to connect, so that a service
// that has come back is found soon.
const maxReconnect = 5 * time.Second

// Dial returns a connection to another service whose calls fail with faults. It
// connects when first used. The caller closes it. tel may be nil.
func Dial(c ClientConfig, tel *telemetry.Telemetry) (*grpc.ClientConn, error) {
	return DialRaw(c, tel, grpc.WithChainUnaryInterceptor(rpcerr.UnaryClient()), grpc.WithChainStreamInterceptor(rpcerr.StreamClient()))
}

// DialRaw is Dial whose calls fail with statuses, for the gateway.
func DialRaw(c ClientConfig, tel *telemetry.Telemetry, more ...grpc.DialOption) (*grpc.ClientConn, error) {
	if err := config.Validate("client", &c); err != nil {
		return nil, err
	}
	protection := insecure.NewCredentials()
	if c.TLS.CAFile != "" {
		t, err := clientTLS(c.TLS)
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", c.Target, err)
		}
		protection = credentials.NewTLS(t)
	}
	reconnect := backoff.DefaultConfig
	reconnect.MaxDelay = maxReconnect
	var sizes Config
	sizes.Defaults()
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(protection),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: maxReconnect}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(int(sizes.MaxSend))),
	}
	if tel != nil {
		options = append(options, grpc.WithStatsHandler(tel.ClientStats()))
	}
	return grpc.NewClient(c.Target, append(options, more...)...)
}

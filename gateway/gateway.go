package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"

	"example.com/redress/gateway/internal/edge"
	"example.com/redress/gateway/internal/pages"
	"example.com/redress/gateway/openapi"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/telemetry"
)

// Config says where the edge listens. The zero value listens on a free loopback port.
type Config struct {
	// Listen is host:port; empty means 127.0.0.1:0. Without TLS it must be a
	// loopback address unless a proxy in front ends TLS, see BehindProxy.
	Listen string `yaml:"listen"`
	// CertFile and KeyFile turn on TLS. Both or none.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// BehindProxy allows plain HTTP on other than loopback addresses, where a
	// proxy in front ends TLS.
	BehindProxy bool `yaml:"behind_proxy"`
}

// Validate reports every contradiction, naming the key.
func (c Config) Validate() error {
	var errs []error
	if (c.CertFile == "") != (c.KeyFile == "") {
		errs = append(errs, errors.New("gateway.cert_file and gateway.key_file: give both or none"))
	}
	host, _, err := net.SplitHostPort(c.listen())
	if err != nil {
		errs = append(errs, fmt.Errorf("gateway.listen: %q is not host:port", c.Listen))
	} else if c.CertFile == "" && !c.BehindProxy && !loopback(host) {
		errs = append(errs, fmt.Errorf("gateway.listen: %s is open to others without TLS; give cert_file and key_file, or set behind_proxy", c.Listen))
	}
	return errors.Join(errs...)
}

func (c Config) listen() string {
	if c.Listen == "" {
		return "127.0.0.1:0"
	}
	return c.Listen
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Deps is what the edge is given.
type Deps struct {
	// Dial returns the connection to a service by its name.
	Dial func(service string) grpc.ClientConnInterface
	// Logger takes what goes wrong outside requests; nil discards.
	Logger *slog.Logger
	// Telemetry traces and counts requests; nil does neither.
	Telemetry *telemetry.Telemetry
	// Extra serves paths beside those of the edge, by pattern of http.ServeMux;
	// the all-in-one puts its mailbox there.
	Extra map[string]http.Handler
}

// Reasons returns the catalogue entries of the edge.
func Reasons() []fault.Entry { return edge.Reasons() }

// Limits of connections. Source: RELIABILITY 3.5, 3.6.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 2 * time.Minute // an upload of 20 MiB over a slow line
	writeTimeout      = 2 * time.Minute
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Gateway is the edge. Safe for concurrent use.
type Gateway struct {
	server   *http.Server
	listener net.Listener
	tls      bool
	closing  chan struct{}
	stop     sync.Once
	served   chan error
	start    sync.Once
}

// New binds the listener and prepares the handlers; nothing is served before Start.
func New(ctx context.Context, cfg Config, deps Deps) (_ *Gateway, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	closing := make(chan struct{})
	handler, err := newHandler(ctx, deps, closing)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.listen())
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{listener: listener, closing: closing, served: make(chan error, 1)}
	g.server = &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	if deps.Logger != nil {
		g.server.ErrorLog = slog.NewLogLogger(deps.Logger.Handler(), slog.LevelWarn)
	}
	if cfg.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("gateway.cert_file: %w", err), listener.Close())
		}
		g.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		g.tls = true
	}
	return g, nil
}

// Handler returns the edge without a listener, for tests and for other servers.
func Handler(ctx context.Context, deps Deps) (http.Handler, error) {
	return newHandler(ctx, deps, ctx.Done())
}

func newHandler(ctx context.Context, deps Deps, closing <-chan struct{}) (http.Handler, error) {
	api, err := edge.New(ctx, deps.Dial, closing)
	if err != nil {
		return nil, err
	}
	html, err := pages.New(deps.Dial("intake"), deps.Dial("notification"), openapi.JSON())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", api)
	html.Register(mux)
	for pattern, h := range deps.Extra {
		mux.Handle(pattern, h)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /{$}", http.RedirectHandler("/docs", http.StatusSeeOther))
	mux.Handle("/", api)
	return edge.Observe(deps.Telemetry, mux), nil
}

// Addr returns where the edge listens.
func (g *Gateway) Addr() net.Addr { return g.listener.Addr() }

// URL returns the address as a client writes it.
func (g *Gateway) URL() string {
	if g.tls {
		return "https://" + g.Addr().String()
	}
	return "http://" + g.Addr().String()
}

// Start implements the lifecycle contract.
func (g *Gateway) Start(context.Context) error {
	g.start.Do(func() {
		go func() {
			var err error
			if g.tls {
				err = g.server.ServeTLS(g.listener, "", "")
			} else {
				err = g.server.Serve(g.listener)
			}
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			g.served <- err
		}()
	})
	return nil
}

// Stop takes no new requests, ends event streams, waits for the rest, and closes
// hard when ctx ends.
func (g *Gateway) Stop(ctx context.Context) error {
	g.stop.Do(func() { close(g.closing) })
	err := g.server.Shutdown(ctx)
	if cerr := g.listener.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) { // one never served is not Shutdown's to close
		err = errors.Join(err, cerr)
	}
	if err != nil {
		err = errors.Join(err, g.server.Close())
	}
	return err
}

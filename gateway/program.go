package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/telemetry"
)

// settings of the gateway in a process of its own.
type settings struct {
	// Gateway says where the edge listens.
	Gateway Config `yaml:"gateway"`
	// Peers are the services, by name.
	Peers map[string]rpcserver.ClientConfig `yaml:"peers"`
	// Metrics is host:port of the Prometheus page, not public. Empty: none.
	Metrics string `yaml:"metrics"`
	// Telemetry says where measurements go.
	Telemetry telemetry.Config `yaml:"telemetry"`
}

// Defaults implements config.Defaulter.
func (s *settings) Defaults() { s.Gateway.Listen = "127.0.0.1:8080" }

// Validate implements config.Validator.
func (s *settings) Validate(p *config.Problems) {
	if err := s.Gateway.Validate(); err != nil {
		p.Add("", "%v", err)
	}
}

// Program is the gateway in a process of its own.
func Program() command.Program {
	return command.Program{
		Name: "gateway", About: "serves JSON, pages and event streams over the services",
		Settings: func() any { return &settings{} },
		Run: func(ctx context.Context, read any, out io.Writer) error {
			s, err := assemble(ctx, read.(*settings), out)
			if err != nil {
				return err
			}
			return command.Until(ctx, s)
		},
	}
}

// alone is the gateway with its connections.
type alone struct {
	*lifecycle.Group

	telemetry *telemetry.Telemetry
	conns     map[string]*grpc.ClientConn
	closed    sync.Once
}

func assemble(ctx context.Context, s *settings, out io.Writer) (_ *alone, err error) {
	a := &alone{conns: map[string]*grpc.ClientConn{}}
	if a.telemetry, err = telemetry.New(ctx, "gateway", command.Version(), s.Telemetry, out); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close(context.WithoutCancel(ctx)))
		}
	}()
	for name, peer := range s.Peers {
		if a.conns[name], err = rpcserver.DialRaw(peer, a.telemetry); err != nil {
			delete(a.conns, name)
			return nil, fmt.Errorf("peers.%s: %w", name, err)
		}
	}
	metrics, err := command.Metrics(s.Metrics, a.telemetry.Metrics)
	if err != nil {
		return nil, err
	}
	g, err := New(ctx, s.Gateway, Deps{Dial: a.dial, Logger: a.telemetry.Logger, Telemetry: a.telemetry})
	if err != nil {
		return nil, errors.Join(err, metrics.Stop(ctx))
	}
	a.telemetry.Logger.InfoContext(ctx, "listening", "name", "gateway", "address", g.URL())
	a.Group = lifecycle.NewGroup(a.telemetry.Logger)
	a.Add("metrics", metrics)
	a.Add("gateway", g)
	return a, nil
}

// Start implements lifecycle.Service; if it fails, what assemble opened is closed.
func (a *alone) Start(ctx context.Context) error {
	if err := a.Group.Start(ctx); err != nil {
		return errors.Join(err, a.close(context.WithoutCancel(ctx)))
	}
	return nil
}

// Stop implements lifecycle.Service.
func (a *alone) Stop(ctx context.Context) error {
	return errors.Join(a.Group.Stop(ctx), a.close(ctx))
}

func (a *alone) close(ctx context.Context) error {
	var errs []error
	a.closed.Do(func() {
		for _, conn := range a.conns {
			errs = append(errs, conn.Close())
		}
		errs = append(errs, a.telemetry.Stop(ctx))
	})
	return errors.Join(errs...)
}

func (a *alone) dial(service string) grpc.ClientConnInterface {
	if conn, ok := a.conns[service]; ok {
		return conn
	}
	return absent(service)
}

// absent stands for a service that the configuration does not name.
type absent string

func (n absent) refuse() error {
	return status.Errorf(codes.Unavailable, "peers.%s is not configured", string(n))
}

// Invoke implements grpc.ClientConnInterface.
func (n absent) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return n.refuse()
}

// NewStream implements grpc.ClientConnInterface.
func (n absent) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, n.refuse()
}

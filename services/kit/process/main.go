package process

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/rpcserver"
)

// Settings of a service alone in its process: what all services have in common
// and, beside it, the service's own.
type Settings interface {
	// Common returns the part that all services share.
	Common() *Config
}

// Program is a service that runs alone in its process.
type Program struct {
	// Name of the service, and About in half a sentence.
	Name, About string
	// Settings returns new, empty settings.
	Settings func() Settings
	// Build assembles the service from what was read into Settings.
	Build func(ctx context.Context, settings Settings, deps host.Deps) (Built, error)
}

// Main runs the service with the arguments after the program's name until ctx
// ends and returns the exit code.
func Main(ctx context.Context, p Program, args []string, out, errs io.Writer) int {
	return command.Main(ctx, p.Command(), args, out, errs)
}

// Command returns p as one of the programs that need no database either.
func (p Program) Command() command.Program {
	return command.Program{
		Name: p.Name, About: p.About,
		Settings: func() any { return p.Settings() },
		Run: func(ctx context.Context, settings any, out io.Writer) error {
			return Run(ctx, p, settings.(Settings), out)
		},
	}
}

// Run runs the service with settings that were read until ctx ends. Logs go to out.
func Run(ctx context.Context, p Program, settings Settings, out io.Writer) (err error) {
	s, err := Assemble(ctx, p, settings, out)
	if err != nil {
		return err
	}
	return command.Until(ctx, s)
}

// Single is one service with its server and all it needs, alone in its process.
// It implements lifecycle.Failing.
type Single struct {
	*lifecycle.Group

	surroundings *Surroundings
	server       *rpcserver.Server
	closed       sync.Once
}

// Assemble opens what the service needs and binds its ports; nothing runs before Start.
//
// Starting: the server, which says NOT_SERVING, then timers and feeds, then
// SERVING. Stopping: the server drains, then timers and feeds end, then what was
// opened is closed, telemetry last.
//
// Source: STYLE section 3.
func Assemble(ctx context.Context, p Program, settings Settings, out io.Writer) (_ *Single, err error) {
	c := *settings.Common()
	if c.Server.Listen == "" {
		return nil, errors.New("server.listen: must be given: nobody could reach the service")
	}
	s := &Single{}
	if s.surroundings, err = Open(ctx, p.Name, command.Version(), c, clock.NewHost(), out); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.surroundings.Close(context.WithoutCancel(ctx)))
		}
	}()
	dial, err := s.surroundings.peers()
	if err != nil {
		return nil, err
	}
	deps, err := s.surroundings.Deps(ctx, p.Name, dial)
	if err != nil {
		return nil, err
	}
	built, err := p.Build(ctx, settings, deps)
	if err != nil {
		return nil, err
	}
	if s.server, err = s.surroundings.Serve(built, c.Server); err != nil {
		return nil, errors.Join(err, built.Stop(context.WithoutCancel(ctx)))
	}
	metrics, err := command.Metrics(c.Metrics, s.surroundings.Telemetry.Metrics)
	if err != nil {
		return nil, errors.Join(err, s.server.Stop(context.WithoutCancel(ctx)), built.Stop(context.WithoutCancel(ctx)))
	}
	s.Group = lifecycle.NewGroup(s.surroundings.Logger())
	s.Add("metrics", metrics)
	s.Add(p.Name, lifecycle.Func(nil, built.Stop))
	s.Add("server", s.server)
	s.Add("work", work{built, s.server})
	return s, nil
}

// Addr returns host:port where the service listens.
func (s *Single) Addr() string { return s.server.Addr().String() }

// Start implements lifecycle.Service; if it fails, what Assemble opened is closed.
func (s *Single) Start(ctx context.Context) error {
	if err := s.Group.Start(ctx); err != nil {
		return errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	return nil
}

// Stop implements lifecycle.Service; it also closes what Assemble opened.
func (s *Single) Stop(ctx context.Context) error {
	return errors.Join(s.Group.Stop(ctx), s.close(ctx))
}

func (s *Single) close(ctx context.Context) (err error) {
	s.closed.Do(func() { err = s.surroundings.Close(ctx) })
	return err
}

// work is the part of a service that starts after its server and stops after it.
type work struct {
	built  Built
	server *rpcserver.Server
}

// Start implements lifecycle.Service.
func (w work) Start(ctx context.Context) error {
	if err := w.built.Start(ctx); err != nil {
		return err
	}
	w.server.SetServing(true)
	return nil
}

// Stop does nothing: the service is stopped after its server.
func (w work) Stop(context.Context) error { return nil }

// Done implements lifecycle.Failing.
func (w work) Done() <-chan struct{} {
	if f, ok := w.built.(interface{ Done() <-chan struct{} }); ok {
		return f.Done()
	}
	return nil
}

// Err implements lifecycle.Failing.
func (w work) Err() error {
	if f, ok := w.built.(interface{ Err() error }); ok {
		return f.Err()
	}
	return nil
}

// peers connects to the other services; a connection is made when it is first used.
func (s *Surroundings) peers() (func(string) grpc.ClientConnInterface, error) {
	conns := map[string]grpc.ClientConnInterface{}
	for name, c := range s.config.Peers {
		conn, err := rpcserver.Dial(c, s.Telemetry)
		if err != nil {
			return nil, fmt.Errorf("peers.%s: %w", name, err)
		}
		s.closers = append(s.closers, conn.Close)
		conns[name] = conn
	}
	return func(name string) grpc.ClientConnInterface {
		if conn, ok := conns[name]; ok {
			return conn
		}
		return absent(name)
	}, nil
}

// absent stands for a service that the configuration does not name: calls fail,
// and are tried again, as if it were away.
type absent string

func (a absent) refuse() error {
	return fault.New(fault.Unavailable, fault.ReasonUnavailable).WithRetry(time.Minute).
		Wrap(fmt.Errorf("peers.%s is not configured", string(a)))
}

// Invoke implements grpc.ClientConnInterface.
func (a absent) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return a.refuse()
}

// NewStream implements grpc.ClientConnInterface.
func (a absent) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, a.refuse()
}

// Key returns the 32 bytes in the file that is named, there perhaps as 64
// hexadecimal digits, or else those of a file in the data folder, made at the
// first start.
func Key(named config.SecretFile, otherwise string) ([]byte, error) {
	if named == "" {
		return Secret(otherwise)
	}
	key, err := named.Read()
	if err != nil {
		return nil, err
	}
	if len(key) == hex.EncodedLen(SecretSize) {
		if key, err = hex.DecodeString(string(key)); err != nil {
			return nil, fmt.Errorf("%s: %w", named, err)
		}
	}
	if len(key) != SecretSize {
		return nil, fmt.Errorf("%s has %d bytes instead of %d, or of %d hexadecimal digits", named, len(key), SecretSize, hex.EncodedLen(SecretSize))
	}
	return key, nil
}

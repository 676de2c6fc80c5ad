// Package process gives a service what it needs from its surroundings: database,
// clock, timer index, connections to the other services, tokens, telemetry, and
// the server that serves it. It is the same for a service alone in its process
// and for one of several.
//
// Start reading at [Config], then [Open] and [Serve]; a main calls [Main].
//
// Source: DESIGN section 10; STYLE section 3.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"

	"google.golang.org/grpc"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/kit/timerindex"
)

// Config of one service's process.
type Config struct {
	// Data is the folder of everything the process keeps itself: SQLite files,
	// keys, evidence. Default: data.
	Data string `yaml:"data"`
	// Database is the service's; SQLite in Data if no driver is named.
	Database sqldb.Config `yaml:"database"`
	// Redis is where timers are indexed; none: in this process.
	Redis Redis `yaml:"redis"`
	// Server is where the service listens.
	Server rpcserver.Config `yaml:"server"`
	// Peers are the other services, by name.
	Peers map[string]rpcserver.ClientConfig `yaml:"peers"`
	// Tokens says whose tokens count.
	Tokens authn.Config `yaml:"tokens"`
	// DigestKeyFile holds 32 bytes that digests of requests are keyed with, the
	// same for all replicas of the service. Default: made in Data.
	DigestKeyFile config.SecretFile `yaml:"digest_key_file"`
	// Ranges is how many leases replicas divide a source's shards among. 0: this
	// process has no replicas.
	Ranges int `yaml:"ranges"`
	// Metrics is host:port of the Prometheus page, not public. Empty: none.
	Metrics string `yaml:"metrics"`
	// Telemetry says where measurements go.
	Telemetry telemetry.Config `yaml:"telemetry"`
}

// Redis says where Redis is.
type Redis struct {
	// Addresses are host:port; several for a cluster or sentinels.
	Addresses []string `yaml:"addresses"`
	// Master is the name of the primary, if Addresses are sentinels.
	Master string `yaml:"master"`
	// Username, if the server asks for one.
	Username string `yaml:"username"`
	// PasswordFile, if the server asks for a password.
	PasswordFile config.SecretFile `yaml:"password_file"`
}

// Defaults implements config.Defaulter.
func (c *Config) Defaults() { c.Data = "data" }

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	p.Check(c.Data != "", "data", "must name a folder")
	p.Check(c.Ranges >= 0, "ranges", "must not be negative")
}

// Store returns the database of the named service: the one configured, in a
// schema of its own, or a SQLite file in Data.
func (c *Config) Store(name string) sqldb.Config {
	db := c.Database
	if db.DSN == "" && (db.Driver == "" || db.Driver == sqldb.SQLite) {
		db.Driver, db.DSN = sqldb.SQLite, filepath.Join(c.Data, "db", name+".db")
	} else if db.Driver == sqldb.Postgres && db.Schema == "" {
		db.Schema = "redress_" + slug(name)
	}
	db.Defaults()
	return db
}

// Surroundings are what [Open] opened. Close closes them, after the services.
type Surroundings struct {
	// Telemetry of the process.
	Telemetry *telemetry.Telemetry
	// Tokens verifies bearer tokens; nil if no issuer is configured.
	Tokens authn.Verifier

	config  Config
	clock   clock.Business
	redis   *timerindex.Server
	closers []func() error
}

// Open opens what all services of a process share. Logs go to out.
func Open(ctx context.Context, name, version string, c Config, business clock.Business, out io.Writer) (_ *Surroundings, err error) {
	growHeap()
	s := &Surroundings{config: c, clock: business}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	if s.Telemetry, err = telemetry.New(ctx, name, version, c.Telemetry, out); err != nil {
		return nil, err
	}
	if len(c.Tokens.Issuers) > 0 {
		if s.Tokens, err = authn.NewTokens(c.Tokens); err != nil {
			return nil, err
		}
	}
	if len(c.Redis.Addresses) > 0 {
		var password []byte
		if c.Redis.PasswordFile != "" {
			if password, err = c.Redis.PasswordFile.Read(); err != nil {
				return nil, fmt.Errorf("redis.password_file: %w", err)
			}
		}
		timerindex.LogTo(s.Telemetry.Logger)
		s.redis = timerindex.Connect(timerindex.Address{
			Addrs: c.Redis.Addresses, Master: c.Redis.Master, Username: c.Redis.Username, Password: string(password),
		})
		s.closers = append(s.closers, s.redis.Close)
	}
	return s, nil
}

// Deps opens the database of the named service and returns what it is built from.
// dial reaches the other services; keys lends keys, nil for intake's.
func (s *Surroundings) Deps(ctx context.Context, name string, dial func(string) grpc.ClientConnInterface) (host.Deps, error) {
	c := s.config.Store(name)
	if c.Driver == sqldb.SQLite {
		if err := makeFolder(filepath.Dir(c.DSN)); err != nil {
			return host.Deps{}, err
		}
	}
	db, err := sqldb.Open(ctx, c)
	if err != nil {
		return host.Deps{}, fmt.Errorf("database of %s: %w", name, err)
	}
	s.closers = append(s.closers, db.Close)
	key, err := s.digestKey()
	if err != nil {
		return host.Deps{}, err
	}
	index := func(string) timerindex.Index { return timerindex.NewLocal() }
	if s.redis != nil {
		index = s.redis.Index
	}
	keys := seal.NewCache(lender{intakev1.NewKeyServiceClient(dial("intake"))}, seal.CacheOptions{Clock: clock.System()})
	return host.Deps{
		DB: db, Clock: s.clock, Timers: index, Dial: dial, Keys: keys, DigestKey: key,
		Logger: s.Telemetry.Logger, Ranges: s.config.Ranges, Tracer: s.Telemetry.For(name).Recorder(), Measures: s.Telemetry.Measures(name),
	}, nil
}

func (s *Surroundings) digestKey() ([]byte, error) {
	if s.config.DigestKeyFile != "" {
		return s.config.DigestKeyFile.Read()
	}
	return Secret(filepath.Join(s.config.Data, "keys", "digest.key"))
}

// Close closes everything, the last opened first, and telemetry last of all.
func (s *Surroundings) Close(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c())
	}
	if s.Telemetry != nil {
		errs = append(errs, s.Telemetry.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Built is a service that has been assembled.
type Built interface {
	Name() string
	Register(r grpc.ServiceRegistrar)
	Reasons() []fault.Entry
	Functions(ctx context.Context, organization, person string) ([]typev1.Function, error)
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Serve returns the server of an assembled service, not started. It is refused
// if any of its methods has no declared access.
func (s *Surroundings) Serve(b Built, c rpcserver.Config) (*rpcserver.Server, error) {
	catalogue, err := fault.NewCatalogue(slices.Concat(rpcserver.Reasons(), b.Reasons())...)
	if err != nil {
		return nil, fmt.Errorf("catalogue of %s: %w", b.Name(), err)
	}
	server, err := rpcserver.New(rpcserver.Options{
		Name: b.Name(), Config: c, Catalogue: catalogue, Tokens: s.Tokens, Functions: b.Functions, Telemetry: s.Telemetry.For(b.Name()),
		EndOnStop: []string{intakev1.IntakeService_WatchComplaint_FullMethodName},
	})
	if err != nil {
		return nil, err
	}
	b.Register(server)
	return server, nil
}

// Logger returns the process's logger.
func (s *Surroundings) Logger() *slog.Logger { return s.Telemetry.Logger }

// lender fetches keys from intake.
type lender struct{ client intakev1.KeyServiceClient }

// Key implements seal.Fetcher.
func (l lender) Key(ctx context.Context, organization, subject string, create bool) ([]byte, error) {
	got, err := l.client.LendKey(authn.OnBehalf(ctx, organization), &intakev1.LendKeyRequest{Organization: organization, Subject: subject, Create: create})
	if err != nil {
		return nil, err
	}
	return got.GetKey(), nil
}

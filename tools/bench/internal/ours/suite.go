package ours

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	googleuuid "github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"example.com/redress/gateway"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/intake"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/suite"
	"example.com/redress/tools/bench/internal/plain"
	"example.com/redress/tools/bench/internal/world"
)

// staff registers complaints, and known has an account.
const (
	staff = "people/li-na"
	known = "customers/zhao-qian"
)

// complaintSize is what a complaint has in bytes; the baselines carry as much.
const complaintSize = 300

// Server is a running part of the suite, reached over the network.
type Server struct {
	// Network are connections to its RPCs.
	Network plain.Network
	// URL of its JSON edge; empty if it has none.
	URL string
	// Token of the staff member who calls.
	Token string
	// Suite is the running suite; nil where a service is alone.
	Suite *suite.Suite

	closers []func() error
}

// Close stops everything, the last started first.
func (s *Server) Close() error {
	var errs []error
	for _, end := range slices.Backward(s.closers) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

func (s *Server) later(end func() error) { s.closers = append(s.closers, end) }

func stopping(s interface {
	Stop(ctx context.Context) error
},
) func() error {
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		return s.Stop(ctx)
	}
}

// On says where a part of the suite keeps its data: a database on PostgreSQL with
// timers in Redis, or files and timers in the process.
type On struct {
	// Postgres is the database's connection string; empty for SQLite.
	Postgres string
	// Redis is host:port; empty for the index in the process.
	Redis string
}

func (o On) apply(c *process.Config) {
	if o.Postgres != "" {
		c.Database.Driver, c.Database.DSN = "postgres", o.Postgres
	}
	if o.Redis != "" {
		c.Redis.Addresses = []string{o.Redis}
	}
}

// Together starts the whole suite in this process, in real time.
func Together(ctx context.Context, w *world.World, o On) (_ *Server, err error) {
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	folder, log, err := s.folder(w)
	if err != nil {
		return nil, err
	}
	return s, s.whole(ctx, folder, log, o)
}

func (s *Server) folder(w *world.World) (string, io.Writer, error) {
	folder, err := os.MkdirTemp(w.Folder, "suite")
	if err != nil {
		return "", nil, err
	}
	s.later(func() error { return os.RemoveAll(folder) })
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return "", nil, err
	}
	s.later(log.Close)
	return folder, log, nil
}

func (s *Server) whole(ctx context.Context, folder string, log io.Writer, o On) (err error) {
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = folder
	o.apply(&c.Process)
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	if s.Suite, err = suite.New(ctx, c, "bench", log); err != nil {
		return err
	}
	if err := s.Suite.Start(ctx); err != nil {
		return err
	}
	s.later(stopping(s.Suite))
	if s.Token, err = s.Suite.Minter.Mint(authn.Identity{Principal: staff, Organization: organization}, 24*time.Hour); err != nil {
		return err
	}
	s.URL = s.Suite.URL()
	return s.dial(s.Suite.GRPCAddr())
}

func (s *Server) dial(address string) (err error) {
	if s.Network, err = plain.Dial(address); err != nil {
		return err
	}
	s.later(s.Network.Close)
	return nil
}

// Alone starts intake as it runs in a process of its own, with the policy and the
// directory that routing has told it of before. Routing is away, and another replica
// would make texts findable.
func Alone(ctx context.Context, w *world.World, o On) (*Server, error) {
	return alone(ctx, w, o, solo{program: intake.Program(), file: "intake: {skip_index: true}", caller: staff})
}

// Indexing is Alone where intake makes texts findable by search.
func Indexing(ctx context.Context, w *world.World, o On) (*Server, error) {
	return alone(ctx, w, o, solo{program: intake.Program(), caller: staff})
}

// solo is a service that runs without the others.
type solo struct {
	program process.Program
	// file is its configuration file.
	file string
	// caller is the staff member who calls.
	caller string
	// peers are the addresses of services that it reaches all the same.
	peers map[string]string
}

// alone starts a service with what the whole suite has made at its first start.
func alone(ctx context.Context, w *world.World, o On, service solo) (_ *Server, err error) {
	s := &Server{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	folder, log, err := s.folder(w)
	if err != nil {
		return nil, err
	}
	before := &Server{}
	if err := before.whole(ctx, folder, log, o); err != nil {
		return nil, errors.Join(err, before.Close())
	}
	if s.Token, err = before.Suite.Minter.Mint(authn.Identity{Principal: service.caller, Organization: organization}, 24*time.Hour); err != nil {
		return nil, errors.Join(err, before.Close())
	}
	issuer := before.Suite.Minter.Issuer()
	if err := errors.Join(before.Suite.Settle(ctx), before.Close()); err != nil {
		return nil, err
	}
	settings := service.program.Settings()
	if err := config.Parse("bench", []byte(service.file), settings); err != nil {
		return nil, err
	}
	c := settings.Common()
	for name, address := range service.peers {
		if c.Peers == nil {
			c.Peers = map[string]rpcserver.ClientConfig{}
		}
		c.Peers[name] = rpcserver.ClientConfig{Target: address}
	}
	c.Data, c.Server.Listen = folder, "127.0.0.1:0"
	o.apply(c)
	c.Tokens.Issuers = append(c.Tokens.Issuers, issuer)
	c.Server.Clients = []string{"gateway"}
	single, err := process.Assemble(ctx, service.program, settings, log)
	if err != nil {
		return nil, err
	}
	if err := single.Start(ctx); err != nil {
		return nil, err
	}
	s.later(stopping(single))
	return s, s.dial(single.Addr())
}

// Dialling puts a JSON edge before a server that it reaches over the network.
func (s *Server) Dialling(ctx context.Context) error {
	to := s.Network[0].Target()
	conn, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: to}, nil)
	if err != nil {
		return err
	}
	s.later(conn.Close)
	g, err := gateway.New(ctx, gateway.Config{Listen: "127.0.0.1:0"}, gateway.Deps{Dial: func(string) grpc.ClientConnInterface { return conn }})
	if err != nil {
		return err
	}
	if err := g.Start(ctx); err != nil {
		return err
	}
	s.later(stopping(g))
	s.URL = g.URL()
	return nil
}

// Context carries the token.
func (s *Server) Context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+s.Token)
}

// Complaint returns one of 300 bytes that the demo's pack takes, of a person
// without an account, or of a known customer.
func Complaint(fromKnown bool) *intakev1.Complaint {
	c := &intakev1.Complaint{
		Channel: "telephone", Medium: intakev1.Medium_MEDIUM_TELEPHONE, Category: "product_quality",
		Complainant: &intakev1.Complainant{DisplayName: "赵倩", Telephone: "13800138000", Email: "zhao.qian@customer.example"},
		Facts:       map[string]*typev1.Fact{"demand": {Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: []string{"refund"}}}}},
	}
	if fromKnown {
		c.Complainant.Customer = known
	}
	c.Description = strings.Repeat("漏", (complaintSize-proto.Size(c))/len("漏"))
	return c
}

// Create returns a call that registers a complaint under a request id of its own.
func (s *Server) Create(ctx context.Context, fromKnown bool) func(ctx context.Context, caller, n int) error {
	with := s.Context(ctx)
	c := Complaint(fromKnown)
	return func(_ context.Context, caller, _ int) error {
		_, err := intakev1.NewIntakeServiceClient(s.Network.Of(caller)).CreateComplaint(with, &intakev1.CreateComplaintRequest{Complaint: c, RequestId: googleuuid.NewString()})
		return err
	}
}

// Telling returns a call that registers a complaint whose description text gives.
func (s *Server) Telling(ctx context.Context, text func(n int) string) func(ctx context.Context, caller, n int) error {
	with := s.Context(ctx)
	return func(_ context.Context, caller, n int) error {
		c := Complaint(true)
		c.Description = text(n)
		_, err := intakev1.NewIntakeServiceClient(s.Network.Of(caller)).CreateComplaint(with, &intakev1.CreateComplaintRequest{Complaint: c, RequestId: googleuuid.NewString()})
		return err
	}
}

// Some registers a complaint and returns its name.
func (s *Server) Some(ctx context.Context) (string, error) {
	got, err := intakev1.NewIntakeServiceClient(s.Network.Of(0)).CreateComplaint(s.Context(ctx), &intakev1.CreateComplaintRequest{Complaint: Complaint(false), RequestId: googleuuid.NewString()})
	if err != nil {
		return "", fmt.Errorf("register a complaint: %w", err)
	}
	return got.GetComplaint().GetName(), nil
}

// Bootstrapped leaves a suite in the folder in which nothing has happened.
func Bootstrapped(ctx context.Context, folder, virtual string) error {
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data, c.VirtualClock = folder, virtual
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	s, err := suite.New(ctx, c, "bench", io.Discard)
	if err != nil {
		return err
	}
	return errors.Join(s.Start(ctx), s.Settle(ctx), stopping(s)())
}

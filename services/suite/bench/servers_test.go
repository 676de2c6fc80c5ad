package bench_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// patience bounds starting and stopping.
const patience = 30 * time.Second

// payload is what a call to a plain server carries.
var payload = wrapperspb.Bytes([]byte(strings.Repeat("x", 300)))

// network is connections to one server.
type network []*grpc.ClientConn

func dial(b *testing.B, address string) network {
	b.Helper()
	out := make(network, conns)
	for i := range out {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, conn.Close()) })
		out[i] = conn
	}
	return out
}

func (n network) of(caller int) *grpc.ClientConn { return n[caller%len(n)] }

// plain serves one unary method the way a gRPC server does that has nothing but
// its handler, and returns a call of it.
func plain(b *testing.B, handle func(context.Context, *wrapperspb.BytesValue) error) func(int, int) error {
	b.Helper()
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Plain", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Put", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := &wrapperspb.BytesValue{}
			if err := decode(in); err != nil {
				return nil, err
			}
			return in, handle(ctx, in)
		}}},
	}, struct{}{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = server.Serve(l) }() // ends with Stop
	b.Cleanup(server.Stop)
	to := dial(b, l.Addr().String())
	return func(caller, _ int) error {
		return to.of(caller).Invoke(b.Context(), "/bench.Plain/Put", payload, &wrapperspb.BytesValue{})
	}
}

// nothing stores nothing.
func nothing(context.Context, *wrapperspb.BytesValue) error { return nil }

// twoRows stores a state and an event in a transaction of their own, which is
// the least a service does that publishes what it stored.
func twoRows(b *testing.B, c sqldb.Config) func(context.Context, *wrapperspb.BytesValue) error {
	b.Helper()
	db, err := sqldb.Open(b.Context(), c)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	for _, table := range []string{
		"CREATE TABLE plain_state (name TEXT PRIMARY KEY, version BIGINT NOT NULL, state BYTEA NOT NULL)",
		"CREATE TABLE plain_event (name TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (name, version))",
	} {
		_, err := db.Exec(b.Context(), "create", table)
		require.NoError(b, err)
	}
	return func(ctx context.Context, in *wrapperspb.BytesValue) error {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		return db.Write(ctx, func(tx *sqldb.Tx) error {
			if _, err := tx.Exec(ctx, "state", "INSERT INTO plain_state (name, version, state) VALUES ($1, $2, $3)", id.String(), int64(1), in.GetValue()); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "event", "INSERT INTO plain_event (name, version, body) VALUES ($1, $2, $3)", id.String(), int64(1), in.GetValue())
			return err
		})
	}
}

// redress is a running server of ours.
type redress struct {
	to    network
	token string
}

func (r redress) context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+r.token)
}

// create returns the registration of a complaint by the call centre: each time
// by another person, or always by a customer with an account.
func (r redress) create(b *testing.B, customer string) func(int, int) error {
	b.Helper()
	ctx := r.context(b.Context())
	complaint := complaint(customer)
	return func(caller, _ int) error {
		_, err := intakev1.NewIntakeServiceClient(r.to.of(caller)).CreateComplaint(ctx, &intakev1.CreateComplaintRequest{Complaint: complaint, RequestId: uuid.NewString()})
		return err
	}
}

// complaint has 300 bytes.
func complaint(customer string) *intakev1.Complaint {
	c := suitetest.Complaint()
	c.Complainant.Customer = customer
	c.Description = ""
	c.Description = strings.Repeat("漏", (300-proto.Size(c))/3)
	return c
}

// whole starts the suite in a folder, in real time.
func whole(b *testing.B, folder string, change func(*suite.Config)) *suite.Suite {
	b.Helper()
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = folder
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	change(&c)
	s, err := suite.New(b.Context(), c, "bench", log(b, folder))
	require.NoError(b, err)
	require.NoError(b, s.Start(b.Context()))
	return s
}

func stop(b *testing.B, s interface {
	Stop(ctx context.Context) error
},
) {
	b.Helper()
	ctx, cancel := clock.System().WithTimeout(context.WithoutCancel(b.Context()), patience)
	defer cancel()
	require.NoError(b, s.Stop(ctx))
}

// alone starts intake as it runs in a process of its own, with the policy and
// the directory that routing has told it of before. Routing is away.
func alone(b *testing.B, change func(*suite.Config)) redress {
	b.Helper()
	folder := b.TempDir()
	s := whole(b, folder, change)
	require.NoError(b, s.Settle(b.Context()))
	token, issuer := mint(b, s), s.Minter.Issuer()
	stop(b, s)

	var shared suite.Config
	change(&shared)
	program := intake.Program()
	settings := program.Settings()
	config.SetDefaults(settings)
	c := settings.Common()
	c.Data, c.Database, c.Server.Listen = folder, shared.Process.Database, "127.0.0.1:0"
	c.Tokens.Issuers = append(c.Tokens.Issuers, issuer)
	single, err := process.Assemble(b.Context(), program, settings, log(b, folder))
	require.NoError(b, err)
	require.NoError(b, single.Start(b.Context()))
	b.Cleanup(func() { stop(b, single) })
	return redress{dial(b, single.Addr()), token}
}

// together starts the whole suite: what intake stores, five others follow.
func together(b *testing.B, change func(*suite.Config)) (*suite.Suite, redress) {
	b.Helper()
	s := whole(b, b.TempDir(), change)
	b.Cleanup(func() { stop(b, s) })
	return s, redress{dial(b, s.GRPCAddr()), mint(b, s)}
}

func mint(b *testing.B, s *suite.Suite) string {
	b.Helper()
	token, err := s.Minter.Mint(authn.Identity{Principal: "people/li-na", Organization: suitetest.Organization}, time.Hour)
	require.NoError(b, err)
	return token
}

// log is a file: what a service writes about each call is part of its cost.
func log(b *testing.B, folder string) io.Writer {
	b.Helper()
	f, err := os.OpenFile(filepath.Join(folder, "bench.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, f.Close()) })
	return f
}

// Package world starts the suite as it is deployed, one process for each service
// and replica, with mutual TLS, on a PostgreSQL and a Redis of its own, and can do
// to it whatever may happen to a deployment.
//
// Start reading at [New]; service.go, postgres.go, redis.go and proxy.go hold what
// can be done to each part. It shares no code with the suite: it talks to it
// through configuration files, the published API, signals and sockets.
package world

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// Organization whose complaints these are.
const Organization = "demo"

// Names returns the services in the order in which they start.
func Names() []string {
	return []string{"intake", "routing", "compensation", "corrective-action", "notification", "reporting"}
}

// Reads returns whose feeds each service reads.
func Reads() map[string][]string {
	return map[string][]string{
		"intake": {"routing"}, "routing": {"intake", "compensation", "corrective-action", "notification"}, "compensation": {"intake", "routing"},
		"corrective-action": {"intake", "routing", "compensation", "notification", "reporting"},
		"notification":      {"intake", "routing", "compensation", "corrective-action", "reporting"},
		"reporting":         {"intake", "routing", "compensation", "corrective-action", "notification"},
	}
}

// Options say what a world is made of.
type Options struct {
	// Binaries is the folder of the built programs that it begins with.
	Binaries string
	// Folder takes everything the world writes.
	Folder string
	// Directory is the sample directory as CSV; Pack the pack that is put in force.
	Directory, Pack []byte
	// Replicas is how many instances a service has; 0 counts as 1.
	Replicas map[string]int
	// Ranges is how many leases divide a feed among replicas; 0: none, and each reads all of it.
	Ranges int
	// Skew draws how far the clock of a process's host is off; nil: not at all. The
	// programs must have been built with the tag skewed.
	Skew func() time.Duration
	// Disk is the size in MiB of a file system of PostgreSQL's own, in memory, that
	// can be full; 0: none. Only root can make one.
	Disk int
	// Sentinel: Redis is a primary and a replica, which a sentinel promotes.
	Sentinel bool
	// Env goes to every process.
	Env []string
	// Mail is host:port of the mail server; "": the mails are kept in a folder.
	Mail string
	// Webhooks is host:port of a receiver of webhooks about every notice; "": there is none.
	Webhooks string
	// Signed is told what the suite signs its webhooks with, before the first.
	Signed func(secret string) error
}

// World is the running suite and what it stands on.
type World struct {
	Options

	// Postgres and Redis, and the proxies through which the services see them.
	Postgres *Postgres
	Redis    *Redis
	ToSQL    *Proxy
	ToRedis  *Proxy
	// Services by name; Gateway is one of them.
	Services map[string]*Service
	// Database is the name of this world's database.
	Database string

	minter *minter
	ended  context.CancelFunc
	conns  map[string]*grpc.ClientConn
	mu     sync.Mutex
}

// New starts a world and returns when it takes complaints. On an error nothing runs.
func New(ctx context.Context, o Options) (_ *World, err error) {
	w := &World{Options: o, Services: map[string]*Service{}, Database: "redress", conns: map[string]*grpc.ClientConn{}}
	ctx, w.ended = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			w.Close()
		}
	}()
	if err := os.MkdirAll(o.Folder, 0o711); err != nil {
		return nil, err
	}
	if err := w.servers(ctx); err != nil {
		return nil, err
	}
	if err := w.certificates(); err != nil {
		return nil, err
	}
	for _, name := range append(Names(), "gateway") {
		s := &Service{Name: name, w: w, programs: w.Binaries}
		if s.Front, err = newProxy(s.addresses); err != nil {
			return nil, err
		}
		w.Services[name] = s
	}
	if err := w.start(ctx); err != nil {
		return nil, err
	}
	return w, w.organize(ctx)
}

// start starts the processes.
func (w *World) start(ctx context.Context) error {
	for _, name := range append(Names(), "gateway") {
		for range max(1, w.Replicas[name]) {
			if err := w.Services[name].add(ctx, w.Env...); err != nil {
				return err
			}
		}
	}
	return nil
}

// servers starts PostgreSQL and Redis and the proxies before them.
func (w *World) servers(ctx context.Context) (err error) {
	if w.Postgres, err = newPostgres(w.file("postgres"), w.Disk); err != nil {
		return err
	}
	if err := w.Postgres.Start(ctx); err != nil {
		return err
	}
	if _, err := w.Postgres.Do(ctx, "postgres", "CREATE DATABASE "+w.Database); err != nil {
		return err
	}
	if w.Redis, err = newRedis(w.file("redis")); err != nil {
		return err
	}
	if err := w.Redis.Start(ctx); err != nil {
		return err
	}
	if w.Sentinel {
		if err := w.Redis.watch(ctx, w.file("sentinel")); err != nil {
			return err
		}
	}
	if w.ToSQL, err = newProxy(func() []string { return []string{"127.0.0.1:" + w.Postgres.port} }); err != nil {
		return err
	}
	w.ToRedis, err = newProxy(func() []string { return []string{w.Redis.address()} })
	return err
}

func (w *World) certificates() (err error) {
	authority, err := newAuthority(w.Folder)
	if err != nil {
		return err
	}
	for _, name := range append(Names(), "gateway", "suite") {
		if err := authority.certify(name); err != nil {
			return err
		}
	}
	w.minter, err = newMinter(w.file("tokens.json"))
	return err
}

func (w *World) file(name string) string { return filepath.Join(w.Folder, name) }

// section is the configuration of one instance.
func (w *World) section(name, listen string) map[string]any {
	if name == "gateway" {
		return map[string]any{"gateway": map[string]any{"listen": listen}, "peers": w.peers(name)}
	}
	clients := slices.DeleteFunc(append(Names(), "gateway", "suite"), func(n string) bool { return n == name })
	out := map[string]any{
		"data":     w.file(name),
		"database": map[string]any{"driver": "postgres", "dsn": w.Postgres.DSN(w.Database, w.ToSQL.Address)},
		"redis":    w.Redis.section(w.ToRedis.Address),
		"server": map[string]any{
			"listen": listen, "clients": clients,
			"tls": map[string]any{"cert_file": w.file(name + ".crt"), "key_file": w.file(name + ".key"), "client_ca_file": w.file("ca.crt"), "allow_uncertified": true},
		},
		"peers":  w.peers(name),
		"ranges": w.Ranges,
		"tokens": map[string]any{"issuers": []any{map[string]any{"url": issuer, "audience": "redress", "keys_file": w.file("tokens.json"), "algorithms": []string{"ES256"}}}},
	}
	if name == "notification" {
		n := map[string]any{"base_url": "http://" + w.Services["gateway"].Front.Address}
		if host, port, err := net.SplitHostPort(w.Mail); err == nil {
			port, _ := strconv.Atoi(port) // a listener gave it
			n["smtp"] = map[string]any{"host": host, "port": port, "tls": "none", "timeout": "3s"}
		} else {
			n["mailbox"] = map[string]any{"folder": w.file("mailbox")}
		}
		out["notification"] = n
	}
	return out
}

// Schema is where a service keeps its tables.
func Schema(service string) string { return "redress_" + strings.ReplaceAll(service, "-", "_") }

func (w *World) peers(from string) map[string]any {
	out := map[string]any{}
	for _, name := range Names() {
		if name != from {
			out[name] = map[string]any{"target": w.Services[name].Front.Address, "tls": map[string]any{
				"cert_file": w.file(from + ".crt"), "key_file": w.file(from + ".key"), "ca_file": w.file("ca.crt"),
			}}
		}
	}
	return out
}

// Dial returns a connection to a service, of the caller's own, through its proxy.
// As names the service whose certificate it shows; "" shows none.
func (w *World) Dial(service, as string) (*grpc.ClientConn, error) {
	raw, err := os.ReadFile(w.file("ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(raw)
	c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	if as != "" {
		own, err := tls.LoadX509KeyPair(w.file(as+".crt"), w.file(as+".key"))
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{own}
	}
	again := backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: time.Second}
	return grpc.NewClient(w.Services[service].Front.Address, grpc.WithTransportCredentials(credentials.NewTLS(c)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: again, MinConnectTimeout: 2 * time.Second}))
}

// Conn returns the connection to a service that the whole world shares.
func (w *World) Conn(service string) (*grpc.ClientConn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.conns[service]; ok {
		return c, nil
	}
	c, err := w.Dial(service, "")
	if err == nil {
		w.conns[service] = c
	}
	return c, err
}

// As returns a context whose calls carry the token of the principal.
func (w *World) As(ctx context.Context, principal string) context.Context {
	token, err := w.minter.token(principal)
	if err != nil {
		panic(err) // the key is our own
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "accept-language", "en")
}

// Close ends everything that runs; the files stay.
func (w *World) Close() {
	for _, c := range w.conns {
		_ = c.Close() // nothing is in flight that counts
	}
	w.halt(syscall.SIGKILL)
	for _, s := range w.Services {
		if s.Front != nil {
			s.Front.close()
		}
	}
	for _, p := range []*Proxy{w.ToSQL, w.ToRedis} {
		if p != nil {
			p.close()
		}
	}
	if w.Postgres != nil {
		w.Postgres.close()
	}
	if w.Redis != nil {
		w.Redis.close()
	}
	w.ended()
}

// freePort returns a port nobody listens at now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// organize gives the organisation its directory, its pack and its receiver of
// webhooks, and waits until intake knows the first two.
func (w *World) organize(ctx context.Context) error {
	first, err := w.Dial("routing", "suite")
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }() // nothing is in flight
	notification, err := w.Conn("notification")
	if err != nil {
		return err
	}
	receivers := notificationv1.NewNotificationServiceClient(notification)
	hook := &notificationv1.CreateReceiverRequest{RequestId: ID(), Receiver: &notificationv1.Receiver{
		Name: "receivers/customer-system", Url: "http://" + w.Webhooks + "/redress", AllowPrivate: true,
	}}
	if err := w.inTurn(ctx, []step{
		{"directory", func(ctx context.Context) error {
			ctx = metadata.AppendToOutgoingContext(ctx, "redress-organization", Organization)
			_, err := directoryv1.NewDirectoryServiceClient(first).BootstrapOrganization(ctx, &directoryv1.BootstrapOrganizationRequest{
				Organization: Organization, Csv: w.Directory, RequestId: ID(),
			})
			return err
		}},
		{"receiver", func(ctx context.Context) error {
			if w.Webhooks == "" {
				return nil
			}
			got, err := receivers.CreateReceiver(w.As(ctx, "people/admin"), hook)
			if err != nil {
				return err
			}
			return w.Signed(got.GetReceiver().GetSecret())
		}},
	}); err != nil {
		return err
	}
	if err := w.Activate(ctx, w.Pack); err != nil {
		return err
	}
	return w.takesComplaints(ctx)
}

// step is one of several calls in turn.
type step struct {
	name string
	do   func(context.Context) error
}

func (w *World) inTurn(ctx context.Context, all []step) error {
	for _, s := range all {
		if err := w.whenUp(ctx, s.do); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// Activate puts a pack in force; services hear of it soon.
func (w *World) Activate(ctx context.Context, pack []byte) error {
	routing, err := w.Conn("routing")
	if err != nil {
		return err
	}
	policies := policyv1.NewPolicyServiceClient(routing)
	var stored *policyv1.Revision
	request := ID()
	return w.inTurn(ctx, []step{
		{"revision", func(ctx context.Context) error {
			got, err := policies.CreateRevision(w.As(ctx, "people/author"), &policyv1.CreateRevisionRequest{Source: pack, RequestId: request})
			stored = got.GetRevision()
			return err
		}},
		{"test run", func(ctx context.Context) error {
			// The run of the world is the run of its pack: it fails if the pack does not hold.
			got, err := policies.RecordTestRun(w.As(ctx, "people/author"), &policyv1.RecordTestRunRequest{
				Name: stored.GetName(), RequestId: ID(), TestRun: &policyv1.TestRun{Digest: stored.GetDigest(), ScenariosDigest: stored.GetDigest(), Passed: 1, Tool: "faults"},
			})
			if err == nil {
				stored = got.GetRevision()
			}
			return err
		}},
		{"activation", func(ctx context.Context) error {
			_, err := policies.ActivateRevision(w.As(ctx, "people/admin"), &policyv1.ActivateRevisionRequest{Name: stored.GetName(), Etag: stored.GetEtag(), RequestId: ID()})
			return err
		}},
	})
}

// takesComplaints waits until intake knows people and pack: an impossible complaint
// is then refused for what is wrong with it.
func (w *World) takesComplaints(ctx context.Context) error {
	conn, err := w.Conn("intake")
	if err != nil {
		return err
	}
	err = w.whenUp(ctx, func(ctx context.Context) error {
		_, err := intakev1.NewIntakeServiceClient(conn).CreateComplaint(w.As(ctx, "people/li-na"), &intakev1.CreateComplaintRequest{
			RequestId: ID(), Complaint: &intakev1.Complaint{Channel: "nowhere", Complainant: &intakev1.Complainant{}, Description: "-"},
		})
		if status.Code(err) == codes.InvalidArgument {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("intake: %w", err)
	}
	return nil
}

// startup is how long a world may take to come up.
const startup = 90 * time.Second

// whenUp repeats do until it succeeds: processes start in any order.
func (w *World) whenUp(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	for {
		err := do(ctx)
		switch status.Code(err) {
		case codes.OK:
			return nil
		case codes.Unavailable, codes.PermissionDenied, codes.FailedPrecondition, codes.DeadlineExceeded:
		default:
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
)

// seconds is a pack whose limits are seconds, so that its clocks can be watched in real time.
//
//go:embed seconds.yaml
var seconds []byte

// SplitOptions say what separate processes run on.
type SplitOptions struct {
	// Program is the path of the program redress.
	Program string
	// Postgres is the connection string of a database of its own; each service
	// gets a schema. Redis is host:port.
	Postgres, Redis string
	// Folder takes configuration, certificates, keys and logs.
	Folder string
}

// Split tells the story against one process for each service and the gateway, on
// PostgreSQL and Redis, in real time, with mutual TLS between them.
func Split(ctx context.Context, o SplitOptions, out io.Writer) (err error) {
	s := &split{SplitOptions: o, run: strings.ReplaceAll(id(), "-", "")[:12], addresses: map[string]string{}}
	if err := s.prepare(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(), s.drop(context.WithoutCancel(ctx))) }()
	for _, name := range append(suite.Names(), "gateway") {
		if err := s.start(ctx, name); err != nil {
			return err
		}
	}
	if err := s.organize(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "七个进程，PostgreSQL + Redis，真实时间，服务间双向 TLS：JSON http://%s\nseven processes on PostgreSQL and Redis in real time, mutual TLS between them: JSON http://%s\n", s.addresses["gateway"], s.addresses["gateway"])
	return Run(ctx, &World{
		GRPC:  func(service string) grpc.ClientConnInterface { return s.conns[service] },
		Edge:  "http://" + s.addresses["gateway"],
		Token: minter(s.minter),
		Pass:  func(context.Context, time.Duration) error { return nil },
		Out:   out,
	})
}

// split is the running processes.
type split struct {
	SplitOptions

	// run keeps this demo's schemas apart from those of others.
	run string

	addresses map[string]string
	config    string
	minter    *authn.LocalKey
	processes []*exec.Cmd
	conns     map[string]*grpc.ClientConn
}

// prepare writes certificates, keys and the configuration of all processes.
func (s *split) prepare() error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	authority, err := newAuthority(s.Folder)
	if err != nil {
		return err
	}
	for _, name := range append(suite.Names(), "gateway", "suite") {
		if err := authority.certify(name); err != nil {
			return err
		}
		if s.addresses[name], err = free(); err != nil {
			return err
		}
	}
	if s.minter, err = authn.OpenLocalKey(filepath.Join(s.Folder, "keys")); err != nil {
		return err
	}
	public, err := s.minter.PublicKeys()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Folder, "tokens.json"), public, 0o600); err != nil {
		return err
	}
	sections := map[string]any{}
	for _, name := range suite.Names() {
		sections[name] = s.section(name)
	}
	sections["gateway"] = map[string]any{"gateway": map[string]any{"listen": s.addresses["gateway"]}, "peers": s.peers("gateway")}
	raw, err := yaml.Marshal(sections)
	if err != nil {
		return err
	}
	s.config = filepath.Join(s.Folder, "redress.yaml")
	return os.WriteFile(s.config, raw, 0o600)
}

// free returns an address nobody listens at now.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *split) section(name string) map[string]any {
	clients := slices.DeleteFunc(append(suite.Names(), "gateway", "suite"), func(n string) bool { return n == name })
	out := map[string]any{
		"data":     filepath.Join(s.Folder, name),
		"database": map[string]any{"driver": sqldb.Postgres, "dsn": s.Postgres, "schema": s.schema(name)},
		"redis":    map[string]any{"addresses": []string{s.Redis}},
		"server": map[string]any{
			"listen": s.addresses[name], "clients": clients,
			"tls": map[string]any{"cert_file": s.file(name + ".crt"), "key_file": s.file(name + ".key"), "client_ca_file": s.file("ca.crt"), "allow_uncertified": true},
		},
		"peers":  s.peers(name),
		"tokens": map[string]any{"issuers": []any{map[string]any{"url": authn.LocalIssuer, "audience": authn.LocalAudience, "keys_file": s.file("tokens.json"), "algorithms": []string{"ES256"}}}},
	}
	if name == "notification" {
		out["notification"] = map[string]any{"base_url": "http://" + s.addresses["gateway"], "mailbox": map[string]any{"folder": filepath.Join(s.Folder, "mailbox")}}
	}
	return out
}

func (s *split) schema(service string) string {
	return "demo_" + s.run + "_" + strings.ReplaceAll(service, "-", "_")
}

// drop removes what the demo left in the database.
func (s *split) drop(ctx context.Context) (err error) {
	c := sqldb.Config{Driver: sqldb.Postgres, DSN: s.Postgres}
	c.Defaults()
	db, err := sqldb.Open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, name := range suite.Names() {
		if _, err := db.Exec(ctx, "demo.drop", `DROP SCHEMA IF EXISTS `+s.schema(name)+` CASCADE`); err != nil {
			return err
		}
	}
	return nil
}

func (s *split) file(name string) string { return filepath.Join(s.Folder, name) }

func (s *split) peers(from string) map[string]any {
	out := map[string]any{}
	for _, name := range suite.Names() {
		if name != from {
			out[name] = map[string]any{"target": s.addresses[name], "tls": map[string]any{
				"cert_file": s.file(from + ".crt"), "key_file": s.file(from + ".key"), "ca_file": s.file("ca.crt"),
			}}
		}
	}
	return out
}

// start starts one process; what it says goes to NAME.log.
func (s *split) start(ctx context.Context, name string) error {
	log, err := os.OpenFile(s.file(name+".log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, s.Program, "serve", name, "--config", s.config) //nolint:gosec // our own program
	c.Stdout, c.Stderr = log, log
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = stopping
	if err := errors.Join(c.Start(), log.Close()); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.processes = append(s.processes, c)
	return nil
}

// stop ends the processes in reverse order.
func (s *split) stop() error {
	var errs []error
	for _, conn := range s.conns {
		errs = append(errs, conn.Close())
	}
	for _, c := range slices.Backward(s.processes) {
		errs = append(errs, c.Process.Signal(syscall.SIGTERM))
	}
	for _, c := range s.processes {
		errs = append(errs, c.Wait())
	}
	return errors.Join(errs...)
}

// organize gives the organisation its directory and the pack whose limits are
// seconds, written by one person and put in force by another.
func (s *split) organize(ctx context.Context) error {
	s.conns = map[string]*grpc.ClientConn{}
	for _, name := range suite.Names() {
		conn, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: s.addresses[name], TLS: rpcserver.ClientTLS{CAFile: s.file("ca.crt")}}, nil)
		if err != nil {
			return err
		}
		s.conns[name] = conn
	}
	first, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: s.addresses["routing"], TLS: rpcserver.ClientTLS{
		CertFile: s.file("suite.crt"), KeyFile: s.file("suite.key"), CAFile: s.file("ca.crt"),
	}}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = first.Close() }() // nothing is in flight
	if err := s.whenUp(ctx, "routing", func(ctx context.Context) error {
		_, err := directoryv1.NewDirectoryServiceClient(first).BootstrapOrganization(authn.OnBehalf(ctx, organization), &directoryv1.BootstrapOrganizationRequest{
			Organization: organization, Csv: suite.SampleDirectory(), RequestId: id(),
		})
		return err
	}); err != nil {
		return err
	}
	return s.activate(ctx)
}

func (s *split) activate(ctx context.Context) error {
	w := &World{Token: minter(s.minter)}
	policies := policyv1.NewPolicyServiceClient(s.conns["routing"])
	stored, err := call(ctx, w, "people/author", policies.CreateRevision, &policyv1.CreateRevisionRequest{Source: seconds, RequestId: id()})
	if err != nil {
		return err
	}
	// The demo itself is the run of this pack: it ends in failure if the pack does not hold.
	ready, err := call(ctx, w, "people/author", policies.RecordTestRun, &policyv1.RecordTestRunRequest{
		Name: stored.GetRevision().GetName(), RequestId: id(),
		TestRun: &policyv1.TestRun{Digest: stored.GetRevision().GetDigest(), ScenariosDigest: stored.GetRevision().GetDigest(), Passed: 1, Tool: "redress demo"},
	})
	if err != nil {
		return err
	}
	if _, err := call(ctx, w, "people/admin", policies.ActivateRevision, &policyv1.ActivateRevisionRequest{
		Name: stored.GetRevision().GetName(), Etag: ready.GetRevision().GetEtag(), RequestId: id(),
	}); err != nil {
		return err
	}
	// Intake must know the people and the policy before the first call comes: an
	// impossible complaint is refused for what is wrong with it only then.
	intake := intakev1.NewIntakeServiceClient(s.conns["intake"])
	return s.whenUp(ctx, "intake", func(ctx context.Context) error {
		_, err := call(ctx, w, agent, intake.CreateComplaint, &intakev1.CreateComplaintRequest{RequestId: id(), Complaint: &intakev1.Complaint{
			Channel: "nowhere", Complainant: &intakev1.Complainant{}, Description: "-",
		}})
		if status.Code(unwrapped(err)) == codes.InvalidArgument {
			return nil
		}
		return err
	})
}

// whenUp repeats do until it succeeds: processes start in any order.
func (s *split) whenUp(ctx context.Context, name string, do func(context.Context) error) error {
	ctx, cancel := clock.System().WithTimeout(ctx, 2*patience)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		code := status.Code(unwrapped(err))
		if code != codes.Unavailable && code != codes.PermissionDenied && code != codes.FailedPrecondition {
			return fmt.Errorf("%s: %w", name, err)
		}
		if pauseErr := clock.System().Pause(ctx, 50*time.Millisecond); pauseErr != nil {
			return fmt.Errorf("%s did not come up: %w", name, errors.Join(err, pauseErr))
		}
	}
}

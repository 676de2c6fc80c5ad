package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"example.com/redress/gateway"
	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	"example.com/redress/services/compensation"
	correctiveaction "example.com/redress/services/corrective-action"
	"example.com/redress/services/intake"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification"
	"example.com/redress/services/reporting"
	"example.com/redress/services/routing"
	"example.com/redress/services/suite/connector"
)

// Names returns the services of the suite in the order they start.
func Names() []string {
	return []string{"intake", "routing", "compensation", "corrective-action", "notification", "reporting"}
}

// Suite is the all-in-one. Safe for concurrent use.
type Suite struct {
	// Minter makes tokens of the suite's own issuer.
	Minter *authn.LocalKey
	// Connector is the reference connector, which answers look-ups from a table.
	Connector *connector.Table

	config    Config
	shared    *process.Surroundings
	business  clock.Business
	virtual   *clock.Virtual
	keys      *seal.FileStore
	services  map[string]*service
	connector grpc.ClientConnInterface
	gateway   *gateway.Gateway
	front     *grpc.Server
	listener  net.Listener
	health    *health.Server
	metrics   *command.MetricsPage
	group     *lifecycle.Group
}

// New opens everything and binds the ports; nothing runs before Start. Logs go to out.
func New(ctx context.Context, c Config, version string, out io.Writer) (_ *Suite, err error) {
	s := &Suite{config: c, services: map[string]*service{}, business: clock.NewHost()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.abandon(context.WithoutCancel(ctx)))
		}
	}()
	if c.VirtualClock != "" {
		start, err := time.Parse(time.RFC3339, c.VirtualClock)
		if err != nil {
			return nil, fmt.Errorf("virtual_clock: %w", err)
		}
		s.virtual = clock.NewVirtual(start)
		s.business = s.virtual
	}
	if s.Minter, err = authn.OpenLocalKey(filepath.Join(c.Process.Data, "keys")); err != nil {
		return nil, err
	}
	c.Process.Tokens.Issuers = append(slices.Clone(c.Process.Tokens.Issuers), s.Minter.Issuer())
	if s.shared, err = process.Open(ctx, "redress", version, c.Process, s.business, out); err != nil {
		return nil, err
	}
	s.group = lifecycle.NewGroup(s.shared.Logger())
	if s.metrics, err = command.Metrics(c.Process.Metrics, s.shared.Telemetry.Metrics); err != nil {
		return nil, err
	}
	s.group.Add("metrics", s.metrics)
	for _, name := range Names() {
		s.services[name] = &service{conns: &conns{}, ended: make(chan struct{})}
	}
	for _, name := range Names() {
		if err := s.build(ctx, name); err != nil {
			return nil, err
		}
		svc := s.services[name]
		// The server starts before what calls others begins to call, and stops after.
		s.group.Add("server of "+name, lifecycle.Func(svc.startServer, svc.stopServer))
	}
	return s, s.edge(ctx)
}

// build assembles one service and its server.
func (s *Suite) build(ctx context.Context, name string) error {
	dial := func(to string) grpc.ClientConnInterface { return &conn{to: s.services[to].conns, from: name} }
	deps, err := s.shared.Deps(ctx, name, dial)
	if err != nil {
		return err
	}
	if s.config.Faults != nil {
		deps.Faults = s.config.Faults(name)
	}
	b, err := s.assemble(ctx, name, deps)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	server, err := s.shared.Serve(b, rpcserver.Config{Clients: append(Names(), "gateway", "suite"), Forwarders: []string{"gateway"}})
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), b.Stop(context.WithoutCancel(ctx)))
	}
	svc := s.services[name]
	svc.mu.Lock()
	defer svc.mu.Unlock()
	svc.built, svc.server, svc.db = b, server, deps.DB
	svc.conns.server.Store(server)
	return nil
}

func (s *Suite) assemble(ctx context.Context, name string, deps host.Deps) (built, error) {
	data := s.config.Process.Data
	switch name {
	case "intake":
		master, err := process.Secret(filepath.Join(data, "keys", "master.key"))
		if err != nil {
			return nil, err
		}
		c := intake.Config{Keys: filepath.Join(data, "keys", "subjects"), Blobs: filepath.Join(data, "evidence"), Master: master}
		if s.keys, err = intake.OpenKeys(c); err != nil {
			return nil, err
		}
		return intake.New(ctx, deps, c, s.keys)
	case "routing":
		return s.routing(ctx, deps)
	case "compensation":
		return compensation.New(ctx, deps, compensation.Config{})
	case "corrective-action":
		return correctiveaction.New(ctx, deps, correctiveaction.Config{})
	case "notification":
		return s.notification(ctx, deps)
	case "reporting":
		return reporting.New(ctx, deps, reporting.Config{})
	default:
		return nil, fmt.Errorf("there is no service %q", name)
	}
}

// routing is assembled with the reference connector, which answers where no address is given.
func (s *Suite) routing(ctx context.Context, deps host.Deps) (built, error) {
	c := s.config.Routing
	if s.connector == nil {
		table := &connector.Table{}
		if file := s.config.ConnectorTable; file != "" {
			if err := table.Load(file); err != nil {
				return nil, fmt.Errorf("connector_table: %w", err)
			}
		}
		server := inproc.NewServer(inproc.Options{Name: "connector"})
		connectorv1.RegisterConnectorServiceServer(server, table)
		server.Serve()
		s.connector, s.Connector = server.Dial(inproc.ConnOptions{Caller: "routing"}), table
	}
	c.Reference = s.connector
	return routing.New(ctx, deps, c)
}

func (s *Suite) notification(ctx context.Context, deps host.Deps) (built, error) {
	c := s.config.Notification
	secret, err := process.Secret(filepath.Join(s.config.Process.Data, "keys", "notification.key"))
	if err != nil {
		return nil, err
	}
	c.Secret = secret
	if c.Mailbox.Folder == "" && c.SMTP.Host == "" {
		c.Mailbox.Folder = filepath.Join(s.config.Process.Data, "mailbox")
	}
	return notification.New(ctx, deps, c)
}

// mailbox returns the pages of notification's mailbox; nil if it keeps none.
func (s *Suite) mailbox() http.Handler {
	b, _ := s.services["notification"].now()
	if n, ok := b.(*notification.Notification); ok {
		return n.MailboxHandler()
	}
	return nil
}

// edge prepares the gateway and the port for RPCs.
func (s *Suite) edge(ctx context.Context) (err error) {
	extra := map[string]http.Handler{}
	if s.mailbox() != nil {
		extra["/mailbox/"] = http.StripPrefix("/mailbox", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.mailbox().ServeHTTP(w, r)
		}))
	}
	if s.gateway, err = gateway.New(ctx, s.config.Gateway, gateway.Deps{
		Dial: func(to string) grpc.ClientConnInterface {
			return &conn{to: s.services[to].conns, from: "gateway", raw: true}
		},
		Logger: s.shared.Logger(), Telemetry: s.shared.Telemetry.For("gateway"), Extra: extra,
	}); err != nil {
		return err
	}
	for _, name := range Names() {
		s.group.Add(name, s.services[name])
	}
	s.group.Add("gateway", s.gateway)
	if s.listener, err = net.Listen("tcp", s.config.GRPC.Listen); err != nil {
		return fmt.Errorf("grpc.listen: %w", err)
	}
	if err := s.openFront(); err != nil {
		return err
	}
	s.group.Add("rpc", lifecycle.Func(s.startFront, s.stopFront))
	return nil
}

// Start starts the services, the edge, and at the very first start the
// organisation. It returns when requests are answered.
func (s *Suite) Start(ctx context.Context) error {
	if err := s.group.Start(ctx); err != nil {
		return errors.Join(err, s.abandon(context.WithoutCancel(ctx)))
	}
	if err := s.bootstrap(ctx); err != nil {
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return nil
}

// Stop ends everything in reverse order and closes what was opened.
func (s *Suite) Stop(ctx context.Context) error {
	return errors.Join(s.group.Stop(ctx), s.close(ctx))
}

// abandon gives back what New opened, started or not: ports, databases, keys. A
// part that was stopped already, or never made, is passed over.
func (s *Suite) abandon(ctx context.Context) error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.gateway != nil {
		errs = append(errs, s.gateway.Stop(ctx))
	}
	for _, name := range slices.Backward(Names()) {
		if svc := s.services[name]; svc != nil && svc.built != nil {
			errs = append(errs, svc.built.Stop(ctx), svc.server.Stop(ctx))
		}
	}
	if s.metrics != nil {
		errs = append(errs, s.metrics.Stop(ctx))
	}
	return errors.Join(append(errs, s.close(ctx))...)
}

func (s *Suite) close(ctx context.Context) error {
	var errs []error
	if s.keys != nil {
		errs = append(errs, s.keys.Close())
	}
	if s.shared != nil {
		errs = append(errs, s.shared.Close(ctx))
	}
	return errors.Join(errs...)
}

// Done is closed when a part has ended by itself; Err says why.
func (s *Suite) Done() <-chan struct{} { return s.group.Done() }

// Err returns why the suite ended by itself; nil while it runs.
func (s *Suite) Err() error { return s.group.Err() }

// URL returns the address of the JSON edge.
func (s *Suite) URL() string { return s.gateway.URL() }

// MetricsAddr returns host:port of the page for Prometheus; "" if there is none.
func (s *Suite) MetricsAddr() string { return s.metrics.Addr() }

// GRPCAddr returns host:port of the RPCs.
func (s *Suite) GRPCAddr() string { return s.listener.Addr().String() }

// Conn returns an in-process connection to a service whose caller is known by the
// token in its metadata only, as one over the network is.
func (s *Suite) Conn(service string) grpc.ClientConnInterface {
	return &conn{to: s.services[service].conns, from: "gateway"}
}

// Matrix returns who may call what, of all services.
func (s *Suite) Matrix() string {
	var out strings.Builder
	for _, name := range Names() {
		out.WriteString(s.services[name].server.Matrix())
	}
	return out.String()
}

// conns are the connections to one service, made when its server is there.
type conns struct {
	server atomic.Pointer[rpcserver.Server]
}

// conn is a connection from one service to another in the same process.
type conn struct {
	to   *conns
	from string
	raw  bool
	made atomic.Pointer[made]
}

// made is a connection with the server it leads to.
type made struct {
	to   *rpcserver.Server
	conn *inproc.Conn
}

// get returns the connection to the server there is now.
func (c *conn) get() *inproc.Conn {
	server := c.to.server.Load()
	if m := c.made.Load(); m != nil && m.to == server {
		return m.conn
	}
	m := &made{to: server, conn: server.Conn(c.from)}
	if c.raw {
		m.conn = server.RawConn(c.from)
	}
	c.made.Store(m)
	return m.conn
}

// Invoke implements grpc.ClientConnInterface.
func (c *conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.get().Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface.
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.get().NewStream(ctx, desc, method, opts...)
}

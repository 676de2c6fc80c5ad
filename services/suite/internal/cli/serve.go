package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/command"
	"example.com/redress/services/suite"
)

func newServe(a *app) *cobra.Command {
	var at place
	var virtual string
	c := &cobra.Command{
		Use: "serve [SERVICE...]", Short: "Run the suite, all in one process or some services of it",
		Long: `Without arguments runs all services and the gateway in one process, with SQLite
files, keys and evidence in the data folder. The first start makes an organisation
with the demo's policy pack and directory; who may enter is decided by tokens
(redress token). Without TLS it listens on this machine only.

With names of services it runs these, each as it would run in a process of its own:
the configuration file then has one section for each, which holds what the file of
the service's own program holds (deploy/config). Services that share a process
still meet over their sockets.

With --virtual-clock business time stands still at the instant given; each line on
standard input moves it: an instant (2026-04-09T09:00:00+08:00) or a length (48h).

The log is JSON on standard error; where that is a terminal, it goes to redress.log
in the data folder instead.

SIGINT and SIGTERM stop it once calls in hand are answered, within 30 seconds.`,
		Example: `  redress serve
  redress serve --data /var/lib/redress --config /etc/redress/redress.yaml
  redress serve --virtual-clock 2026-04-08T09:00:00+08:00
  redress serve intake routing --config services.yaml`,
		ValidArgs: suite.Names(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				if virtual != "" || at.data != "" {
					return usage("--data and --virtual-clock are for all services in one process; each service's section names its own data folder")
				}
				return a.serveSome(c.Context(), at.config, args)
			}
			conf, err := at.load()
			if err != nil {
				return err
			}
			if virtual != "" {
				conf.VirtualClock = virtual
			}
			if err := closed(conf); err != nil {
				return err
			}
			return a.serveAll(c.Context(), conf)
		},
	}
	at.flags(c)
	c.Flags().StringVar(&virtual, "virtual-clock", "", "business time begins at this `INSTANT` and is moved by hand; this machine only")
	return c
}

// closed refuses what would let others in by mistake.
func closed(c suite.Config) error {
	if c.VirtualClock == "" {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, c.VirtualClock); err != nil {
		return usage("--virtual-clock %q is not an instant like 2026-04-08T17:20:00+08:00", c.VirtualClock)
	}
	for key, address := range map[string]string{"grpc.listen": c.GRPC.Listen, "gateway.listen": c.Gateway.Listen} {
		host, _, err := net.SplitHostPort(address)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return usage("%s: %s can be reached from elsewhere: a virtual clock is for this machine only", key, address)
		}
	}
	return nil
}

func (a *app) serveAll(ctx context.Context, conf suite.Config) error {
	logs, name, err := a.logs(conf.Process.Data)
	if err != nil {
		return err
	}
	s, err := suite.New(ctx, conf, command.Version(), logs)
	if err == nil {
		err = command.Until(ctx, &announced{Suite: s, app: a, conf: conf, log: name})
	}
	return errors.Join(err, logs.Close())
}

// logs returns where the log goes: to Err, or, if a person sits there, to a file
// in the data folder, named, so that what they need to know is not lost in it.
func (a *app) logs(data string) (to io.WriteCloser, name string, err error) {
	terminal, ok := a.Err.(*os.File)
	if !ok {
		return open{a.Err}, "", nil
	}
	if info, err := terminal.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return open{a.Err}, "", nil //nolint:nilerr // what cannot say what it is, is no terminal
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, "", err
	}
	name = filepath.Join(data, "redress.log")
	to, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return to, name, err
}

// open is a writer that is not closed: it was handed in.
type open struct{ io.Writer }

// Close does nothing.
func (open) Close() error { return nil }

// announced is a suite that says where it is once it runs.
type announced struct {
	*suite.Suite
	app  *app
	conf suite.Config
	log  string
}

// Start implements lifecycle.Service.
func (r *announced) Start(ctx context.Context) error {
	if err := r.Suite.Start(ctx); err != nil {
		return err
	}
	r.greet()
	if r.conf.VirtualClock != "" && r.app.In != nil {
		go r.app.steer(ctx, r.Suite)
	}
	return nil
}

func (r *announced) greet() {
	out, c := r.app.Out, r.conf
	fmt.Fprintf(out, "Redress runs.\n\n  JSON and pages  %s\n  gRPC            %s\n", r.URL(), r.GRPCAddr())
	switch {
	case c.Notification.SMTP.Host != "":
		fmt.Fprintf(out, "  Mail            goes to %s\n", c.Notification.SMTP.Host)
	default:
		fmt.Fprintf(out, "  Mailbox         %s/mailbox/ (mail is kept here, none leaves this machine)\n", r.URL())
	}
	fmt.Fprintf(out, "  Data            %s\n", c.Process.Data)
	if r.log != "" {
		fmt.Fprintf(out, "  Log             %s\n", r.log)
	}
	if c.VirtualClock != "" {
		fmt.Fprintf(out, "  Business time   %s; type 48h or an instant to move it\n", r.Now().Format(time.RFC3339))
	}
	if c.Organization.ID != "" {
		fmt.Fprintf(out, "\nA token for organisation %s, from another terminal:\n\n  redress token --person li-na%s\n", c.Organization.ID, hint(c))
	}
	fmt.Fprint(out, "\nStop with Ctrl-C.\n")
}

// hint names what a token needs beyond the defaults.
func hint(c suite.Config) string {
	var b strings.Builder
	if c.Organization.ID != "demo" {
		b.WriteString(" --organization " + c.Organization.ID)
	}
	if c.Process.Data != "data" {
		b.WriteString(" --data " + c.Process.Data)
	}
	return b.String()
}

// steer moves the virtual clock by what is typed, until input or the suite ends.
func (a *app) steer(ctx context.Context, s *suite.Suite) {
	lines := bufio.NewScanner(a.In)
	for lines.Scan() && ctx.Err() == nil {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		to, err := instant(line, s.Now())
		if err == nil {
			err = s.Advance(ctx, to)
		}
		if err != nil {
			a.say("%v", err)
			continue
		}
		a.say("It is %s.", s.Now().Format(time.RFC3339))
	}
}

// instant reads an instant, or a length counted from now.
func instant(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(strings.TrimPrefix(text, "+")); err == nil {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, errors.New(`write a length such as 48h, or an instant such as 2026-04-09T09:00:00+08:00`)
	}
	return t, nil
}

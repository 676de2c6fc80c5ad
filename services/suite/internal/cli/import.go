package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/suite/csvimport"
)

func newImport(a *app) *cobra.Command {
	cl := a.client()
	var mapping, report, format string
	var o csvimport.Options
	c := &cobra.Command{
		Use: "import FILE", Short: "Register complaints from a file of comma-separated values",
		Long: `Registers each row of a CSV file in UTF-8 or GB 18030 as a complaint, by a mapping that
says which column holds what. Every row is registered or refused with a reason; the
report has a line for each. The same file can be imported again, after an interruption
for example: no row is registered twice.`,
		Example: `  redress import complaints.csv --mapping mapping.yaml --dry-run
  redress import complaints.csv --mapping mapping.yaml --report refused.csv --person li-na`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if mapping == "" {
				return usage("say which column holds what: --mapping FILE")
			}
			source, err := os.ReadFile(mapping)
			if err != nil {
				return &UsageError{err}
			}
			m, err := csvimport.ParseMapping(source)
			if err != nil {
				return &UsageError{err}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return &UsageError{err}
			}
			defer func() { _ = f.Close() }() // only read
			return a.importFile(c.Context(), cl, f, m, o, report, csvimport.Format(format))
		},
	}
	cl.flags(c)
	f := c.Flags()
	f.StringVar(&mapping, "mapping", "", "the `FILE` that says which column holds what (YAML)")
	f.BoolVar(&o.DryRun, "dry-run", false, "read and check every row, register none")
	f.StringVar(&report, "report", "", "a `FILE` for what became of each row; - for standard output")
	f.StringVar(&format, "report-format", "csv", "csv, or json for an object a line")
	f.IntVar(&o.Parallel, "parallel", 8, "how many rows are sent at once, 1 to 64")
	return c
}

func (a *app) importFile(ctx context.Context, cl *client, f *os.File, m *csvimport.Mapping, o csvimport.Options, report string, format csvimport.Format) (err error) {
	if o.Parallel < 1 || o.Parallel > 64 {
		return usage("--parallel %d: it must be from 1 to 64", o.Parallel)
	}
	var to csvimport.Registrar
	if !o.DryRun {
		token, err := cl.bearer()
		if err != nil {
			return err
		}
		conn, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: cl.server, TLS: rpcserver.ClientTLS{CAFile: cl.ca}}, nil)
		if err != nil {
			return &UsageError{err}
		}
		defer func() { _ = conn.Close() }() // every call was answered
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "accept-language", a.language)
		to = intakev1.NewIntakeServiceClient(grpc.ClientConnInterface(conn))
	}
	if report != "" {
		w, done, refused := a.reportTo(report)
		if refused != nil {
			return refused
		}
		lines, refused := csvimport.NewReporter(w, format)
		if refused != nil {
			return &UsageError{refused}
		}
		o.Each = lines.Row
		defer func() { err = errors.Join(err, lines.Flush(), done()) }()
	}
	o.Progress = a.bar(f.Name())
	s, failed := csvimport.Import(ctx, to, f, m, o)
	if s.Encoding != "" {
		a.say("%s, %d rows: %d accepted, %d refused, %d repeat an earlier complaint", s.Encoding, s.Rows, s.Accepted, s.Refused, s.Repeats)
	}
	if failed == nil && s.Refused > 0 {
		failed = fmt.Errorf("%d rows were refused", s.Refused)
	}
	return failed
}

// reportTo opens where the report goes.
func (a *app) reportTo(name string) (io.Writer, func() error, error) {
	if name == "-" {
		return a.Out, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, &UsageError{err}
	}
	w := bufio.NewWriter(f)
	return w, func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}

const barWidth = 30

// bar draws a bar on a terminal, one line written anew; elsewhere it tells now and
// then how far the file is.
func (a *app) bar(file string) func(done, size int64, s csvimport.Summary) {
	f, ok := a.Err.(*os.File)
	if ok {
		info, err := f.Stat()
		ok = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !ok {
		p := a.progress("import " + file)
		return func(done, size int64, _ csvimport.Summary) { p.tell(done, size, "bytes") }
	}
	return func(done, size int64, s csvimport.Summary) {
		part := int64(barWidth)
		if size > 0 {
			part = min(barWidth, done*barWidth/size)
		}
		_, _ = fmt.Fprintf(a.Err, "\r[%s%s] %3d%%  %d rows, %d refused", strings.Repeat("=", int(part)), strings.Repeat(" ", barWidth-int(part)), part*100/barWidth, s.Rows, s.Refused)
	}
}

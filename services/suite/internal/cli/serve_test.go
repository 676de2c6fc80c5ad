package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite/internal/cli"
)

// served is a suite that `redress serve` runs.
type served struct {
	data, server, said string
	in                 io.WriteCloser
	errs               *bufio.Reader
	stop               func() error
}

// serve starts `redress serve` on free ports and waits until it says that it runs.
func serve(t *testing.T, data string, more ...string) *served {
	t.Helper()
	file := write(t, "redress.yaml", "grpc: {listen: '127.0.0.1:0'}\ngateway: {listen: '127.0.0.1:0'}\ntelemetry: {log_level: error}\n")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, written := io.Pipe()
	in, typed := io.Pipe()
	errs, told := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := cli.Execute(ctx, append([]string{"serve", "--config", file, "--data", data}, more...), cli.Streams{In: in, Out: written, Err: told})
		_ = written.CloseWithError(io.EOF)
		_ = told.CloseWithError(io.EOF)
		ended <- err
	}()
	s := &served{data: data, in: typed, errs: bufio.NewReader(errs)}
	var stopped bool
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		go func() { _, _ = io.Copy(io.Discard, s.errs) }()
		err := <-ended
		_ = typed.Close()
		_ = in.Close()
		return err
	}
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.said += lines.Text() + "\n"
		if address, ok := strings.CutPrefix(lines.Text(), "  gRPC"); ok {
			s.server = strings.TrimSpace(address)
		}
		if strings.HasPrefix(lines.Text(), "Stop with") {
			return s
		}
	}
	cancel()
	require.FailNow(t, "serve ended", "%s\n%v", s.said, <-ended)
	return nil
}

func (s *served) as(person string, args ...string) []string {
	return append(args, "--server", s.server, "--data", s.data, "--person", person)
}

// create registers a complaint and returns its number.
func (s *served) create(t *testing.T) string {
	t.Helper()
	out := must(t, s.as("li-na", "complaint", "create", "-o", "json", "--channel", "telephone", "--name", "王先生", "--telephone", "13800000000",
		"--category", "product_quality", "--description", "The boiler leaks", "--fact", "demand:choices=refund")...)
	var m struct{ Number string }
	require.NoError(t, json.Unmarshal([]byte(out), &m), out)
	return m.Number
}

func TestServesAndSaysHowToEnter(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, data)
	require.Contains(t, s.said, "http://127.0.0.1:")
	require.Contains(t, s.said, "/mailbox/")
	require.Contains(t, s.said, "redress token --person li-na --data "+data)

	token := strings.TrimSpace(must(t, "token", "--person", "li-na", "--data", data))
	require.Contains(t, must(t, "complaint", "list", "--server", s.server, "--token", token), "NUMBER")
	_, _, err := run(t, "complaint", "list", "--server", s.server, "--token", token[:len(token)-4]+"AAAA")
	require.Error(t, err, "closed to whoever has no key")
	_, _, err = run(t, s.as("li-na", "stuck")...)
	require.Error(t, err, "an agent is no operator")
	require.NoError(t, s.stop())
}

// finds asks until a search shows the complaint: what was written is found a little later.
func (s *served) finds(t *testing.T, number string, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !strings.Contains(must(t, s.as("li-na", append([]string{"complaint", "search"}, words...)...)...), number) {
		require.NoError(t, ctx.Err(), "%s is not found by %v", number, words)
	}
}

func TestAComplaintFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := serve(t, filepath.Join(t.TempDir(), "data"))
	number := s.create(t)
	require.Regexp(t, `^C\d{8}-\d+$`, number)
	require.Contains(t, must(t, s.as("li-na", "complaint", "list")...), number)
	require.Contains(t, must(t, s.as("li-na", "complaint", "list", "--state", "registered", "-o", "json")...), number)
	require.NotContains(t, must(t, s.as("li-na", "complaint", "list", "--state", "closed")...), number)
	require.NotContains(t, must(t, s.as("li-na", "complaint", "search", "nowhere")...), number)
	s.finds(t, number, "boiler", "LEAKS", "-o", "json")
	require.Contains(t, must(t, s.as("li-na", "approve", "list")...), "COMPLAINT")
	_, errs, err := run(t, s.as("li-na", "complaint", "create", "--channel", "telephone", "--description", "x")...)
	require.Error(t, err, errs)
	out, errs, err := run(t, s.as("li-na", "complaint", "withdraw", number, "--reason", "settled")...)
	require.NoError(t, err)
	require.Contains(t, out, number)
	require.NotContains(t, errs, "too late")
	require.Contains(t, must(t, s.as("admin", "directory", "import", filepath.Join("..", "..", "seed", "demo.csv"), "--dry-run")...), "0 would be created")
	require.Contains(t, must(t, s.as("admin", "stuck")...), "no_address", "a customer without e-mail waits for a call")
	require.Contains(t, must(t, s.as("admin", "rebuild", "reporting")...), "events again")
}

func TestBackupIsTakenWhileServingAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, filepath.Join(dir, "data"))
	number := s.create(t)
	backup, keys := filepath.Join(dir, "backup"), filepath.Join(dir, "keys")
	require.Contains(t, must(t, "backup", backup, "--data", s.data), "databases and evidence")
	must(t, "backup", keys, "--only-keys", "--data", s.data)
	require.NoDirExists(t, filepath.Join(backup, "keys"), "keys and databases lie apart")
	require.Contains(t, refused(t, "backup", backup, "--data", s.data), "not empty")
	require.Contains(t, refused(t, "restore", keys, "--data", filepath.Join(dir, "x")), "holds only keys")
	require.Contains(t, refused(t, "restore", backup, "--data", s.data), "nothing is overwritten")
	after := s.create(t)
	require.NoError(t, s.stop())

	back := filepath.Join(dir, "back")
	require.Contains(t, must(t, "restore", backup, keys, "--data", back), "ok")
	again := serve(t, back)
	out := must(t, again.as("li-na", "complaint", "list", "-o", "json")...)
	require.Contains(t, out, number)
	require.Contains(t, out, "The boiler leaks", "the keys came back too")
	require.NotContains(t, out, after, "what came later is not in the copy")
	require.NoError(t, again.stop())

	copied := filepath.Join(dir, "copied")
	require.NotContains(t, must(t, "store", "copy", "--data", back, "--to-data", copied), "problems")
	require.Contains(t, refused(t, "store", "copy", "--data", back, "--to-data", copied), "name an empty one")
	require.NoError(t, os.Rename(filepath.Join(back, "keys"), filepath.Join(copied, "keys")))
	third := serve(t, copied)
	third.finds(t, number, "boiler") // a copy makes the index anew
	require.Contains(t, must(t, third.as("li-na", "complaint", "list", "-o", "json")...), "The boiler leaks")
	require.Contains(t, third.create(t), "C")
	require.NoError(t, third.stop())

	require.NoError(t, os.WriteFile(filepath.Join(backup, "db", "intake.db"), []byte("damaged"), 0o600))
	_, _, err := run(t, "restore", backup, "--data", filepath.Join(dir, "y"))
	require.ErrorContains(t, err, "db/intake.db is not what was written")
	require.NoDirExists(t, filepath.Join(dir, "y"))
}

func TestVerifyFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, data)
	s.create(t)
	require.NoError(t, s.stop())
	require.NotContains(t, must(t, "verify", "--data", data), "problems")

	open := func(name string) *sqldb.DB {
		db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(data, "db", name+".db")})
		require.NoError(t, err)
		return db
	}
	intake := open("intake")
	_, err := intake.Exec(t.Context(), "plant", `UPDATE events SET body = body || x'00' WHERE version = 1`)
	require.NoError(t, err)
	require.NoError(t, intake.Close())
	routing := open("routing")
	n, err := routing.Exec(t.Context(), "plant", `DELETE FROM timers`)
	require.NoError(t, err)
	require.NoError(t, routing.Close())

	out, _, err := run(t, "verify", "--data", data)
	require.ErrorContains(t, err, "problems")
	require.Contains(t, out, "intake: complaints/")
	require.Contains(t, out, "content does not have its digest")
	if n > 0 {
		require.Contains(t, out, "the clock is to fire and has no timer")
	}
	var reports []struct {
		Service  string
		Problems []string
	}
	out, _, err = run(t, "verify", "--data", data, "-o", "json")
	require.Error(t, err)
	require.NoError(t, json.Unmarshal([]byte(out), &reports))
	require.Len(t, reports, 6)
	require.NotEmpty(t, reports[0].Problems)
}

func TestAVirtualClockIsMovedByHand(t *testing.T) {
	t.Parallel()
	s := serve(t, filepath.Join(t.TempDir(), "data"), "--virtual-clock", "2026-04-08T09:00:00+08:00")
	require.Contains(t, s.said, "2026-04-08T01:00:00Z")
	for typed, want := range map[string]string{"48h": "It is 2026-04-10T01:00:00Z.", "yesterday": "write a length"} {
		_, err := io.WriteString(s.in, typed+"\n")
		require.NoError(t, err)
		for {
			line, err := s.errs.ReadString('\n')
			require.NoError(t, err)
			if !strings.HasPrefix(line, "{") { // not of the log
				require.Contains(t, line, want)
				break
			}
		}
	}
}

func TestServesSomeServicesFromTheirSections(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, "services.yaml", `
intake: {data: `+dir+`/intake, server: {listen: "127.0.0.1:0"}, metrics: "127.0.0.1:0"}
routing: {data: `+dir+`/routing, server: {listen: "127.0.0.1:0"}}
gateway: {gateway: {listen: "127.0.0.1:0"}}
notification: {not: read}
`)
	serveSome(t, file, "intake", "gateway", "routing")()
	require.FileExists(t, filepath.Join(dir, "intake", "db", "intake.db"))
	require.FileExists(t, filepath.Join(dir, "routing", "db", "routing.db"))
}

// serveSome runs services from their sections of a file, returns once they listen, and
// stops them when told or at the end of the test.
func serveSome(t *testing.T, file string, names ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	logs, written := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := cli.Execute(ctx, append(append([]string{"serve"}, names...), "--config", file), cli.Streams{Out: io.Discard, Err: written})
		_ = written.Close()
		ended <- err
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	waiting := map[string]bool{}
	for _, name := range names {
		waiting[name] = true
	}
	for lines := bufio.NewScanner(logs); len(waiting) > 0 && lines.Scan(); {
		var line struct{ Msg, Name string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if line.Msg == "listening" {
			delete(waiting, line.Name)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, logs) }()
	require.Empty(t, waiting)
	return stop
}

package bench_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/pgtest"
)

// pool is how many connections the plain transaction has on PostgreSQL. Source: PERFORMANCE section 2.
const pool = 32

// BenchmarkIntake holds the registration of a complaint against a plain
// transaction with two rows: all interceptors, policy, directory, sealing under
// a key of the person's own, journal, number and request.
func BenchmarkIntake(b *testing.B) {
	rows := []*row{{name: "bare gRPC", call: plain(b, nothing)}}
	against := []int{-1}
	add := func(name string, call func(int, int) error, of int) int {
		rows, against = append(rows, &row{name: name, call: call}), append(against, of)
		return len(rows) - 1
	}
	onSQLite := func(*suite.Config) {}
	lite := add("SQLite plain", plain(b, twoRows(b, sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(b.TempDir(), "plain.db")})), 0)
	intake := alone(b, onSQLite)
	add("SQLite intake", intake.create(b, ""), lite)
	add("SQLite intake, known customer", intake.create(b, "customers/zhao-qian"), lite)
	if os.Getenv(kittest.PostgresEnv) != "" {
		c := sqldb.Config{Driver: sqldb.Postgres, DSN: pgtest.Database(b), MaxConns: pool}
		post := add("PostgreSQL plain", plain(b, twoRows(b, c)), 0)
		intake := alone(b, pgtest.On(b))
		add("PostgreSQL intake", intake.create(b, ""), post)
		add("PostgreSQL intake, known customer", intake.create(b, "customers/zhao-qian"), post)
	}
	for b.Loop() {
		table(b, rows, compare(b, rows...), against)
	}
}

// BenchmarkSuite is the registration with everything that follows from it in
// the same process: grading, deadlines, notices and figures. Those are done
// after the answer, and until they are done they take turns with it.
func BenchmarkSuite(b *testing.B) {
	lite := plain(b, twoRows(b, sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(b.TempDir(), "plain.db")}))
	s, edge := together(b, func(*suite.Config) {})
	rows := []*row{
		{name: "SQLite plain", call: lite},
		{name: "SQLite suite", call: edge.create(b, ""), after: func() { settle(b, s) }},
	}
	for b.Loop() {
		table(b, rows, compare(b, rows...), []int{-1, 0})
	}
}

// settle waits until the other services have done what follows.
func settle(b *testing.B, s *suite.Suite) {
	b.Helper()
	for s.Settle(b.Context()) != nil { // it gives up after a while, with much to do
		require.NoError(b, b.Context().Err())
	}
}

// BenchmarkEdge holds JSON, whose edge reaches intake in the same process,
// against gRPC to the same process and to intake alone.
func BenchmarkEdge(b *testing.B) {
	s, edge := together(b, func(*suite.Config) {})
	single := alone(b, func(*suite.Config) {})
	rows := []*row{
		{name: "gRPC of the suite", call: edge.get(b)},
		{name: "gRPC of intake alone", call: single.get(b)},
		{name: "JSON of the suite", call: edge.json(b, s.URL())},
	}
	settle(b, s)
	for b.Loop() {
		got := compare(b, rows...)
		table(b, rows, got, []int{-1, -1, 0})
		b.ReportMetric(got[2].perSecond/got[1].perSecond, "JSON/gRPC_of_intake_alone")
	}
}

// some registers a complaint and returns its name.
func (r redress) some(b *testing.B) string {
	b.Helper()
	got, err := intakev1.NewIntakeServiceClient(r.to[0]).CreateComplaint(r.context(b.Context()), &intakev1.CreateComplaintRequest{
		Complaint: complaint(""), RequestId: "6a3f86d8-6f2c-4a52-bd9f-0a3c5b7a1e11",
	})
	require.NoError(b, err)
	return got.GetComplaint().GetName()
}

func (r redress) get(b *testing.B) func(int, int) error {
	b.Helper()
	name, ctx := r.some(b), r.context(b.Context())
	return func(caller, _ int) error {
		_, err := intakev1.NewIntakeServiceClient(r.to.of(caller)).GetComplaint(ctx, &intakev1.GetComplaintRequest{Name: name})
		return err
	}
}

// json reads the same over HTTP/1.1, by a client that costs as little as can be:
// the bytes of a request, and a connection for each caller.
func (r redress) json(b *testing.B, edge string) func(int, int) error {
	b.Helper()
	at, err := url.Parse(edge)
	require.NoError(b, err)
	request := []byte(fmt.Sprintf("GET /v1/%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", r.some(b), at.Host, r.token))
	lines := make([]net.Conn, callers)
	answers := make([]*bufio.Reader, callers)
	for i := range lines {
		lines[i], err = net.Dial("tcp", at.Host)
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, lines[i].Close()) })
		answers[i] = bufio.NewReader(lines[i])
	}
	return func(caller, _ int) error {
		if _, err := lines[caller].Write(request); err != nil {
			return err
		}
		got, err := http.ReadResponse(answers[caller], nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, got.Body); err != nil {
			return err
		}
		if got.StatusCode != http.StatusOK {
			return fmt.Errorf("the edge answers %s", got.Status)
		}
		return got.Body.Close()
	}
}

package faulttest_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite/suitetest"
)

// program is the program redress, run on a folder.
type program struct {
	t                  *testing.T
	path, data, config string
	address            string
}

// build builds the program and writes its configuration, with ports of its own.
func build(t *testing.T) *program {
	t.Helper()
	folder := t.TempDir()
	p := &program{t: t, path: filepath.Join(folder, "redress"), data: filepath.Join(folder, "data"), config: filepath.Join(folder, "redress.yaml"), address: free(t)}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "example.com/redress/services/suite/cmd/redress").CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(p.config, fmt.Appendf(nil, "grpc: {listen: %q}\ngateway: {listen: %q}\n", p.address, free(t)), 0o600))
	return p
}

// free returns an address nobody listens at now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// serve starts the program and returns once it says that it runs.
func (p *program) serve() *exec.Cmd {
	p.t.Helper()
	c := exec.CommandContext(p.t.Context(), p.path, "serve", "--data", p.data, "--config", p.config)
	var log suitetest.Buffer
	c.Stderr = &log
	out, err := c.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, c.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Stop with") {
			return c
		}
	}
	require.Fail(p.t, "the program did not start", "%v\n%s", c.Wait(), log.String())
	return nil
}

// asked is a registration that was sent.
type asked struct {
	id     string
	answer *intakev1.Complaint // nil if none came
}

// TestNoAcknowledgedComplaintIsLostWhenTheProcessIsKilled kills the program while 32
// clients register, and starts it again.
func TestNoAcknowledgedComplaintIsLostWhenTheProcessIsKilled(t *testing.T) {
	t.Parallel()
	p := build(t)
	process := p.serve()
	key, err := authn.OpenLocalKey(filepath.Join(p.data, "keys"))
	require.NoError(t, err)
	token, err := key.Mint(authn.Identity{Principal: agent, Organization: suitetest.Organization}, time.Hour)
	require.NoError(t, err)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)

	const clients, before = 32, 64
	var mu sync.Mutex
	var sent []asked
	enough := make(chan struct{})
	acknowledged := 0
	var all sync.WaitGroup
	for range clients {
		conn := dial(t, p.address)
		all.Go(func() {
			intake := intakev1.NewIntakeServiceClient(conn)
			for {
				id := suitetest.ID()
				got, err := intake.CreateComplaint(ctx, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: id})
				mu.Lock()
				sent = append(sent, asked{id, got.GetComplaint()})
				if err == nil {
					if acknowledged++; acknowledged == before {
						close(enough)
					}
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	select {
	case <-enough:
	case <-ended:
		require.Fail(t, "every client met an error before the process was killed")
	}
	require.NoError(t, process.Process.Signal(syscall.SIGKILL))
	<-ended
	require.Error(t, process.Wait())

	process = p.serve()
	conn := dial(t, p.address)
	intake, clocks := intakev1.NewIntakeServiceClient(conn), clockv1.NewClockServiceClient(conn)
	names := make([]string, len(sent))
	each(t, len(sent), 8, func(i int) error {
		got, err := intake.CreateComplaint(ctx, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: sent[i].id})
		if err != nil {
			return err
		}
		names[i] = got.GetComplaint().GetName()
		if a := sent[i].answer; a != nil && (a.GetName() != names[i] || a.GetNumber() != got.GetComplaint().GetNumber()) {
			return fmt.Errorf("%s was acknowledged as %s and is %s", sent[i].id, a.GetName(), names[i])
		}
		return nil
	})
	for _, name := range names {
		eventually(t, "the response clock of "+name+" runs", func() bool {
			got, err := clocks.ListClocks(ctx, &clockv1.ListClocksRequest{Parent: strings.Replace(name, "complaints/", "cases/", 1)})
			if err != nil {
				return false
			}
			responses := 0
			for _, c := range got.GetClocks() {
				if c.GetKind() == "response" {
					require.Equal(t, clockv1.Clock_STATE_RUNNING, c.GetState())
					require.NotNil(t, c.GetDueTime())
					require.NotNil(t, c.GetNextFireTime())
					responses++
				}
			}
			return responses == 1
		})
	}
	require.NoError(t, process.Process.Signal(syscall.SIGTERM))
	require.NoError(t, process.Wait())

	var stored int
	require.NoError(t, store(t, p.data, "intake").Query(t.Context(), "test.complaints", `SELECT count(*) FROM resources WHERE kind = 'complaints/*'`, nil, func(r sqldb.Row) error { return r.Scan(&stored) }))
	require.Equal(t, len(sent), stored, "each request is stored once")
	out, err := exec.CommandContext(t.Context(), p.path, "verify", "--data", p.data).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("%d sent, %d acknowledged before the kill, %d there\n%s", len(sent), acknowledged, stored, out)
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

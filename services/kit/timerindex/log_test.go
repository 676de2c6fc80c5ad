package timerindex_test

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/timerindex"
)

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// It is not parallel: the library has one logger for the process.
func TestTheLibraryLogsWhereWeDo(t *testing.T) { //nolint:paralleltest // see above
	var out lines
	timerindex.LogTo(slog.New(slog.NewJSONHandler(&out, nil)))
	client := timerindex.Dial(timerindex.Address{Addrs: []string{"127.0.0.1:1"}, Master: "timers"})
	require.Error(t, client.Ping(t.Context()).Err())
	require.NoError(t, client.Close())
	require.Contains(t, out.String(), `"level":"WARN","msg":"redis client","message":"sentinel:`)
}

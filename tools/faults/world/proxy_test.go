package world

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers with what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

// said sends a word through the proxy and returns what came back within a while.
func said(t *testing.T, c net.Conn, within time.Duration) (string, error) {
	t.Helper()
	if _, err := c.Write([]byte("word")); err != nil {
		return "", err
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(within)))
	answer := make([]byte, 4)
	_, err := io.ReadFull(c, answer)
	return string(answer), err
}

func TestAProxyPassesCutsSlowsAndHoldsConnections(t *testing.T) {
	t.Parallel()
	behind := echo(t)
	p, err := newProxy(func() []string { return []string{behind} })
	require.NoError(t, err)
	t.Cleanup(p.close)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", p.Address)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := dial()
	got, err := said(t, c, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "word", got)

	p.Set(Slow)
	begin := time.Now()
	_, err = said(t, c, 5*time.Second)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begin), 2*slowness, "both ways")

	p.Set(HalfOpen)
	_, err = said(t, c, 300*time.Millisecond)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "nothing comes and nobody is told")
	p.Set(Pass)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	answer := make([]byte, 4)
	_, err = io.ReadFull(c, answer)
	require.NoError(t, err, "what was held comes in the end")

	p.Set(Cut)
	_, err = said(t, c, 5*time.Second)
	require.Error(t, err)
	again := dial()
	_, err = said(t, again, 5*time.Second)
	require.Error(t, err, "no new ones either")
	p.Set(Pass)
	_, err = said(t, dial(), 5*time.Second)
	require.NoError(t, err)
}

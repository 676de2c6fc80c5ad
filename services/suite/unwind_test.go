package suite_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/suite"
)

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// TestWhatCannotBeMadeGivesEverythingBack makes a suite whose last port is taken, and
// then, from the same settings and folder, one whose port is free.
func TestWhatCannotBeMadeGivesEverythingBack(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = t.TempDir()
	c.Process.Metrics, c.Gateway.Listen, c.GRPC.Listen = free(t), free(t), taken.Addr().String()
	_, err = suite.New(t.Context(), c, "test", io.Discard)
	require.ErrorContains(t, err, "grpc.listen")
	require.NoError(t, taken.Close())
	for _, address := range []string{c.Process.Metrics, c.Gateway.Listen} {
		l, err := net.Listen("tcp", address)
		require.NoError(t, err, "the port was given back")
		require.NoError(t, l.Close())
	}
	s, err := suite.New(t.Context(), c, "test", io.Discard)
	require.NoError(t, err)
	require.NoError(t, s.Start(t.Context()))
	require.NoError(t, s.Stop(t.Context()))
}

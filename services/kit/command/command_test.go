package command_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/config"
)

type settings struct {
	Place string `yaml:"place"`
}

func (s *settings) Defaults() { s.Place = "here" }

func (s *settings) Validate(p *config.Problems) { p.Check(s.Place != "", "place", "must not be empty") }

func run(t *testing.T, fails error, args ...string) (code int, place, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := command.Program{
		Name: "clerk", About: "keeps a place", Settings: func() any { return &settings{} },
		Run: func(_ context.Context, s any, logs io.Writer) error {
			place = s.(*settings).Place
			_, err := io.WriteString(logs, "running\n")
			return errors.Join(fails, err)
		},
	}
	code = command.Main(t.Context(), p, args, &o, &e)
	return code, place, o.String(), e.String()
}

func TestRunsWithItsConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clerk.yaml")
	require.NoError(t, os.WriteFile(file, []byte("place: there\n"), 0o600))
	code, place, _, errs := run(t, nil, "--config", file)
	require.Equal(t, command.OK, code)
	require.Equal(t, "there", place)
	require.Equal(t, "running\n", errs, "logs go where errors go")
	code, place, _, _ = run(t, nil)
	require.Equal(t, command.OK, code)
	require.Equal(t, "here", place)
}

func TestSaysWhyItDoesNotRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clerk.yaml")
	require.NoError(t, os.WriteFile(file, []byte("place: ''\n"), 0o600))
	for want, args := range map[string][]string{
		"place: must not be empty":      {"--config", file},
		"no such file":                  {"--config", file + "x"},
		"flag provided but not defined": {"--port", "1"},
		"Did you mean --config a.yaml?": {"a.yaml"},
	} {
		code, place, _, errs := run(t, nil, args...)
		require.Equal(t, command.Usage, code, args)
		require.Empty(t, place, "nothing ran")
		require.Contains(t, errs, want)
	}
	code, _, _, errs := run(t, errors.New("no power"))
	require.Equal(t, command.Failed, code)
	require.Contains(t, errs, "clerk: no power")
}

func TestAnswersWithoutRunning(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, want string }{
		{"--check", "valid"}, {"--print-config", "place: here"}, {"--version", "clerk "}, {"--help", ""},
	} {
		code, place, out, _ := run(t, nil, c.flag)
		require.Equal(t, command.OK, code, c.flag)
		require.Empty(t, place, c.flag)
		require.Contains(t, out, c.want, c.flag)
	}
}

func TestMetricsAreServedUntilStopped(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	m, err := command.Metrics("127.0.0.1:0", page)
	require.NoError(t, err)
	require.NoError(t, m.Start(t.Context()))
	require.NoError(t, m.Stop(t.Context()))
	never, err := command.Metrics("127.0.0.1:0", page)
	require.NoError(t, err)
	address := never.Addr()
	require.NoError(t, never.Stop(t.Context()))
	require.NoError(t, never.Stop(t.Context()))
	require.Error(t, never.Start(t.Context()))
	again, err := command.Metrics(address, page)
	require.NoError(t, err, "one that was never started has given its port back")
	require.NoError(t, again.Stop(t.Context()))
	none, err := command.Metrics("", page)
	require.NoError(t, err)
	require.NoError(t, none.Start(t.Context()))
	require.Empty(t, none.Addr())
	require.NoError(t, none.Stop(t.Context()))
	_, err = command.Metrics("nowhere", page)
	require.ErrorContains(t, err, "metrics")
}

package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/config"
)

type server struct {
	Listen   string          `yaml:"listen"`
	Deadline config.Duration `yaml:"deadline"`
	Largest  config.Size     `yaml:"largest"`
}

func (s *server) Defaults() {
	s.Listen, s.Deadline, s.Largest = "127.0.0.1:0", config.Duration(10*time.Second), 4*config.MiB
}

func (s *server) Validate(p *config.Problems) {
	p.Check(s.Deadline > 0, "deadline", "must be positive, not %s", s.Deadline)
	p.Check(s.Listen != "", "listen", "must not be empty")
}

type service struct {
	Server  server            `yaml:"server"`
	Spare   *server           `yaml:"spare"`
	Peers   []server          `yaml:"peers"`
	Named   map[string]server `yaml:"named"`
	Inner   server            `yaml:",inline"`
	Ignored server            `yaml:"-"`
	hidden  server
}

func parse(text string) (*service, error) {
	s := &service{}
	return s, config.Parse("redress.yaml", []byte(text), s)
}

func TestEmptyFileGivesDefaults(t *testing.T) {
	t.Parallel()
	s, err := parse("")
	require.NoError(t, err)
	require.Equal(t, 10*time.Second, s.Server.Deadline.Std())
	require.Equal(t, 4*config.MiB, s.Inner.Largest)
	require.Nil(t, s.Spare)
	require.Empty(t, s.hidden.Listen)
}

func TestFileHasTheLastWord(t *testing.T) {
	t.Parallel()
	s, err := parse("server: {deadline: 1m30s, largest: 100kB}\nlisten: here\n")
	require.NoError(t, err)
	require.Equal(t, 90*time.Second, s.Server.Deadline.Std())
	require.Equal(t, config.Size(100_000), s.Server.Largest)
	require.Equal(t, "127.0.0.1:0", s.Server.Listen)
	require.Equal(t, "here", s.Inner.Listen)
}

func TestEveryProblemIsNamedByItsKey(t *testing.T) {
	t.Parallel()
	_, err := parse("server: {deadline: -1s, listen: ''}\npeers: [{listen: a, deadline: 0s}]\nnamed: {x: {deadline: 1s}}\nspare: {deadline: 1s}")
	require.EqualError(t, err, "redress.yaml: server.deadline: must be positive, not -1s\nredress.yaml: server.listen: must not be empty\n"+
		"redress.yaml: spare.listen: must not be empty\nredress.yaml: peers[0].deadline: must be positive, not 0s\nredress.yaml: named.x.listen: must not be empty")
}

func TestUnknownKeysAndWrongValuesAreErrorsWithLines(t *testing.T) {
	t.Parallel()
	_, err := parse("server:\n  lissten: a\n  deadline: 30\n  largest: 4\nother: 1\n")
	require.ErrorContains(t, err, "redress.yaml: line 2: lissten: unknown key")
	require.ErrorContains(t, err, `redress.yaml: line 3: "30" is not a duration with its unit, such as 30s`)
	require.ErrorContains(t, err, `redress.yaml: line 4: "4" is not a size with its unit, such as 4MiB`)
	require.ErrorContains(t, err, "redress.yaml: line 5: other: unknown key")
	require.NotContains(t, err.Error(), "config_test")
}

func TestOneDocumentOnly(t *testing.T) {
	t.Parallel()
	_, err := parse("listen: a\n---\nlisten: b\n")
	require.ErrorContains(t, err, "more than one document")
	_, err = parse("listen: a\nlisten: b\n")
	require.ErrorContains(t, err, "already defined")
	require.Error(t, config.Parse("x", nil, service{}))
}

func TestPrintedConfigurationReadsTheSame(t *testing.T) {
	t.Parallel()
	s, err := parse("server: {deadline: 1m, largest: 5GiB}")
	require.NoError(t, err)
	text, err := config.Print(s)
	require.NoError(t, err)
	again, err := parse(string(text))
	require.NoError(t, err)
	require.Equal(t, s.Server, again.Server)
	require.Contains(t, string(text), "5GiB")
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"0B": 0, "512B": 512, "1KiB": 1024, "2 MiB": 2 << 20, "3GB": 3e9} {
		got, err := config.ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := config.ParseSize(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, text := range []string{"", "4", "-1B", "1.5MiB", "9999999999GiB", "MiB"} {
		_, err := config.ParseSize(text)
		require.Error(t, err, text)
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(path, []byte("s3cret\n"), 0o600))
	got, err := config.SecretFile(path).Read()
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(got))
	require.NoError(t, os.WriteFile(path, []byte("\n"), 0o600))
	_, err = config.SecretFile(path).Read()
	require.ErrorContains(t, err, "is empty")
	_, err = config.SecretFile("").Read()
	require.ErrorContains(t, err, "no file named")
	_, err = config.SecretFile(path + "x").Read()
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, make([]byte, 65<<10), 0o600))
	_, err = config.SecretFile(path).Read()
	require.ErrorContains(t, err, "larger than 64KiB")
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "redress.yaml")
	require.ErrorIs(t, config.Load(path, &service{}), os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("nope: 1"), 0o600))
	require.ErrorContains(t, config.Load(path, &service{}), "redress.yaml: line 1: nope: unknown key")
}

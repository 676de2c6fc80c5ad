package cli_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/redress/services/suite/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs one command and returns what it wrote to Out and to Err.
func run(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	return runIn(t.Context(), args...)
}

func runIn(ctx context.Context, args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	err = cli.Execute(ctx, args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return o.String(), e.String(), err
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := run(t, args...)
	require.NoError(t, err, "redress %s\n%s", strings.Join(args, " "), errs)
	return out
}

// exit runs a command as the program does and returns its exit code too.
func exit(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return o.String(), e.String(), code
}

// refused runs a command that must fail as a usage error.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := exit(t, args...)
	require.Equal(t, 2, code, "redress %s\n%s%s", strings.Join(args, " "), out, errs)
	return errs
}

func TestHelpIsAsWritten(t *testing.T) {
	for _, name := range []string{"REDRESS_TEST_POSTGRES", "REDRESS_TEST_REDIS"} {
		t.Setenv(name, "") // defaults of the demo's flags
	}
	commands := [][]string{{}}
	for i := 0; i < len(commands); i++ {
		help := must(t, append(commands[i], "--help")...)
		_, listed, _ := strings.Cut(help, "Commands:")
		if len(commands[i]) == 0 {
			listed = help[strings.Index(help, "Run:"):]
		}
		listed, _, _ = strings.Cut(listed, "\nFlags:")
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(listed, -1) {
			if m[1] != "help" {
				commands = append(commands, append(append([]string{}, commands[i]...), m[1]))
			}
		}
	}
	require.Greater(t, len(commands), 25)
	var all strings.Builder
	for _, c := range commands {
		all.WriteString("==== " + strings.TrimSpace("redress "+strings.Join(c, " ")) + "\n\n" + must(t, append(c, "--help")...) + "\n")
	}
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(all.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), all.String(), "go test -update rewrites it; read the diff")
}

func TestWrongCallsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`did you mean token`:                       {"tokn"},
		`see redress serve --help`:                 {"serve", "--port", "1"},
		`there is no command "redress policy lin"`: {"policy", "lin"},
		`choose table or json`:                     {"-o", "xml", "version"},
		`say for whom`:                             {"token"},
		`no keys in`:                               {"token", "--person", "li-na", "--data", filepath.Join(t.TempDir(), "none")},
		`must be positive`:                         {"token", "--person", "li-na", "--for", "-1h"},
		`say who you are`:                          {"complaint", "list"},
		`there is no database of intake`:           {"verify", "--data", filepath.Join(t.TempDir(), "none")},
		`there is no data folder`:                  {"backup", filepath.Join(t.TempDir(), "b"), "--data", filepath.Join(t.TempDir(), "none")},
		`is no backup`:                             {"restore", t.TempDir(), "--data", filepath.Join(t.TempDir(), "none")},
		`name the new data folder`:                 {"restore", t.TempDir()},
		`there is no service "billing"`:            {"serve", "billing", "--config", write(t, "billing.yaml", "intake: {}\n")},
		`billing: unknown section`:                 {"serve", "intake", "--config", write(t, "sections.yaml", "billing: {}\n")},
		`lissten: unknown key`:                     {"config", "check", write(t, "wrong.yaml", "grpc:\n  lissten: a\n")},
		`is not an instant`:                        {"serve", "--virtual-clock", "tomorrow", "--data", t.TempDir()},
		`for this machine only`:                    {"serve", "--virtual-clock", "2026-04-08T09:00:00+08:00", "--data", t.TempDir(), "--config", write(t, "open.yaml", "gateway: {listen: '0.0.0.0:0', behind_proxy: true}\n")},
		`there is no pack and no file`:             {"policy", "show", "nothing"},
		`the pack has no rule "nothing"`:           {"policy", "explain", "demo", "nothing"},
		`name the directory`:                       {"organization", "create", "acme"},
		`write PARAMETER=VALUE`:                    {"policy", "lint", "demo", "--set", "x"},
	} {
		require.Contains(t, refused(t, args...), want, "redress %s", strings.Join(args, " "))
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestExampleConfigsLoad(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "..", "deploy", "config")
	require.Contains(t, must(t, "config", "check", filepath.Join(folder, "redress.yaml")), "is valid")
	for _, program := range []string{"intake", "routing", "compensation", "corrective-action", "notification", "reporting", "gateway"} {
		file := filepath.Join(folder, program+".yaml")
		require.Contains(t, must(t, "config", "check", "--service", program, file), "is valid")
		printed := must(t, "config", "print", "--service", program, "--config", file)
		require.Contains(t, must(t, "config", "check", "--service", program, write(t, "printed.yaml", printed)), "is valid", "what is printed reads the same")
		if program != "gateway" {
			require.Contains(t, printed, "password_file: /run/secrets/postgres")
			require.Contains(t, printed, "redress-"+program+"@postgres/")
		}
		require.NotContains(t, printed, "redress-"+program+":9443", "a service is no peer of itself")
	}
}

func TestPrintedDefaultsAreAConfiguration(t *testing.T) {
	t.Parallel()
	file := write(t, "redress.yaml", must(t, "config", "print"))
	require.Contains(t, must(t, "config", "check", file), "is valid")
}

func TestPacksAreCheckedAndRead(t *testing.T) {
	t.Parallel()
	_, errs, err := run(t, "policy", "lint")
	require.NoError(t, err)
	require.Contains(t, errs, "no mistakes")
	broken := write(t, "pack.yaml", "pack: mine\nclocks:\n- {id: a, limit: 3 parsecs}\n")
	out, _, err := run(t, "policy", "lint", broken)
	require.ErrorContains(t, err, "mistakes")
	require.Contains(t, out, broken+":3:")
	require.Contains(t, must(t, "policy", "show", "demo"), "Includes generic-template")
	require.Contains(t, must(t, "policy", "show", "demo", "-o", "json"), `"pack": "demo"`)
	rules := must(t, "policy", "explain", "demo", "-o", "json")
	require.Contains(t, rules, `"section": "clocks"`)
}

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/suite/suitetest"
)

// printed is a command of the author's guide with what the guide says it prints.
type printed struct {
	command, input string
	want           []string
	line           int
}

// commands reads the console blocks of a document.
func commands(t *testing.T, document string) []printed {
	t.Helper()
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	var out []printed
	inside, input := false, false
	for i, line := range strings.Split(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case input && line == "END":
			input = false
		case input:
			out[len(out)-1].input += line + "\n"
		case strings.HasPrefix(line, "$ "):
			command, heredoc := strings.CutSuffix(strings.TrimPrefix(line, "$ "), " <<'END'")
			out, input = append(out, printed{command: command, line: i + 1}), heredoc
		default:
			out[len(out)-1].want = append(out[len(out)-1].want, line)
		}
	}
	return out
}

// split cuts a command at its blanks; double quotes hold words together.
func split(command string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(command, -1) {
		out = append(out, m[1]+m[2])
	}
	return out
}

// shown requires that what was printed is what the guide says; … stands for anything.
func shown(t *testing.T, p printed, got string) {
	t.Helper()
	pattern := regexp.QuoteMeta(strings.Join(p.want, "\n"))
	pattern = strings.ReplaceAll(strings.ReplaceAll("\n"+pattern+"\n", "\n…", "\n?(?s:.*)"), "…", ".*")
	require.Regexp(t, `^`+pattern+`\n*$`, "\n"+strings.TrimRight(got, "\n")+"\n", "docs/pack-authoring.md:%d: %s", p.line, p.command)
}

// The author's guide is followed literally: its commands, in its order, with what it says they print.
//
// Source: issue 3, "It is done when".
func TestTheAuthorsGuideIsFollowedLiterally(t *testing.T) {
	document, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "docs", "pack-authoring.md"))
	require.NoError(t, err)
	all := commands(t, document)
	w := wire(t)
	before := w.Register()
	t.Chdir(t.TempDir())
	const placeholder = "revisions/REVISION"
	revision := "REVISION"
	n := 0
	for _, p := range all {
		p.command = strings.ReplaceAll(p.command, placeholder, "revisions/"+revision)
		args := split(p.command)
		if args[0] != "redress" {
			c := exec.CommandContext(t.Context(), "bash", "-ec", p.command)
			c.Stdin = strings.NewReader(p.input)
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s: %s", p.command, out)
			shown(t, p, string(out))
			continue
		}
		if strings.Contains(p.command, " --person ") {
			args = append(args, "--server", w.GRPCAddr(), "--data", w.Folder)
		}
		out, errs, code := exit(t, args[1:]...)
		w.Settled()
		printed := errs + out
		if strings.Contains(p.command, " policy new ") || strings.Contains(p.command, " lint ") || code != 0 {
			printed = out + errs
		}
		if m := regexp.MustCompile(`packs/refunds/revisions/([0-9a-f]{32})`).FindStringSubmatch(out); m != nil && revision == "REVISION" {
			revision = m[1]
		}
		for i := range p.want {
			p.want[i] = strings.ReplaceAll(p.want[i], placeholder, "revisions/"+revision)
		}
		shown(t, p, printed)
		said := strings.Contains(strings.Join(p.want, "\n"), "redress: ")
		require.Equal(t, said, code != 0, "%s: exit %d\n%s", p.command, code, printed)
		n++
	}
	require.GreaterOrEqual(t, n, 12, "the guide holds the commands")

	policies := policyv1.NewPolicyServiceClient(w.Conn)
	active, err := policies.GetActiveRevision(w.As("people/author"), &policyv1.GetActiveRevisionRequest{})
	require.NoError(t, err)
	require.Equal(t, "packs/refunds/revisions/"+revision, active.GetRevision().GetName())
	require.Equal(t, int32(4), active.GetRevision().GetTestRun().GetPassed(), "four rows of three scenarios")
	require.NotEqual(t, before.GetPolicyRevision(), active.GetRevision().GetName())
}

func TestAPackWhoseScenariosFailIsNotStored(t *testing.T) {
	w := wire(t)
	folder := filepath.Join(t.TempDir(), "ours")
	must(t, "policy", "new", folder)
	scenario := filepath.Join(folder, "scenarios", "first.yaml")
	text, err := os.ReadFile(scenario)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(scenario, []byte(strings.Replace(string(text), `due: "2026-04-09 17:20:00"`, `due: "2026-04-09 17:21:00"`, 1)), 0o600))
	_, said := w.refused("author", "policy", "activate", folder)
	require.Contains(t, said, "first.yaml:20: clocks.own_first_reply.due: want 2026-04-09 17:21:00, got 2026-04-09 17:20:00")
	require.Contains(t, said, "2 scenarios failed, 0 mutants survived; nothing was stored")

	require.NoError(t, os.WriteFile(filepath.Join(folder, "pack.yaml"), []byte("pack: ours\nclocks:\n- {id: a, limit: -3 h}\n"), 0o600))
	out, said := w.refused("author", "policy", "activate", folder)
	require.Contains(t, out, `limit cannot be "-3 h"`)
	require.Contains(t, said, "nothing was stored")
	got, err := policyv1.NewPolicyServiceClient(w.Conn).ListRevisions(w.As("people/author"), &policyv1.ListRevisionsRequest{})
	require.NoError(t, err)
	require.Len(t, got.GetRevisions(), 1, "the demo's")
	require.Contains(t, refused(t, "policy", "activate", folder), "say who you are", "before anything is played")
}

func TestASecondPersonSeesTheDifferencesAndIsAsked(t *testing.T) {
	w := wire(t)
	policies := policyv1.NewPolicyServiceClient(w.Conn)
	active, err := policies.GetActiveRevision(w.As("people/author"), &policyv1.GetActiveRevisionRequest{})
	require.NoError(t, err)
	source := strings.Replace(string(active.GetRevision().GetSource()), "en: Demo pack", "en: Our pack", 1)
	stored, err := policies.CreateRevision(w.As("people/author"), &policyv1.CreateRevisionRequest{Source: []byte(source), RequestId: suitetest.ID()})
	require.NoError(t, err)
	name, digest := stored.GetRevision().GetName(), stored.GetRevision().GetDigest()

	_, said := w.refused("admin", "policy", "activate", "--revision", name, "--yes")
	require.Contains(t, said, "PACK_NOT_TESTED")
	require.Contains(t, said, "redress policy activate FOLDER", "what to do")
	record := func(run *policyv1.TestRun) {
		run.Digest, run.ScenariosDigest, run.Tool = digest, digest, "test"
		_, err = policies.RecordTestRun(w.As("people/author"), &policyv1.RecordTestRunRequest{Name: name, TestRun: run, RequestId: suitetest.ID()})
		require.NoError(t, err)
	}
	record(&policyv1.TestRun{Passed: 5, Failed: 1})
	_, said = w.refused("admin", "policy", "activate", "--revision", name, "--yes", "--language", "zh-CN")
	require.Contains(t, said, "最近一次演练未通过：通过 5，失败 1")
	record(&policyv1.TestRun{Passed: 6})

	out, said := w.refused("admin", "policy", "activate", "--revision", name)
	require.Contains(t, out, "In force is "+active.GetRevision().GetName())
	require.Contains(t, out, "      title: in English: Demo pack → Our pack\n")
	require.Contains(t, said, "y/N")
	require.Contains(t, said, "nothing was changed")
	_, said = w.refused("author", "policy", "activate", "--revision", name, "--yes")
	require.Contains(t, said, "OWN_REVISION")
	_, said = w.refused("li-na", "policy", "activate", "--revision", name, "--yes")
	require.Contains(t, said, "METHOD_DENIED")
	out = w.run("admin", "policy", "activate", "--revision", name, "--yes", "--language", "zh-CN")
	require.Contains(t, out, "已启用")
	require.Contains(t, w.run("li-na", "policy", "diff", active.GetRevision().GetName(), name, "--language", "zh-CN"), "标题·英文: Demo pack → Our pack")
}

func TestPacksAreCompared(t *testing.T) {
	t.Parallel()
	out := must(t, "policy", "diff", "generic-template", "generic-template", "--exit-code")
	require.Equal(t, "They say the same.\n", out)
	out, _, err := run(t, "policy", "diff", "generic-template", "demo", "--exit-code")
	require.ErrorContains(t, err, "they differ")
	cells(t, out, "~ pack: Demo pack")
	cells(t, out, "+ approvals.")
	require.Regexp(t, `\d+ changed, \d+ added, \d+ removed\.\n$`, out)
	require.Contains(t, must(t, "policy", "diff", "generic-template", "demo", "-o", "json"), `"kind": "KIND_ADDED"`)
	require.Contains(t, refused(t, "policy", "diff", "generic-template", "nowhere"), `there is no pack and no file "nowhere"`)
	_, _, err = run(t, "policy", "diff", "generic-template", write(t, "pack.yaml", "pack: mine\nclocks:\n- {id: a, limit: 3 parsecs}\n"))
	require.ErrorContains(t, err, "mistakes")
}

func TestANewPackIsRefusedWhereItWouldMixWithSomething(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "ours")
	must(t, "policy", "new", folder, "--include", "de-escalation-guidance")
	require.Contains(t, refused(t, "policy", "new", folder), "is not empty (pack.yaml lies in it)")
	require.Contains(t, refused(t, "policy", "new", filepath.Join(folder, "pack.yaml"), "--id", "ours"), "pack.yaml")
	require.Contains(t, refused(t, "policy", "new", filepath.Join(t.TempDir(), "Our Pack")), "--id: ")
	require.Contains(t, refused(t, "policy", "new", filepath.Join(t.TempDir(), "ours"), "--include", "nowhere"), `--include: No pack "nowhere"`)
	require.Contains(t, refused(t, "policy", "new", filepath.Join(t.TempDir(), "ours"), "--include", "nowhere", "--language", "zh-CN"), "没有随软件提供")
	for want, args := range map[string][]string{
		"name a pack or a folder":  {"policy", "activate"},
		"name a pack, to store":    {"policy", "activate", "demo", "--revision", "packs/a/revisions/b"},
		"write packs/PACK":         {"policy", "activate", "--revision", "b"},
		"write PARAMETER=VALUE":    {"policy", "activate", "demo", "--set", "x"},
		"there is no pack and no ": {"policy", "activate", "nowhere", "--token", "x"},
	} {
		require.Contains(t, refused(t, args...), want)
	}
}

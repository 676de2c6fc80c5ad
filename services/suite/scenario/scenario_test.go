package scenario_test

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
	"example.com/redress/services/suite/scenario"
)

// TestScenarios plays every scenario of the shipped packs through the public RPCs of
// the suite, and changes each expected value once: every change must be noticed.
//
// Source: SCENARIOS P02-S1 to S5, P26-S1 to S5.
func TestScenarios(t *testing.T) {
	var out strings.Builder
	s, err := scenario.Run(t.Context(), scenario.Options{
		Packs: []string{"generic-template", "property-developer-compensation"}, Mutate: true, Out: io.MultiWriter(&out, t.Output()), Scratch: t.TempDir(),
	})
	require.NoError(t, err)
	require.Zero(t, s.Failed, out.String())
	require.Empty(t, s.Survivors)
	require.Positive(t, s.Mutants)
	require.True(t, s.OK())
	played := map[string]bool{}
	for _, r := range s.Results {
		played[regexp.MustCompile(`^P\d\d-S\d+`).FindString(r.Name)] = true
	}
	for _, id := range []string{"P02-S1", "P02-S2", "P02-S3", "P02-S4", "P02-S5", "P26-S1", "P26-S2", "P26-S3", "P26-S4", "P26-S5"} {
		require.Contains(t, played, id)
	}
	require.Contains(t, out.String(), "--- PASS: P26-S1/general (")
	require.True(t, strings.HasSuffix(out.String(), " mutants, 0 survivors\n"))
}

// write makes a folder with a shipped pack and a scenario file.
func write(t *testing.T, pack, scenarios string) string {
	t.Helper()
	folder := t.TempDir()
	source, err := policy.Shipped(pack, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "pack.yaml"), source, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "scenarios"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "scenarios", "s.yaml"), []byte(scenarios), 0o600))
	return folder
}

func run(t *testing.T, folder string, o scenario.Options) (scenario.Summary, string, error) {
	t.Helper()
	var out strings.Builder
	o.Packs, o.Out, o.Scratch = []string{folder}, &out, t.TempDir()
	s, err := scenario.Run(t.Context(), o)
	return s, strings.ReplaceAll(out.String(), folder+"/", ""), err
}

const onePlay = `scenarios:
- id: P26-S9
  pack: generic-template
  clause: (一)
  columns: [due, moved]
  rows:
  - ["2026-04-09 17:20:00", false]
  - ["2026-04-09 17:20:01", false]
  - ["2026-04-09 17:20:00", true]
  moves:
  - at: "2026-04-08 17:20:00"
    as: customer_service_specialist
    call: REGISTER
    with: {demand: [exchange]}
    expect:
      clocks: {response: {due: <due>, state: RUNNING}}
  - only: <moved>
    call: REPLY
    with: {substantive: true}
    refused: {because: GATE, rule: verified_first}
`

func TestWhatIsNotAsWrittenFailsWithItsPlace(t *testing.T) {
	s, out, err := run(t, write(t, "generic-template", onePlay), scenario.Options{Mutate: true})
	require.NoError(t, err)
	require.False(t, s.OK())
	require.Equal(t, []int{1, 2}, []int{s.Passed, s.Failed})
	require.Regexp(t, `--- PASS: P26-S9/2026-04-09_17:20:00,false \(\d+\.\ds\)`, out)
	require.Regexp(t, `--- FAIL: P26-S9/2026-04-09_17:20:01,false \(\d+\.\ds\)
    scenarios/s.yaml:16: clocks.response.due: want 2026-04-09 17:20:01, got 2026-04-09 17:20:00
`, out)
	require.Contains(t, out, "scenarios/s.yaml:17: REPLY was done; it must be refused by verified_first\n")
	require.True(t, strings.HasSuffix(out, "1 passed, 2 failed\n2 mutants, 0 survivors\n"), out)
}

func TestRowsAreChosenByName(t *testing.T) {
	s, out, err := run(t, write(t, "generic-template", onePlay), scenario.Options{Run: regexp.MustCompile(`20:00,false`), Verbose: true, Parallel: 1})
	require.NoError(t, err)
	require.True(t, s.OK())
	require.Contains(t, out, "    2026-04-08 17:20:00 customer_service_specialist REGISTER\n")
	require.True(t, strings.HasSuffix(out, "1 passed, 0 failed\n"), out)
	_, _, err = run(t, write(t, "generic-template", onePlay), scenario.Options{Run: regexp.MustCompile(`P99`)})
	require.ErrorContains(t, err, "no scenario to play")
}

func TestMistakesOfAFileAreReportedAllAtOnce(t *testing.T) {
	_, _, err := run(t, write(t, "generic-template", `fixtures:
- id: unused
  columns: [a]
  moves: [{as: customer}]
scenarios:
- id: wrong
  pack: another
  moves: [{as: customer}]
- id: P26-S1
  pack: generic-template
  clause: (一)
  columns: [x, unseen]
  rows:
  - [1]
  moves: [{as: customer, call: CLOSE, with: {note: <x>}}]
- id: P26-S2
  pack: generic-template
  clause: (一)
  vacant: [nobody]
  moves:
  - {as: boss, call: DIAGNOSE}
  - {as: anyone@sales, call: CLOSE, with: {note: <z>}}
  - {call: SIGN, with: {approval: consent, colour: red}, refused: {because: GATE, rule: no_such}}
  - {at: +24 h, expect: {clocks: {respond: {state: MET}}, goods: {state: X}}}
  - {at: tomorrow, use: nothing}
  - {at: "2026-04-08", call: REQUEST_CLAIM, with: {amount: 50000.01}}
`), scenario.Options{})
	require.Error(t, err)
	for _, part := range []string{
		`s.yaml:2: fixture "unused" is used by no move`,
		`s.yaml:3: column "a" stands in no move`,
		`s.yaml:6: "wrong" is no id of a scenario; write the procedure, -S and a number, with a letter for a further part of it`,
		`s.yaml:7: this file belongs to the pack "generic-template", not "another"`,
		`s.yaml:6: scenario "wrong" names no clause`,
		`s.yaml:14: the row has 1 values, there are 2 columns`,
		`s.yaml:12: column "unseen" stands in no move`,
		`s.yaml:22: there is no column "z"`,
		`s.yaml:25: there is no fixture "nothing" in this file`,
	} {
		require.ErrorContains(t, err, part)
	}
}

func TestMistakesInMovesAreReportedAllAtOnce(t *testing.T) {
	_, _, err := run(t, write(t, "generic-template", `scenarios:
- id: P26-S2
  pack: generic-template
  clause: (一)
  vacant: [nobody]
  moves:
  - {at: +24 h, call: DIAGNOSE}
  - {as: boss}
  - {as: head}
  - {as: anyone@sales, call: CLOSE, with: {colour: red}}
  - {call: SIGN, with: {approval: consent}, refused: {because: GATE, rule: no_such}}
  - {expect: {clocks: {respond: {state: MET}}, newest: {robots: {state: X}}, entries: [{points: "1"}]}}
  - {at: tomorrow, answers: {hlr: UNAVAILABLE}}
  - {call: REQUEST_CLAIM, with: {amount: 50000.01}}
  - {refused: {because: GATE, rule: verified_first}}
  - {name: x}
`), scenario.Options{})
	require.Error(t, err)
	for _, part := range []string{
		`s.yaml:5: "nobody" is no role, no members of a department and no channel of the pack`,
		`s.yaml:7: at is "+24 h", but it is no time yet: begin with an instant`,
		`s.yaml:8: the pack has no role "boss"`,
		`s.yaml:9: "head" of which department? Write head@department`,
		`s.yaml:10: the pack has no department "sales"`,
		`s.yaml:10: CLOSE takes no "colour" and no form of the pack has such a field`,
		`s.yaml:11: the pack has no approval "consent"`,
		`s.yaml:11: the pack has no rule "no_such"`,
		`s.yaml:12: the pack has no clock "respond"`,
		`s.yaml:12: the pack has no newest "robots"`,
		`s.yaml:12: an entry says to whom it is booked`,
		`s.yaml:13: the pack has no connector "hlr"`,
		`s.yaml:13: at is "tomorrow"; write an instant`,
		`s.yaml:14: 50000.01 is not a whole number; write amounts in quotes`,
		`s.yaml:15: nothing is called here that could be refused`,
		`s.yaml:16: this move does nothing`,
	} {
		require.ErrorContains(t, err, part)
	}
}

func TestUnknownWordsAreFindingsOfTheReader(t *testing.T) {
	_, _, err := run(t, write(t, "generic-template", `scenarios:
- {id: P26-S1, pack: generic-template, clause: (一), moves: [{call: DANCE}, {cal: CLOSE}]}
`), scenario.Options{})
	require.ErrorContains(t, err, `s.yaml:2:68: L02 E: call: Act "DANCE" does not exist.`)
	require.ErrorContains(t, err, `Unknown field "cal".`)
}

func TestAPackWithoutScenariosAndAFolderWithoutPack(t *testing.T) {
	_, _, err := run(t, filepath.Join(t.TempDir(), "nowhere"), scenario.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, _, err = run(t, "demo", scenario.Options{})
	require.ErrorContains(t, err, "no scenario to play")
}

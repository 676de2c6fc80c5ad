package obligationtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// Columns of the table. Twice is none of them: what the section says of every row.
const (
	cause      = "Cause"
	obligation = "Obligation"
	discharge  = "Discharged by"
	refusal    = "A refusal leads to"
	outage     = "A day's outage of the other side leads to"
	twice      = "delivered twice"
)

// proof is the test of one cell.
type proof struct {
	column string
	// cell is what the table says, word for word: who changes the table reads the test.
	cell string
	test func(*testing.T, *bed)
}

// row is a row of the table with the tests of its cells. They share a suite, each
// with a complaint of its own.
type row struct {
	id     string
	proofs []proof
}

func rows() []row {
	return []row{compensationRow(), correctiveActionRow(), followUpRow(), withdrawalRow(), closingRow(), erasureRow()}
}

func TestEveryCellOfTheTableOfObligations(t *testing.T) {
	t.Parallel()
	for _, r := range rows() {
		t.Run(r.id, func(t *testing.T) {
			t.Parallel()
			b := on(suitetest.New(t))
			for _, p := range r.proofs {
				t.Run(p.column, func(t *testing.T) { p.test(t, b) })
			}
			for _, service := range suite.Names() {
				b.nothingParked(t, service)
			}
		})
	}
}

// TestTheTableSaysWhatIsProved reads the table: each of its cells has a test here that
// was written for what it says, and each test here has its cell.
func TestTheTableSaysWhatIsProved(t *testing.T) {
	t.Parallel()
	headings, table := documented(t)
	require.Equal(t, []string{"Row", cause, obligation, discharge, refusal, outage}, headings)
	proved := map[string]map[string]string{}
	for _, r := range rows() {
		require.NotContains(t, proved, r.id)
		proved[r.id] = map[string]string{}
		for _, p := range r.proofs {
			require.NotContains(t, proved[r.id], p.column, r.id)
			require.NotNil(t, p.test)
			proved[r.id][p.column] = p.cell
		}
		require.Contains(t, proved[r.id], twice, "%s: what comes twice changes nothing", r.id)
		delete(proved[r.id], twice)
	}
	require.Equal(t, table, proved)
}

// documented returns the headings of the table and its cells by row and column.
func documented(t *testing.T) (headings []string, table map[string]map[string]string) {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/architecture.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(raw), "## 4. Obligations")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	table = map[string]map[string]string{}
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if headings == nil {
			headings = cells
			continue
		}
		require.Len(t, cells, len(headings), line)
		id := strings.Trim(cells[0], "`")
		require.NotContains(t, table, id)
		table[id] = map[string]string{}
		for i, heading := range headings[1:] {
			table[id][heading] = cells[i+1]
		}
	}
	require.NotEmpty(t, table)
	return headings, table
}

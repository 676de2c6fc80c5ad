package cli_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

const importMapping = `zone: Asia/Shanghai
fields:
  channel: {column: 来源, words: {电话: telephone}}
  description: {column: 内容}
  received: {column: 时间, layouts: ["2006-01-02 15:04:05"]}
  display_name: {column: 姓名}
  telephone: {column: 手机}
  category: {value: product_quality}
facts:
  demand: {value: "refund,apology", type: choices}
`

const importHeader = "来源,内容,时间,姓名,手机\n"

// registered returns the descriptions of all complaints that a person sees, by number.
func (w *wired) registered() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	got, err := intakev1.NewIntakeServiceClient(w.Conn).ListComplaints(w.As("people/zhang-wei"), &intakev1.ListComplaintsRequest{PageSize: 200})
	require.NoError(w.t, err)
	require.Empty(w.t, got.GetNextPageToken())
	for _, c := range got.GetComplaints() {
		out[c.GetNumber()] = c.GetDescription()
	}
	return out
}

// report reads the lines of a report without its header: row, line, outcome, number, complaint,
// repeat_of, reason, fields, text.
func report(t *testing.T, text string) [][]string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"row", "line", "outcome", "number", "complaint", "repeat_of", "reason", "fields", "text"}, lines[0])
	return lines[1:]
}

// The file has a row that is right, one with a broken quote, one whose channel nobody mapped, and one
// more that is right, in GB 18030.
func TestImportRegistersEachRowOnceAndSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	w := wire(t)
	mapping := write(t, "mapping.yaml", importMapping)
	text := importHeader +
		"电话,客厅外墙渗水,2026-04-08 08:10:00,赵倩,13800000001\n" +
		"电话,\"没有\"合上,2026-04-08 08:11:00,钱芳,13800000002\n" +
		"传真,门口堆放杂物,2026-04-08 08:12:00,孙立,13800000003\n" +
		"电话,电梯异响,2026-04-08 08:13:00,李全,13800000004\n"
	chinese, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(t, err)
	file := write(t, "complaints.csv", chinese)
	before := w.registered()

	out, said := w.refused("li-na", "import", file, "--mapping", mapping, "--dry-run", "--report", "-")
	require.Contains(t, said, "GB 18030, 4 rows: 2 accepted, 2 refused, 0 repeat an earlier complaint")
	require.Equal(t, before, w.registered(), "a dry run registers nothing")
	rows := report(t, out)
	require.Len(t, rows, 4)
	for i, want := range [][]string{{"1", "2", "ACCEPTED"}, {"2", "3", "REFUSED"}, {"3", "4", "REFUSED"}, {"4", "5", "ACCEPTED"}} {
		require.Equal(t, want, rows[i][:3])
		require.Empty(t, rows[i][3]+rows[i][4], "a dry run names no complaint")
	}
	require.Equal(t, "CSV_QUOTE", rows[1][6])
	require.Equal(t, "VALUE_UNMAPPED", rows[2][6])
	require.Equal(t, "来源", rows[2][7])
	require.NotEmpty(t, rows[2][8])
	require.NotContains(t, out, "13800000003", "a report repeats no cell")

	into := w.Path("report.csv")
	_, said = w.refused("li-na", "import", file, "--mapping", mapping, "--report", into)
	w.Settled()
	require.Contains(t, said, "2 accepted, 2 refused")
	first, err := os.ReadFile(into)
	require.NoError(t, err)
	rows = report(t, string(first))
	now := w.registered()
	require.Len(t, now, len(before)+2)
	require.Equal(t, "客厅外墙渗水", now[rows[0][3]])
	require.Equal(t, "电梯异响", now[rows[3][3]])

	_, _ = w.refused("li-na", "import", file, "--mapping", mapping, "--report", into)
	w.Settled()
	again, err := os.ReadFile(into)
	require.NoError(t, err)
	require.Equal(t, string(first), string(again), "a second run names the same complaints")
	require.Equal(t, now, w.registered(), "a second run registers nothing")
}

// A run that ended after some rows is resumed by the same command: what was registered then is named,
// the rest is registered.
func TestImportResumes(t *testing.T) {
	t.Parallel()
	w := wire(t)
	mapping := write(t, "mapping.yaml", importMapping)
	var rows strings.Builder
	for range 120 {
		rows.WriteString("电话,路灯不亮,2026-04-08 08:10:00,赵倩,13800000001\n")
	}
	file := write(t, "complaints.csv", importHeader+rows.String())
	// The disk of the report is full: the run ends where that is noticed.
	_, said := w.refused("li-na", "import", file, "--mapping", mapping, "--parallel", "1", "--report", "/dev/full")
	require.Contains(t, said, "no space left")
	w.Settled()
	some := len(w.registered())
	require.Positive(t, some)
	require.Less(t, some, 120)
	out := w.run("li-na", "import", file, "--mapping", mapping, "--report", "-")
	lines := report(t, out)
	require.Len(t, lines, 120)
	names := map[string]bool{}
	for _, l := range lines {
		require.Equal(t, "ACCEPTED", l[2])
		names[l[4]] = true
	}
	require.Len(t, names, 120)
	require.Len(t, w.registered(), 120)
}

func TestImportRefusesWhatIsNoImport(t *testing.T) {
	t.Parallel()
	mapping := write(t, "mapping.yaml", importMapping)
	file := write(t, "complaints.csv", importHeader)
	require.Contains(t, refused(t, "import", file), "--mapping FILE")
	require.Contains(t, refused(t, "import", file+".none", "--mapping", mapping, "--dry-run"), "no such file")
	require.Contains(t, refused(t, "import", file, "--mapping", mapping, "--dry-run", "--parallel", "65"), "from 1 to 64")
	require.Contains(t, refused(t, "import", file, "--mapping", mapping, "--dry-run", "--report-format", "xml", "--report", "-"), "csv or json")
	require.Contains(t, refused(t, "import", file, "--mapping", write(t, "wrong.yaml", "fields: {chanel: {column: a}}\n"), "--dry-run"), "there is no such field")
}

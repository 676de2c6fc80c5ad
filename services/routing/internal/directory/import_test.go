package directory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	routingdirectory "example.com/redress/services/routing/internal/directory"
)

const header = "record,id,zh,en,email,telephone,functions,superior,role,department,owner\n"

// small is a directory with one of each record and rows that point forwards.
const small = header +
	"person,li,李娜,Li Na,li@acme.example,13800138000,AGENT handler,wang,,,\n" +
	"person,wang,,Wang Fang,,,FUNCTION_MANAGER,,,,\n" +
	"department,site,工地,Site,,,,,,engineering,\n" +
	"department,engineering,工程部,Engineering,,,,,,,\n" +
	"assignment,li-head,,,,,,,head,engineering,li\n" +
	"assignment,wang-gm,,,,,,,general_manager,,wang\n" +
	"channel,hotline,,,,,,,,,li\n"

func (b *bundle) load(ctx context.Context, table string, dry bool) *directoryv1.ImportDirectoryResponse {
	b.t.Helper()
	got, err := b.server.ImportDirectory(ctx, &directoryv1.ImportDirectoryRequest{Csv: []byte(table), DryRun: dry, RequestId: id()})
	require.NoError(b.t, err)
	return got
}

func counts(r *directoryv1.ImportDirectoryResponse) [3]int32 {
	return [3]int32{r.GetCreated(), r.GetChanged(), r.GetUnchanged()}
}

// heads is how far every shard of the journal is.
func (b *bundle) heads() string {
	b.t.Helper()
	heads, err := b.host.Journal.Heads(b.t.Context())
	require.NoError(b.t, err)
	return fmt.Sprint(heads)
}

func TestATableMakesADirectory(t *testing.T) {
	b := setup(t)
	before := b.heads()
	dry := b.load(b.admin(), small, true)
	require.Empty(t, dry.GetViolations())
	require.Equal(t, [3]int32{7, 0, 0}, counts(dry))
	require.Equal(t, before, b.heads(), "a dry run stores nothing")
	require.Zero(t, b.keys.Calls(), "and makes no keys")

	got := b.load(b.admin(), small, false)
	require.True(t, proto.Equal(dry, got), "a dry run says what will be done")
	p := b.get(b.as("people/li"), "people/li")
	require.Equal(t, "李娜", p.GetDisplayName())
	require.Equal(t, "li@acme.example", p.GetEmail())
	require.Equal(t, "people/wang", p.GetSuperior())
	require.Equal(t, []typev1.Function{typev1.Function_FUNCTION_AGENT, typev1.Function_FUNCTION_HANDLER}, p.GetFunctions())
	require.Equal(t, "Wang Fang", b.get(b.as("people/li"), "people/wang").GetDisplayName())
	require.True(t, b.holds("li", "head@engineering"))
	require.True(t, b.holds("wang", "general_manager"))
	d, err := b.host.Directory.At(t.Context(), acme)
	require.NoError(t, err)
	owner, _ := d.ChannelOwner("hotline")
	require.Equal(t, "people/li", owner)
	site, _ := d.Department("site")
	require.Equal(t, "departments/engineering", site.GetParent())
	b.requireAbsent("李娜", "li@acme.example", "13800138000", "Wang Fang")
}

func TestReadingATableAgainChangesNothing(t *testing.T) {
	b := setup(t)
	b.load(b.admin(), small, false)
	before := b.heads()
	require.Equal(t, [3]int32{0, 0, 7}, counts(b.load(b.admin(), small, false)))
	require.Equal(t, before, b.heads())

	changed := strings.NewReplacer("Wang Fang", "Wang F.", "li@acme.example", "na@acme.example", "工地", "项目", ",general_manager,", ",chairman,", ",,,li\n", ",,,wang\n").Replace(small)
	changed = strings.Replace(changed, "engineering,wang\n", "engineering,li\n", 1)
	require.Equal(t, [3]int32{0, 5, 2}, counts(b.load(b.admin(), changed, false)))
	require.Equal(t, "na@acme.example", b.get(b.as("people/li"), "people/li").GetEmail())
	require.Equal(t, "李娜", b.get(b.as("people/li"), "people/li").GetDisplayName())
	require.True(t, b.holds("wang", "chairman"))
	require.False(t, b.holds("wang", "general_manager"))
}

func TestWhatATableDoesNotSpeakOfStays(t *testing.T) {
	b := setup(t)
	b.load(b.admin(), small, false)
	before := b.get(b.as("people/li"), "people/li")
	require.Equal(t, [3]int32{0, 1, 0}, counts(b.load(b.admin(), "record,id,telephone\nperson,li,\n", false)))
	after := b.get(b.as("people/li"), "people/li")
	require.Empty(t, after.GetTelephone(), "an empty cell empties the field")
	before.Telephone, before.Etag = "", after.GetEtag()
	require.Empty(t, cmp.Diff(before, after, protocmp.Transform()))
}

func TestARepeatedImportGetsTheFirstAnswer(t *testing.T) {
	b := setup(t)
	req := &directoryv1.ImportDirectoryRequest{Csv: []byte(small), RequestId: id()}
	first, err := b.server.ImportDirectory(b.admin(), req)
	require.NoError(t, err)
	// Whatever happened since.
	b.load(b.admin(), "record,id,telephone\nperson,li,\n", false)
	again, err := b.server.ImportDirectory(b.admin(), req)
	require.NoError(t, err)
	require.Equal(t, [3]int32{7, 0, 0}, counts(again))
	require.True(t, proto.Equal(first, again))
	require.Empty(t, b.get(b.admin(), "people/li").GetTelephone(), "nothing was done again")
	req.Csv = append(req.Csv, "channel,app,,,,,,,,,li\n"...)
	_, err = b.server.ImportDirectory(b.admin(), req)
	requireReason(t, journal.ReasonRequestReused, err)
}

func TestEveryViolationIsToldByRowAndColumn(t *testing.T) {
	b := setup(t)
	b.people("admin", "old")
	a, err := b.assign("old", &directoryv1.Assignment{Role: "chairman"})
	require.NoError(t, err)
	_, err = b.server.EndAssignment(b.admin(), &directoryv1.EndAssignmentRequest{Name: a.GetName(), Etag: "1", RequestId: id()})
	require.NoError(t, err)
	ended := strings.TrimPrefix(a.GetName(), "people/old/assignments/")
	table := header +
		"person,li,李娜,,not an address,abc,AGENT PILOT,,,,\n" + // 2
		"person,-,,,,,,Wang,x,,\n" + // 3
		"person,li,again,,,,,,,,\n" + // 4
		"person,nameless,,,,,,nobody,,,\n" + // 5
		"person,loop-a,a,,,,,loop-b,,,\n" + // 6
		"person,loop-b,b,,,,,loop-a,,,\n" + // 7
		"department,up,上,,,,,,,down,\n" + // 8
		"department,down,下,,,,,,,up,\n" + // 9
		"department,blank,,,,,,,,,\n" + // 10
		"assignment,x,,,,,,,Boss,nowhere,li\n" + // 11
		"assignment,y,,,,,,,,,nobody\n" + // 12
		"assignment,mine,,,,,,,chairman,,admin\n" + // 13
		"assignment," + ended + ",,,,,,,chairman,,old\n" + // 14
		"person,admin,admin,,,,FINANCE,,,,\n" + // 15
		"channel,hot line,,,,,,,,,li\n" + // 16
		"robot,r2,,,,,,,,,\n" + // 17
		"channel,short\n" + // 18
		"person,token,~s1.people-li.x,,,,,,,,\n" + // 19
		"person,long," + strings.Repeat("长", 201) + ",,,,,,,,\n" // 20
	before := b.heads()
	got := b.load(b.admin(), table, false)
	type cell struct {
		row            int32
		column, reason string
	}
	var cells []cell
	for _, v := range got.GetViolations() {
		cells = append(cells, cell{v.GetRow(), v.GetColumn(), v.GetReason()})
		require.NotContains(t, v.GetMessage(), "?", "every fact of the message is there: %v", v)
		require.NotContains(t, v.GetMessage(), "not an address", "texts about people are not repeated")
	}
	require.Equal(t, []cell{
		{2, "email", routingdirectory.ReasonEmail},
		{2, "telephone", routingdirectory.ReasonTelephone},
		{2, "functions", routingdirectory.ReasonFunctionUnknown},
		{3, "id", routingdirectory.ReasonCellPattern},
		{3, "zh", routingdirectory.ReasonCellRequired},
		{3, "superior", routingdirectory.ReasonCellPattern},
		{3, "role", routingdirectory.ReasonCellUnused},
		{4, "id", routingdirectory.ReasonRowRepeated},
		{5, "zh", routingdirectory.ReasonCellRequired},
		{5, "superior", journal.ReasonNotFound},
		{6, "superior", kit.ReasonSuperiorLoop},
		{7, "superior", kit.ReasonSuperiorLoop},
		{8, "department", routingdirectory.ReasonDepartmentLoop},
		{9, "department", routingdirectory.ReasonDepartmentLoop},
		{10, "zh", routingdirectory.ReasonCellRequired},
		{11, "role", routingdirectory.ReasonCellPattern},
		{11, "department", journal.ReasonNotFound},
		{12, "role", routingdirectory.ReasonCellRequired},
		{12, "owner", journal.ReasonNotFound},
		{13, "owner", routingdirectory.ReasonOwnFunctions},
		{14, "id", routingdirectory.ReasonAssignmentEnded},
		{15, "functions", routingdirectory.ReasonOwnFunctions},
		{16, "id", routingdirectory.ReasonCellPattern},
		{17, "record", routingdirectory.ReasonRecordUnknown},
		{18, "", routingdirectory.ReasonCellCount},
		{19, "zh", seal.ReasonTokenRefused},
		{20, "zh", routingdirectory.ReasonCellLong},
	}, cells)
	require.Equal(t, [3]int32{}, counts(got))
	require.Equal(t, before, b.heads(), "a table with any violation changes nothing")
	require.Equal(t, "This is no e-mail address.", got.GetViolations()[0].GetMessage())

	dry := b.load(b.admin(), table, true)
	require.True(t, proto.Equal(got, dry))
	chinese := authn.For("people/admin", acme)
	require.Equal(t, "不是有效的电子邮箱。", b.load(authn.With(t.Context(), chinese), table, true).GetViolations()[0].GetMessage())
}

func TestTablesThatCannotBeRead(t *testing.T) {
	b := setup(t)
	var many strings.Builder
	for n := range 10_001 {
		fmt.Fprintf(&many, "department,d%d,x\n", n)
	}
	for _, test := range []struct {
		name, table string
		row         int32
		column      string
		reason      string
	}{
		{"nothing but a byte order mark", "\xef\xbb\xbf", 1, "", routingdirectory.ReasonTableUnreadable},
		{"another encoding", "record,id,zh\nperson,li,\xc0\xee\n", 2, "", routingdirectory.ReasonTableEncoding},
		{"an open quote", "record,id\nchannel,\"hotline\n", 2, "", routingdirectory.ReasonTableUnreadable},
		{"an unknown column", "record,id,salary\n", 1, "salary", routingdirectory.ReasonColumnUnknown},
		{"a column twice", "record,id,id\n", 1, "id", routingdirectory.ReasonColumnRepeated},
		{"no id", "record\n", 1, "id", routingdirectory.ReasonColumnMissing},
		{"too many rows", "record,id,zh\n" + many.String(), 10_002, "", routingdirectory.ReasonTableLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := b.load(b.admin(), test.table, false)
			last := got.GetViolations()[len(got.GetViolations())-1]
			require.Equal(t, test.row, last.GetRow())
			require.Equal(t, test.column, last.GetColumn())
			require.Equal(t, test.reason, last.GetReason())
		})
	}
	// With a byte order mark, Windows line ends, quotes and a blank line.
	table := "\xef\xbb\xbfrecord,id,zh\r\n\r\nperson,li,\"李, \"\"娜\"\"\"\r\nperson,li,x\r\n"
	got := b.load(b.admin(), table, true)
	require.Len(t, got.GetViolations(), 1)
	require.EqualValues(t, 4, got.GetViolations()[0].GetRow(), "rows are lines of the file")
}

func TestAnErasedPersonIsNotWrittenAnew(t *testing.T) {
	b := setup(t)
	b.load(b.admin(), small, false)
	require.NoError(t, b.keys.Destroy(t.Context(), acme, "people-li"))
	got := b.load(b.admin(), small, false)
	require.Len(t, got.GetViolations(), 1)
	require.EqualValues(t, 2, got.GetViolations()[0].GetRow())
	require.Equal(t, seal.ReasonSubjectErased, got.GetViolations()[0].GetReason())
}

func TestAnImportWaitsForNoKeyThatIsAway(t *testing.T) {
	b := setup(t)
	b.keys.Fail(fault.New(fault.Unavailable, fault.ReasonUnavailable).Wrap(errors.New("intake is away")))
	_, err := b.server.ImportDirectory(b.admin(), &directoryv1.ImportDirectoryRequest{Csv: []byte(small), RequestId: id()})
	requireReason(t, fault.ReasonUnavailable, err)
	b.keys.Fail(nil)
	require.Equal(t, [3]int32{7, 0, 0}, counts(b.load(b.admin(), small, false)))
}

func TestImportsAtOnceGiveOneDirectory(t *testing.T) {
	b := setup(t)
	errs := make(chan error)
	for range 4 {
		go func() {
			_, err := b.server.ImportDirectory(b.admin(), &directoryv1.ImportDirectoryRequest{Csv: []byte(small), RequestId: id()})
			errs <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
	require.Equal(t, [3]int32{0, 0, 7}, counts(b.load(b.admin(), small, false)))
	require.Equal(t, "1", b.get(b.admin(), "people/li").GetEtag(), "it was written once")
}

func TestAnOrganisationIsBegunOnce(t *testing.T) {
	b := setup(t)
	suite := authn.With(t.Context(), authn.For("services/suite", acme))
	bad := &directoryv1.BootstrapOrganizationRequest{Organization: acme, Csv: []byte(header + "person,li,,,x,,,,,,\nchannel,c,,,,,,,,,li\n"), RequestId: id()}
	_, err := b.server.BootstrapOrganization(suite, bad)
	f := requireFault(t, routingdirectory.ReasonTable, err)
	require.Len(t, f.Violations, 2)
	require.Equal(t, "csv[2].zh", f.Violations[0].Field)
	require.Equal(t, "csv[2].email", f.Violations[1].Field)
	require.NotEmpty(t, f.Violations[0].Text.GetZh())

	table, err := os.ReadFile("../../../suite/seed/demo.csv")
	require.NoError(t, err)
	req := &directoryv1.BootstrapOrganizationRequest{Organization: acme, Csv: table, RequestId: id()}
	got, err := b.server.BootstrapOrganization(suite, req)
	require.NoError(t, err)
	require.EqualValues(t, strings.Count(string(table), "\n")-1, got.GetCreated())
	again, err := b.server.BootstrapOrganization(suite, req)
	require.NoError(t, err)
	require.True(t, proto.Equal(got, again))

	req.RequestId = id()
	calls := b.keys.Calls()
	_, err = b.server.BootstrapOrganization(suite, req)
	f = requireFault(t, routingdirectory.ReasonOrganizationExists, err)
	require.Equal(t, acme, f.Facts["name"])
	require.LessOrEqual(t, b.keys.Calls()-calls, 30, "keys to read by, none to seal with")

	other := proto.CloneOf(req)
	other.Organization, other.RequestId = "other", id()
	_, err = b.server.BootstrapOrganization(suite, other)
	require.NoError(t, err, "organisations do not see each other")
	functions, err := b.host.Functions(t.Context(), "other", "people/admin")
	require.NoError(t, err)
	require.Contains(t, functions, typev1.Function_FUNCTION_DIRECTORY_ADMIN)
}

func TestALongChainOfSuperiorsIsCheckedInNoTime(t *testing.T) {
	b := setup(t)
	var table strings.Builder
	table.WriteString("record,id,zh,superior\n")
	for n := range 9_999 {
		fmt.Fprintf(&table, "person,p%d,x,p%d\n", n, n+1)
	}
	got := b.load(b.admin(), table.String()+"person,p9999,x,\n", true)
	require.Equal(t, [3]int32{10_000, 0, 0}, counts(got))

	got = b.load(b.admin(), table.String()+"person,p9999,x,p0\n", true)
	require.Len(t, got.GetViolations(), 5_000, "an answer must fit into a message")
	require.Equal(t, "The superiors would form a loop: people/p0 → people/p1 → people/p2 → people/p3 → people/p4 → people/p5 → people/p6 → people/p7 → people/p8 → people/p9 → … → people/p0.",
		got.GetViolations()[0].GetMessage())
}

func TestAThousandPeopleAreOneCommit(t *testing.T) {
	b := setup(t)
	var table strings.Builder
	table.WriteString("record,id,zh,email,superior\n")
	for n := range 1_000 {
		fmt.Fprintf(&table, "person,p%d,x,x@acme.example,p%d\n", n, n/2)
	}
	// Everybody's superior is above, but for the first, who has none.
	rows := strings.Replace(table.String(), "person,p0,x,x@acme.example,p0\n", "person,p0,x,x@acme.example,\n", 1)
	require.Equal(t, [3]int32{1_000, 0, 0}, counts(b.load(b.admin(), rows, false)))
	require.Equal(t, [3]int32{0, 0, 1_000}, counts(b.load(b.admin(), rows, false)))
}

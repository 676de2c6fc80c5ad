package csvimport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/suite/csvimport"
)

const simple = `
zone: Asia/Shanghai
empty: ["None"]
fields:
  channel: {column: via, words: {电话: telephone, 网页: online}}
  description: {columns: [subject, text], join: "\n"}
  received: {column: at, layouts: ["2006/1/2 15:04:05", serial]}
  complaint_object: {column: product}
facts:
  units: {column: units, type: count}
  demand: {value: "refund,apology", type: choices}
`

const header = "via,subject,text,at,product,units\n"

// intake registers what it is sent and remembers requests as the suite does.
type intake struct {
	mu    sync.Mutex
	made  map[string]*intakev1.Complaint
	order []string
	away  int
}

func (i *intake) CreateComplaint(_ context.Context, in *intakev1.CreateComplaintRequest, _ ...grpc.CallOption) (*intakev1.CreateComplaintResponse, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away > 0 {
		i.away--
		return nil, status.Error(codes.Unavailable, "away")
	}
	if i.made == nil {
		i.made = map[string]*intakev1.Complaint{}
	}
	c, known := i.made[in.GetRequestId()]
	if !known {
		c = in.GetComplaint()
		c.Name = fmt.Sprintf("complaints/c%d", len(i.made)+1)
		i.made[in.GetRequestId()] = c
		i.order = append(i.order, c.GetName())
	}
	return &intakev1.CreateComplaintResponse{Complaint: c}, nil
}

func mapping(t testing.TB, source string) *csvimport.Mapping {
	t.Helper()
	m, err := csvimport.ParseMapping([]byte(source))
	require.NoError(t, err)
	return m
}

func run(t testing.TB, to csvimport.Registrar, file string, change ...func(*csvimport.Options)) (csvimport.Summary, []csvimport.Outcome, error) {
	t.Helper()
	var all []csvimport.Outcome
	o := csvimport.Options{
		Each:  func(o csvimport.Outcome) error { all = append(all, o); return nil },
		Pause: func(context.Context, time.Duration) error { return nil },
	}
	for _, f := range change {
		f(&o)
	}
	s, err := csvimport.Import(t.Context(), to, strings.NewReader(file), mapping(t, simple), o)
	require.Equal(t, s.Rows, s.Accepted+s.Refused, "every row is accepted or refused")
	return s, all, err
}

func reasons(all []csvimport.Outcome) (out []string) {
	for _, o := range all {
		r := "ok"
		if o.Problem != nil {
			r = o.Problem.Reason
		}
		out = append(out, r)
	}
	return out
}

func TestEachRowBecomesAComplaint(t *testing.T) {
	t.Parallel()
	to := &intake{}
	s, all, err := run(t, to, header+"电话,漏水,楼上漏水,2026/4/8 7:05:09,阀门,3\n网页,\"两行\n主题\",\"他说\"\"坏了\"\"\",43700.5,None,\n")
	require.NoError(t, err)
	require.Equal(t, csvimport.UTF8, s.Encoding)
	require.EqualValues(t, 2, s.Accepted)
	require.EqualValues(t, 3, all[1].Line)
	first, second := to.made[csvimport.RequestID(s.Digest, 1)], to.made[csvimport.RequestID(s.Digest, 2)]
	require.Equal(t, "telephone", first.GetChannel())
	require.Equal(t, "漏水\n楼上漏水", first.GetDescription())
	require.Equal(t, "2026-04-07T23:05:09Z", first.GetReceiveTime().AsTime().Format(time.RFC3339))
	require.EqualValues(t, 3, first.GetFacts()["units"].GetCount())
	require.Equal(t, "两行\n主题\n他说\"坏了\"", second.GetDescription())
	require.Equal(t, "2019-08-23T04:00:00Z", second.GetReceiveTime().AsTime().Format(time.RFC3339), "a spreadsheet's day count")
	require.Empty(t, second.GetComplaintObject(), "the mapping's word for empty")
	require.NotContains(t, second.GetFacts(), "units")
	require.Equal(t, []string{"refund", "apology"}, second.GetFacts()["demand"].GetChoices().GetValues())
}

func TestASecondRunRegistersNothingTwice(t *testing.T) {
	t.Parallel()
	to := &intake{}
	file := header + strings.Repeat("电话,漏水,甲,2026/4/8 7:05:09,阀门,3\n", 300)
	for range 2 {
		s, _, err := run(t, to, file)
		require.NoError(t, err)
		require.EqualValues(t, 300, s.Accepted)
	}
	require.Len(t, to.order, 300, "equal rows are rows of their own, and each is registered once")
}

func TestAnInterruptedRunGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	file := header + strings.Repeat("电话,漏水,甲,2026/4/8 7:05:09,阀门,3\n", 50)
	to := &intake{away: 1000}
	s, _, err := run(t, to, file)
	require.ErrorIs(t, err, csvimport.ErrStopped)
	require.Zero(t, s.Rows, "no row is reported that the suite has not answered")
	to.away = 3
	s, _, err = run(t, to, file)
	require.NoError(t, err, "a short absence is waited out")
	require.EqualValues(t, 50, s.Accepted)
	require.Len(t, to.order, 50)
}

func TestRefusedRowsSayWhyAndWhere(t *testing.T) {
	t.Parallel()
	s, all, err := run(t, &intake{}, header+
		"传真,a,b,2026/4/8 7:05:09,p,1\n"+ // no word for this channel
		"电话,,,2026/4/8 7:05:09,p,1\n"+ // no description
		"电话,a,b,08.04.2026,p,viel\n"+ // instant and number
		"电话,a,b\n"+ // too few cells
		"电话,a\x00,b,2026/4/8 7:05:09,p,1\n"+
		"电话,"+strings.Repeat("长", 10001)+",b,2026/4/8 7:05:09,p,1\n"+
		"电话,a,b,2026/4/8 7:05:09,p,1\n")
	require.NoError(t, err)
	require.Equal(t, []string{"VALUE_UNMAPPED", "VALUE_MISSING", "INSTANT_UNREADABLE", "CSV_WIDTH", "CHARACTER_NOT_ALLOWED", "LIMITS", "ok"}, reasons(all))
	require.Equal(t, []string{"at", "units"}, all[2].Problem.Fields)
	require.Equal(t, []string{"complaint.description"}, all[5].Problem.Fields)
	require.EqualValues(t, 6, s.Refused)
}

func TestADryRunRegistersNothing(t *testing.T) {
	t.Parallel()
	to := &intake{}
	s, all, err := run(t, to, header+"电话,a,b,2026/4/8 7:05:09,p,1\n传真,a,b,2026/4/8 7:05:09,p,1\n", func(o *csvimport.Options) { o.DryRun = true })
	require.NoError(t, err)
	require.Equal(t, []string{"ok", "VALUE_UNMAPPED"}, reasons(all))
	require.EqualValues(t, 1, s.Accepted)
	require.Empty(t, to.order)
}

func TestABrokenQuoteTakesNoOtherRowWithIt(t *testing.T) {
	t.Parallel()
	good := "电话,a,b,2026/4/8 7:05:09,p,1\n"
	for name, broken := range map[string]string{
		"a quote inside a bare cell":     "电话,a\"x,b,2026/4/8 7:05:09,p,1\n",
		"words behind a closing quote":   "电话,\"a\"x,b,2026/4/8 7:05:09,p,1\n",
		"a quote that is never closed":   "电话,\"a,b,2026/4/8 7:05:09,p,1\n",
		"a quote that opens at line end": "电话,a,b,2026/4/8 7:05:09,p,\"\n",
		"a lone quote as the whole line": "\"\n",
	} {
		s, all, err := run(t, &intake{}, header+good+broken+good+good)
		require.NoError(t, err, name)
		require.EqualValues(t, 4, s.Rows, name)
		require.EqualValues(t, 3, s.Accepted, name)
		require.Contains(t, all[1].Problem.Reason, "CSV_QUOTE", name)
		require.EqualValues(t, 3, all[1].Line, name)
		require.EqualValues(t, 5, all[3].Line, name)
	}
}

func TestAFormulaIsATextAndTheReportKeepsItInert(t *testing.T) {
	t.Parallel()
	to := &intake{}
	file := header + "电话,\"=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",+1,2026/4/8 7:05:09,@sum,1\n"
	_, all, err := run(t, to, file)
	require.NoError(t, err)
	require.Equal(t, "=HYPERLINK(\"http://x\",\"y\")\n+1", to.made[to.id(t)].GetDescription(), "words are kept as they are written")
	require.Equal(t, "@sum", to.made[to.id(t)].GetComplaintObject())
	var b bytes.Buffer
	r, err := csvimport.NewReporter(&b, csvimport.CSV)
	require.NoError(t, err)
	all[0].Number = "=1+1"
	require.NoError(t, r.Row(all[0]))
	require.NoError(t, r.Flush())
	require.Contains(t, b.String(), ",'=1+1,")
}

func (i *intake) id(t testing.TB) string {
	t.Helper()
	for id := range i.made {
		return id
	}
	t.Fatal("nothing was registered")
	return ""
}

func TestGB18030IsTakenAndNamedAndOtherEncodingsAreRefused(t *testing.T) {
	t.Parallel()
	file := header + "电话,龘漏水,甲,2026/4/8 7:05:09,阀门,3\n"
	chinese, err := simplifiedchinese.GB18030.NewEncoder().String(file)
	require.NoError(t, err)
	to := &intake{}
	s, _, err := run(t, to, chinese)
	require.NoError(t, err)
	require.Equal(t, csvimport.GB18030, s.Encoding)
	require.Equal(t, "龘漏水\n甲", to.made[csvimport.RequestID(s.Digest, 1)].GetDescription())
	s, _, err = run(t, &intake{}, "\ufeff"+file)
	require.NoError(t, err, "a byte order mark is no part of the first column")
	require.EqualValues(t, 1, s.Accepted)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(file)
	require.NoError(t, err)
	for name, other := range map[string]string{"UTF-16": wide, "a workbook or archive": "PK\x03\x04rest", "": header + "\xff\xff\xfe,a\n"} {
		to := &intake{}
		_, _, err := run(t, to, other)
		var refused *csvimport.EncodingError
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, name, refused.Found)
		require.Empty(t, to.order)
	}
}

func TestAMillionColumnsAreRefused(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a,", 1_000_000) + "a\n"
	_, _, err := run(t, &intake{}, many+many)
	require.ErrorIs(t, err, csvimport.ErrHeader, "in the header")
	s, all, err := run(t, &intake{}, header+many+strings.Repeat("b,", 2000)+"\n电话,a,b,2026/4/8 7:05:09,p,1\n")
	require.NoError(t, err)
	require.Equal(t, []string{"CSV_ROW_TOO_LONG", "CSV_TOO_MANY_COLUMNS", "ok"}, reasons(all))
	require.EqualValues(t, 1, s.Accepted)
}

func TestAHeaderWithoutTheMappedColumnsIsRefused(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"", "via,subject\n", "via,via,subject,text,at,product,units\n", "\"via\n"} {
		_, _, err := run(t, &intake{}, file)
		require.ErrorIs(t, err, csvimport.ErrHeader, "%.20q", file)
	}
}

// big is a file of so many bytes that is written as it is read.
type big struct {
	line string
	size int64
	at   int64
}

func (b *big) Read(p []byte) (int, error) {
	if b.at >= b.size {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && b.at < b.size {
		from, offset := header, b.at
		if b.at >= int64(len(header)) {
			from, offset = b.line, (b.at-int64(len(header)))%int64(len(b.line))
		}
		c := copy(p[n:min(len(p), n+int(b.size-b.at))], from[offset:])
		n, b.at = n+c, b.at+int64(c)
	}
	return n, nil
}

func (b *big) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.New("only from the start")
	}
	b.at = offset
	return offset, nil
}

func TestAHundredMegabytesAreReadInLittleMemory(t *testing.T) {
	line := "电话,漏水,\"" + strings.Repeat("楼上漏水，\n", 400) + "\",2026/4/8 7:05:09,阀门,3\n"
	size := int64(len(header)) + 100<<20/int64(len(line))*int64(len(line))
	f := &big{line: line, size: size}
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	s, err := csvimport.Import(t.Context(), nil, f, mapping(t, simple), csvimport.Options{DryRun: true, Progress: func(_, _ int64, _ csvimport.Summary) {
		runtime.ReadMemStats(&peak)
		most = max(most, peak.HeapInuse)
	}})
	require.NoError(t, err)
	require.Equal(t, size/int64(len(line)), s.Rows)
	require.Equal(t, s.Rows, s.Accepted)
	require.Less(t, int64(most)-int64(before.HeapInuse), int64(64<<20), "one batch at a time is held")
}

func TestAMappingTellsAllItsMistakesAtOnce(t *testing.T) {
	t.Parallel()
	_, err := csvimport.ParseMapping([]byte("zone: Mars\nfields:\n  received: {column: a}\n  colour: {column: b}\n  channel: {column: a, value: b}\nfacts:\n  x: {column: a, type: blob}\n"))
	for _, part := range []string{"zone", "received.layouts", "fields.colour", "fields.channel", "facts.x.type", "fields.description"} {
		require.ErrorContains(t, err, part)
	}
	_, err = csvimport.ParseMapping([]byte("fields: {}\ncolumns: {}\n"))
	require.ErrorContains(t, err, "columns")
}

// FuzzRows: whatever a file holds, each of its rows is accepted or refused.
func FuzzRows(f *testing.F) {
	f.Add(header + "电话,\"a\n\",b,2026/4/8 7:05:09,p,1\n\"\n,,\r\n")
	f.Fuzz(func(t *testing.T, file string) {
		n := int64(0)
		s, err := csvimport.Import(t.Context(), nil, strings.NewReader(file), mapping(t, simple), csvimport.Options{DryRun: true, Each: func(o csvimport.Outcome) error {
			n++
			require.Equal(t, n, o.Row)
			return nil
		}})
		require.Equal(t, n, s.Rows)
		require.Equal(t, s.Rows, s.Accepted+s.Refused)
		_ = err
	})
}

package intake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// says alters what the complaint describes.
func says(text string) func(*intakev1.Complaint) {
	return func(c *intakev1.Complaint) { c.Description = text }
}

// found returns the names of all that is found, page by page.
func (b *bed) found(ctx context.Context, query string, size int32) (names []string) {
	b.t.Helper()
	for token := ""; ; {
		got, err := b.SearchComplaints(ctx, &intakev1.SearchComplaintsRequest{Query: query, PageSize: size, PageToken: token})
		require.NoError(b.t, err)
		require.LessOrEqual(b.t, len(got.GetComplaints()), int(size))
		for _, c := range got.GetComplaints() {
			require.Equal(b.t, "***", c.GetComplainant().GetTelephone(), "what is found is shown as a list shows it")
			names = append(names, c.GetName())
		}
		if token = got.GetNextPageToken(); token == "" {
			return names
		}
	}
}

func onBoth(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) { test(t, newBedOn(t, open(t), "02-01 09:00:00")) })
}

// Source: C126; docs/adr/0014.
func TestComplaintsAreFoundByWords(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		names := map[string]string{}
		for key, change := range map[string]func(*intakev1.Complaint){
			"refund":  says("客户要求退款，客服态度生硬。"),
			"apart":   says("退货后收到货款"),
			"wide":    says("订单ＡＢＣ－１２３ 未发货 Screen BROKEN"),
			"rare":    says("姓名含𠮷𩸽二字"),
			"object":  func(c *intakev1.Complaint) { c.ComplaintObject = "锅炉 XQ-9" },
			"fact":    func(c *intakev1.Complaint) { c.Facts["batch"] = words("批次〇七") },
			"halves":  says("已经申请退\n款"),
			"nothing": func(*intakev1.Complaint) {},
		} {
			names[key] = b.register("02-01 08:00:00", change).GetName()
		}
		b.settle()
		for query, want := range map[string][]string{
			"退款":           {"refund"}, // two characters; not where they stand apart, or in two lines
			"态度 退款":        {"refund"}, // in any order
			"态度　退款":        {"refund"}, // parted by a blank of full width
			"退货 退款":        nil,        // both are there, in two complaints
			"退货款":          nil,        // its pairs are there, the word is not
			"态度生硬":         {"refund"},
			"abc-123":      {"wide"},
			"ａｂｃ":          {"wide"},
			"未发货 screen":   {"wide"},
			"Broken":       {"wide"},
			"𠮷𩸽":           {"rare"},
			"xq-9":         {"object"},
			"锅炉":           {"object"},
			"批次":           {"fact"},
			"没有这样的词":       nil,
			"13800138000":  nil, // personal data is not searched
			"顾客":           nil,
			"***":          nil,
			"quality":      nil, // a category is listed by, not searched
			"[erased]":     nil,
			"款，客":          {"refund"},
			"c20260201-":   {"refund", "apart", "wide", "rare", "object", "fact", "halves", "nothing"},
			"C２０２６０２０１ 锅炉": {"object"},
		} {
			var wanted []string
			for _, key := range want {
				wanted = append(wanted, names[key])
			}
			require.ElementsMatch(t, wanted, b.found(b.as("agent"), query, 50), query)
		}
	})
}

func TestASearchHasPagesTheNewestFirst(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		var want []string
		for i := range 120 {
			text := fmt.Sprintf("第%d件：漏水", i)
			if i%2 == 0 {
				text = "漏斗进水，水漏了" // has the words' characters, and not the word
			}
			if c := b.register("02-01 08:00:00", says(text), telephone(i)); i%2 == 1 {
				want = append(want, c.GetName())
			}
		}
		b.settle()
		slices.Reverse(want)
		for _, size := range []int32{1, 7, 50, 60, 500} {
			require.Equal(t, want, b.found(b.as("agent"), "漏水", size), "pages of %d", size)
		}
		first, err := b.SearchComplaints(b.as("agent"), &intakev1.SearchComplaintsRequest{Query: "漏水", PageSize: 60})
		require.NoError(t, err)
		require.Empty(t, first.GetNextPageToken(), "all of them are no page and an empty one")
		first, err = b.SearchComplaints(b.as("agent"), &intakev1.SearchComplaintsRequest{Query: "漏水", PageSize: 59})
		require.NoError(t, err)
		for ctx, query := range map[context.Context]string{b.as("agent"): "漏斗", b.as("tester"): "漏水"} {
			_, err = b.SearchComplaints(ctx, &intakev1.SearchComplaintsRequest{Query: query, PageSize: 59, PageToken: first.GetNextPageToken()})
			require.Equal(t, "PAGE_TOKEN_INVALID", reason(err), query)
		}
	})
}

func TestASearchTellsNothingThatIsHidden(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		c := b.register("02-01 08:00:00", says("密码封存"))
		_, err := b.FillForm(b.as("agent"), &intakev1.FillFormRequest{
			Name: c.GetName(), Form: "coding", Facts: map[string]*typev1.Fact{"blind_code": words("天王盖地虎")}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
		})
		require.NoError(t, err)
		// Newer ones that everybody may read fill a page: that it has no next one must tell nothing either.
		for i := range 50 {
			b.register("02-01 08:00:00", says("天王盖地虎"), telephone(i))
		}
		b.settle()
		require.Len(t, b.found(b.as("agent"), "天王盖地虎", 50), 51)
		got, err := b.SearchComplaints(b.as("tester"), &intakev1.SearchComplaintsRequest{Query: "天王盖地虎", PageSize: 50})
		require.NoError(t, err)
		require.Len(t, got.GetComplaints(), 50)
		require.Empty(t, got.GetNextPageToken())
		require.Empty(t, b.found(b.as("tester"), "封存 天王", 50), "a word of each field, one of them hidden")
		require.Equal(t, []string{c.GetName()}, b.found(b.as("tester"), "封存", 50))

		elsewhere := metadata.AppendToOutgoingContext(b.as("agent"), organizationHeader, "beta")
		require.Empty(t, b.found(elsewhere, "天王盖地虎", 50), "another organisation has nothing in common")
	})
}

func TestWhatIsFoundFollowsTheText(t *testing.T) {
	onBoth(t, func(t *testing.T, b *bed) {
		c := b.register("02-01 08:00:00", says("水管破裂"))
		b.settle()
		require.Equal(t, []string{c.GetName()}, b.found(b.as("agent"), "水管", 50))
		changed, err := b.UpdateComplaint(b.as("agent"), &intakev1.UpdateComplaintRequest{
			Complaint: &intakev1.Complaint{Name: c.GetName(), Description: "暖气不热"}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
		})
		require.NoError(t, err)
		_, err = b.FillForm(b.as("agent"), &intakev1.FillFormRequest{
			Name: c.GetName(), Form: "coding", Facts: map[string]*typev1.Fact{"blind_code": words("乙丑")}, Etag: changed.GetComplaint().GetEtag(), RequestId: uuid.NewString(),
		})
		require.NoError(t, err)
		b.settle()
		require.Empty(t, b.found(b.as("agent"), "水管", 50))
		require.Equal(t, []string{c.GetName()}, b.found(b.as("agent"), "暖气 乙丑", 50))

		_, err = b.ErasePerson(b.as("agent"), &intakev1.ErasePersonRequest{Name: c.GetName(), Reason: "asked for", RequestId: uuid.NewString()})
		require.NoError(t, err)
		require.Empty(t, b.found(b.as("agent"), "暖气", 50))
		require.Empty(t, b.found(b.as("agent"), strings.ToLower(c.GetNumber()), 50), "an erased person's complaint is not searched at all")
		b.settle()
		require.Empty(t, b.found(b.as("agent"), "暖气", 50))
	})
}

func TestAQueryThatNobodyCanAnswerIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	for _, query := range []string{"款", "退款 款", " 　 ", "", "ｱ", strings.Repeat("两字 ", 9)} {
		_, err := b.SearchComplaints(b.as("agent"), &intakev1.SearchComplaintsRequest{Query: query})
		require.Equal(t, "SEARCH_WORDS", reason(err), query)
		var fields []string
		for _, d := range status.Convert(err).Details() {
			if bad, ok := d.(*errdetails.BadRequest); ok {
				for _, v := range bad.GetFieldViolations() {
					fields = append(fields, v.GetField())
				}
			}
		}
		require.Equal(t, []string{"query"}, fields)
	}
	require.Empty(t, b.found(b.as("agent"), strings.Repeat("两字 ", 8), 50))
}

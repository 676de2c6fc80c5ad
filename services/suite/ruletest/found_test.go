package ruletest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

// What is praise is none of the procedure's, and nothing is taken up a year later.
const findings = `
forms:
- id: registration
  clause: "1"
  about: COMPLAINT
  text: {zh: 登记表, en: registration form}
  fields:
  - {id: praise, type: FLAG, text: {zh: 属于表扬, en: it is praise}}
  - {id: bought, type: DATE, text: {zh: 购买日期, en: date of purchase}}
acceptance:
  outside:
  - {id: is_praise, clause: "2", if: facts.praise, outcome: OUT_OF_SCOPE, do: [{issue: thanks}], text: {zh: 表扬不按投诉处理, en: praise is no complaint}}
  windows:
  - {id: a_year, clause: "3", of: COMPLAINT, from: bought, limit: 365 days, late: INVALID, do: [{issue: too_late}], text: {zh: 一年内提出, en: within a year}}
notices:
- {id: thanks, clause: "2", to: [customer], text: {zh: 感谢, en: thanks}, parts: [{id: thank, text: {zh: 感谢您的表扬。, en: Thank you for your praise.}}]}
- {id: too_late, clause: "3", to: [customer], text: {zh: 已过期限, en: too late}, parts: [{id: say, text: {zh: 已超过一年。, en: More than a year has passed.}}]}
`

func TestNoticesThatAnOutsideCaseOrAClosedWindowAsksForAreIssued(t *testing.T) {
	t.Parallel()
	b := setup(t, findings)
	issued := func(complaint string) []string {
		got, err := notificationv1.NewNotificationServiceClient(b.Conn).ListNotices(b.As(agent), &notificationv1.ListNoticesRequest{Complaint: complaint})
		require.NoError(t, err)
		kinds := []string{}
		for _, n := range got.GetNotices() {
			kinds = append(kinds, n.GetKind())
		}
		return kinds
	}
	flag := func(yes bool) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: yes}} }
	date := func(on string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Date{Date: on}} }

	praise := b.complaint(t, map[string]*typev1.Fact{"praise": flag(true), "bought": date("2026-04-01")})
	require.Equal(t, []string{"thanks"}, issued(praise))

	late := b.complaint(t, map[string]*typev1.Fact{"praise": flag(false), "bought": date("2025-01-01")})
	require.Empty(t, issued(late), "nobody has judged it")
	got, err := b.intake.GetComplaint(b.As(agent), &intakev1.GetComplaintRequest{Name: late})
	require.NoError(t, err)
	do(t, b, agent, b.intake.JudgeComplaint, &intakev1.JudgeComplaintRequest{Name: late, Etag: got.GetComplaint().GetEtag(), RequestId: suitetest.ID()})
	require.Equal(t, []string{"too_late"}, issued(late))
}

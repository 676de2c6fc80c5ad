package draft_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/draft"
)

func TestADraftIsCleanByLint(t *testing.T) {
	t.Parallel()
	for _, include := range [][]string{nil, {"complaint-method-guidance"}, {"de-escalation-guidance"}, {"reply-letters"}, {"complaint-method-guidance", "de-escalation-guidance"}} {
		files, err := draft.Files(draft.Options{Pack: "refunds", Title: &typev1.Text{Zh: `退款"程序"`, En: "Refunds: <ours> & theirs"}, Include: include})
		require.NoError(t, err, include)
		require.Equal(t, "pack.yaml", files[0].File)
		require.Equal(t, "scenarios/first.yaml", files[1].File)
		p, findings := policy.Lint("pack.yaml", files[0].YAML, policy.Shipped, policy.LintOptions{Year: 2026})
		require.Empty(t, findings, include)
		require.Equal(t, `退款"程序"`, p.GetTitle().GetZh())
		require.Equal(t, "Refunds: <ours> & theirs", p.GetTitle().GetEn())
		require.Len(t, p.GetInclude(), len(include))
		_, findings = policy.ReadScenarios("first.yaml", files[1].YAML)
		require.Empty(t, findings)
	}
}

func TestWhatCannotBeDraftedIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]draft.Options{
		`pack: "Refunds" cannot be the id of a pack`:         {Pack: "Refunds"},
		`pack: "demo" is a pack shipped with the suite`:      {Pack: "demo"},
		`title: A title is one line`:                         {Pack: "a", Title: &typev1.Text{Zh: "甲\n乙"}},
		`include: No pack "nowhere" is shipped; there are b`: {Pack: "a", Include: []string{"nowhere"}},
		`include: Pack "penalty-notice-form" has no cards`:   {Pack: "a", Include: []string{"penalty-notice-form"}},
		`include: The cards and letters of these packs need`: {Pack: "a", Include: []string{"hotel-guest"}},
	} {
		_, err := draft.Files(o)
		require.ErrorContains(t, err, want)
		wrong := &draft.Error{}
		require.ErrorAs(t, err, &wrong)
		require.Regexp(t, `\p{Han}`, wrong.Text.GetZh())
	}
	files, err := draft.Files(draft.Options{Pack: "refunds"})
	require.NoError(t, err)
	require.Contains(t, string(files[0].YAML), `title: {zh: "refunds 投诉处理程序", en: "Complaint procedure refunds"}`)
}

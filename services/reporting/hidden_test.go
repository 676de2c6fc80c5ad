package reporting_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Source: PROCEDURES P12 2.2.2: the testers do not know the code of the sample they test.
func TestWhatThePackHidesIsInNoFileAndNoWorkListOfThoseItIsHiddenFrom(t *testing.T) {
	t.Parallel()
	b := newBed(t, "04-09 12:00:00")
	b.activate("testing-lab")
	tester := &directoryv1.Assignment{Name: "people/nobody/assignments/a1", Role: "tester"}
	b.put("routing", tester.Name, tester, &directoryv1.AssignmentChanged{}, b.clock.Now())
	facts := func() map[string]*typev1.Fact {
		return map[string]*typev1.Fact{"blind_code": {Value: &typev1.Fact_Text{Text: "K-07"}}, "testers": {Value: &typev1.Fact_Count{Count: 2}}}
	}
	b.complaint("x", "04-08 10:00:00", func(c *intakev1.Complaint, k *routingv1.Case) { c.Facts, k.Facts = facts(), facts() })
	b.put("corrective-action", "actions/a1", &correctiveactionv1.Action{Name: "actions/a1", Complaint: "complaints/x", PolicyRevision: b.revision, Facts: facts()},
		&correctiveactionv1.ActionOpened{}, at(t, "04-08 11:00:00"))
	b.caughtUp()
	read := func(person string) (*reportingv1.CaseFile, string) {
		got, err := b.GetCaseFile(b.as(person), &reportingv1.GetCaseFileRequest{Name: "complaints/x"})
		require.NoError(t, err)
		list, err := b.ListWork(b.as(person), &reportingv1.ListWorkRequest{Complaint: "complaints/x"})
		require.NoError(t, err)
		require.NotEmpty(t, list.GetItems())
		return got.GetFile(), protojson.Format(got) + protojson.Format(list)
	}
	f, all := read("nobody")
	require.NotContains(t, all, "K-07")
	require.Len(t, f.GetComplaint().GetFacts(), 1)
	require.Len(t, f.GetCase().GetFacts(), 1, "what is not hidden stays")
	require.Equal(t, []string{"blind_code"}, f.GetActions()[0].GetWithheld())
	f, all = read("specialist")
	require.Contains(t, all, "K-07")
	require.Len(t, f.GetComplaint().GetFacts(), 2)
	require.Empty(t, f.GetActions()[0].GetWithheld())
}

// Nobody knows what a pack hides that this binary does not know.
func TestOfAnUnknownPackEveryFactIsWithheld(t *testing.T) {
	t.Parallel()
	b := newBed(t, "04-09 12:00:00")
	b.complaint("x", "04-08 10:00:00", func(c *intakev1.Complaint, _ *routingv1.Case) {
		c.PolicyRevision = "packs/later/revisions/1"
		c.Facts = map[string]*typev1.Fact{"testers": {Value: &typev1.Fact_Count{Count: 2}}}
	})
	b.settle()
	require.Empty(t, b.file().GetComplaint().GetFacts())
	require.Equal(t, "C-x", b.file().GetComplaint().GetNumber())
}

package rehearse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy/rehearse"
)

func outcome(entries ...rehearse.Entry) *rehearse.Outcome {
	out := &rehearse.Outcome{}
	for _, e := range entries {
		out.Count(e)
	}
	return out
}

func TestADifferenceIsWhatIsOtherwiseMissingOrNew(t *testing.T) {
	rule := &typev1.RuleRef{Rule: "response"}
	before := outcome(
		rehearse.Entry{Kind: rehearse.Notice, Subject: "result", Value: "customer"},
		rehearse.Entry{Kind: rehearse.Deadline, Subject: "response-1", Value: "a", Rule: rule},
		rehearse.Entry{Kind: rehearse.Grade, Subject: "severity", Value: "general"},
	)
	after := outcome(
		rehearse.Entry{Kind: rehearse.Grade, Subject: "severity", Value: "general", Rule: rule},
		rehearse.Entry{Kind: rehearse.Deadline, Subject: "response-1", Value: "b", Rule: rule},
		rehearse.Entry{Kind: rehearse.Duty, Subject: "visit", Value: "owner"},
	)
	var told []string
	for _, d := range rehearse.Compare(before, after) {
		line := string(d.Kind) + " " + d.Subject + ":"
		if d.Before != nil {
			line += " from " + d.Before.Value
		}
		if d.After != nil {
			line += " to " + d.After.Value
		}
		told = append(told, line)
	}
	want := []string{"DEADLINE response-1: from a to b", "NOTICE result: from customer", "DUTY visit: to owner"}
	require.Empty(t, cmp.Diff(want, told), "in the order of the kinds; a rule alone is no difference")
	require.Empty(t, rehearse.Compare(before, before))
}

func TestWhatComesAgainIsNumbered(t *testing.T) {
	e := rehearse.Entry{Kind: rehearse.Notice, Subject: "reminder"}
	var subjects []string
	for _, x := range outcome(e, e, e).Entries() {
		subjects = append(subjects, x.Subject)
	}
	require.Equal(t, []string{"reminder", "reminder-2", "reminder-3"}, subjects)
}

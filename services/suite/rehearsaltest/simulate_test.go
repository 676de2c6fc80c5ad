package rehearsaltest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// told is a change in one line.
func told(c *policyv1.OutcomeChange) string {
	return fmt.Sprintf("%s %s: %q → %q", c.GetKind(), c.GetSubject(), c.GetBefore(), c.GetAfter())
}

// changed returns the changes of each complaint, by its name.
func changed(t *testing.T, got *policyv1.SimulateRevisionResponse) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, c := range got.GetCases() {
		require.Empty(t, c.GetReason())
		require.Empty(t, c.GetDrift(), "the unchanged pack gives what was recorded")
		for _, change := range c.GetChanges() {
			out["complaints"+c.GetName()[len("cases"):]] = append(out["complaints"+c.GetName()[len("cases"):]], told(change))
		}
	}
	return out
}

func TestARehearsalListsWhatAChangedPackDecidesOtherwise(t *testing.T) {
	const many = 30
	b := on(t)
	var names []string
	for n := range many {
		names = append(names, b.register(n))
	}
	b.verify(names[0])
	b.verify(names[1])
	b.Settled()
	small, large := b.claim(names[0], "10000.00"), b.claim(names[1], "30000.00")
	b.Settled()

	t.Run("the same pack changes nothing", func(t *testing.T) {
		got := b.simulate(&policyv1.SimulateRevisionRequest{Source: b.pack(nil)})
		require.EqualValues(t, many, got.GetReplayed())
		require.Zero(t, got.GetChanged())
		require.Zero(t, got.GetDrifted())
		require.Empty(t, got.GetCases())
		require.Empty(t, got.GetSummary())
		require.Regexp(t, `^[0-9a-f]{64}$`, got.GetDigest())
	})

	t.Run("a shorter limit moves the deadlines of its grade", func(t *testing.T) {
		got := b.simulate(&policyv1.SimulateRevisionRequest{Source: b.pack(func(p *policyv1.Pack) {
			for _, c := range p.GetClocks() {
				if c.GetId() == "response" {
					c.ByGrade["general"] = "6 h"
				}
			}
		})})
		all := changed(t, got)
		at := func(d time.Duration) string { return b.Now().Add(d).UTC().Format(time.RFC3339) }
		want := fmt.Sprintf("OUTCOME_KIND_DEADLINE response-1: %q → %q", at(24*time.Hour), at(6*time.Hour))
		for n, name := range names {
			if n%5 == 1 || n%5 == 2 {
				require.Empty(t, all[name], "not general")
				continue
			}
			require.Equal(t, []string{want}, all[name])
		}
		require.Len(t, got.GetSummary(), 1)
		require.EqualValues(t, 18, got.GetSummary()[0].GetCases())
		require.Equal(t, "response", got.GetCases()[0].GetChanges()[0].GetAfterRule())
		require.NotEmpty(t, got.GetCases()[0].GetChanges()[0].GetAfterClause())
	})

	t.Run("another condition of a grade changes the grade and what hangs on it", func(t *testing.T) {
		got := b.simulate(&policyv1.SimulateRevisionRequest{Source: b.pack(func(p *policyv1.Pack) {
			for _, l := range p.GetGrades()[0].GetLevels() {
				if l.GetId() == "serious" {
					l.If = `facts.agitated || facts.cannot_be_used || complaint.channel == "email"`
				}
			}
		})})
		all := changed(t, got)
		for n, name := range names {
			if n%3 != 1 || n%5 == 1 || n%5 == 2 {
				require.Empty(t, all[name], n)
				continue
			}
			require.Len(t, all[name], 2, "%v", all[name])
			require.Equal(t, `OUTCOME_KIND_GRADE severity: "general" → "serious"`, all[name][0])
			require.Contains(t, all[name][1], "OUTCOME_KIND_DEADLINE response-1")
		}
	})

	t.Run("another band and another receiver", func(t *testing.T) {
		source := b.pack(func(p *policyv1.Pack) {
			for _, a := range p.GetApprovals() {
				for _, s := range a.GetSigns() {
					if a.GetId() == "compensation" && s.GetId() == "tier" {
						s.Bands[0].UpTo, s.Bands[1].Above = "20000.00", "20000.00"
					}
				}
			}
			for _, n := range p.GetNotices() {
				if n.GetId() == "acknowledgement" {
					n.To = append(n.To, "customer_service_supervisor")
				}
			}
			p.GetRouting().GetAssign()[0].To = []string{"customer_service"}
		})
		got := b.simulate(&policyv1.SimulateRevisionRequest{Source: source})
		all := changed(t, got)
		notice := `OUTCOME_KIND_NOTICE acknowledgement: "customer" → "customer, customer_service_supervisor"`
		owner := `OUTCOME_KIND_OWNER departments: "product" → "customer_service"`
		for n, name := range names {
			want := []string{notice}
			if n%3 != 1 {
				want = []string{owner, notice} // quality and damage; attitude is another row's
			}
			if n == 1 {
				require.Len(t, all[name], 2, "%v", all[name])
				for _, part := range []string{"OUTCOME_KIND_APPROVER " + large, "tier: general_manager", "→", "tier: chairman"} {
					require.Contains(t, all[name][0], part)
				}
				want = append([]string{all[name][0]}, want...)
			}
			require.Equal(t, want, all[name], "%d; %s is 10000.00", n, small)
		}
	})

	t.Run("pages and ranges", func(t *testing.T) {
		source := b.pack(func(p *policyv1.Pack) { p.GetRouting().GetAssign()[0].To = []string{"customer_service"} })
		first := b.simulate(&policyv1.SimulateRevisionRequest{Source: source, PageSize: 20})
		require.EqualValues(t, 20, first.GetReplayed())
		second := b.simulate(&policyv1.SimulateRevisionRequest{Source: source, PageSize: 20, PageToken: first.GetNextPageToken()})
		require.EqualValues(t, 10, second.GetReplayed())
		require.Empty(t, second.GetNextPageToken())
		none := b.simulate(&policyv1.SimulateRevisionRequest{Source: source, ReceivedFrom: timestamppb.New(b.Now().Add(time.Hour))})
		require.Zero(t, none.GetReplayed())
	})

	t.Run("over JSON", func(t *testing.T) {
		source := b.pack(func(p *policyv1.Pack) { p.GetClocks()[0].Text.Zh += "。" })
		raw, err := protojson.Marshal(&policyv1.SimulateRevisionRequest{Source: source})
		require.NoError(t, err)
		got := b.JSON(author, "POST", "/v1/packs:simulate", raw)
		require.Equal(t, 200, got.Code, "%s", got.Raw)
		require.EqualValues(t, many, got.Body["replayed"])
	})

	t.Run("only authors, and exactly one pack", func(t *testing.T) {
		_, err := b.policies.SimulateRevision(b.As(agent), &policyv1.SimulateRevisionRequest{Source: b.pack(nil)})
		require.Equal(t, codes.PermissionDenied, status.Code(err))
		_, err = b.policies.SimulateRevision(b.As(author), &policyv1.SimulateRevisionRequest{})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		_, err = b.policies.SimulateRevision(b.As(author), &policyv1.SimulateRevisionRequest{Source: []byte("pack: 1")})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		_, err = b.policies.SimulateRevision(b.As(author), &policyv1.SimulateRevisionRequest{Revision: "packs/demo/revisions/none"})
		require.Equal(t, codes.NotFound, status.Code(err))
	})

	t.Run("a case is explained", func(t *testing.T) {
		name := "cases" + names[1][len("complaints"):]
		got, err := b.policies.ExplainCase(b.As(agent), &policyv1.ExplainCaseRequest{Name: name})
		require.NoError(t, err)
		found := map[string]*policyv1.Explanation{}
		for _, x := range got.GetExplanations() {
			found[x.GetKind()+" "+x.GetSubject()] = x
		}
		require.Equal(t, "serious", found["GRADE severity"].GetOutcome())
		band := found["BAND compensation.tier"]
		require.Equal(t, "general_manager", band.GetOutcome())
		require.Equal(t, large, band.GetClaim())
		change := band.GetOthers()[0].GetChanges()[0]
		require.Equal(t, "30000.00", change.GetIs())
		require.Equal(t, policyv1.FactRelation_FACT_RELATION_MORE, change.GetRelation())
		require.Equal(t, []string{"50000.00"}, change.GetValues())
		require.NotContains(t, fmt.Sprint(got), "赵倩")
		over := b.JSON(agent, "GET", "/v1/"+name+":explain", nil)
		require.Equal(t, 200, over.Code, "%s", over.Raw)
		_, err = b.policies.ExplainCase(b.As(agent), &policyv1.ExplainCaseRequest{Name: "cases/none"})
		require.Equal(t, codes.NotFound, status.Code(err))
	})
}

func TestTimePassesInARehearsal(t *testing.T) {
	b := on(t)
	name := b.register(0)
	b.Settled()
	b.Pass(7 * time.Hour) // no deadline has passed yet
	got := b.simulate(&policyv1.SimulateRevisionRequest{Source: b.pack(func(p *policyv1.Pack) {
		for _, c := range p.GetClocks() {
			if c.GetId() == "response" {
				c.ByGrade["general"] = "6 h"
				c.OnBreach = []*policyv1.Do{{One: &policyv1.Do_Mark{Mark: "late_response"}}}
			}
		}
	})})
	all := changed(t, got)[name]
	require.Contains(t, all, `OUTCOME_KIND_COURSE response: "" → "mark: late_response"`, "what would have been breached since")
}

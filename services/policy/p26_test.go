package policy_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// compiled returns a shipped pack, ready.
func compiled(t testing.TB, pack string) *policy.Policy {
	t.Helper()
	p, findings, err := policy.LoadShipped(pack)
	require.NoError(t, err)
	require.Empty(t, findings)
	pol, findings := policy.Compile(p, policy.Options{})
	require.Empty(t, findings)
	return pol
}

func yes(b bool) *typev1.Fact      { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: b}} }
func choice(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}} }
func score(n int32) *typev1.Fact   { return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}} }
func text(s string) *typev1.Fact   { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }
func date(s string) *typev1.Fact   { return &typev1.Fact{Value: &typev1.Fact_Date{Date: s}} }
func yuan(s string) *typev1.Money  { return &typev1.Money{CurrencyCode: "CNY", Amount: s} }
func holds(who ...string) policy.Subject {
	return policy.Subject{Is: func(w string) bool {
		return slices.Contains(who, w)
	}}
}

func shanghai(t testing.TB, s string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	at, err := time.ParseInLocation(time.DateTime, s, loc)
	require.NoError(t, err)
	return at
}

// Source: SCENARIOS.md P26-S1.
func TestP26ResponseLimitFollowsTheGrade(t *testing.T) {
	p := compiled(t, "generic-template")
	all := map[string]*typev1.Fact{"agitated": yes(false), "cannot_be_used": yes(false), "batch_quality": yes(false), "safety_hazard": yes(false), "media_exposure": yes(false)}
	for _, c := range []struct {
		fact, level, due string
	}{
		{"", "general", "2026-04-09 17:20:00"},
		{"agitated", "serious", "2026-04-09 05:20:00"},
		{"cannot_be_used", "serious", "2026-04-09 05:20:00"},
		{"batch_quality", "major", "2026-04-08 19:20:00"},
		{"media_exposure", "major", "2026-04-08 19:20:00"},
	} {
		t.Run(c.fact+" is "+c.level, func(t *testing.T) {
			facts := map[string]*typev1.Fact{}
			maps.Copy(facts, all)
			if c.fact != "" {
				facts[c.fact] = yes(true)
			}
			g := p.Grade("severity", &policy.Sheet{Facts: facts})
			require.Equal(t, c.level, g.Level)
			require.Empty(t, g.MayRise)
			require.Equal(t, "(三)", g.Rule.GetClause())
			limit, err := p.ClockLimit("response", &policy.Sheet{Grade: map[string]string{"severity": g.Level}})
			require.NoError(t, err)
			due, err := p.Calendar().Due(shanghai(t, "2026-04-08 17:20:00"), limit)
			require.NoError(t, err)
			require.Equal(t, shanghai(t, c.due).UTC(), due.Time.UTC())
		})
	}
}

func TestP26UnknownFactsMayRaiseTheGrade(t *testing.T) {
	p := compiled(t, "generic-template")
	g := p.Grade("severity", &policy.Sheet{})
	require.Equal(t, "general", g.Level)
	require.Equal(t, []string{"agitated", "batch_quality", "cannot_be_used", "media_exposure", "safety_hazard"}, g.MayRise)
	g = p.Grade("severity", &policy.Sheet{Facts: map[string]*typev1.Fact{"safety_hazard": yes(true)}})
	require.Equal(t, "major", g.Level, "true || unknown is true")
	require.Empty(t, g.MayRise)
	require.Equal(t, "grade", g.Approval)
	require.Equal(t, []string{"anyone@complaint_handling_group"}, g.SetBy)
}

func ids[T interface{ GetId() string }](items []T) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.GetId())
	}
	return out
}

func steps(items []policy.StepOpening) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Step.GetId())
	}
	return out
}

// Source: PROCEDURES.md P26 (一), (四), (五), (六).
func TestP26EventsStartWhatTheProcedureSays(t *testing.T) {
	p := compiled(t, "generic-template")
	one, two := int64(1), int64(2)
	first := &policy.Sheet{Case: &policy.CaseFacts{Round: &one}}

	e := p.On("COMPLAINT_RECEIVED", "", first)
	require.Equal(t, []string{"response"}, ids(e.StartClocks))
	require.Equal(t, []string{"acknowledgement"}, ids(e.IssueNotices))
	require.Equal(t, []string{"taking"}, ids(e.EnterStages))

	e = p.On("COMPLAINT_VERIFIED", "", first)
	require.Equal(t, []string{"planning"}, ids(e.EnterStages))
	require.Equal(t, []string{"classify"}, steps(e.OpenSteps), "the plan is adjusted from the second round on")
	require.Len(t, e.Do, 1)
	require.Equal(t, "anyone@complaint_handling_group", e.Do[0].Do.GetNotify())

	e = p.On("APPROVAL_GRANTED", "plan", first)
	require.Equal(t, []string{"executing"}, ids(e.EnterStages))
	require.Equal(t, []string{"measure", "weekly_progress"}, ids(e.StartClocks))
	require.True(t, p.On("APPROVAL_GRANTED", "grade", first).Empty())

	e = p.On("STEP_DONE", "weekly_progress", first)
	require.Equal(t, []string{"weekly_progress"}, e.MeetClocks)
	require.Equal(t, []string{"weekly_progress"}, steps(e.OpenSteps), "the weekly report recurs")

	e = p.On("MEASURE_CARRIED_OUT", "", first)
	require.Equal(t, []string{"measure"}, e.MeetClocks)

	e = p.On("PLAN_CARRIED_OUT", "", first)
	require.Equal(t, []string{"weekly_progress"}, e.VoidSteps)
	require.Equal(t, []string{"result"}, ids(e.IssueNotices))
	require.Equal(t, []string{"survey"}, ids(e.OpenFollowUps))

	e = p.On("CASE_ROUND_STARTED", "restart", &policy.Sheet{Case: &policy.CaseFacts{Round: &two}})
	require.Equal(t, []string{"response_again"}, ids(e.StartClocks))
	require.Equal(t, []string{"planning"}, ids(e.EnterStages))
	require.Equal(t, []string{"classify", "adjust_plan"}, steps(e.OpenSteps))

	reply := func(substantive any) *policy.Sheet {
		return &policy.Sheet{Scope: map[string]map[string]any{"reply": {"substantive": substantive}}}
	}
	require.Equal(t, []string{"response", "response_again"}, p.On("REPLY_SENT", "", reply(true)).MeetClocks)
	require.Empty(t, p.On("REPLY_SENT", "", reply(false)).MeetClocks)
	waiting := p.On("REPLY_SENT", "", reply(nil))
	require.Equal(t, policy.Pending{Rule: "response", Kind: "MEET", Missing: []string{"reply.substantive"}}, waiting.Pending[0])
	require.Equal(t, []string{"response"}, p.Decide(waiting.Pending[0], "REPLY_SENT", "", reply(true)).MeetClocks)
}

// Source: SCENARIOS.md P26-S3.
func TestP26PlanDelayAndDeadline(t *testing.T) {
	p := compiled(t, "generic-template")
	a, unmet := p.ApprovalFor(policyv1.Subject_SUBJECT_PLAN, &policy.Sheet{})
	require.Empty(t, unmet)
	require.Equal(t, []string{"group", "director"}, ids(a.GetSigns()))
	require.Equal(t, []string{"operations_director"}, a.GetSigns()[1].GetWho())

	got := p.Gate(policyv1.Act_ACT_START_PLAN, policy.Subject{}, &policy.Sheet{Unsigned: map[string][]string{"plan": {"director"}}})
	require.Len(t, got, 1)
	require.Equal(t, "plan_first", got[0].Gate.GetRule())
	require.Equal(t, []string{"director"}, got[0].Missing)
	require.Equal(t, policyv1.Because_BECAUSE_GATE, got[0].Because)
	require.Empty(t, p.Gate(policyv1.Act_ACT_START_PLAN, policy.Subject{}, &policy.Sheet{Approved: []string{"plan"}}))

	extend := holds("owner")
	extend.ID = "measure"
	got = p.Gate(policyv1.Act_ACT_EXTEND, extend, &policy.Sheet{Facts: map[string]*typev1.Fact{"new_date": date("2026-04-20")}})
	require.Len(t, got, 1)
	require.Equal(t, "delay_reason", got[0].ID)
	require.Empty(t, p.Gate(policyv1.Act_ACT_EXTEND, extend, &policy.Sheet{Facts: map[string]*typev1.Fact{"new_date": date("2026-04-20"), "delay_reason": text("late parts")}}))

	require.Equal(t, "as planned", p.Clock("measure").GetLimit())
	limit, err := p.ClockLimit("measure", nil)
	require.NoError(t, err)
	require.False(t, limit.Computable())
}

// Source: SCENARIOS.md P26-S4.
func TestP26ClosesOnTheCustomersWordNotOnScores(t *testing.T) {
	p := compiled(t, "generic-template")
	answers := func(word string, scores ...int32) map[string]*typev1.Fact {
		f := map[string]*typev1.Fact{"confirmed": choice(word)}
		for i, id := range []string{"efficiency", "resolution", "attitude", "reasonable"} {
			f[id] = score(scores[i])
		}
		return f
	}
	require.Empty(t, p.CheckForm("survey_form", answers("satisfied", 4, 5, 4, 3), nil, nil))
	for _, bad := range []int32{0, 6} {
		v := p.CheckForm("survey_form", answers("satisfied", bad, 5, 4, 3), nil, nil)
		require.Len(t, v, 1)
		require.Equal(t, "facts.efficiency", v[0].Field)
		require.Equal(t, policy.FieldRange, v[0].Reason)
	}
	sheet := func(word string, scores ...int32) *policy.Sheet {
		yes := word == "satisfied"
		return &policy.Sheet{Facts: answers(word, scores...), Scope: map[string]map[string]any{"follow_up": {"id": "survey", "satisfied": yes, "answered": true}}}
	}
	happy, unhappy := sheet("satisfied", 4, 5, 4, 3), sheet("not_satisfied", 4, 5, 5, 5)
	is, _ := p.Satisfied("survey", happy)
	require.Equal(t, policy.True, is)
	require.Empty(t, p.On("FOLLOW_UP_ANSWERED", "survey", happy).StartRounds)
	require.Equal(t, []string{"restart"}, ids(p.On("FOLLOW_UP_ANSWERED", "survey", unhappy).StartRounds))
	require.Empty(t, p.Gate(policyv1.Act_ACT_CLOSE, policy.Subject{}, happy))
	require.Len(t, p.Gate(policyv1.Act_ACT_CLOSE, policy.Subject{}, unhappy), 1)
	unasked := p.Gate(policyv1.Act_ACT_CLOSE, policy.Subject{}, &policy.Sheet{})
	require.Equal(t, policyv1.Because_BECAUSE_INCOMPLETE, unasked[0].Because)
	require.Equal(t, []string{"follow_up.satisfied"}, unasked[0].Missing)
}

// Source: SCENARIOS.md P26-S5.
func TestP26MeasuresAssessRows(t *testing.T) {
	p := compiled(t, "generic-template")
	among, counts, _ := p.Assess("timely", &policy.Sheet{})
	require.Equal(t, [2]policy.Tri{policy.True, policy.True}, [2]policy.Tri{among, counts})
	_, counts, _ = p.Assess("timely", &policy.Sheet{Breached: []string{"response"}})
	require.Equal(t, policy.False, counts)
	_, counts, _ = p.Assess("timely", &policy.Sheet{Breached: []string{"response_again"}})
	require.Equal(t, policy.True, counts, "the rate counts first responses")
	row := func(answered, satisfied bool) *policy.Sheet {
		return &policy.Sheet{Scope: map[string]map[string]any{"follow_up": {"answered": answered, "satisfied": satisfied}}}
	}
	_, counts, _ = p.Assess("satisfaction", row(false, false))
	require.Equal(t, policy.False, counts, "asked and silent counts as asked")
	_, counts, _ = p.Assess("satisfaction", row(true, true))
	require.Equal(t, policy.True, counts)
	_, counts, missing := p.Assess("satisfaction", &policy.Sheet{})
	require.Equal(t, policy.Unknown, counts)
	require.Equal(t, []string{"follow_up.answered", "follow_up.satisfied"}, missing)
}

func TestP26AcknowledgementNamesTheLimit(t *testing.T) {
	p := compiled(t, "generic-template")
	r, err := p.Render("acknowledgement", nil, policy.Filling{
		Due:   map[string]time.Time{"response": shanghai(t, "2026-04-09 17:20:00").UTC()},
		Names: map[string]*typev1.Text{"number": {Zh: "C-1", En: "C-1"}},
	})
	require.NoError(t, err)
	require.Empty(t, r.Missing)
	require.Equal(t, "我们将在2026年4月9日17:20前回复您。", r.Parts[1].GetZh())
	require.Equal(t, "We will answer you by 2026-04-09 17:20 (UTC+08:00).", r.Parts[1].GetEn())
	r, err = p.Render("acknowledgement", nil, policy.Filling{})
	require.NoError(t, err)
	require.Equal(t, []string{"due:response", "number"}, r.Missing)
}

func TestP26RoutesByCategory(t *testing.T) {
	p := compiled(t, "generic-template")
	for category, want := range map[string][]string{"product_quality": {"product"}, "damage": {"product"}, "service_attitude": {"customer_service"}, "transport": nil} {
		a := p.Assign(&policy.Sheet{Complaint: &policy.ComplaintFacts{Category: &category}})
		require.Equal(t, want, a.Departments, category)
	}
	a := p.Assign(&policy.Sheet{})
	require.Empty(t, a.Departments, "an unknown category is not guessed")
	require.Equal(t, []string{"complaint.category"}, a.Missing)
}

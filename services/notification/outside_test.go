package notification_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/policy"
)

// outsidePack says what follows from a watch and from the duty it opens.
const outsidePack = `
pack: outside
title: {zh: 单位, en: units}
source: test
roles: [{id: keeper, clause: "1", text: {zh: 保管员, en: keeper}}, {id: leader, clause: "1", holder: DEPARTMENT, text: {zh: 领导, en: leader}}]
departments: [{id: unit, clause: "1", many: true, text: {zh: 单位, en: unit}}]
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
duties: [{id: verify_penalty, clause: R7, by: [keeper], text: {zh: 核实, en: verify}}]
notices: [{id: told, clause: R7, text: {zh: 通报, en: announcement}, issue: [STEP_DONE verify_penalty], to: [leader@counted], parts: [{id: body, text: {zh: 已核实。, en: It was verified.}}]}]
reports:
  measures: [{id: open, clause: R7, of: COMPLAINTS, dated_by: received, among: "true", counts: 'case.status == "CLOSED"', text: {zh: 率, en: share}}]
  watches: [{id: two_months, clause: R7, measure: open, per: respondent, every: MONTH, below: 90%, periods: "2", do: [{step: verify_penalty}, {notify: keeper, text: {zh: 请核实, en: please verify}}], text: {zh: 连续两月, en: two months}}]
`

// TestNoticesAboutNoComplaint: a watch tells whoever the pack says, and what follows from its duty is
// written to the leader of the unit it stands at, and to no other. Before the pack has come it waits.
func TestNoticesAboutNoComplaint(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.person("keeper", "keeper", "")
	b.person("east", "leader", "east")
	b.person("west", "leader", "west")
	b.happened("reporting", &reportingv1.WatchTripped{}, &reportingv1.Watched{Name: "watched/1", Watch: "two_months", Per: "departments/east", PolicyRevision: revision})
	b.settled()
	require.Empty(t, b.notices("two_months"), "the pack has not come")

	p, findings := policy.Load("outside.yaml", []byte(outsidePack), nil)
	require.NotNil(t, p, "%v", findings)
	resolved, err := proto.Marshal(p)
	require.NoError(t, err)
	b.happened("routing", &policyv1.PolicyRevisionActivated{}, &policyv1.Revision{Name: revision, State: policyv1.Revision_STATE_ACTIVE, Pack: "outside", Digest: "d2", Resolved: resolved})
	b.settled()
	told := b.notices("two_months")
	require.Len(t, told, 1)
	require.Equal(t, "people/keeper", told[0].GetRecipient())
	require.Empty(t, told[0].GetComplaint())
	require.Equal(t, "please verify", told[0].GetTitle(), "no number of a complaint")

	b.happened("corrective-action", &correctiveactionv1.DutyDone{}, &correctiveactionv1.Duty{
		Name: "duties/1", Step: "verify_penalty", State: correctiveactionv1.Duty_STATE_DONE, Counted: "departments/east", PolicyRevision: revision,
	})
	b.settled()
	announced := b.notices("told")
	require.Len(t, announced, 1)
	require.Equal(t, "people/east", announced[0].GetRecipient())
	require.Equal(t, "R7", announced[0].GetRule().GetClause())
}

// surveyPack asks every quarter and visits what was put right.
const surveyPack = `
pack: survey
title: {zh: 调查, en: survey}
source: test
departments: [{id: centre, clause: "1", text: {zh: 中心, en: centre}}]
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
forms:
- {id: sheet, clause: "8", about: FOLLOW_UP, text: {zh: 表, en: sheet}, fields: [{id: items, type: LIST, required: true, text: {zh: 项目, en: items}, items: [{id: score, type: SCORE, range: 1..5, required: true, text: {zh: 分, en: score}}]}]}
- {id: record, clause: "9", about: FOLLOW_UP, text: {zh: 记录, en: record}, fields: [{id: content, type: FLAG, required: true, text: {zh: 满意, en: content}}]}
follow_up:
- {id: quarterly, clause: "9", every: QUARTER, by: [anyone@centre], form: sheet, satisfied: "true", item_bad: follow_up.score < 3, for_each_bad: [{action: rectify}], text: {zh: 调查, en: survey}}
- {id: visit, clause: "9", opens: [ACTION_CARRIED_OUT rectify], within: 1 working day, by: [anyone@centre], form: record, satisfied: facts.content, text: {zh: 回访, en: visit}}
corrective_action: [{id: rectify, clause: "9", kind: RECTIFICATION, written_by: [anyone@centre], text: {zh: 整改, en: rectify}}]
`

// TestSurveyOfEveryQuarter: the calendar opens one survey at a time, each form that comes back stands by
// itself with its bad items, and a visit follows what was put right.
func TestSurveyOfEveryQuarter(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.person("asker", "member", "centre")
	p, findings := policy.Load("survey.yaml", []byte(surveyPack), nil)
	require.NotNil(t, p, "%v", findings)
	resolved, err := proto.Marshal(p)
	require.NoError(t, err)
	b.happened("routing", &policyv1.PolicyRevisionActivated{}, &policyv1.Revision{Name: revision, State: policyv1.Revision_STATE_ACTIVE, Pack: "survey", Digest: "d3", Resolved: resolved})
	b.settled()
	open := b.followUpsOf("quarterly")
	require.Len(t, open, 1)
	require.Equal(t, "2026-Q2", open[0].GetCampaign())

	answer := func(f *notificationv1.FollowUp, facts map[string]*typev1.Fact) (*notificationv1.FollowUp, error) {
		got, err := b.client.RecordFollowUp(as(b.t.Context(), "people/asker"), &notificationv1.RecordFollowUpRequest{
			Name: f.GetName(), Mode: "letter", Facts: facts, Etag: f.GetEtag(), RequestId: uuid.NewString(),
		})
		return got.GetFollowUp(), err
	}
	score := func(n int32) *typev1.Row {
		return &typev1.Row{Values: map[string]*typev1.Fact{"score": {Value: &typev1.Fact_Score{Score: n}}}}
	}
	form, err := answer(open[0], map[string]*typev1.Fact{"items": {Value: &typev1.Fact_Rows{Rows: &typev1.Rows{Values: []*typev1.Row{score(5), score(2), score(3), score(1)}}}}})
	require.NoError(t, err)
	require.Equal(t, []string{"2", "4"}, form.GetBadItems())
	require.Equal(t, open[0].GetName(), form.GetReturnedFor())
	require.Equal(t, notificationv1.FollowUp_STATE_ANSWERED, form.GetState())
	_, err = answer(open[0], nil)
	require.Error(t, err, "another version of the campaign")

	b.happened("corrective-action", &correctiveactionv1.ActionImplemented{}, &correctiveactionv1.Action{
		Name: "actions/1", PolicyKind: "rectify", State: correctiveactionv1.Action_STATE_IMPLEMENTED, Obligation: form.GetName() + "#4", PolicyRevision: revision,
	})
	b.settled()
	visits := b.followUpsOf("visit")
	require.Len(t, visits, 1)
	require.Equal(t, "4", visits[0].GetItem())
	require.Equal(t, "actions/1", visits[0].GetAction())
	require.NotNil(t, visits[0].GetDueTime())
	done, err := answer(visits[0], map[string]*typev1.Fact{"content": {Value: &typev1.Fact_Flag{Flag: true}}})
	require.NoError(t, err)
	require.True(t, done.GetSatisfied())

	b.advance(time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC)) // midnight in Shanghai
	require.ElementsMatch(t, []string{"2026-Q2 STATE_CANCELLED", "2026-Q3 STATE_OPEN"}, b.campaigns(2))
}

// campaigns returns period and state of the campaigns once there are so many: they open by a timer in
// the background, for which advancing does not wait.
func (b *bed) campaigns(many int) []string {
	b.t.Helper()
	ctx, cancel := clock.System().WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for {
		var states []string
		for _, f := range b.followUpsOf("quarterly") {
			if f.GetReturnedFor() == "" {
				states = append(states, f.GetCampaign()+" "+f.GetState().String())
			}
		}
		if len(states) >= many {
			return states
		}
		require.NoError(b.t, clock.System().Pause(ctx, 5*time.Millisecond), "campaigns: %v", states)
	}
}

func (b *bed) followUpsOf(kind string) []*notificationv1.FollowUp {
	b.t.Helper()
	got, err := b.client.ListFollowUps(as(b.t.Context(), "people/asker"), &notificationv1.ListFollowUpsRequest{})
	require.NoError(b.t, err)
	return slices.DeleteFunc(got.GetFollowUps(), func(f *notificationv1.FollowUp) bool { return f.GetKind() != kind })
}

package notification_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
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

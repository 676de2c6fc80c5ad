package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Source: SCENARIOS.md P27-S1, row by row.
func TestP27WindowsCountFromArrivalAndIncludeTheLastDay(t *testing.T) {
	p := rules(t, "carton", nil)
	for _, c := range []struct {
		unused, inUse bool
		defect, at    string
		stands, why   string
		last          string
	}{
		{false, false, "size", "2026-02-09 17:00:00", "VALID", "standard", "2026-02-09"},
		{false, false, "size", "2026-02-09 23:59:59", "VALID", "standard", "2026-02-09"},
		{false, false, "size", "2026-02-10 00:00:00", "INVALID", "standard", "2026-02-09"},
		{false, true, "delamination", "2026-03-11 12:00:00", "VALID", "in_use", "2026-03-11"},
		{false, true, "delamination", "2026-03-12 12:00:00", "INVALID", "in_use", "2026-03-11"},
		{true, false, "print", "2026-04-10 12:00:00", "VALID", "unused", "2026-04-10"},
		{true, false, "print", "2026-04-11 12:00:00", "INVALID", "unused", "2026-04-10"},
		{true, false, "strength", "2026-03-20 12:00:00", "INVALID", "standard", "2026-02-09"},
	} {
		t.Run(c.why+" "+c.at, func(t *testing.T) {
			on := shanghai(t, c.at)
			s := &policy.Sheet{Complaint: &policy.ComplaintFacts{Received: &on, Category: new("print")}, Facts: map[string]*typev1.Fact{
				"goods_arrived": date("2026-01-10"), "unused_60_days": yes(c.unused), "found_in_use": yes(c.inUse), "company_fault": yes(true),
				"defect": choice(c.defect), "demand": choice("replacement"), "concrete_demand": yes(true),
			}}
			w := p.Window(of("COMPLAINT"), s, on)
			require.Equal(t, c.stands == "VALID", w.In)
			require.Equal(t, c.last, w.Last.String())
			require.Equal(t, shanghai(t, c.last+" 23:59:59").UTC(), w.Until.UTC())
			j := p.Judge(s, nil, "", on)
			require.Equal(t, c.stands, j.Stands)
			require.Equal(t, c.why, j.Why["window"])
			require.Empty(t, j.Missing)
			if c.stands == "INVALID" {
				require.Equal(t, policyv1.Outcome_OUTCOME_INVALID, j.Outcome)
				require.Equal(t, c.why, j.Rule.GetRule())
			}
		})
	}
}

// Source: SCENARIOS.md P27-S1, last row.
func TestP27FiguresOfTheLossMayComeWithinSevenMonthsIfAllowed(t *testing.T) {
	p := rules(t, "carton", nil)
	sheet := func(approved ...string) *policy.Sheet {
		return &policy.Sheet{Approved: approved, Facts: map[string]*typev1.Fact{"goods_arrived": date("2026-01-10"), "loss_pending": yes(true)}}
	}
	in := p.Windows("loss_form", sheet("loss_may_follow"), shanghai(t, "2026-08-10 23:59:59"))
	require.Len(t, in, 1)
	require.True(t, in[0].Open())
	require.Empty(t, in[0].Do)
	late := p.Windows("loss_form", sheet("loss_may_follow"), shanghai(t, "2026-08-11 00:00:00"))
	require.False(t, late[0].Open())
	require.Equal(t, policyv1.Outcome_OUTCOME_REFUSED, late[0].Late)
	require.Equal(t, "4.1.3", late[0].Rule.GetClause())
	require.Equal(t, "loss_too_late", late[0].Do[0].Do.GetMark())
	without := p.Windows("loss_form", sheet(), shanghai(t, "2026-03-10 09:00:00"))
	require.Equal(t, "loss_may_follow", without[0].Approval)
	require.False(t, without[0].Open())
	require.Empty(t, p.Windows("complaint_form", sheet(), shanghai(t, "2026-03-10 09:00:00")))
}

func TestWindowsNameTheFactsTheyWaitFor(t *testing.T) {
	p := rules(t, "carton", nil)
	on := shanghai(t, "2026-02-01 09:00:00")
	w := p.Window(of("COMPLAINT"), &policy.Sheet{Facts: map[string]*typev1.Fact{"unused_60_days": yes(true)}}, on)
	require.Equal(t, []string{"defect"}, w.Missing)
	require.False(t, w.Open())
	w = p.Window(of("COMPLAINT"), &policy.Sheet{Facts: map[string]*typev1.Fact{"unused_60_days": yes(false), "found_in_use": yes(false)}}, on)
	require.Equal(t, []string{"goods_arrived"}, w.Missing)
	require.Equal(t, "standard", w.Rule.GetRule())
	j := p.Judge(&policy.Sheet{}, nil, "VALID", on)
	require.Equal(t, "UNDECIDED", j.Stands)
	require.Equal(t, []string{"complaint.category", "concrete_demand", "defect", "demand", "unused_60_days"}, j.Missing)
	none := compiled(t, "generic-template").Window(of("COMPLAINT"), nil, on)
	require.True(t, none.None)
	require.True(t, none.Open())
}

func TestEvidenceWindowCountsFromTheComplaint(t *testing.T) {
	p := rules(t, "carton", nil)
	received := shanghai(t, "2026-02-09 10:00:00")
	s := &policy.Sheet{Complaint: &policy.ComplaintFacts{Received: &received}}
	require.True(t, p.Window(of("EVIDENCE"), s, shanghai(t, "2026-03-11 23:59:59")).In)
	require.False(t, p.Window(of("EVIDENCE"), s, shanghai(t, "2026-03-12 00:00:00")).In)
}

const perLine = `pack: lines
calendar: {zone: Asia/Shanghai}
forms:
- {id: record, clause: "1", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: batches, type: LIST, items: [{id: arrived, type: DATE}, {id: mixed, type: FLAG}]}]}
acceptance:
  windows:
  - {id: thirty, of: COMPLAINT, clause: "1", text: {zh: 甲, en: a}, if: '!line.mixed', from: arrived, limit: 30 days, late: INVALID, each: batches}
`

// G3: lines are decided one by one; the complaint stands if one of them does.
func TestWindowsAreDecidedLineByLineWhereThePackSaysEach(t *testing.T) {
	p, findings := policy.Compile(load(t, perLine), policy.Options{})
	require.Empty(t, findings)
	on := shanghai(t, "2026-03-01 09:00:00")
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"batches": rows(
		map[string]*typev1.Fact{"arrived": date("2026-01-10"), "mixed": yes(false)},
		map[string]*typev1.Fact{"arrived": date("2026-02-10"), "mixed": yes(false)},
		map[string]*typev1.Fact{"arrived": date("2026-01-01"), "mixed": yes(true)},
	)}}
	j := p.Judge(s, nil, "", on)
	require.Equal(t, "VALID", j.Stands)
	var stands []string
	for _, l := range j.Lines {
		require.Equal(t, "batches", l.List)
		stands = append(stands, l.Stands)
	}
	require.Equal(t, []string{"INVALID", "VALID", "VALID"}, stands)
	s.Facts["batches"] = rows(map[string]*typev1.Fact{"arrived": date("2026-01-10"), "mixed": yes(false)})
	require.Equal(t, "INVALID", p.Judge(s, nil, "", on).Stands)
	require.True(t, p.Window(of("COMPLAINT"), s, on).None, "a window with each says nothing about the whole")
}

// Source: PROCEDURES.md K2: hours count from the second.
func TestWindowsInHoursEndOnTheSecond(t *testing.T) {
	p, findings := policy.Compile(load(t, `pack: hours
forms: [{id: f, clause: "1", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: seen, type: INSTANT}]}]
acceptance: {windows: [{id: day, of: COMPLAINT, clause: "1", text: {zh: 甲, en: a}, from: seen, limit: 24 h, late: REFUSED}]}
`), policy.Options{})
	require.Empty(t, findings)
	seen := shanghai(t, "2026-03-01 09:00:00")
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"seen": instant(seen)}}
	require.True(t, p.Window(of("COMPLAINT"), s, seen.Add(24*time.Hour)).In)
	require.False(t, p.Window(of("COMPLAINT"), s, seen.Add(24*time.Hour+time.Second)).In)
}

package policy

import (
	"fmt"
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// ApprovalFor returns the approval that a subject needs: the first of the pack whose condition
// holds, or nil if none does. A claim whose remedy names an approval needs that one.
//
// While a condition that comes first is unknown, the approval waits: it is returned as unmet.
//
// Source: PACK-SKETCH.md 2.2 Approval, 2.7.
func (p *Policy) ApprovalFor(subject policyv1.Subject, s *Sheet) (*policyv1.Approval, []Unmet) {
	if s == nil {
		s = &Sheet{}
	}
	own := p.remedyApproval(subject, s)
	r := p.words.over(s)
	for _, row := range p.menus.approvals {
		a := row.rule
		if a.GetOf() != subject || own != "" && a.GetId() != own || own == "" && p.reserved(a.GetId()) {
			continue
		}
		switch t, missing := r.holds(row.cond); t {
		case True:
			return a, nil
		case Unknown:
			return nil, []Unmet{{Gate: p.Rule(a.GetId()), Need: NeedThat, ID: a.GetId(), Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing}}
		}
	}
	return nil, nil
}

func (p *Policy) remedyApproval(subject policyv1.Subject, s *Sheet) string {
	if subject != policyv1.Subject_SUBJECT_CLAIM {
		return ""
	}
	remedy, _ := s.Scope["claim"]["remedy"].(string)
	return ByID(p.live.GetCompensation().GetRemedies(), remedy).GetApproval()
}

// reserved approvals belong to a remedy and are no claim's by default.
func (p *Policy) reserved(id string) bool {
	return slices.ContainsFunc(p.live.GetCompensation().GetRemedies(), func(r *policyv1.Remedy) bool { return r.GetApproval() == id })
}

// Approval returns the approval of that id, or nil.
func (p *Policy) Approval(id string) *policyv1.Approval { return ByID(p.live.GetApprovals(), id) }

// Clock returns the clock of that id, those of steps, follow-ups and urgent approvals included, or
// nil.
func (p *Policy) Clock(id string) *policyv1.Clock { return p.clocks[id] }

// ClockLimit returns how long a clock runs: its limit, or that of the grade in force.
//
// A clock that falls due at a recorded date (until, or marked once it is recorded) has the limit "as
// planned"; ClockDue gives the date. The error says which grade or fact is missing.
func (p *Policy) ClockLimit(clock string, s *Sheet) (calendar.Limit, error) {
	c := p.clocks[clock]
	if c == nil {
		return calendar.Limit{}, fmt.Errorf("policy: pack %s has no clock %q", p.pack.GetPack(), clock)
	}
	if s == nil {
		s = &Sheet{}
	}
	if fact := dueFact(c, s); fact != "" {
		return calendar.ParseLimit("as planned")
	}
	if c.GetScale() == "" {
		return p.limit(c.GetLimit())
	}
	level := s.Grade[c.GetScale()]
	limit, ok := c.GetByGrade()[level]
	if !ok {
		return calendar.Limit{}, fmt.Errorf("policy: clock %s: grade %s is %q, for which there is no limit", clock, c.GetScale(), level)
	}
	return p.limit(limit)
}

func dueFact(c *policyv1.Clock, s *Sheet) string {
	if c.GetUntil() != "" {
		return c.GetUntil()
	}
	if c.GetMarked() != "" && s.Facts[c.GetMarked()].GetValue() != nil {
		return c.GetMarked()
	}
	return ""
}

// ClockDue returns the instant at which a clock falls due by a recorded fact (until, marked). ok is
// false if the clock has a limit instead, or the fact is not recorded. A DATE falls due at its last
// second in the calendar's zone (K3).
func (p *Policy) ClockDue(clock string, s *Sheet) (due time.Time, ok bool) {
	c := p.clocks[clock]
	if c == nil || s == nil {
		return time.Time{}, false
	}
	return p.instant(s.Facts[dueFact(c, s)])
}

// ClockStart returns the instant a clock counts from: the fact named by since if it is recorded,
// else the event's.
func (p *Policy) ClockStart(clock string, event time.Time, s *Sheet) time.Time {
	c := p.clocks[clock]
	if c.GetSince() == "" || s == nil {
		return event
	}
	if c.GetSince() == "received" {
		if s.Complaint != nil && s.Complaint.Received != nil {
			return *s.Complaint.Received
		}
		return event
	}
	if at, ok := p.instant(s.Facts[c.GetSince()]); ok {
		return at
	}
	return event
}

func (p *Policy) instant(f *typev1.Fact) (time.Time, bool) {
	switch x := f.GetValue().(type) {
	case *typev1.Fact_Instant:
		return x.Instant.AsTime(), true
	case *typev1.Fact_Date:
		d, err := calendar.ParseDate(x.Date)
		if err != nil {
			return time.Time{}, false
		}
		return p.calendar.End(d), true
	}
	return time.Time{}, false
}

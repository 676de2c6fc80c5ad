package sheet

import (
	"strings"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/policy"
)

// withIntake adds what a complaint says beside its first record: whether it stands, what it is
// about, which papers are there and whom it is against.
func withIntake(s *policy.Sheet, c *intakev1.Complaint) {
	f := s.Complaint
	f.Service, f.Business = known(c.GetService()), known(c.GetBusiness())
	if stands := c.GetJudgement().GetStands(); stands != intakev1.Judgement_STANDS_UNSPECIFIED {
		f.Stands = new(strings.TrimPrefix(stands.String(), "STANDS_"))
	}
	f.Documents = []string{}
	for _, d := range c.GetDocuments() {
		if !d.GetLate() {
			f.Documents = append(f.Documents, d.GetDocument())
		}
	}
	if c.GetRespondent() == "" {
		return
	}
	if s.Case == nil {
		s.Case = &policy.CaseFacts{}
	}
	s.Case.Respondent = new(strings.TrimPrefix(c.GetRespondent(), "departments/"))
}

// WithPraise adds praise: whom it is for.
func WithPraise(s *policy.Sheet, p *intakev1.Praise) *policy.Sheet {
	row := map[string]any{}
	if p.GetEmployee() != "" {
		row["employee"] = p.GetEmployee()
	}
	if p.GetDepartment() != "" {
		row["department"] = strings.TrimPrefix(p.GetDepartment(), "departments/")
	}
	return With(s, "praise", row)
}

// WithRepeat adds the complaint that repeats the one at hand.
func WithRepeat(s *policy.Sheet, r *intakev1.ComplaintRepeated) *policy.Sheet {
	return With(s, "repeat", map[string]any{"number": r.GetNumber(), "received": r.GetReceiveTime().AsTime()})
}

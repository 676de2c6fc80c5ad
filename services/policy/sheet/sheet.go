// Package sheet writes down what the suite knows about a complaint in the form
// that conditions of a pack read: one translation from resources to facts, used
// by every service, so that a condition means the same everywhere.
//
// Start reading at [Of]; the With functions add what an event or act brings.
// Everything is pure: a sheet is a new value, its inputs are only read.
//
// Source: PACK-SKETCH 2.3.
package sheet

import (
	"maps"
	"strings"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// past reports whether a form was filled for a round before the case's, which asks for it anew.
// Source: pack.proto Round.form; PROCEDURES P15 R4, P19 8.
func past(f *intakev1.FilledForm, k *routingv1.Case) bool {
	return f.GetForm() == k.GetRoundForm() && f.GetFillTime().AsTime().Before(k.GetRoundTime().AsTime())
}

// Of returns what a complaint and its case say. Either may be nil: then what it
// would say is unknown.
func Of(c *intakev1.Complaint, k *routingv1.Case) *policy.Sheet {
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{}, Grade: map[string]string{}, Scope: map[string]map[string]any{}}
	if c != nil {
		s.Complaint = complaint(c)
		maps.Copy(s.Facts, c.GetFacts())
		s.Marks = append(s.Marks, c.GetMarks()...)
		for _, f := range c.GetForms() {
			if !past(f, k) {
				s.Filled = append(s.Filled, f.GetForm())
			}
		}
	}
	if k != nil {
		s.Case = kase(k)
		withCase(s, k)
		for scale, g := range k.GetGrades() {
			s.Grade[scale] = g.GetLevel()
		}
		for _, step := range k.GetSteps() {
			if step.GetState() == routingv1.Step_STATE_DONE {
				s.Done = append(s.Done, step.GetId())
				maps.Copy(s.Facts, step.GetFacts())
			}
		}
		s.Issued = k.GetIssued()
		s.Approved = k.GetApproved()
		s.Breached = k.GetBreached()
		s.Marks = append(s.Marks, k.GetMarks()...)
		if done := k.GetSatisfaction(); done != nil && done.GetRound() == k.GetRound() {
			s.Scope["follow_up"] = map[string]any{"satisfied": done.GetSatisfied(), "dissatisfied": !done.GetSatisfied(), "answered": true}
		}
	}
	if c != nil {
		withIntake(s, c)
	}
	return s
}

func complaint(c *intakev1.Complaint) *policy.ComplaintFacts {
	verified := c.GetVerification() != nil
	repeated := c.GetRepeatOf() != ""
	who := c.GetComplainant()
	contact := who.GetTelephone() != "" || who.GetEmail() != "" || who.GetAddress() != "" || who.GetCustomer() != ""
	received := c.GetReceiveTime().AsTime()
	f := &policy.ComplaintFacts{
		Number: known(c.GetNumber()), Channel: known(c.GetChannel()), Category: known(c.GetCategory()),
		Ground: known(c.GetGround()), CustomerKind: known(who.GetKind()),
		Expression:      new(strings.ToUpper(or(c.GetExpression(), "complaint"))),
		Stands:          new("UNDECIDED"),
		ExternalChannel: new(c.GetExternalChannel()), Urgent: new(c.GetUrgent()),
		ContactKnown: &contact, Repeated: &repeated, Verified: &verified,
	}
	if c.GetMedium() != intakev1.Medium_MEDIUM_UNSPECIFIED {
		f.Medium = new(strings.TrimPrefix(c.GetMedium().String(), "MEDIUM_"))
	}
	origin := c.GetOrigin()
	if origin == intakev1.Origin_ORIGIN_UNSPECIFIED {
		origin = intakev1.Origin_ORIGIN_CUSTOMER
	}
	f.Origin = new(strings.TrimPrefix(origin.String(), "ORIGIN_"))
	if c.GetReceiveTime() != nil {
		f.Received = &received
	}
	return f
}

func kase(k *routingv1.Case) *policy.CaseFacts {
	round := int64(k.GetRound())
	f := &policy.CaseFacts{
		Stage: new(k.GetStage()), Status: known(status(k.GetState())), Round: &round,
		CauseKnown: new(k.GetCause() != ""), OwnerNamed: new(k.GetOwner() != ""), Departments: []string{},
	}
	for _, d := range k.GetDepartments() {
		f.Departments = append(f.Departments, strings.TrimPrefix(d, "departments/"))
	}
	return f
}

// status returns the public state as packs name it; a withdrawn case has none.
func status(s routingv1.Case_State) string {
	word := strings.TrimPrefix(s.String(), "STATE_")
	if _, ok := policyv1.Status_value["STATUS_"+word]; !ok {
		return ""
	}
	return word
}

// With returns a copy of s in which row holds the fields given.
func With(s *policy.Sheet, row string, fields map[string]any) *policy.Sheet {
	c := *s
	c.Scope = maps.Clone(s.Scope)
	if c.Scope == nil {
		c.Scope = map[string]map[string]any{}
	}
	c.Scope[row] = fields
	return &c
}

// WithFacts returns a copy of s with the facts of the subject in scope added.
func WithFacts(s *policy.Sheet, facts map[string]*typev1.Fact) *policy.Sheet {
	c := *s
	if c.Facts = maps.Clone(s.Facts); c.Facts == nil {
		c.Facts = map[string]*typev1.Fact{}
	}
	maps.Copy(c.Facts, facts)
	return &c
}

// WithClaim adds a claim, its facts and, where its chain is complete, its approval.
func WithClaim(s *policy.Sheet, c *compensationv1.Claim) *policy.Sheet {
	fields := map[string]any{
		"ground": c.GetGround(), "remedy": c.GetRemedy(), "initiator": c.GetInitiator(), "causes": append([]string{}, c.GetCauses()...),
	}
	if c.GetAmount() != nil {
		fields["amount"] = c.GetAmount()
	}
	out := With(s, "claim", fields)
	out = WithFacts(out, c.GetFacts())
	for _, step := range c.GetApproval().GetSteps() {
		for _, signature := range step.GetSignatures() {
			out = WithFacts(out, signature.GetFacts())
		}
	}
	if a := c.GetApproval(); a.GetState() == typev1.Approval_STATE_GRANTED {
		out.Approved = append(append([]string{}, out.Approved...), a.GetId())
	}
	return out
}

// WithReply adds a reply. What WithPhrases noted of its words stays.
func WithReply(s *policy.Sheet, r *routingv1.Reply) *policy.Sheet {
	return With(s, "reply", map[string]any{
		"medium": strings.ToUpper(r.GetMedium()), "substantive": r.GetSubstantive(), "notice": r.GetNotice(), "by": append([]string{}, r.GetBy()...),
		"conforms": r.GetConforms(), "text": s.Scope["reply"]["text"],
	})
}

// WithPhrases notes which phrases of the pack the words of a reply hold (policy.Phrases), before the
// words are sealed.
func WithPhrases(s *policy.Sheet, phrases []string) *policy.Sheet {
	return With(s, "reply", map[string]any{"text": phrases})
}

// WithPlan adds a plan.
func WithPlan(s *policy.Sheet, p *routingv1.Plan) *policy.Sheet {
	number := int64(1)
	if i := strings.LastIndexByte(p.GetName(), '/'); i >= 0 {
		if n, ok := digits(p.GetName()[i+1:]); ok {
			number = n
		}
	}
	out := With(s, "plan", map[string]any{
		"draft": p.GetDraft(), "adjusted": p.GetAdjusted(), "version": number, "measures": int64(len(p.GetMeasures())),
	})
	return WithFacts(out, p.GetFacts())
}

// WithStep adds a step that was done.
func WithStep(s *policy.Sheet, id, by string) *policy.Sheet {
	return With(s, "step", map[string]any{"id": id, "by": by})
}

// WithForm adds a form that was filled.
func WithForm(s *policy.Sheet, id, by string) *policy.Sheet {
	return With(s, "form", map[string]any{"id": id, "by": by, "documents": []string{}})
}

// WithApproval adds an approval and its outcome.
func WithApproval(s *policy.Sheet, a *typev1.Approval) *policy.Sheet {
	place, last := newest(a)
	return With(s, "approval", map[string]any{
		"id": a.GetId(), "outcome": strings.TrimPrefix(a.GetState().String(), "STATE_"), "sign": approval.SignID(place),
		"by_telephone": a.GetByTelephone() || last.GetByTelephone(),
	})
}

// WithFollowUp adds an answer of the customer and its facts.
func WithFollowUp(s *policy.Sheet, f *notificationv1.FollowUp) *policy.Sheet {
	answered := f.GetState() == notificationv1.FollowUp_STATE_ANSWERED
	out := With(s, "follow_up", map[string]any{
		"id": f.GetKind(), "answered": answered,
		"satisfied": answered && f.GetSatisfied(), "dissatisfied": answered && !f.GetSatisfied(),
	})
	return WithFacts(out, f.GetFacts())
}

// WithNotice adds a notice.
func WithNotice(s *policy.Sheet, n *notificationv1.Notice) *policy.Sheet {
	return With(s, "notice", map[string]any{"id": n.GetKind(), "answer": n.GetChosen()})
}

// WithClock adds a clock.
func WithClock(s *policy.Sheet, c *clockv1.Clock) *policy.Sheet {
	return With(s, "clock", map[string]any{
		"id": c.GetKind(), "late": int64(c.GetLate()),
		"met": c.GetOutcome() == clockv1.Clock_OUTCOME_MET, "breached": c.GetBreachTime() != nil,
	})
}

// known returns the text, or nil when it is empty: unknown.
//
//go:fix inline
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func digits(s string) (n int64, ok bool) {
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	return n, s != ""
}

package sheet

import (
	"maps"
	"strings"
	"time"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// withCase adds what the handling of a case says beside its stage: who answers for what happened,
// what was offered, what was looked up and found.
func withCase(s *policy.Sheet, k *routingv1.Case) {
	offers := int64(k.GetOffers())
	f := s.Case
	f.Offers, f.FrontLine = &offers, new(k.GetFrontLine())
	f.Liability = new(strings.TrimPrefix(k.GetLiability().String(), "LIABILITY_"))
	if k.GetLiability() == routingv1.Liability_LIABILITY_UNSPECIFIED {
		f.Liability = new("OPEN") // nobody has found anything else
	}
	f.Cause = known(k.GetCauseSource())
	maps.Copy(s.Facts, k.GetFacts())
	for id, l := range k.GetLookups() {
		if s.Lookup == nil {
			s.Lookup = policy.Answers{}
		}
		s.Lookup[id] = map[string]*typev1.Fact{}
		if l.GetState() == routingv1.LookUp_STATE_ANSWERED {
			maps.Copy(s.Lookup[id], l.GetAnswers())
		}
	}
}

// WithOffer adds an offer to the customer and the answer to it.
func WithOffer(s *policy.Sheet, o *routingv1.Offer) *policy.Sheet {
	row := map[string]any{"remedy": o.GetRemedy(), "answer": strings.TrimPrefix(o.GetState().String(), "STATE_"), "number": int64(o.GetNumber())}
	if o.GetAmount() != nil {
		row["amount"] = o.GetAmount()
	}
	return With(s, "offer", row)
}

// WithNews adds news from the back office.
func WithNews(s *policy.Sheet, n *routingv1.News) *policy.Sheet {
	return With(s, "news", map[string]any{"kind": n.GetKind(), "place": n.GetPlace()})
}

// WithCaseApproval adds an approval of the case: its chain, the facts it rests on, and itself to
// those in force once it is granted.
func WithCaseApproval(s *policy.Sheet, a *routingv1.CaseApproval) *policy.Sheet {
	out := WithFacts(WithApproval(s, a.GetApproval()), a.GetFacts())
	for _, step := range a.GetApproval().GetSteps() {
		for _, signature := range step.GetSignatures() {
			out = WithFacts(out, signature.GetFacts())
		}
	}
	return out
}

// newest returns the place that was signed last and its signature; nil if none was.
func newest(a *typev1.Approval) (place string, last *typev1.Signature) {
	var at time.Time
	for _, step := range a.GetSteps() {
		for _, g := range step.GetSignatures() {
			if t := g.GetSignTime().AsTime(); last == nil || !t.Before(at) {
				place, last, at = step.GetId(), g, t
			}
		}
	}
	return place, last
}

package domain

import (
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// LinkLifetime is how long a survey link is valid. Source: RELIABILITY 3.1.
const LinkLifetime = 30 * 24 * time.Hour

// Modes of an answer.
const (
	ModePage      = "page"
	ModeTelephone = "telephone"
	ModeVisit     = "visit"
	ModeLetter    = "letter"
)

// Customer is the recorder of an answer that came by a link, and the recipient of
// notices to a customer without an account.
const Customer = "customer"

// Opening is what a follow-up is opened from.
type Opening struct {
	// Obligation asks for it; its resource is the name.
	Obligation *typev1.Obligation
	Case       *routingv1.Case
	Policy     *policy.Policy
	// TokenDigest is the SHA-256 of the link's token, lower-case hex.
	TokenDigest string
	// Handlers are the people who handled the case so far.
	Handlers []string
	Time     time.Time
}

// Open returns the follow-up that an obligation asks for.
// Source: P26 (六); SERVICES, obligations.
func Open(o Opening) *notificationv1.FollowUp {
	kind := o.Obligation.GetRule().GetRule()
	return &notificationv1.FollowUp{
		Name: o.Obligation.GetResource(), Complaint: o.Case.GetComplaint(), Number: o.Case.GetNumber(), Kind: kind,
		Rule: o.Obligation.GetRule(), State: notificationv1.FollowUp_STATE_OPEN, Form: FollowUpOf(o.Policy, kind).GetForm(),
		OpenTime: timestamppb.New(o.Time), Round: o.Case.GetRound(), TokenDigest: o.TokenDigest,
		TokenExpireTime: timestamppb.New(o.Time.Add(LinkLifetime)), Subject: o.Case.GetSubject(),
		PolicyRevision: o.Case.GetPolicyRevision(), Obligation: o.Obligation.GetId(), Handlers: o.Handlers,
	}
}

// FollowUpOf returns the pack's follow-up of that id, or nil.
func FollowUpOf(p *policy.Policy, id string) *policyv1.FollowUp {
	for _, f := range p.Rules().GetFollowUp() {
		if f.GetId() == id {
			return f
		}
	}
	return nil
}

// FormOf returns the pack's form of that id, or nil.
func FormOf(p *policy.Policy, id string) *policyv1.Form {
	for _, f := range p.Rules().GetForms() {
		if f.GetId() == id {
			return f
		}
	}
	return nil
}

// Handlers returns who handled a case, sorted, each once: its owner, who proposed
// its plans and carries out their measures, and who sent replies.
func Handlers(k *routingv1.Case, plans []*routingv1.Plan, replies []*routingv1.Reply) []string {
	out := []string{k.GetOwner()}
	for _, p := range plans {
		out = append(out, p.GetProposedBy())
		for _, m := range p.GetMeasures() {
			out = append(out, m.GetPerson())
		}
	}
	for _, r := range replies {
		out = append(out, r.GetSender())
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// Answer is what a customer said.
type Answer struct {
	// Facts by field id, sealed.
	Facts map[string]*typev1.Fact
	// Mode is one of the modes.
	Mode string
	// Recorder is who entered it: people/x, customers/x, or "customer" for a link.
	Recorder string
	// Handlers are further people who handled the case, beside those the follow-up knows.
	Handlers []string
	// Sheet is what is known of the complaint and its case.
	Sheet  *policy.Sheet
	Policy *policy.Policy
	Time   time.Time
	// Warned is told of checks that warn; nil tells nobody.
	Warned policy.Warned
}

// Record returns the follow-up answered, with what the pack's condition says about
// the answers. Faults: FOLLOW_UP_STATE, FOLLOW_UP_MODE, FOLLOW_UP_HANDLER,
// FORM_INCOMPLETE with every field that is wrong.
//
// Source: P26 (六), P26-A2: the customer's word counts, not the scores.
func Record(f *notificationv1.FollowUp, a Answer) (*notificationv1.FollowUp, error) {
	if err := RequireOpen(f); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{ModePage, ModeTelephone, ModeVisit, ModeLetter}, a.Mode) {
		return nil, fault.New(fault.Invalid, ReasonMode).WithViolations(fault.Violation{Field: "mode", Reason: ReasonMode})
	}
	if slices.Contains(f.GetHandlers(), a.Recorder) || slices.Contains(a.Handlers, a.Recorder) {
		return nil, fault.New(fault.FailedPrecondition, ReasonHandler).With(f.GetRule())
	}
	if wrong := a.Policy.CheckForm(f.GetForm(), a.Facts, a.Sheet, a.Warned); len(wrong) > 0 {
		return nil, incomplete(f, wrong)
	}
	next := proto.CloneOf(f)
	next.State = notificationv1.FollowUp_STATE_ANSWERED
	next.Facts, next.Mode, next.Recorder = a.Facts, a.Mode, a.Recorder
	next.AnswerTime = timestamppb.New(a.Time)
	satisfied, missing := a.Policy.Satisfied(f.GetKind(), sheet.WithFollowUp(a.Sheet, next))
	if satisfied == policy.Unknown && len(missing) > 0 {
		var wrong []fault.Violation
		for _, m := range missing {
			wrong = append(wrong, fault.Violation{Field: "facts." + m, Reason: policy.FieldRequired})
		}
		return nil, incomplete(f, wrong)
	}
	next.Satisfied = satisfied == policy.True
	next.BadItems = badItems(next, a)
	return next, nil
}

// badItems returns the entries of the form's lists that the pack calls bad, by number
// from 1 over the whole form. One of which that cannot be told is not among them.
//
// Source: PROCEDURES P06 3 (9).
func badItems(f *notificationv1.FollowUp, a Answer) []string {
	if FollowUpOf(a.Policy, f.GetKind()).GetItemBad() == "" {
		return nil
	}
	var out []string
	n := 0
	for _, field := range FormOf(a.Policy, f.GetForm()).GetFields() {
		for _, row := range f.GetFacts()[field.GetId()].GetRows().GetValues() {
			n++
			scope := map[string]any{"id": f.GetKind(), "item": strconv.Itoa(n)}
			for _, item := range field.GetItems() {
				if v, ok := row.GetValues()[item.GetId()].GetValue().(*typev1.Fact_Score); ok && scope["score"] == nil {
					scope["score"] = int64(v.Score)
				}
			}
			if e := a.Policy.BadItem(f.GetKind(), sheet.With(a.Sheet, "follow_up", scope)); len(e.Pending) == 0 && !e.Empty() {
				out = append(out, strconv.Itoa(n))
			}
		}
	}
	return out
}

// Returned returns the follow-up that holds one form of a campaign, to be recorded, and
// the campaign with one form more. Faults: FOLLOW_UP_STATE.
func Returned(campaign *notificationv1.FollowUp, name, subject string, at time.Time) (form, next *notificationv1.FollowUp, err error) {
	if err := RequireOpen(campaign); err != nil {
		return nil, nil, err
	}
	form, next = proto.CloneOf(campaign), proto.CloneOf(campaign)
	next.Returned++
	form.Name, form.ReturnedFor, form.Returned, form.EndTime = name, campaign.GetName(), 0, nil
	form.OpenTime, form.Subject = timestamppb.New(at), subject
	return form, next, nil
}

func incomplete(f *notificationv1.FollowUp, wrong []fault.Violation) error {
	return fault.New(fault.Invalid, ReasonForm, "form", f.GetForm()).With(f.GetRule()).WithViolations(wrong...)
}

// RequireOpen refuses a follow-up that is not open: FOLLOW_UP_STATE.
func RequireOpen(f *notificationv1.FollowUp) error {
	if f.GetState() != notificationv1.FollowUp_STATE_OPEN {
		return fault.New(fault.FailedPrecondition, ReasonFollowUpState, "state", word(f.GetState().String()), "wanted", "OPEN")
	}
	return nil
}

// Cancel returns the follow-up as no longer asked; nil if it is not open.
func Cancel(f *notificationv1.FollowUp) *notificationv1.FollowUp {
	if f.GetState() != notificationv1.FollowUp_STATE_OPEN {
		return nil
	}
	next := proto.CloneOf(f)
	next.State = notificationv1.FollowUp_STATE_CANCELLED
	return next
}

// TakesLink refuses a link that does not open the follow-up any more: it was
// answered or cancelled, the link has expired, or it was made for another one.
// Faults: LINK_INVALID, without saying which.
func TakesLink(f *notificationv1.FollowUp, tokenDigest string, now time.Time) error {
	if f.GetState() != notificationv1.FollowUp_STATE_OPEN || f.GetTokenDigest() != tokenDigest || now.After(f.GetTokenExpireTime().AsTime()) {
		return fault.New(fault.NotFound, ReasonLink)
	}
	return nil
}

// AsksByLink reports whether the pack lets the customer answer by a link that the suite sends.
func AsksByLink(def *policyv1.FollowUp) bool {
	byCustomer := len(def.GetBy()) == 0 || slices.Contains(def.GetBy(), Customer)
	online := len(def.GetModes()) == 0 || slices.ContainsFunc(def.GetModes(), func(m policyv1.Medium) bool {
		switch m {
		case policyv1.Medium_MEDIUM_ONLINE, policyv1.Medium_MEDIUM_EMAIL, policyv1.Medium_MEDIUM_SMS, policyv1.Medium_MEDIUM_WRITTEN, policyv1.Medium_MEDIUM_APP:
			return true
		}
		return false
	})
	return byCustomer && online
}

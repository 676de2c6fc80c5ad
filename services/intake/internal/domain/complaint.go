// Package domain holds the rules of the complaint record: what a registration
// needs, what may be changed when, and how a withdrawal ends. Values in, values
// out; texts are sealed before they come here and nothing opens them.
//
// Start reading at [Register]; the state machine is that of intakev1.Complaint.
package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Registration is what is known about a new complaint besides what its registrar sent.
type Registration struct {
	// Name, Number and Subject are those of the new complaint.
	Name, Number, Subject string
	// Revision is the policy revision in force, Policy what it says.
	Revision string
	Policy   *policy.Policy
	// Registrar is who registers; Customer is set if it is the customer.
	Registrar, Customer string
	// ChannelOwner is who owns the channel, empty if nobody does.
	ChannelOwner string
	// Now is when it is registered.
	Now time.Time
	// Warned is told of checks that warn; nil tells nobody.
	Warned policy.Warned
}

// Register returns the complaint as it goes on file: under the policy in force,
// with the limits promised by the grade its facts give. Everything wrong is
// reported at once; the fault's reason is that of the first.
//
// Receipt is truncated to the second. Source: P26 (一); PROCEDURES K1.
func Register(in *intakev1.Complaint, r Registration) (*intakev1.Complaint, error) {
	c := &intakev1.Complaint{
		Name: r.Name, Number: r.Number, State: intakev1.Complaint_STATE_REGISTERED,
		Channel: in.GetChannel(), Medium: in.GetMedium(), Origin: in.GetOrigin(), ReceiveTime: in.GetReceiveTime(),
		Complainant: in.GetComplainant(), Description: in.GetDescription(), Demands: in.GetDemands(),
		ComplaintObject: in.GetComplaintObject(), Category: in.GetCategory(), Ground: in.GetGround(), Facts: in.GetFacts(),
		Expression: in.GetExpression(), RepeatOf: in.GetRepeatOf(), Urgent: in.GetUrgent(), ExternalChannel: in.GetExternalChannel(),
		Pack: r.Policy.Rules().GetPack(), PolicyRevision: r.Revision, Registrar: r.Registrar, Subject: r.Subject,
		Service: in.GetService(), Business: in.GetBusiness(), Respondent: in.GetRespondent(),
		ChannelOwner: r.ChannelOwner, CreateTime: timestamppb.New(r.Now), UpdateTime: timestamppb.New(r.Now),
	}
	if planted.Is("object of the complaint dropped") {
		c.ComplaintObject = ""
	}
	if c.Complainant == nil {
		c.Complainant = &intakev1.Complainant{}
	}
	if r.Customer != "" {
		c.Complainant.Customer = r.Customer
	}
	if c.GetReceiveTime() == nil {
		c.ReceiveTime = timestamppb.New(r.Now)
	}
	c.ReceiveTime = timestamppb.New(c.GetReceiveTime().AsTime().Truncate(time.Second))
	if c.GetOrigin() == intakev1.Origin_ORIGIN_UNSPECIFIED {
		c.Origin = intakev1.Origin_ORIGIN_CUSTOMER
	}

	var p problems
	if c.GetReceiveTime().AsTime().After(r.Now) {
		p.add(fault.New(fault.Invalid, ReasonReceivedInFuture, "receive_time", c.GetReceiveTime().AsTime().Format(time.RFC3339), "now", r.Now.UTC().Format(time.RFC3339)), "complaint.receive_time")
	}
	p.channel(c, r)
	p.category(r.Policy, c.GetCategory())
	p.ground(r.Policy, c.GetGround())
	form := RegistrationForm(r.Policy)
	if form != "" {
		p.form(r.Policy, form, r.Policy.CheckForm(form, c.GetFacts(), sheet.Of(c, nil), r.Warned))
		c.Forms = []*intakev1.FilledForm{{Form: form, Principal: r.Registrar, FillTime: timestamppb.New(r.Now)}}
	} else if len(c.GetFacts()) > 0 {
		p.add(fault.New(fault.Invalid, ReasonFormUnknown, "form", "registration"), "complaint.facts")
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	if _, _, err := Outside(c, nil, r.Policy, r.Now, true); err != nil {
		return nil, err
	}
	c.Marks = r.Policy.Marks(sheet.Of(c, nil))
	c.PromisedLimits = promises(c, r.Policy)
	return c, nil
}

// RegistrationForm returns the form that a registration fills: the pack's first
// about the complaint; empty if it has none.
func RegistrationForm(p *policy.Policy) string {
	for _, f := range p.Rules().GetForms() {
		if f.GetAbout() == policyv1.About_ABOUT_COMPLAINT {
			return f.GetId()
		}
	}
	return ""
}

// promises returns the limits that begin with the receipt and are known already.
// The clocks themselves run in routing; the same policy gives them the same due
// instants. Source: P26 (一), C113.
func promises(c *intakev1.Complaint, p *policy.Policy) []*intakev1.PromisedLimit {
	s := sheet.Of(c, nil)
	for _, scale := range p.Rules().GetGrades() {
		s.Grade[scale.GetId()] = p.Grade(scale.GetId(), s).Level
	}
	var out []*intakev1.PromisedLimit
	for _, clock := range p.On("COMPLAINT_RECEIVED", "", s).StartClocks {
		limit, err := p.ClockLimit(clock.GetId(), s)
		if err != nil || p.Calendar() == nil || len(out) > 0 && out[len(out)-1].GetClock() == clock.GetId() {
			continue
		}
		due, err := p.Calendar().Due(p.ClockStart(clock.GetId(), c.GetReceiveTime().AsTime(), s), limit)
		if err != nil {
			continue // as planned, or a year nobody has announced: nothing to promise
		}
		out = append(out, &intakev1.PromisedLimit{
			Clock: clock.GetId(), Rule: p.Rule(clock.GetId()), Grade: s.Grade[clock.GetScale()],
			DueTime: timestamppb.New(due.Time), Limit: limitText(clock, s.Grade[clock.GetScale()]),
		})
	}
	return out
}

func limitText(c *policyv1.Clock, level string) string {
	if c.GetScale() != "" {
		return c.GetByGrade()[level]
	}
	return c.GetLimit()
}

// Update returns the complaint with the record corrected: what in leaves empty
// stays. REGISTERED or VERIFIED only.
func Update(c, in *intakev1.Complaint, p *policy.Policy, now time.Time) (*intakev1.Complaint, error) {
	if err := open(c); err != nil {
		return nil, err
	}
	next := proto.CloneOf(c)
	if in.GetComplainant() != nil {
		proto.Merge(next.Complainant, in.GetComplainant())
		next.Complainant.Customer = c.GetComplainant().GetCustomer()
	}
	if in.GetDescription() != "" {
		next.Description = in.GetDescription()
	}
	if in.GetComplaintObject() != "" {
		next.ComplaintObject = in.GetComplaintObject()
	}
	if len(in.GetDemands()) > 0 {
		next.Demands = in.GetDemands()
	}
	if in.GetCategory() != "" {
		var found problems
		if found.category(p, in.GetCategory()); found.err() != nil {
			return nil, found.err()
		}
		next.Category = in.GetCategory()
	}
	if err := about(next, in, p); err != nil {
		return nil, err
	}
	next.UpdateTime = timestamppb.New(now)
	return next, nil
}

// Verify returns the complaint verified with the customer. Source: P26 (二), C34.
func Verify(f File, note string) (*intakev1.Complaint, error) {
	if f.Complaint.GetState() != intakev1.Complaint_STATE_REGISTERED {
		return nil, wrongState(f.Complaint, "REGISTERED")
	}
	if err := f.gate(policyv1.Act_ACT_VERIFY, "", f.Sheet()); err != nil {
		return nil, err
	}
	next := f.changed()
	next.State = intakev1.Complaint_STATE_VERIFIED
	next.Verification = &intakev1.Verification{Principal: f.Who, VerifyTime: timestamppb.New(f.Now), Note: note}
	return next, nil
}

// Close returns the complaint closed with the outcome of its case; as it is if it
// was closed as none of the procedure's; nil if it is archived or withdrawn already.
func Close(c *intakev1.Complaint, outcome string, at time.Time) *intakev1.Complaint {
	if c.GetState() == intakev1.Complaint_STATE_CLOSED {
		return c
	}
	if open(c) != nil {
		return nil
	}
	next := proto.CloneOf(c)
	next.State = intakev1.Complaint_STATE_CLOSED
	if outcome = strings.ToUpper(outcome); outcome != "COMPLETED" {
		next.Outcome = outcome
	}
	next.CloseTime, next.UpdateTime = timestamppb.New(at), timestamppb.New(at)
	return next
}

// Archive returns a closed complaint on file.
func Archive(c *intakev1.Complaint, at time.Time) *intakev1.Complaint {
	next := proto.CloneOf(c)
	next.State = intakev1.Complaint_STATE_ARCHIVED
	next.UpdateTime = timestamppb.New(at)
	return next
}

// open returns the fault of a complaint that is no longer worked on.
func open(c *intakev1.Complaint) error {
	switch c.GetState() {
	case intakev1.Complaint_STATE_REGISTERED, intakev1.Complaint_STATE_VERIFIED:
		return nil
	default:
		return wrongState(c, "REGISTERED, VERIFIED")
	}
}

func isOpen(c *intakev1.Complaint) bool { return open(c) == nil }

func wrongState(c *intakev1.Complaint, wanted string) error {
	return fault.New(fault.FailedPrecondition, ReasonState, "state", strings.TrimPrefix(c.GetState().String(), "STATE_"), "wanted", wanted, "name", c.GetName())
}

// problems collects everything wrong with a request.
type problems struct {
	first *fault.Error
	all   []fault.Violation
}

func (p *problems) add(f *fault.Error, field string) {
	if p.first == nil {
		p.first = f
	}
	p.all = append(p.all, fault.Violation{Field: field, Reason: f.Reason})
}

func (p *problems) form(pol *policy.Policy, form string, violations []fault.Violation) {
	if len(violations) == 0 {
		return
	}
	if p.first == nil {
		p.first = fault.New(fault.Invalid, ReasonFormIncomplete, "form", form).With(pol.Rule(form))
	}
	p.all = append(p.all, violations...)
}

func (p *problems) channel(c *intakev1.Complaint, r Registration) {
	var allowed []string
	for _, ch := range r.Policy.Rules().GetAcceptance().GetChannels() {
		allowed = append(allowed, ch.GetId())
	}
	switch {
	case len(allowed) > 0 && !slices.Contains(allowed, c.GetChannel()):
		p.add(fault.New(fault.Invalid, ReasonChannelUnknown, "channel", c.GetChannel(), "allowed", strings.Join(allowed, ", ")), "complaint.channel")
	case len(allowed) > 0 && r.ChannelOwner == "":
		if p.first == nil {
			p.first = fault.New(fault.FailedPrecondition, ReasonChannelNoOwner, "channel", c.GetChannel()).With(r.Policy.Rule(c.GetChannel()))
		}
		p.all = append(p.all, fault.Violation{Field: "complaint.channel", Reason: "OWNER"})
	}
}

func (p *problems) category(pol *policy.Policy, category string) {
	if category == "" {
		return
	}
	var allowed []string
	for _, c := range pol.Rules().GetCategories() {
		allowed = append(allowed, c.GetId())
	}
	if !slices.Contains(allowed, category) {
		p.add(fault.New(fault.Invalid, ReasonCategoryUnknown, "category", category, "allowed", strings.Join(allowed, ", ")), "complaint.category")
	}
}

func (p *problems) err() error {
	if p.first == nil {
		return nil
	}
	return p.first.WithViolations(p.all...)
}

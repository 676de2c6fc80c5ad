package domain

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy"
)

// RuleAsks is who asks where a rule of the pack asks for an approval by itself.
const RuleAsks = "routing"

// ApprovalName returns the name of the case's approval of that number, from 1.
func ApprovalName(kase string, number int32) string {
	return kase + "/approvals/" + strconv.Itoa(int(number))
}

// Wanted asks for signatures on something about the case.
type Wanted struct {
	// Approval is its id in the pack.
	Approval string
	// Note in words, sealed, and facts it rests on.
	Note  string
	Facts map[string]*typev1.Fact
	// Departments that shall be responsible, of an ASSIGNMENT; none lets the pack decide.
	Departments []string
	// Clock and its new due instant, of an EXTENSION: the clock's name, or its id in the pack.
	Clock string
	Until time.Time
	By    Person
}

// ofCase tells whether approvals of a subject are resources of the case; plans, grades,
// claims, goods, actions and penalties hold their own.
func ofCase(s policyv1.Subject) bool {
	switch s {
	case policyv1.Subject_SUBJECT_ASSIGNMENT, policyv1.Subject_SUBJECT_REPLY, policyv1.Subject_SUBJECT_EXTENSION, policyv1.Subject_SUBJECT_CONSENT,
		policyv1.Subject_SUBJECT_DEVIATION, policyv1.Subject_SUBJECT_RECORD, policyv1.Subject_SUBJECT_LIABILITY:
		return true
	}
	return false
}

// RequestApproval opens an approval of the pack about the case.
//
// Source: PACK-SKETCH 2.2 (Approval), 2.5 (ASK).
func (d *Decision) RequestApproval(in Wanted, s *policy.Sheet) (*routingv1.CaseApproval, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	def := d.policy.Approval(in.Approval)
	if def == nil || !ofCase(def.GetOf()) {
		return nil, fault.New(fault.Invalid, ReasonApprovalUnknown, "approval", in.Approval, "because", "CHOICE").
			WithViolations(fault.Violation{Field: "approval", Reason: ReasonApprovalUnknown})
	}
	if wrong := d.policy.CheckFacts(in.Facts); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", in.Approval).With(d.rule(in.Approval)).WithViolations(wrong...)
	}
	s = merged(s, in.Facts)
	holds, missing, err := d.policy.Eval(def.GetIf(), s)
	switch {
	case err != nil:
		return nil, err
	case holds == policy.Unknown:
		return nil, closed([]policy.Unmet{{Gate: d.rule(def.GetId()), Need: policy.NeedThat, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing}})
	case holds == policy.False:
		return nil, fault.New(fault.FailedPrecondition, ReasonApprovalNotNeeded, "approval", in.Approval, "because", "STATE").With(d.rule(in.Approval))
	}
	return d.putForward(def, in, s)
}

// putForward opens the approval; one of the same id that waits for signatures is
// refused, unless what is put forward replaces it: another department.
func (d *Decision) putForward(def *policyv1.Approval, in Wanted, s *policy.Sheet) (*routingv1.CaseApproval, error) {
	if open := d.waitingFor(def.GetId()); open != nil {
		if def.GetOf() != policyv1.Subject_SUBJECT_ASSIGNMENT {
			return nil, fault.New(fault.FailedPrecondition, ReasonApprovalPending, "approval", open.GetName(), "because", "STATE").With(d.rule(def.GetId()))
		}
		d.voidApproval(open)
	}
	next := &routingv1.CaseApproval{
		Name: ApprovalName(d.kase.GetName(), d.kase.GetApprovalCount()+1), Complaint: d.kase.GetComplaint(),
		Subject: word(def.GetOf()), Note: in.Note, Facts: in.Facts, Round: d.kase.GetRound(),
	}
	if err := d.about(def, in, next, s); err != nil {
		return nil, err
	}
	a, err := d.ask(def.GetId(), approvalDigest(next), in.By, amountOf(def, s), nil, s)
	if err != nil {
		return nil, err
	}
	next.Approval = a
	d.kase.ApprovalCount++
	remove(&d.kase.Approved, def.GetId())
	add(&d.kase.OpenApprovals, next.GetName())
	d.approvals[next.GetName()] = next
	d.because(a.GetRule())
	d.tell(&routingv1.CaseUpdated{})
	d.emit(next.GetName(), true, next, &routingv1.CaseApprovalAsked{})
	return next, nil
}

// about completes what is put forward by its subject.
func (d *Decision) about(def *policyv1.Approval, in Wanted, next *routingv1.CaseApproval, s *policy.Sheet) error {
	switch def.GetOf() {
	case policyv1.Subject_SUBJECT_ASSIGNMENT:
		next.Departments = slices.Clone(in.Departments)
		if len(next.Departments) == 0 {
			row := d.policy.Assign(s)
			next.Departments = d.units(row.Departments)
			if len(next.Departments) == 0 {
				return fault.New(fault.FailedPrecondition, ReasonDepartment, "missing", strings.Join(row.Missing, ", ")).With(row.Rule)
			}
		}
	case policyv1.Subject_SUBJECT_EXTENSION:
		kind, _ := clockKind(in.Clock)
		c := d.policy.Clock(kind)
		if c.GetExtend() == nil {
			return fault.New(fault.FailedPrecondition, ReasonExtension, "clock", in.Clock, "wanted", "-", "due", "-", "because", "STATE").With(d.rule(kind))
		}
		next.Clock = in.Clock
		if !strings.Contains(in.Clock, "/") {
			next.Clock = d.kase.GetName() + "/clocks/" + kind + "-" + strconv.Itoa(int(d.kase.GetRound()))
		}
		until := in.Until
		if at, ok := d.policy.ExtendedDue(kind, s); until.IsZero() && ok {
			until = at
		}
		if until.IsZero() {
			return closed([]policy.Unmet{{Gate: d.rule(kind), Need: policy.NeedFact, ID: c.GetExtend().GetUntil(), Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: or(nil, c.GetExtend().GetUntil())}})
		}
		next.Until = timestamppb.New(second(until))
	}
	return nil
}

// clockKind returns the pack's id of a clock that is named by its id or its resource,
// as cases/{case}/clocks/{kind}-{round}.
func clockKind(clock string) (kind string, name bool) {
	_, last, named := strings.Cut(clock, "/clocks/")
	if !named {
		return clock, false
	}
	kind, _, _ = strings.Cut(last, "-")
	return kind, true
}

// approvalDigest seals what the signatories of a case's approval see.
func approvalDigest(a *routingv1.CaseApproval) string {
	c := proto.CloneOf(a)
	c.Name, c.Etag, c.Approval = "", "", nil
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
	if err != nil { // a string that is not UTF-8 never gets past the edge
		b = []byte(err.Error())
	}
	return approval.Digest(string(b))
}

// amountOf returns the amount that chooses the bands of an approval: a MONEY fact, or
// that of the offer or claim in scope; nil if it is not recorded.
func amountOf(def *policyv1.Approval, s *policy.Sheet) *typev1.Money {
	row, field, dotted := strings.Cut(def.GetAmount(), ".")
	switch {
	case def.GetAmount() == "":
		return nil
	case !dotted:
		return s.Facts[row].GetMoney()
	case row == "facts":
		return s.Facts[field].GetMoney()
	}
	m, _ := s.Scope[row][field].(*typev1.Money)
	return m
}

// waitingFor returns the approval of that id that waits for signatures, or nil.
func (d *Decision) waitingFor(id string) *routingv1.CaseApproval {
	for _, name := range slices.Sorted(maps.Keys(d.approvals)) {
		if a := d.approvals[name]; a.GetApproval().GetId() == id && a.GetApproval().GetState() == typev1.Approval_STATE_OPEN {
			return a
		}
	}
	return nil
}

// askByRule opens an approval that a rule asks for. What it lacks makes it wait for the
// facts; one that waits for signatures already is not asked twice.
//
// Source: PACK-SKETCH 2.2 (Approval.asks), 2.6 (ask), 2.7.
func (d *Decision) askByRule(def *policyv1.Approval, s *policy.Sheet) []policy.Pending {
	if !ofCase(def.GetOf()) || d.waitingFor(def.GetId()) != nil || d.final() {
		return nil
	}
	asker := Person{Name: RuleAsks, Matches: func(string) (bool, string) { return true, "" }}
	if _, err := d.putForward(def, Wanted{Approval: def.GetId(), By: asker}, s); err != nil {
		f, _ := fault.As(err)
		var missing []string
		for _, v := range f.Violations {
			missing = append(missing, v.Field)
		}
		return []policy.Pending{{Rule: def.GetId(), Kind: "APPROVAL", Missing: missing}}
	}
	return nil
}

// SignApproval decides on an approval of the case. Granted, it takes effect: departments
// become responsible, a clock is extended, its facts are facts of the case.
//
// Source: PACK-SKETCH 2.2 (Approval, Urgent), 2.5 (SIGN).
func (d *Decision) SignApproval(on *routingv1.CaseApproval, in Signature, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	next := proto.CloneOf(on)
	a, err := d.sign(on.GetApproval(), in, merged(s, on.GetFacts()))
	if err != nil {
		return err
	}
	next.Approval = a
	d.approvals[next.GetName()] = next
	d.because(a.GetRule())
	signed := ""
	if place, n := newestSignature(a); n > signatures(on.GetApproval()) {
		signed = approval.SignID(place)
	}
	d.emit(next.GetName(), false, next, &routingv1.CaseApprovalSigned{Sign: signed})
	if a.GetState() == on.GetApproval().GetState() { // more signatures are needed, or a paper followed
		return nil
	}
	remove(&d.kase.OpenApprovals, next.GetName())
	if approval.Complete(a) {
		d.granted(next, in.By, s)
	}
	d.because(a.GetRule())
	d.tell(&routingv1.CaseUpdated{})
	return nil
}

// signatures counts the signatures of a chain, newestSignature also names the place of
// the last.
func signatures(a *typev1.Approval) int {
	_, n := newestSignature(a)
	return n
}

func newestSignature(a *typev1.Approval) (place string, n int) {
	var at time.Time
	for _, step := range a.GetSteps() {
		for _, g := range step.GetSignatures() {
			if t := g.GetSignTime().AsTime(); n == 0 || !t.Before(at) {
				place, at = step.GetId(), t
			}
			n++
		}
	}
	return place, n
}

// granted lets an approval of the case take effect.
func (d *Decision) granted(a *routingv1.CaseApproval, by Person, s *policy.Sheet) {
	def := d.policy.Approval(a.GetApproval().GetId())
	rule := a.GetApproval().GetRule()
	add(&d.kase.Approved, def.GetId())
	d.learn(a.GetFacts())
	for _, step := range a.GetApproval().GetSteps() {
		for _, g := range step.GetSignatures() {
			d.learn(g.GetFacts())
		}
	}
	switch def.GetOf() {
	case policyv1.Subject_SUBJECT_ASSIGNMENT:
		d.assign(a.GetDepartments(), rule)
	case policyv1.Subject_SUBJECT_EXTENSION:
		d.clock(ClockCommand{Op: ClockExtend, Name: a.GetClock(), At: d.at, Due: a.GetUntil().AsTime(), By: slaclock.By{Principal: by.Name, Reason: a.GetNote()}})
	}
	d.OweTelephonePapers(a.GetApproval(), s)
}

// OweTelephonePapers starts the clock of the papers that an approval by telephone owes:
// it has the approval's id, and filling the form meets it.
//
// Source: PACK-SKETCH 2.2 (Urgent).
func (d *Decision) OweTelephonePapers(a *typev1.Approval, s *policy.Sheet) {
	if def := d.policy.Clock(a.GetId()); a.GetByTelephone() && def != nil {
		d.start(def, Trigger{At: d.at}, s)
	}
}

// learn keeps facts that were recorded with a finding or an approval.
func (d *Decision) learn(facts map[string]*typev1.Fact) {
	if len(facts) == 0 {
		return
	}
	if d.kase.Facts == nil {
		d.kase.Facts = map[string]*typev1.Fact{}
	}
	maps.Copy(d.kase.Facts, facts)
}

// voidApproval ends an approval of the case that no longer counts.
func (d *Decision) voidApproval(a *routingv1.CaseApproval) {
	next := proto.CloneOf(a)
	ended, err := approval.Void(a.GetApproval(), d.at)
	if err != nil {
		return
	}
	next.Approval = ended
	d.approvals[next.GetName()] = next
	remove(&d.kase.OpenApprovals, next.GetName())
	d.because(ended.GetRule())
	d.emit(next.GetName(), false, next, &routingv1.CaseApprovalVoided{})
}

// voidApprovals ends every approval of the case that waits for signatures.
func (d *Decision) voidApprovals() {
	for _, name := range slices.Sorted(maps.Keys(d.approvals)) {
		if d.approvals[name].GetApproval().GetState() == typev1.Approval_STATE_OPEN {
			d.voidApproval(d.approvals[name])
		}
	}
}

package domain

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// AllocationEvent is one change of an allocation.
type AllocationEvent = EventOf[*compensationv1.Allocation]

const (
	allocated  = compensationv1.Allocation_STATE_ALLOCATED
	disputed   = compensationv1.Allocation_STATE_DISPUTED
	decided    = compensationv1.Allocation_STATE_DECIDED
	superseded = compensationv1.Allocation_STATE_SUPERSEDED
)

// sharing collects the events of one act on an allocation.
type sharing struct {
	Act

	allocation *compensationv1.Allocation
	events     []AllocationEvent
}

func share(a Act, x *compensationv1.Allocation) *sharing {
	d := &sharing{Act: a, allocation: proto.CloneOf(x)}
	d.allocation.Etag = ""
	return d
}

func (d *sharing) tell(change proto.Message, rules ...*typev1.RuleRef) {
	d.allocation.UpdateTime = timestamppb.New(d.Now)
	d.events = append(d.events, AllocationEvent{State: proto.CloneOf(d.allocation), Change: change, Rules: quoted(rules)})
}

func (d *sharing) liability() *policyv1.Liability { return d.Policy.Rules().GetLiability() }

func (d *sharing) rule() *typev1.RuleRef { return d.Policy.Rule(d.liability().GetId()) }

// sheet is what causes read: complaint and case, and the facts recorded with the allocation.
func (d *sharing) sheet() *policy.Sheet {
	base := &policy.Sheet{}
	if d.Sheet != nil {
		base = d.Sheet
	}
	return sheet.WithFacts(base, d.allocation.GetFacts())
}

// Allocate shares a loss out by the causes of the pack. earlier are the allocations of the
// same complaint; those whose bases are all shared out anew are superseded.
//
// The first event makes the allocation; those of superseded ones follow. Faults:
// LIABILITY_UNKNOWN, ALLOCATION_AUTHORITY, DISPUTE_OPEN, BASIS_INVALID, BASIS_ALLOCATED,
// FORM_INCOMPLETE, GATE_CLOSED (papers and facts that are missing included).
//
// Source: PROCEDURES P27 3.3, 4.6, P27-A6; PACK-SKETCH 2.2 (Liability, Cause).
func Allocate(name, number string, on *intakev1.Complaint, in *compensationv1.AllocateLiabilityRequest, earlier []*compensationv1.Allocation, a Act) ([]AllocationEvent, error) {
	d := share(a, &compensationv1.Allocation{
		Name: name, Number: number, Complaint: on.GetName(), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), PolicyRevision: on.GetPolicyRevision(),
		State: allocated, Note: in.GetNote(), AllocatedBy: a.By.Name, CreateTime: timestamppb.New(a.Now),
	})
	if d.liability() == nil {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoLiability, "because", "STATE")
	}
	if who := d.liability().GetDecidedBy(); who != "" && !a.is(who) {
		return nil, d.unauthorised(who)
	}
	replaced, err := replaces(in.GetBases(), earlier)
	if err != nil {
		return nil, err
	}
	if err := d.divide(in.GetBases(), in.GetFacts()); err != nil {
		return nil, err
	}
	d.tell(&compensationv1.LiabilityAllocated{}, d.rules()...)
	for _, old := range replaced {
		o := share(a, old)
		o.allocation.State, o.allocation.Provisional = superseded, false
		o.tell(&compensationv1.AllocationSuperseded{}, d.rule())
		d.events = append(d.events, o.events...)
	}
	return d.events, nil
}

func (d *sharing) unauthorised(who string) error {
	return fault.New(fault.FailedPrecondition, ReasonAllocationAuthority, "who", who, "because", "ROLE").With(d.rule()).
		WithViolations(fault.Violation{Field: who, Reason: "WHO"})
}

// replaces returns the allocations all of whose bases are shared out anew.
func replaces(bases []*compensationv1.Basis, earlier []*compensationv1.Allocation) ([]*compensationv1.Allocation, error) {
	now := map[basis]bool{}
	for _, b := range bases {
		now[basisOf(b)] = true
	}
	var out []*compensationv1.Allocation
	for _, e := range earlier {
		if e.GetState() == superseded {
			continue
		}
		again := 0
		for _, b := range e.GetBases() {
			if now[basisOf(b)] {
				again++
			}
		}
		switch {
		case again == 0:
		case e.GetProvisional():
			return nil, fault.New(fault.FailedPrecondition, ReasonDisputeOpen, "name", e.GetName(), "because", "STATE")
		case again < len(e.GetBases()):
			return nil, fault.New(fault.FailedPrecondition, ReasonBasisAllocated, "name", e.GetName(), "because", "STATE")
		default:
			out = append(out, e)
		}
	}
	return out, nil
}

// basis is what is shared out: a base, of one line or of the whole.
type basis struct {
	base policyv1.Base
	line int32
}

func basisOf(b *compensationv1.Basis) basis { return basis{b.GetBase(), b.GetLine()} }

// divide shares the bases out on what is known with the facts given, and puts the result
// into the allocation.
func (d *sharing) divide(bases []*compensationv1.Basis, facts map[string]*typev1.Fact) error {
	if wrong := looseFacts(d.Policy, complaintForms(d.Policy), facts, d.sheet()); len(wrong) > 0 {
		return fault.New(fault.Invalid, ReasonForm, "form", "allocation").With(d.rule()).WithViolations(wrong...)
	}
	all := maps.Clone(d.allocation.GetFacts())
	if all == nil {
		all = map[string]*typev1.Fact{}
	}
	maps.Copy(all, cloneFacts(facts))
	d.allocation.Facts = all
	s := d.sheet()
	unmet := append(d.Policy.Gate(policyv1.Act_ACT_ALLOCATE, d.subject(""), s), d.papers(policyv1.Act_ACT_ALLOCATE, s)...)
	if f := closed(ReasonGate, unmet); f != nil {
		return f
	}
	d.allocation.Bases, d.allocation.Shares, d.allocation.Marks = nil, nil, nil
	seen := map[basis]bool{}
	var missing []string
	for i, b := range bases {
		amount, err := money.Parse(b.GetAmount())
		if err != nil || amount.Currency() != money.CNY || amount.IsZero() || seen[basisOf(b)] {
			return badBasis(i)
		}
		seen[basisOf(b)] = true
		on, ok := d.onLine(b, s)
		if !ok {
			return badBasis(i)
		}
		shares, waits, err := d.Policy.Allocate(map[policyv1.Base]*typev1.Money{b.GetBase(): amount.Format()}, on)
		if err != nil {
			return err
		}
		missing = append(missing, waits...)
		d.allocation.Bases = append(d.allocation.GetBases(), &compensationv1.Basis{Base: b.GetBase(), Amount: amount.Format(), Line: b.GetLine()})
		d.add(b.GetLine(), shares)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return lacking(d.rule(), slices.Compact(missing))
	}
	return d.total()
}

func badBasis(i int) error {
	field := "bases[" + strconv.Itoa(i) + "]"
	return fault.New(fault.Invalid, ReasonBasis, "because", "AMOUNT").WithViolations(fault.Violation{Field: field, Reason: ReasonBasis})
}

// onLine returns the sheet on which a basis is decided: with the line it names, an entry
// of the list that causes of this base are decided by. ok is false where there is none.
//
// Source: PACK-SKETCH 2.8 (G3); PROCEDURES P27 4.6.2 h.
func (d *sharing) onLine(b *compensationv1.Basis, s *policy.Sheet) (*policy.Sheet, bool) {
	if b.GetLine() == 0 {
		return s, true
	}
	for _, c := range d.liability().GetCauses() {
		if c.GetEach() == "" || !slices.Contains(c.GetOf(), b.GetBase()) {
			continue
		}
		rows := s.Facts[c.GetEach()].GetRows().GetValues()
		if int(b.GetLine()) > len(rows) {
			return nil, false
		}
		return policy.OnLine(s, rows[b.GetLine()-1]), true
	}
	return nil, false
}

func (d *sharing) add(line int32, shares []policy.Share) {
	for _, s := range shares {
		one := &compensationv1.Share{Base: s.Base, Line: line, Party: s.Party, Amount: s.Amount, Unallocated: s.Unallocated, Rule: s.Rule}
		if !s.Unallocated {
			one.Share = policy.ByID(d.liability().GetCauses(), s.Rule.GetRule()).GetShares()[s.Party]
		}
		d.allocation.Shares = append(d.allocation.GetShares(), one)
		if s.Mark != "" && !slices.Contains(d.allocation.GetMarks(), s.Mark) {
			d.allocation.Marks = append(d.allocation.GetMarks(), s.Mark)
		}
	}
}

// total adds up what each party bears, in the order of the pack.
func (d *sharing) total() error {
	d.allocation.Totals = nil
	parties := slices.Clone(d.liability().GetParties())
	if rest := d.liability().GetRemainder(); !slices.Contains(parties, rest) {
		parties = append(parties, rest)
	}
	for _, party := range parties {
		whole, free := money.Zero(money.CNY), money.Zero(money.CNY)
		for _, s := range d.allocation.GetShares() {
			if s.GetParty() != party {
				continue
			}
			amount, err := money.Parse(s.GetAmount())
			if err != nil {
				return err
			}
			if whole, err = whole.Add(amount); err != nil {
				return err
			}
			if !s.GetUnallocated() {
				continue
			}
			if free, err = free.Add(amount); err != nil {
				return err
			}
		}
		if !whole.IsZero() {
			d.allocation.Totals = append(d.allocation.GetTotals(), &compensationv1.PartyTotal{Party: party, Amount: whole.Format(), Unallocated: free.Format()})
		}
	}
	return nil
}

// rules are those that share something out, or the section's own.
func (d *sharing) rules() []*typev1.RuleRef {
	out := []*typev1.RuleRef{d.rule()}
	for _, s := range d.allocation.GetShares() {
		out = append(out, s.GetRule())
	}
	return out
}

// complaintForms are the pack's forms about complaints: causes read their facts.
func complaintForms(p *policy.Policy) []*policyv1.Form {
	return slices.DeleteFunc(slices.Clone(p.Rules().GetForms()), func(f *policyv1.Form) bool {
		return f.GetAbout() != policyv1.About_ABOUT_COMPLAINT
	})
}

// expectAllocation refuses an allocation that is in none of the states.
func expectAllocation(x *compensationv1.Allocation, states ...compensationv1.Allocation_State) error {
	if slices.Contains(states, x.GetState()) {
		return nil
	}
	wanted := make([]string, len(states))
	for i, s := range states {
		wanted[i] = word(s)
	}
	return fault.New(fault.FailedPrecondition, ReasonAllocationState, "state", word(x.GetState()), "wanted", strings.Join(wanted, ", "), "because", "STATE", "name", x.GetName())
}

// DisputeAllocation records that a party objects; until that is decided the allocation is
// provisional. For a party that the pack knows as a department or role only its people
// may speak; for any other party whoever keeps the file.
//
// Faults: ALLOCATION_STATE, PARTY_UNKNOWN, DISPUTE_PARTY, GATE_CLOSED.
//
// Source: PROCEDURES P27 3.5.
func DisputeAllocation(x *compensationv1.Allocation, party, reason string, a Act) ([]AllocationEvent, error) {
	if err := expectAllocation(x, allocated, decided); err != nil {
		return nil, err
	}
	d := share(a, x)
	if parties := d.liability().GetParties(); !slices.Contains(parties, party) {
		return nil, fault.New(fault.Invalid, ReasonPartyUnknown, "party", party, "allowed", strings.Join(parties, ", "), "because", "CHOICE").
			WithViolations(fault.Violation{Field: "party", Reason: ReasonPartyUnknown})
	}
	if who := Speaker(a.Policy, party); who != "" && !a.is(who) {
		return nil, fault.New(fault.FailedPrecondition, ReasonDisputeParty, "who", who, "party", party, "because", "ROLE").With(d.rule()).
			WithViolations(fault.Violation{Field: who, Reason: "WHO"})
	}
	if f := closed(ReasonGate, d.Policy.Gate(policyv1.Act_ACT_DISPUTE, d.subject(""), d.sheet())); f != nil {
		return nil, f
	}
	d.allocation.State, d.allocation.Provisional = disputed, true
	d.allocation.Disputes = append(d.allocation.GetDisputes(), &compensationv1.Dispute{
		Party: party, Disputer: a.By.Name, DisputeTime: timestamppb.New(a.Now), Reason: reason, DisputeTo: d.liability().GetDisputeTo(), Rule: d.rule(),
	})
	d.tell(&compensationv1.LiabilityDisputed{}, d.rule())
	return d.events, nil
}

// Speaker returns who may speak for a party: the people of the department or the holders
// of the role of that id; empty for a party that is neither.
func Speaker(p *policy.Policy, party string) string {
	switch {
	case policy.ByID(p.Rules().GetDepartments(), party) != nil:
		return "anyone@" + party
	case policy.ByID(p.Rules().GetRoles(), party) != nil:
		return party
	}
	return ""
}

// DecideDispute ends the open dispute. Whoever allocated, or disputes, decides nothing.
// STANDS leaves the shares as they are; CHANGED shares out again, with other bases, other
// facts or both, and keeps the former shares on file.
//
// Faults: ALLOCATION_STATE, ALLOCATION_AUTHORITY, BASIS_INVALID (also for a change that
// changes nothing, and a verdict that should), FORM_INCOMPLETE, GATE_CLOSED.
//
// Source: PROCEDURES P27 3.5; PACK-SKETCH 1 principle 10.
func DecideDispute(x *compensationv1.Allocation, in *compensationv1.DecideDisputeRequest, a Act) ([]AllocationEvent, error) {
	if err := expectAllocation(x, disputed); err != nil {
		return nil, err
	}
	d := share(a, x)
	open := d.allocation.GetDisputes()[len(d.allocation.GetDisputes())-1]
	if who := open.GetDisputeTo(); who != "" && !a.is(who) || a.By.Name == open.GetDisputer() || a.By.Name == x.GetAllocatedBy() {
		return nil, d.unauthorised(who)
	}
	changes := len(in.GetBases())+len(in.GetFacts()) > 0
	if changes != (in.GetVerdict() == compensationv1.Verdict_VERDICT_CHANGED) {
		return nil, badBasis(0)
	}
	open.Verdict, open.Decider, open.DecideTime, open.Note = in.GetVerdict(), a.By.Name, timestamppb.New(a.Now), in.GetNote()
	d.allocation.State, d.allocation.Provisional = decided, false
	if !changes {
		d.tell(&compensationv1.DisputeDecided{}, d.rule())
		return d.events, nil
	}
	former := &compensationv1.FormerShares{Bases: x.GetBases(), Shares: x.GetShares(), EndTime: timestamppb.New(a.Now)}
	d.allocation.Former = append(d.allocation.GetFormer(), proto.CloneOf(former))
	bases := in.GetBases()
	if len(bases) == 0 {
		bases = x.GetBases()
	}
	if err := d.divide(bases, in.GetFacts()); err != nil {
		return nil, err
	}
	d.tell(&compensationv1.DisputeDecided{}, d.rule())
	d.tell(&compensationv1.LiabilityAllocated{}, d.rules()...)
	return d.events, nil
}

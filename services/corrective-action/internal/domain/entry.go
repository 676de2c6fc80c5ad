package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Party is whom an entry is booked to: people/{person} or departments/{department},
// and the department in whose account it counts.
type Party struct{ Name, Department string }

// Booking is everything about a new entry besides the rule.
type Booking struct {
	Name string
	To   Party
	// On is the complaint it arises from, with its number and data subject; empty if none.
	Complaint, CaseNumber, Subject string
	// Penalty notice it follows from; empty if none.
	Penalty string
	// Occurrence is how often the rule was booked to the party, this time included.
	Occurrence int32
	// Period is the month it counts in.
	Period string
	// Occurred is when what it is booked for happened; Cause is the resource it happened to.
	Occurred time.Time
	Cause    string
	// DoubledBy and ExemptedBy are rules that have doubled or excused it already.
	DoubledBy, ExemptedBy *typev1.RuleRef
	// Reason and Facts are the decider's, sealed.
	Reason   string
	Facts    map[string]*typev1.Fact
	Creator  string
	Revision string
}

// Book returns a new entry of the ledger.
//
// Source: PROCEDURES P19 10; P19-A4 (what is doubled is the deduction of that matter).
func Book(due policy.EntryDue, b Booking, now time.Time) *correctiveactionv1.Entry {
	def := due.Entry
	e := &correctiveactionv1.Entry{
		Name: b.Name, Entry: def.GetId(), Rule: proto.CloneOf(due.Rule), Kind: kindOf(def), State: correctiveactionv1.Entry_STATE_BOOKED,
		To: b.To.Name, Department: b.To.Department, Complaint: b.Complaint, CaseNumber: b.CaseNumber, Subject: b.Subject, Penalty: b.Penalty,
		BasePoints: int32(due.Points), Points: int32(due.Points), Account: def.GetAccount(), Fund: def.GetFund(), Notice: def.GetNotice(),
		Occurrence: b.Occurrence, Period: b.Period, OccurTime: timestamppb.New(b.Occurred), CreateTime: timestamppb.New(now), UpdateTime: timestamppb.New(now),
		Cause: b.Cause, Reason: b.Reason, Facts: b.Facts, Creator: b.Creator, PolicyRevision: b.Revision,
	}
	if due.Amount != nil {
		e.Amount = proto.CloneOf(due.Amount)
	}
	if b.DoubledBy != nil {
		e.DoubledBy, e.Points = proto.CloneOf(b.DoubledBy), 2*e.GetBasePoints()
	}
	if b.ExemptedBy != nil {
		e.ExemptedBy, e.Points, e.State = proto.CloneOf(b.ExemptedBy), 0, correctiveactionv1.Entry_STATE_EXEMPT
	}
	return e
}

func kindOf(def *policyv1.Entry) correctiveactionv1.Entry_Kind {
	if k, ok := correctiveactionv1.Entry_Kind_value["KIND_"+strings.TrimPrefix(def.GetKind().String(), "ENTRY_KIND_")]; ok && k != 0 {
		return correctiveactionv1.Entry_Kind(k)
	}
	return correctiveactionv1.Entry_KIND_RECORD
}

// Marks tells whether an entry of the pack books nothing itself: it doubles or excuses
// others of the same complaint, and stands in the ledger as a record of that.
func Marks(def *policyv1.Entry) bool {
	return len(def.GetDoubles())+len(def.GetExempts()) > 0 && len(def.GetTo()) == 0
}

// Double lets the points of an entry count twice; nil if they do already, or if it
// counts no longer by itself.
func Double(e *correctiveactionv1.Entry, by *typev1.RuleRef, now time.Time) *correctiveactionv1.Entry {
	if e.GetState() != correctiveactionv1.Entry_STATE_BOOKED || e.GetDoubledBy() != nil || e.GetBasePoints() == 0 {
		return nil
	}
	next := proto.CloneOf(e)
	next.DoubledBy, next.Points, next.UpdateTime = proto.CloneOf(by), 2*e.GetBasePoints(), timestamppb.New(now)
	return next
}

// Exempt excuses an entry; nil if it counts no longer by itself.
func Exempt(e *correctiveactionv1.Entry, by *typev1.RuleRef, now time.Time) *correctiveactionv1.Entry {
	if e.GetState() != correctiveactionv1.Entry_STATE_BOOKED {
		return nil
	}
	next := proto.CloneOf(e)
	next.ExemptedBy, next.Points, next.State, next.UpdateTime = proto.CloneOf(by), 0, correctiveactionv1.Entry_STATE_EXEMPT, timestamppb.New(now)
	return next
}

// Convert notes that the points of an entry became money.
func Convert(e *correctiveactionv1.Entry, into string, now time.Time) *correctiveactionv1.Entry {
	next := proto.CloneOf(e)
	next.State, next.ConvertedInto, next.UpdateTime = correctiveactionv1.Entry_STATE_CONVERTED, into, timestamppb.New(now)
	return next
}

// Pay records that a fine or reward was handed over. Faults: ENTRY_STATE, PAY_TIME.
func Pay(e *correctiveactionv1.Entry, at time.Time, a Act) (*correctiveactionv1.Entry, error) {
	if e.GetState() != correctiveactionv1.Entry_STATE_BOOKED || e.GetAmount() == nil {
		return nil, fault.New(fault.FailedPrecondition, ReasonEntryState, "because", "STATE", "state", word(e.GetState()), "name", e.GetName()).With(e.GetRule())
	}
	if at.IsZero() {
		at = a.Now
	}
	if at.After(a.Now) {
		return nil, fault.New(fault.Invalid, ReasonPayTime, "time", at.UTC().Format(time.RFC3339)).
			WithViolations(fault.Violation{Field: "pay_time", Reason: ReasonPayTime})
	}
	next := proto.CloneOf(e)
	next.State, next.PayTime, next.PaidBy, next.UpdateTime = correctiveactionv1.Entry_STATE_PAID, timestamppb.New(at), a.By.Name, timestamppb.New(a.Now)
	return next, nil
}

// Wish is what a person asks to be booked.
type Wish struct {
	// Entry of the pack.
	Entry string
	To    Party
	// Amount set; nil takes that of the pack.
	Amount *typev1.Money
	// Facts recorded with it.
	Facts map[string]*typev1.Fact
	// Eligible tells whether the party is one of who the rule books to; nil if it names nobody.
	Eligible func(who string) bool
	// Waive names a gate that is passed with a reason; empty if none.
	Waive, WaiveReason string
}

// Penalise decides whether a person may book an entry, and with what figure.
//
// Faults: ENTRY_UNKNOWN, FORM_INCOMPLETE, ENTRY_DECIDER (the pack names who sets the
// figure), GATE_CLOSED (gates, needs of the rule, its condition), ENTRY_PARTY,
// ENTRY_AMOUNT (outside the range, none given, or not to be set).
//
// Source: PROCEDURES P11 7.1, P15 R7 and 6, P25; K7 (bounds), K8 (exact).
func Penalise(w Wish, a Act) (policy.EntryDue, error) {
	none := policy.EntryDue{}
	def := policy.ByID(a.Policy.Rules().GetAssessment(), w.Entry)
	if def == nil || len(def.GetConverts()) > 0 || Marks(def) {
		return none, fault.New(fault.Invalid, ReasonEntryUnknown, "entry", w.Entry).WithViolations(fault.Violation{Field: "entry", Reason: ReasonEntryUnknown})
	}
	rule := a.Policy.Rule(w.Entry)
	if who := def.GetSetBy(); who != "" && !a.is(who) {
		return none, fault.New(fault.FailedPrecondition, ReasonEntryDecider, "because", "ROLE", "who", who).With(rule).WithViolations(fault.Violation{Field: who, Reason: "WHO"})
	}
	s := sheetFor(a, w)
	if def.GetIf() != "" {
		t, missing, err := a.Policy.Eval(def.GetIf(), s)
		if err != nil {
			return none, err
		}
		if t != policy.True {
			because := policyv1.Because_BECAUSE_GATE
			if t == policy.Unknown {
				because = policyv1.Because_BECAUSE_INCOMPLETE
			}
			return none, closed([]policy.Unmet{{Gate: rule, Need: policy.NeedThat, Because: because, Missing: missing}})
		}
	}
	due, ok := a.Policy.Entry(w.Entry, s)
	if !ok {
		return none, fault.New(fault.Invalid, ReasonEntryUnknown, "entry", w.Entry)
	}
	unmet := slices.DeleteFunc(a.Policy.Gate(policyv1.Act_ACT_PENALISE, a.subject(w.Entry), s), func(u policy.Unmet) bool {
		return w.Waive != "" && u.Gate.GetRule() == w.Waive && w.WaiveReason != "" && slices.ContainsFunc(u.Waiver.GetBy(), a.is)
	})
	unmet = append(unmet, due.Unmet...)
	if len(due.Missing) > 0 {
		unmet = append(unmet, policy.Unmet{Gate: rule, Need: policy.NeedFact, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: due.Missing})
	}
	if err := closed(unmet); err != nil {
		return none, err
	}
	if w.Eligible != nil && len(def.GetTo()) > 0 && !slices.ContainsFunc(def.GetTo(), w.Eligible) {
		return none, fault.New(fault.FailedPrecondition, ReasonEntryParty, "because", "ROLE", "who", strings.Join(def.GetTo(), ", ")).With(rule).
			WithViolations(fault.Violation{Field: "to", Reason: ReasonEntryParty})
	}
	due.Amount, ok = figure(due, w.Amount)
	if !ok {
		from, to := due.From.GetAmount(), due.UpTo.GetAmount()
		return none, fault.New(fault.FailedPrecondition, ReasonEntryAmount, "because", "AMOUNT", "rule", w.Entry, "amount", w.Amount.GetAmount(), "from", from, "to", to).With(rule).
			WithViolations(fault.Violation{Field: "amount", Reason: ReasonEntryAmount})
	}
	return due, nil
}

// sheetFor is what the rule may read: the entry as it would be booked, and the facts
// given with it.
func sheetFor(a Act, w Wish) *policy.Sheet {
	base := a.Sheet
	if base == nil {
		base = &policy.Sheet{}
	}
	return sheet.WithEntry(base, &correctiveactionv1.Entry{Entry: w.Entry, To: w.To.Name, Facts: w.Facts})
}

// figure returns the amount to book; ok is false for one that the pack does not allow.
func figure(due policy.EntryDue, wish *typev1.Money) (amount *typev1.Money, ok bool) {
	kind := due.Entry.GetKind()
	takesMoney := kind == policyv1.EntryKind_ENTRY_KIND_FINE || kind == policyv1.EntryKind_ENTRY_KIND_REWARD
	switch {
	case wish == nil:
		return due.Amount, due.Amount != nil || !takesMoney
	case !takesMoney:
		return nil, false
	}
	set, err := money.Parse(wish)
	if err != nil || set.IsZero() {
		return nil, false
	}
	for _, bound := range []struct {
		of *typev1.Money
		ok func(cmp int) bool
	}{
		{due.Amount, func(c int) bool { return c == 0 }},
		{due.From, func(c int) bool { return c >= 0 }},
		{due.UpTo, func(c int) bool { return c <= 0 }},
	} {
		if bound.of == nil {
			continue
		}
		limit, err := money.Parse(bound.of)
		if err != nil {
			return nil, false
		}
		if order, err := set.Cmp(limit); err != nil || !bound.ok(order) {
			return nil, false
		}
	}
	return set.Format(), true
}

// Sum adds entries up. Points deducted and bonus points are never set off against each
// other; what is excused counts nothing, and points that became money count as points
// still.
//
// Source: PROCEDURES P19-A5 (gross).
func Sum(entries []*correctiveactionv1.Entry) (*correctiveactionv1.Ledger, error) {
	out := &correctiveactionv1.Ledger{Funds: map[string]*typev1.Money{}, Accounts: map[string]*typev1.Money{}, Records: map[string]int32{}}
	zero := &typev1.Money{CurrencyCode: money.CNY, Amount: "0.00"}
	out.Fines, out.Rewards, out.Paid = zero, zero, zero
	for _, e := range entries {
		out.Entries++
		if e.GetState() == correctiveactionv1.Entry_STATE_EXEMPT {
			continue
		}
		if p := e.GetPoints(); p < 0 {
			out.Deducted -= p
		} else {
			out.Bonus += p
		}
		if e.GetKind() == correctiveactionv1.Entry_KIND_RECORD {
			out.Records[e.GetEntry()]++
		}
		if e.GetAmount() == nil {
			continue
		}
		var sums []**typev1.Money
		switch e.GetKind() {
		case correctiveactionv1.Entry_KIND_FINE:
			sums = append(sums, &out.Fines)
			if e.GetState() == correctiveactionv1.Entry_STATE_PAID {
				sums = append(sums, &out.Paid)
			}
			for of, key := range map[*map[string]*typev1.Money]string{&out.Funds: e.GetFund(), &out.Accounts: e.GetAccount()} {
				if key == "" {
					continue
				}
				total, err := plus((*of)[key], e.GetAmount())
				if err != nil {
					return nil, err
				}
				(*of)[key] = total
			}
		case correctiveactionv1.Entry_KIND_REWARD:
			sums = append(sums, &out.Rewards)
		}
		for _, sum := range sums {
			total, err := plus(*sum, e.GetAmount())
			if err != nil {
				return nil, err
			}
			*sum = total
		}
	}
	return out, nil
}

func plus(a, b *typev1.Money) (*typev1.Money, error) {
	if a == nil {
		return proto.CloneOf(b), nil
	}
	x, err := money.Parse(a)
	if err != nil {
		return nil, err
	}
	y, err := money.Parse(b)
	if err != nil {
		return nil, err
	}
	z, err := x.Add(y)
	return z.Format(), err
}

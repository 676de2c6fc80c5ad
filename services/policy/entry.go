package policy

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kitmoney "example.com/redress/services/kit/money"
)

// EntryDue is an entry of the assessment that is to be booked, or that doubles or cancels others of
// the same complaint.
type EntryDue struct {
	Entry *policyv1.Entry
	Rule  *typev1.RuleRef
	// Points is the figure of an entry in points; Amount that of one in money, nil if a person sets it.
	Points int64
	Amount *typev1.Money
	// From and UpTo bound what a person may set, both included; nil if there is no bound.
	From, UpTo *typev1.Money
	// SetBy is who sets the figure; empty if the rule does.
	SetBy string
	// Unmet is what must be so before it is booked; with any it waits.
	Unmet []Unmet
	// Missing names the facts without which the figure is not known.
	Missing []string
}

// Ready tells that it can be booked at once: nothing is unmet or missing, and the rule fixes the
// figure.
func (e EntryDue) Ready() bool {
	return len(e.Unmet)+len(e.Missing) == 0 && e.SetBy == ""
}

// Entries returns the entries that an event brings about, in the order of the pack: those that it
// books, and those that double or cancel others (Entry.doubles and Entry.exempts name them). One
// whose condition is unknown is not among them; On lists it as pending.
//
// Source: PACK-SKETCH.md 2.2 Entry, 2.7.
func (p *Policy) Entries(event, id string, s *Sheet) []EntryDue {
	var out []EntryDue
	for _, e := range p.live.GetAssessment() {
		for _, t := range e.GetWhen() {
			if t.GetEvent() != policyv1.Event(policyv1.Event_value["EVENT_"+event]) || t.GetId() != "" && t.GetId() != id {
				continue
			}
			if yes, _ := p.words.over(s).both(p.condition(t.GetIf()), p.condition(e.GetIf())); yes == True {
				out = append(out, p.entry(e, s))
				break
			}
		}
	}
	return out
}

// Entry returns one entry as it would be booked now, for a do that names it; ok is false if the pack
// has none of that id, or its condition does not hold.
func (p *Policy) Entry(id string, s *Sheet) (due EntryDue, ok bool) {
	e := ByID(p.live.GetAssessment(), id)
	if e == nil {
		return EntryDue{}, false
	}
	if t, _ := p.holds(e.GetIf(), s); t != True {
		return EntryDue{}, false
	}
	return p.entry(e, s), true
}

func (p *Policy) entry(e *policyv1.Entry, s *Sheet) EntryDue {
	if s == nil {
		s = &Sheet{}
	}
	out := EntryDue{Entry: e, Rule: p.Rule(e.GetId()), Amount: cny(e.GetAmount()), From: cny(e.GetFrom()), UpTo: cny(e.GetUpTo()), SetBy: e.GetSetBy()}
	out.Points, _ = countOf(e.GetPoints())
	if e.GetShare() != "" {
		out.Amount, out.Missing = shareOfFact(e.GetShare(), e.GetOf(), s)
	}
	g := &gatekeeper{p: p, s: s, rule: out.Rule}
	g.needs(e.GetNeeds())
	out.Unmet = g.out
	return out
}

// shareOfFact returns a share of a MONEY fact to the fen; half a fen and more counts as one.
func shareOfFact(share, fact string, s *Sheet) (*typev1.Money, []string) {
	m, ok := s.Facts[fact].GetValue().(*typev1.Fact_Money)
	if !ok {
		return nil, []string{fact}
	}
	whole, err := kitmoney.Parse(m.Money)
	if err != nil {
		return nil, []string{fact}
	}
	part, err := kitmoney.ParseShare(share)
	if err != nil {
		return nil, []string{share}
	}
	parts, err := whole.Split(int64(part), int64(kitmoney.Whole-part))
	if err != nil {
		return nil, []string{fact}
	}
	return parts[0].Format(), nil
}

// Converts returns the entries that turn others into money at the end of a period, in the order of
// the pack.
//
// Source: PACK-SKETCH.md 2.2 Entry (converts); PROCEDURES.md P19 10, P19-A5.
func (p *Policy) Converts(every policyv1.Every) []*policyv1.Entry {
	var out []*policyv1.Entry
	for _, e := range p.live.GetAssessment() {
		if e.GetEvery() == every && len(e.GetConverts()) > 0 {
			out = append(out, e)
		}
	}
	return out
}

// Converted returns what the points of a period become in money: the entry's amount for each point
// deducted. Bonus points take nothing off (gross). points holds the points of the entries that
// converts names, booked to one department or person.
func (p *Policy) Converted(e *policyv1.Entry, points []int64) (*typev1.Money, error) {
	each, err := kitmoney.ParseText(kitmoney.CNY, e.GetAmount())
	if err != nil {
		return nil, err
	}
	var gross int64
	for _, n := range points {
		gross += max(-n, 0)
	}
	total, err := each.Times(gross)
	if err != nil {
		return nil, err
	}
	return total.Format(), nil
}

// Doubles tells whether an entry doubles or cancels another one of the same complaint.
func Doubles(e *policyv1.Entry, other string) (doubles, exempts bool) {
	return slices.Contains(e.GetDoubles(), other), slices.Contains(e.GetExempts(), other)
}

func shareOf(text string) (int64, bool) {
	s, err := kitmoney.ParseShare(text)
	return int64(s), err == nil
}

package app

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// Decided is what a person adds to an entry they decide on.
type Decided struct {
	To     domain.Party
	Reason string
	Facts  map[string]*typev1.Fact
	// Subject whose key seals the texts.
	Subject string
}

// Book books an entry of the pack to everybody whom it is for, once for its Source, and
// lets follow what the pack says about it: it may reach a counter, which may book
// another. name is that of the one entry a person decided on; empty derives one for each
// party.
//
// Source: PROCEDURES P19 10, P25 art. 2.
func (k *Desk) Book(u *journal.Unit, sc *Scene, due policy.EntryDue, name string, by *Decided) error {
	if domain.Marks(due.Entry) {
		return k.markMatter(u, sc, due)
	}
	parties := sc.parties(due.Entry.GetTo())
	if by != nil {
		parties = []domain.Party{by.To}
	}
	if len(parties) == 0 {
		parties = []domain.Party{{}}
	}
	for _, p := range parties {
		at := name
		if at == "" {
			at = "entries/" + ordered(sc.At, sc.depth, sc.Source+"#"+due.Entry.GetId()+"#"+p.Name)
		}
		if err := k.book(u, sc, due, at, p, by); err != nil {
			return err
		}
	}
	return nil
}

func (k *Desk) book(u *journal.Unit, sc *Scene, due policy.EntryDue, name string, to domain.Party, by *Decided) error {
	if _, err := u.Get(name, &correctiveactionv1.Entry{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	b := domain.Booking{
		Name: name, To: to, Complaint: sc.Complaint.GetName(), CaseNumber: sc.Complaint.GetNumber(), Subject: sc.Complaint.GetSubject(), Penalty: sc.Penalty,
		Occurred: sc.At, Cause: sc.Cause, Creator: sc.By, Revision: sc.Revision,
	}
	if b.Creator == "" {
		b.Creator = Principal
	}
	if by != nil {
		b.Reason, b.Facts, b.Subject = by.Reason, by.Facts, by.Subject
	}
	if to.Name != "" {
		n, err := u.Serial("occurrence/" + sc.Policy.Rules().GetPack() + "/" + due.Entry.GetId() + "/" + to.Name)
		if err != nil {
			return err
		}
		b.Occurrence = int32(n)
	}
	var err error
	if b.DoubledBy, b.ExemptedBy, err = k.marked(u, sc, due.Entry.GetId()); err != nil {
		return err
	}
	counted, err := k.openPeriods(u, sc, due.Entry.GetId())
	if err != nil {
		return err
	}
	b.Period = month(sc, counted)
	return k.enter(u, sc, due.Entry, domain.Book(due, b, u.Time()))
}

// enter stores a new entry with its clock, counts it, and lets follow what it brings.
func (k *Desk) enter(u *journal.Unit, sc *Scene, def *policyv1.Entry, e *correctiveactionv1.Entry) error {
	if def.GetPayWithin() != "" && e.GetAmount() != nil {
		c, err := clocks.Start(u, clocks.Spec{
			Subject: e.GetName(), Complaint: e.GetComplaint(), Kind: def.GetId(), Rule: e.GetRule(), Revision: e.GetPolicyRevision(),
			LimitText: def.GetPayWithin(), Start: e.GetCreateTime().AsTime(), Calendar: sc.Policy.Calendar(), OwedBy: owedBy(e), Round: 1,
		})
		if err != nil {
			return err
		}
		e.Clock, e.PayDueTime = c.GetName(), c.GetDueTime()
	}
	because(u, e.GetRule(), e.GetDoubledBy(), e.GetExemptedBy())
	if err := u.Create(e.GetName(), e, &correctiveactionv1.EntryMade{}); err != nil {
		return err
	}
	if sc.booked != nil {
		*sc.booked = append(*sc.booked, e.GetName())
	}
	next := sc.ofEntry(e)
	if err := k.count(u, next, policyv1.Of_OF_ENTRIES, weight(e.GetPoints()), thing(e)); err != nil {
		return err
	}
	_, err := k.Follow(u, next, trigger.Trigger{Event: policyv1.Event_EVENT_ENTRY_MADE, ID: e.GetEntry()})
	return err
}

func owedBy(e *correctiveactionv1.Entry) []string {
	if e.GetTo() == "" {
		return nil
	}
	return []string{e.GetTo()}
}

// ofEntry is the scene of what follows from an entry.
func (sc *Scene) ofEntry(e *correctiveactionv1.Entry) *Scene {
	next := sc.With(sheet.WithEntry(sc.Sheet, e))
	next.Cause, next.Source, next.depth = e.GetName(), e.GetName()+"#made", sc.depth+1
	return next
}

func thing(e *correctiveactionv1.Entry) Thing {
	t := Thing{Name: e.GetName(), Department: e.GetDepartment(), State: e, Counted: e.GetTo()}
	if strings.HasPrefix(e.GetTo(), "people/") {
		t.Person = e.GetTo()
	}
	return t
}

// weight is what an entry adds to a count of points; one for entries without.
func weight(points int32) int64 {
	if points == 0 {
		return 1
	}
	return int64(max(points, -points))
}

// markMatter notes, once for the complaint, that its entries are doubled or excused,
// and changes those that stand in the ledger already.
//
// Source: PROCEDURES P19-A4.
func (k *Desk) markMatter(u *journal.Unit, sc *Scene, due policy.EntryDue) error {
	complaint := sc.Complaint.GetName()
	if complaint == "" {
		return nil
	}
	name := markName(complaint, due.Entry.GetId())
	if _, err := u.Get(name, &correctiveactionv1.Entry{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	e := domain.Book(due, domain.Booking{
		Name: name, Complaint: complaint, CaseNumber: sc.Complaint.GetNumber(), Subject: sc.Complaint.GetSubject(), Occurred: sc.At, Cause: sc.Cause,
		Creator: Principal, Revision: sc.Revision, Period: month(sc, sc.At),
	}, u.Time())
	because(u, due.Rule)
	if err := u.Create(name, e, &correctiveactionv1.EntryMade{}); err != nil {
		return err
	}
	names, err := u.Find(Entries, journal.Attr{Name: AttrComplaint, Value: complaint})
	if err != nil {
		return err
	}
	for _, other := range names {
		if err := k.change(u, sc, other, due); err != nil {
			return err
		}
	}
	return nil
}

func markName(complaint, rule string) string { return "entries/" + derived(complaint+"#"+rule) }

// change doubles or excuses one entry, if the rule names it.
func (k *Desk) change(u *journal.Unit, sc *Scene, name string, due policy.EntryDue) error {
	e := &correctiveactionv1.Entry{}
	if _, err := u.Get(name, e); err != nil {
		return err
	}
	doubles, exempts := policy.Doubles(due.Entry, e.GetEntry())
	if e.GetTo() == "" || !doubles && !exempts {
		return nil
	}
	if e.GetState() == correctiveactionv1.Entry_STATE_CONVERTED {
		return k.correct(u, sc, e, due, doubles)
	}
	next, change := domain.Exempt(e, due.Rule, u.Time()), proto.Message(&correctiveactionv1.EntryExempted{})
	if doubles {
		next, change = domain.Double(e, due.Rule, u.Time()), &correctiveactionv1.EntryDoubled{}
	}
	if next == nil {
		return nil
	}
	because(u, due.Rule, e.GetRule())
	if err := u.Update(name, next, change); err != nil {
		return err
	}
	scene := sc.ofEntry(next)
	scene.Source = name + "#" + due.Entry.GetId()
	more := abs(next.GetPoints()) - abs(e.GetPoints())
	return k.count(u, scene, policyv1.Of_OF_ENTRIES, more, thing(next))
}

// correct sets right what was turned into money before it was doubled or excused: as
// many points more or fewer count in the month at hand. Money booked is never taken back.
func (k *Desk) correct(u *journal.Unit, sc *Scene, e *correctiveactionv1.Entry, due policy.EntryDue, doubles bool) error {
	if !doubles || e.GetDoubledBy() != nil {
		return nil
	}
	name := "entries/" + ordered(sc.At, sc.depth, e.GetName()+"#"+due.Entry.GetId())
	if _, err := u.Get(name, &correctiveactionv1.Entry{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	counted, err := k.openPeriods(u, sc, e.GetEntry())
	if err != nil {
		return err
	}
	next := proto.CloneOf(e)
	next.Name, next.Etag, next.State, next.ConvertedInto, next.Cause = name, "", correctiveactionv1.Entry_STATE_BOOKED, "", e.GetName()
	next.DoubledBy, next.Points, next.Period = proto.CloneOf(due.Rule), e.GetBasePoints(), month(sc, counted)
	next.OccurTime, next.CreateTime, next.UpdateTime = stamp(sc.At), stamp(u.Time()), stamp(u.Time())
	return k.enter(u, sc, &policyv1.Entry{}, next)
}

func abs(n int32) int64 { return int64(max(n, -n)) }

// marked returns the rules that have doubled or excused the matter of the complaint.
func (k *Desk) marked(u *journal.Unit, sc *Scene, entry string) (doubled, exempted *typev1.RuleRef, err error) {
	complaint := sc.Complaint.GetName()
	if complaint == "" {
		return nil, nil, nil
	}
	for _, def := range sc.Policy.Rules().GetAssessment() {
		doubles, exempts := policy.Doubles(def, entry)
		if !doubles && !exempts {
			continue
		}
		_, err := u.Get(markName(complaint, def.GetId()), &correctiveactionv1.Entry{})
		if fault.KindOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if doubles {
			doubled = sc.Policy.Rule(def.GetId())
		}
		if exempts {
			exempted = sc.Policy.Rule(def.GetId())
		}
	}
	return doubled, exempted, nil
}

// parties are whom a rule books to.
func (sc *Scene) parties(to []string) []domain.Party {
	var out []domain.Party
	add := func(p domain.Party) {
		if p.Name != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, who := range to {
		role, place, placed := strings.Cut(who, "@")
		switch {
		case role == "department":
			if !placed {
				place = "responsible"
			}
			for _, d := range sc.places(place) {
				add(domain.Party{Name: d, Department: d})
			}
		case who == "counted" && strings.HasPrefix(sc.Counted, "departments/"):
			add(domain.Party{Name: sc.Counted, Department: sc.Counted})
		default:
			if d := sc.Sheet.Facts[who].GetDepartment(); d != "" && !placed {
				add(domain.Party{Name: d, Department: d})
				continue
			}
			home := ""
			if placed {
				if at := sc.places(place); len(at) == 1 {
					home = at[0]
				}
			}
			for _, person := range sc.Directory.Holders(who, sc.At, sc.Places) {
				add(sc.Party(person, home))
			}
		}
	}
	return out
}

// Party is a person or department as entries name it; home is the department it counts
// for, where that is known.
func (sc *Scene) Party(name, home string) domain.Party {
	if strings.HasPrefix(name, "departments/") {
		return domain.Party{Name: name, Department: name}
	}
	if home == "" {
		if all := sc.Directory.DepartmentsOf(name, sc.At); len(all) > 0 {
			home = "departments/" + all[0]
		}
	}
	return domain.Party{Name: name, Department: home}
}

// Eligible tells whether a party is one of who a rule books to.
func (sc *Scene) Eligible(p domain.Party) func(who string) bool {
	return func(who string) bool {
		if strings.HasPrefix(p.Name, "departments/") {
			return slices.Contains(sc.parties([]string{who}), p)
		}
		if strings.HasPrefix(who, "department@") || who == "department" {
			return false
		}
		ok, behalf := sc.Directory.Match(p.Name, who, sc.At, sc.Places)
		return ok && behalf == ""
	}
}

// places returns the departments that a word after @ stands for.
func (sc *Scene) places(word string) []string {
	p := sc.Places
	one := map[string]string{"respondent": p.Respondent, "receiving": p.Receiving, "disputing": p.Disputing, "counted": p.Counted}
	out := p.Responsible
	if word != "responsible" {
		d, variable := one[word]
		if !variable {
			d = word
		}
		out = []string{d}
	}
	var named []string
	for _, d := range out {
		if d != "" {
			named = append(named, "departments/"+strings.TrimPrefix(d, "departments/"))
		}
	}
	return named
}

// month is that of an instant in the zone of the pack.
func month(sc *Scene, at time.Time) string {
	return at.In(sc.Policy.Calendar().Location()).Format("2006-01")
}

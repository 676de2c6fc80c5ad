// Package app carries decisions on claims out: it gathers what a decision looks at,
// stores the events it leads to, and keeps the fence round a complaint's money. It
// decides nothing.
//
// Package rpc uses it for acts of people, package react for events of other services.
// Start reading at [Desk.Act], then [Fence].
//
// Source: DESIGN sections 3 and 4.
package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
)

// Desk prepares decisions. Safe for concurrent use.
type Desk struct{ policies *revisions.Revisions }

// New returns a desk that takes its policies from the cache given.
func New(policies *revisions.Revisions) *Desk { return &Desk{policies: policies} }

// Source is where resources of other services and policies are read: a unit, or a
// journal outside of one.
type Source interface {
	revisions.Source
	// Heard reads another service's resource as last heard of; false if nothing was.
	Heard(name string, into proto.Message) (bool, error)
}

// InUnit reads inside a decision.
func InUnit(u *journal.Unit) Source { return unitSource{revisions.Unit{U: u}} }

type unitSource struct{ revisions.Unit }

// Heard implements [Source].
func (s unitSource) Heard(name string, into proto.Message) (bool, error) {
	_, ok, err := s.U.Projection(name, into)
	return ok, err
}

// Outside reads outside of any decision.
func Outside(j revisions.Journal) Source { return journalSource{j} }

type journalSource struct{ revisions.Journal }

// Heard implements [Source].
func (s journalSource) Heard(name string, into proto.Message) (bool, error) {
	_, ok, err := s.J.Projection(s.Context, s.Organization, name, into)
	return ok, err
}

// Actor is who acts and when.
type Actor struct {
	// Directory says who is who.
	Directory *directory.Directory
	// Principal acts.
	Principal string
	// Now is when.
	Now time.Time
	// Disputing is the department that disputes, departments/{department}; empty if none does.
	Disputing string
}

// Act returns what a decision on a claim of the complaint looks at, and the complaint.
// RESOURCE_NOT_FOUND if the complaint, or the policy revision, has not been heard of.
func (k *Desk) Act(s Source, complaint, revision string, by Actor) (domain.Act, *intakev1.Complaint, error) {
	return k.File(s, complaint, CaseOf(complaint), revision, by)
}

// File is Act for a file that may have no complaint yet: goods that were reported before
// anybody complained. Without a complaint the revision must be named, and nil is returned
// for it.
func (k *Desk) File(s Source, complaint, file, revision string, by Actor) (domain.Act, *intakev1.Complaint, error) {
	var c *intakev1.Complaint
	if complaint != "" {
		c = &intakev1.Complaint{}
		ok, err := s.Heard(complaint, c)
		if err != nil {
			return domain.Act{}, nil, err
		}
		if !ok {
			return domain.Act{}, nil, fault.New(fault.NotFound, journal.ReasonNotFound, "name", complaint)
		}
	}
	if revision == "" {
		revision = c.GetPolicyRevision()
	}
	p, err := k.policies.Get(s, revision)
	if err != nil {
		return domain.Act{}, nil, err
	}
	kase := &routingv1.Case{}
	ok, err := s.Heard(file, kase)
	if err != nil {
		return domain.Act{}, nil, err
	}
	if !ok {
		kase = nil
	}
	places := Places(p, kase)
	places.Respondent, places.Disputing = c.GetRespondent(), by.Disputing
	for id, f := range c.GetFacts() {
		if f.GetPerson() != "" {
			if places.Persons == nil {
				places.Persons = map[string][]string{}
			}
			places.Persons[id] = []string{f.GetPerson()}
		}
	}
	act := domain.Act{Policy: p, Sheet: sheet.Of(c, kase), Now: by.Now, Documents: documents(c), By: Person(by, by.Principal, places)}
	if by.Directory != nil {
		act.Recused = by.Directory.Recused(p.Concerned(act.Sheet), by.Now)
	}
	if in, ok := s.(unitSource); ok {
		act.Warned = in.U.Warn
	}
	return act, c, nil
}

// Active returns the policy in force and the name of its revision. NO_ACTIVE_POLICY.
func (k *Desk) Active(s Source) (*policy.Policy, string, error) {
	p, r, err := k.policies.Active(s)
	return p, r.GetName(), err
}

// Person is somebody as the directory knows them when somebody acts.
func Person(by Actor, name string, places directory.Places) domain.Person {
	return domain.Person{Name: name, Matches: func(who string) (bool, string) {
		return by.Directory.Match(name, who, by.Now, places)
	}}
}

// documents are the papers on file of a complaint.
func documents(c *intakev1.Complaint) []policy.Document {
	out := make([]policy.Document, 0, len(c.GetDocuments()))
	for _, d := range c.GetDocuments() {
		out = append(out, policy.Document{ID: d.GetDocument(), SignedBy: d.GetSignedBy(), Late: d.GetLate()})
	}
	return out
}

// Places says what the variable words of a who stand for in a case; nil if it is unknown.
func Places(p *policy.Policy, kase *routingv1.Case) directory.Places {
	return directory.Places{
		Responsible: kase.GetDepartments(), Owner: kase.GetOwner(),
		Designees: func(role string) bool {
			for _, r := range p.Rules().GetRoles() {
				if r.GetId() == role {
					return r.GetDesignee()
				}
			}
			return false
		},
	}
}

// Still returns whether signatories hold, by the directory now, the roles they signed
// in: who represented somebody counts as long as the represented holds the role and both
// are active, also where the delegation has ended since.
func Still(d *directory.Directory, now time.Time, places directory.Places) domain.Still {
	return func(s *typev1.Signature) bool {
		holder := s.GetPerson()
		if s.GetOnBehalfOf() != "" {
			holder = s.GetOnBehalfOf()
		}
		ok, _ := d.Match(holder, s.GetWho(), now, places)
		return ok && d.Active(s.GetPerson())
	}
}

// CaseOf returns the name of a complaint's case: they share their id.
func CaseOf(complaint string) string { return "cases/" + strings.TrimPrefix(complaint, "complaints/") }

// SubjectID returns the id of the data subject whose key seals the claim's texts.
func SubjectID(subject string) string { return strings.TrimPrefix(subject, "subjects/") }

// Store writes the events of one decision, the first as a new resource if made is set.
func Store[R domain.Resource](u *journal.Unit, made bool, events []domain.EventOf[R]) error {
	for i, e := range events {
		u.Because(e.Rules...)
		write := u.Update
		if made && i == 0 {
			write = u.Create
		}
		if err := write(e.State.GetName(), e.State, e.Change); err != nil {
			return err
		}
	}
	return nil
}

// tally returns the key of the fence round a complaint's money.
func tally(complaint string) string { return "hold/" + complaint }

// Fence refuses with CLAIM_HELD while the complaint's claims are held. It writes what it
// read, so that whoever holds or passes at the same time, in whatever process, takes
// effect one after the other.
//
// Source: DESIGN section 4 (money is fenced).
func Fence(u *journal.Unit, complaint string) error {
	hold, err := HoldOf(u, complaint)
	if err != nil {
		return err
	}
	if hold.GetReason() != "" {
		return domain.Held(hold.GetReason())
	}
	return u.SetTally(tally(complaint), hold)
}

// HoldOf returns the hold on a complaint's claims; without a reason there is none.
func HoldOf(u *journal.Unit, complaint string) (*compensationv1.Hold, error) {
	hold := &compensationv1.Hold{}
	return hold, u.Tally(tally(complaint), hold)
}

// SetHold puts up or, without a reason, takes down the fence.
func SetHold(u *journal.Unit, complaint string, hold *compensationv1.Hold) error {
	return u.SetTally(tally(complaint), hold)
}

// ClaimsOf returns all claims of a complaint as they are in the unit, so that they can
// be updated.
func ClaimsOf(u *journal.Unit, complaint string) ([]*compensationv1.Claim, error) {
	names, err := u.Find(Claims, journal.Attr{Name: AttrComplaint, Value: complaint})
	if err != nil {
		return nil, err
	}
	out := make([]*compensationv1.Claim, 0, len(names))
	for _, name := range names {
		c := &compensationv1.Claim{}
		if _, err := u.Get(name, c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Related returns the names of the others that ask for compensation for the same
// cause: a cause in common, or, where one names none, the same ground. Splitting a
// claim may evade a tier, so it is reported, not refused.
//
// Source: PROCEDURES P02-A6.
func Related(name string, terms *compensationv1.Claim, all []*compensationv1.Claim) []string {
	var out []string
	for _, o := range all {
		if o.GetName() == name || o.GetState() == compensationv1.Claim_STATE_WITHDRAWN {
			continue
		}
		common := slices.ContainsFunc(terms.GetCauses(), func(c string) bool { return slices.Contains(o.GetCauses(), c) })
		if common || (len(terms.GetCauses()) == 0 || len(o.GetCauses()) == 0) && terms.GetGround() == o.GetGround() {
			out = append(out, o.GetName())
		}
	}
	slices.Sort(out)
	return out
}

// Serials of what is numbered: the letter before the number and the name of the row.
const (
	ClaimNumbers      = "K claim"
	GoodsNumbers      = "G goods"
	AllocationNumbers = "L allocation"
)

// Number returns the next readable number of a kind, "K20260413-000001": the date in the
// zone given, then a serial within date and shard, so that lanes do not wait for each other.
func Number(u *journal.Unit, zone *time.Location, shard int, of string) (string, error) {
	letter, kind, _ := strings.Cut(of, " ")
	date := u.Time().In(zone).Format("20060102")
	serial, err := u.Serial(fmt.Sprintf("number/%s/%s/%02d", kind, date, shard))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%s-%02d%04d", letter, date, shard, serial), nil
}

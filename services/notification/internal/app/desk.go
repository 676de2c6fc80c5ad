package app

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
)

// Desk runs decisions. Safe for concurrent use.
type Desk struct {
	policies *revisions.Revisions
	links    Links
	ways     domain.Channels

	directories *directory.Units
}

// New returns a desk that makes links with links and may send by the ways given.
func New(policies *revisions.Revisions, links Links, ways domain.Channels) *Desk {
	return &Desk{policies: policies, links: links, ways: ways, directories: directory.NewUnits()}
}

// Policies returns the compiled policies.
func (d *Desk) Policies() *revisions.Revisions { return d.policies }

// Links returns the maker of survey links.
func (d *Desk) Links() Links { return d.links }

// Need says what a decision waits for; the zero value is nothing.
type Need struct {
	// Complaint or its case has not been heard of.
	Complaint bool
	// Revision of the pack has not been heard of.
	Revision string
	// Facts that nobody has recorded.
	Facts []string
}

// Nothing reports that nothing is waited for.
func (n Need) Nothing() bool { return !n.Complaint && n.Revision == "" && len(n.Facts) == 0 }

// known is what has been heard of a complaint.
type known struct {
	complaint *intakev1.Complaint
	kase      *routingv1.Case // nil if not heard of
	policy    *policy.Policy
	// party is the department and the person that an event is about.
	party party
}

// party is whom an event is about, beside the complaint's own departments and people:
// who an entry is booked to, whom a watch or a duty stands at.
type party struct{ department, person string }

// partyOf returns whom a state is about.
func partyOf(m proto.Message) party {
	named := func(name string) party {
		if strings.HasPrefix(name, "people/") {
			return party{person: name}
		}
		return party{department: name}
	}
	switch s := m.(type) {
	case *correctiveactionv1.Entry:
		p := named(s.GetTo())
		if s.GetDepartment() != "" {
			p.department = s.GetDepartment()
		}
		return p
	case *correctiveactionv1.Duty:
		return named(s.GetCounted())
	case *correctiveactionv1.DepartmentFile:
		return party{department: s.GetDepartment()}
	case *reportingv1.Watched:
		return named(s.GetPer())
	case *intakev1.Praise:
		return party{department: s.GetDepartment(), person: s.GetEmployee()}
	}
	return party{}
}

// outside is what is known of what belongs to no complaint: the pack it falls under.
func (d *Desk) outside(u *journal.Unit, revision string) (*known, Need, error) {
	k := &known{complaint: &intakev1.Complaint{}}
	var err error
	k.policy, err = d.policies.Get(revisions.Unit{U: u}, revision)
	if fault.ReasonOf(err) == journal.ReasonNotFound {
		return nil, Need{Revision: revision}, nil
	}
	return k, Need{}, err
}

// look gathers what is known of a complaint; needCase says that the case must be known too.
func (d *Desk) look(u *journal.Unit, complaint string, needCase bool) (*known, Need, error) {
	k := &known{complaint: &intakev1.Complaint{}, kase: &routingv1.Case{}}
	_, ok, err := u.Projection(complaint, k.complaint)
	if err != nil || !ok {
		return nil, Need{Complaint: !ok}, err
	}
	if _, ok, err = u.Projection(CaseName(complaint), k.kase); err != nil {
		return nil, Need{}, err
	} else if !ok {
		k.kase = nil
		if needCase {
			return nil, Need{Complaint: true}, nil
		}
	}
	k.policy, err = d.policies.Get(revisions.Unit{U: u}, k.complaint.GetPolicyRevision())
	if fault.ReasonOf(err) == journal.ReasonNotFound {
		return nil, Need{Revision: k.complaint.GetPolicyRevision()}, nil
	}
	return k, Need{}, err
}

func (k *known) sheet() *policy.Sheet {
	if k.complaint.GetName() == "" {
		return sheet.Of(nil, nil)
	}
	return sheet.Of(k.complaint, k.kase)
}

// final reports that nothing more is recorded about the complaint.
func (k *known) final() bool {
	switch k.complaint.GetState() {
	case intakev1.Complaint_STATE_WITHDRAWN, intakev1.Complaint_STATE_CLOSED, intakev1.Complaint_STATE_ARCHIVED:
		return true
	}
	return false
}

// states reads all projections of a kind.
func states[T any, M interface {
	*T
	proto.Message
}](u *journal.Unit, pattern string, where ...journal.Attr) ([]M, error) {
	rows, err := u.Projections(pattern, where...)
	if err != nil {
		return nil, err
	}
	out := make([]M, 0, len(rows))
	for _, row := range rows {
		m := M(new(T))
		if err := proto.Unmarshal(row.State, m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// places says what the variable words of a who stand for in a case.
func places(k *known) directory.Places {
	p := directory.Places{
		Responsible: k.kase.GetDepartments(), Owner: k.kase.GetOwner(), Respondent: k.complaint.GetRespondent(), Counted: k.party.department, Persons: map[string][]string{},
	}
	if len(p.Responsible) == 0 && k.party.department != "" {
		p.Responsible = []string{k.party.department}
	}
	for _, form := range k.policy.Rules().GetForms() {
		for _, field := range form.GetFields() {
			if people := sheet.Line([]*policyv1.Field{field}, field.GetId(), k.complaint.GetFacts()); len(people) > 0 {
				p.Persons[field.GetId()] = people
			}
		}
	}
	if k.party.person != "" {
		p.Persons["counted"] = []string{k.party.person}
	}
	p.Designees = func(role string) bool {
		for _, r := range k.policy.Rules().GetRoles() {
			if r.GetId() == role {
				return r.GetDesignee()
			}
		}
		return false
	}
	return p
}

// Hours returns the hours in which the pack lets a notice be sent.
func (d *Desk) Hours(u *journal.Unit, n *notificationv1.Notice) (domain.Hours, error) {
	if n.GetComplaint() == "" || n.GetMedia() == notificationv1.Notice_MEDIA_WEBHOOK {
		return domain.Hours{}, nil
	}
	k, need, err := d.look(u, n.GetComplaint(), false)
	if err != nil || !need.Nothing() {
		return domain.Hours{}, err
	}
	for _, def := range k.policy.Rules().GetNotices() {
		if def.GetId() == n.GetKind() {
			return hours(k.policy, def.GetHours())
		}
	}
	return domain.Hours{}, nil
}

func hours(p *policy.Policy, open []string) (domain.Hours, error) {
	zone := "Asia/Shanghai"
	if p.Calendar() != nil {
		zone = p.Calendar().Zone()
	}
	return domain.NewHours(zone, open)
}

// create stores a new resource unless there is one of that name: what was decided
// before stays decided. It reports whether it did.
func create(u *journal.Unit, name string, state, change proto.Message) (bool, error) {
	_, err := u.Get(name, state.ProtoReflect().New().Interface())
	if fault.ReasonOf(err) != journal.ReasonNotFound {
		return false, err
	}
	return true, u.Create(name, state, change)
}

func eventWord(s string) string { return strings.TrimPrefix(s, "EVENT_") }

func instant(p *policy.Policy, at time.Time, zh bool) string {
	if p.Calendar() != nil {
		at = at.In(p.Calendar().Location())
	}
	if zh {
		return at.Format("2006年1月2日15:04")
	}
	return at.Format("2006-01-02 15:04 (UTC-07:00)")
}

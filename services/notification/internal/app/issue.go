package app

import (
	"slices"
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
)

// recipient is somebody a notice goes to.
type recipient struct {
	name    string
	contact domain.Contact
	locale  string
	subject string
}

// notice is one notice before its recipients are known.
type notice struct {
	kind       string
	rule       *typev1.RuleRef
	words      func(locale string) domain.Words
	media      []policyv1.Medium
	hours      domain.Hours
	expire     time.Time
	obligation string
	choices    []*notificationv1.NoticeChoice
	by         issuer
}

// issuer is the person who issued a notice; the zero value for one that an event issued.
type issuer struct {
	name     string
	deviates bool
}

// customer returns the complainant as a recipient.
func (k *known) customer() recipient {
	who := k.complaint.GetComplainant()
	name := who.GetCustomer()
	if name == "" {
		name = domain.Customer
	}
	return recipient{name: name, contact: domain.ContactOf(who), locale: domain.Locale(who.GetLocale()), subject: k.complaint.GetSubject()}
}

// maxRecipients bounds how many people one rule of a pack tells: beyond it a role
// is a crowd, and its queue is the better place.
const maxRecipients = 100

// staff returns the people a who of the pack names.
func (d *Desk) staff(u *journal.Unit, k *known, who string, at time.Time) ([]recipient, error) {
	dir, err := d.directories.At(u)
	if err != nil {
		return nil, err
	}
	var out []recipient
	for _, name := range dir.Holders(who, at, places(k)) {
		p, ok := dir.Person(name)
		if !ok || len(out) == maxRecipients {
			continue
		}
		r := recipient{name: name, contact: domain.Contact{Email: p.GetEmail(), Telephone: p.GetTelephone()}, locale: domain.Locale(p.GetLocale())}
		for _, token := range []string{p.GetEmail(), p.GetTelephone(), p.GetDisplayName()} {
			if subject, sealed := seal.SubjectOf(token); sealed {
				r.subject = "subjects/" + subject
				break
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// issuePack issues a notice of the pack to everybody it names. made is false if it
// was issued before or something is missing, which then is returned.
func (d *Desk) issuePack(u *journal.Unit, k *known, o Occasion, s *policy.Sheet, def *policyv1.Notice, welcome bool, by issuer) (made bool, missing []string, err error) {
	if missing := unmet(k.policy, def.GetNeeds(), s); len(missing) > 0 {
		return false, missing, nil
	}
	filling, err := d.filling(u, k)
	if err != nil {
		return false, nil, err
	}
	rendered, err := k.policy.Render(def.GetId(), s, filling)
	if err != nil || len(rendered.Missing) > 0 {
		return false, rendered.Missing, err
	}
	n := notice{kind: def.GetId(), rule: rendered.Rule, media: def.GetMedia(), by: by, choices: domain.Choices(def)}
	if n.hours, err = hours(k.policy, def.GetHours()); err != nil {
		return false, nil, err
	}
	if n.expire, err = worth(k.policy, def.GetWorth(), o.At); err != nil {
		return false, nil, err
	}
	var to []recipient
	toCustomer := slices.Contains(def.GetTo(), domain.Customer)
	if toCustomer {
		to = append(to, k.customer())
	}
	for _, who := range def.GetTo() {
		if who == domain.Customer {
			continue
		}
		people, err := d.staff(u, k, who, o.At)
		if err != nil {
			return false, nil, err
		}
		to = append(to, people...)
	}
	n.words = func(locale string) domain.Words {
		return domain.WithChoices(domain.Rendered(rendered, locale, welcome && toCustomer), n.choices, locale)
	}
	made, err = d.issue(u, k, o, n, to)
	return made, nil, err
}

// tell informs members of staff, as a pack's notify asks.
func (d *Desk) tell(u *journal.Unit, k *known, o Occasion, rule *typev1.RuleRef, who string, what *typev1.Text) error {
	what = text(what, rule.GetText())
	n := notice{kind: rule.GetRule(), rule: rule}
	if who == domain.Customer {
		n.words = func(locale string) domain.Words { return domain.Inform(what, k.complaint.GetNumber(), locale) }
		_, err := d.issue(u, k, o, n, []recipient{k.customer()})
		return err
	}
	people, err := d.staff(u, k, who, o.At)
	if err != nil {
		return err
	}
	n.words = func(locale string) domain.Words { return domain.Inform(what, k.complaint.GetNumber(), locale) }
	_, err = d.issue(u, k, o, n, people)
	return err
}

// replyKind is the kind of notices that bring the text of a reply.
const replyKind = "reply"

// reply sends the text of a reply to the customer. Source: P26 (六).
func (d *Desk) reply(u *journal.Unit, k *known, o Occasion, r *routingv1.Reply) error {
	n := notice{kind: replyKind, media: domain.MediaOf(r.GetMedium()), words: func(locale string) domain.Words {
		return domain.Reply(k.complaint.GetNumber(), r.GetContent(), locale)
	}}
	_, err := d.issue(u, k, o, n, []recipient{k.customer()})
	return err
}

// issue stores one notice for each recipient, and one for each receiver that takes
// its kind; those stored before for the same occasion stay as they are.
func (d *Desk) issue(u *journal.Unit, k *known, o Occasion, n notice, to []recipient) (made bool, err error) {
	if n.rule != nil {
		u.Because(n.rule)
	} else {
		u.Because()
	}
	seen := map[string]bool{}
	for _, r := range to {
		if seen[r.name] {
			continue
		}
		seen[r.name] = true
		w := n.words(r.locale)
		media, address := domain.Choose(n.media, r.contact, d.ways)
		stored, err := d.store(u, k, o, n, domain.Draft{
			Media: media, Address: address, Recipient: r.name, Title: w.Title, Body: w.Body, Locale: r.locale, Subject: r.subject,
			Hours: n.hours, Expire: n.expire,
		})
		if err != nil {
			return false, err
		}
		made = made || stored
	}
	if len(to) == 0 {
		return false, nil
	}
	receivers, err := receivers(u, n.kind)
	if err != nil {
		return false, err
	}
	for _, name := range receivers {
		if _, err := d.store(u, k, o, n, domain.Draft{Media: notificationv1.Notice_MEDIA_WEBHOOK, Recipient: name, Expire: n.expire}); err != nil {
			return false, err
		}
	}
	return made, nil
}

func (d *Desk) store(u *journal.Unit, k *known, o Occasion, n notice, draft domain.Draft) (bool, error) {
	draft.Name = domain.NoticeName(o.At, u.Organization(), o.Seed, n.kind, draft.Recipient)
	draft.Complaint, draft.Kind, draft.Rule = k.complaint.GetName(), n.kind, n.rule
	draft.Obligation, draft.Cause, draft.Time = n.obligation, o.Seed, o.At
	draft.IssuedBy, draft.Deviates = n.by.name, n.by.deviates
	if draft.Media != notificationv1.Notice_MEDIA_WEBHOOK {
		draft.Choices = n.choices
	}
	if o.First {
		u.Creates(draft.Name)
	}
	return create(u, draft.Name, domain.Issue(draft), &notificationv1.NoticeIssued{})
}

// receivers returns the names of those that take notices of a kind.
func receivers(u *journal.Unit, kind string) ([]string, error) {
	names, err := u.Find(Receivers)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		r := &notificationv1.Receiver{}
		if _, err := u.Get(name, r); err != nil {
			return nil, err
		}
		if !r.GetDisabled() && (len(r.GetKinds()) == 0 || slices.Contains(r.GetKinds(), kind)) {
			out = append(out, name)
		}
	}
	return out, nil
}

// worth returns until when a notice is worth sending; zero for always.
func worth(p *policy.Policy, limit string, at time.Time) (time.Time, error) {
	if limit == "" || p.Calendar() == nil {
		return time.Time{}, nil
	}
	l, err := calendar.ParseLimit(limit)
	if err != nil {
		return time.Time{}, err
	}
	due, err := p.Calendar().Due(at, l)
	return due.Time, err
}

// Issuing is what is looked for when a notice of the pack about a complaint is issued:
// what it is written from, and who else takes it.
func Issuing(complaint string) []journal.Lookup {
	of := journal.Attr{Name: attrCase, Value: CaseName(complaint)}
	return []journal.Lookup{{Kind: clocksOf, Where: of}, {Kind: repliesOf, Where: of}, {Kind: Receivers}}
}

// filling returns what a notice is written from. Names of people are sealed texts
// in the middle of the text; who shows or sends it opens them.
func (d *Desk) filling(u *journal.Unit, k *known) (policy.Filling, error) {
	c := k.complaint
	f := policy.Filling{Due: map[string]time.Time{}, Names: map[string]*typev1.Text{}}
	for _, l := range c.GetPromisedLimits() {
		f.Due[l.GetClock()] = l.GetDueTime().AsTime()
	}
	all, err := states[clockv1.Clock](u, clocksOf, journal.Attr{Name: attrCase, Value: CaseName(c.GetName())})
	if err != nil {
		return f, err
	}
	for _, cl := range all {
		if cl.GetDueTime() != nil && cl.GetState() == clockv1.Clock_STATE_RUNNING {
			f.Due[cl.GetKind()] = cl.GetDueTime().AsTime()
		}
	}
	same := func(name, value string) {
		if value != "" {
			f.Names[name] = &typev1.Text{Zh: value, En: value}
		}
	}
	same("number", c.GetNumber())
	same("customer", c.GetComplainant().GetDisplayName())
	same("organization", u.Organization())
	same("reason", c.GetJudgement().GetReason())
	same("link", domain.LinkMark)
	if c.GetReceiveTime() != nil {
		at := c.GetReceiveTime().AsTime()
		f.Names["received"] = &typev1.Text{Zh: instant(k.policy, at, true), En: instant(k.policy, at, false)}
	}
	pack := k.policy.Rules()
	for _, x := range pack.GetCategories() {
		if x.GetId() == c.GetCategory() {
			f.Names["category"] = text(x.GetText())
		}
	}
	for _, x := range pack.GetAcceptance().GetChannels() {
		if x.GetId() == c.GetChannel() {
			f.Names["channel"] = text(x.GetText())
		}
	}
	if ds := k.kase.GetDepartments(); len(ds) > 0 {
		f.Names["department"] = departments(pack, ds)
	}
	if len(c.GetPromisedLimits()) > 0 {
		same("promised", c.GetPromisedLimits()[0].GetLimit())
	}
	replies, err := states[routingv1.Reply](u, repliesOf, journal.Attr{Name: attrCase, Value: CaseName(c.GetName())})
	if err != nil {
		return f, err
	}
	for _, r := range replies {
		if r.GetResult() {
			same("result", r.GetContent())
		}
	}
	return f, d.ownerNames(u, k, same)
}

func (d *Desk) ownerNames(u *journal.Unit, k *known, set func(name, value string)) error {
	if k.kase.GetOwner() == "" {
		return nil
	}
	var dir *directory.Directory
	dir, err := d.directories.At(u)
	if err != nil {
		return err
	}
	if p, ok := dir.Person(k.kase.GetOwner()); ok {
		set("owner.name", p.GetDisplayName())
		set("owner.contact", p.GetEmail())
		set("owner.contact", p.GetTelephone())
	}
	return nil
}

func departments(pack *policyv1.Pack, names []string) *typev1.Text {
	var zh, en []string
	for _, name := range names {
		id := last(name)
		t := &typev1.Text{Zh: id, En: id}
		for _, x := range pack.GetDepartments() {
			if x.GetId() == id {
				t = text(x.GetText())
			}
		}
		zh, en = append(zh, t.GetZh()), append(en, t.GetEn())
	}
	return &typev1.Text{Zh: strings.Join(zh, "、"), En: strings.Join(en, ", ")}
}

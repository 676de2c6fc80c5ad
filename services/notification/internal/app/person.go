package app

import (
	"slices"
	"time"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// Issue is a notice that a person issues.
type Issue struct {
	Complaint, Notice string
	// By is people/{person}; Request the idempotency key, from which the notice takes its name.
	By, Request string
	Time        time.Time
}

// IssueByPerson issues a notice of the pack to everybody it names, if whoever issues it may, the
// notice applies, what it needs is there, and every part can be filled. It returns the names of what
// was issued, the customer's first.
//
// Faults: NOTICE_UNKNOWN; RULE_ROLE, RULE_GATE and RULE_INCOMPLETE with everything that is missing.
//
// Source: PACK-SKETCH 2.2 (Notice.from, normally, needs, parts); PROCEDURES P09, P21, P23.
func (d *Desk) IssueByPerson(u *journal.Unit, in Issue) ([]string, error) {
	k, need, err := d.look(u, in.Complaint, true)
	if err != nil {
		return nil, err
	}
	if !need.Nothing() {
		return nil, fault.New(fault.Unavailable, journal.ReasonUnavailable).WithRetry(time.Second)
	}
	all := k.policy.Rules().GetNotices()
	i := slices.IndexFunc(all, func(n *policyv1.Notice) bool { return n.GetId() == in.Notice })
	if i < 0 {
		return nil, fault.New(fault.NotFound, domain.ReasonNoticeUnknown, "notice", in.Notice)
	}
	def, s := all[i], k.sheet()
	dir, err := d.directories.At(u)
	if err != nil {
		return nil, err
	}
	is := func(who string) bool { ok, _ := dir.Match(in.By, who, in.Time, places(k)); return ok }
	unmet := k.policy.Gate(policyv1.Act_ACT_ISSUE, policy.Subject{ID: def.GetId(), Is: is, Warned: u.Warn}, s)
	filling, err := d.filling(u, k)
	if err != nil {
		return nil, err
	}
	rendered, err := k.policy.Render(def.GetId(), s, filling)
	if err != nil {
		return nil, err
	}
	if t, missing, err := k.policy.Eval(def.GetIf(), s); err != nil || t != policy.True {
		unmet = append(unmet, policy.Unmet{Gate: rendered.Rule, Need: policy.NeedThat, Because: because(t), Missing: missing})
	}
	if missing := slices.DeleteFunc(rendered.Missing, func(m string) bool { return named(unmet, m) }); len(missing) > 0 {
		unmet = append(unmet, policy.Unmet{Gate: rendered.Rule, Need: policy.NeedFact, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing})
	}
	if refused := policy.Refusal(unmet); refused != nil {
		return nil, refused
	}
	by := issuer{name: in.By, deviates: len(def.GetNormally()) > 0 && !slices.ContainsFunc(def.GetNormally(), is)}
	o := Occasion{Seed: "request/" + in.By + "/" + in.Request, At: in.Time}
	if _, missing, err := d.issuePack(u, k, o, s, def, false, by); err != nil || len(missing) > 0 {
		return nil, err
	}
	issued := []trigger.Trigger{{Event: policyv1.Event_EVENT_NOTICE_ISSUED, ID: def.GetId()}}
	if _, err := d.react(u, k, o, sheet.WithNotice(s, &notificationv1.Notice{Kind: def.GetId()}), issued, 0); err != nil {
		return nil, err
	}
	var names []string
	for _, who := range append([]string{k.customer().name}, d.everybody(u, k, def, in.Time)...) {
		name := domain.NoticeName(in.Time, u.Organization(), o.Seed, def.GetId(), who)
		if _, err := u.Get(name, &notificationv1.Notice{}); err == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// everybody returns the members of staff whom a notice goes to.
func (d *Desk) everybody(u *journal.Unit, k *known, def *policyv1.Notice, at time.Time) []string {
	var out []string
	for _, who := range def.GetTo() {
		if who == domain.Customer {
			continue
		}
		people, err := d.staff(u, k, who, at)
		if err != nil {
			return out // the same was read a moment ago
		}
		for _, p := range people {
			out = append(out, p.name)
		}
	}
	return out
}

func because(t policy.Tri) policyv1.Because {
	if t == policy.Unknown {
		return policyv1.Because_BECAUSE_INCOMPLETE
	}
	return policyv1.Because_BECAUSE_GATE
}

// named tells whether a refusal names a missing thing already.
func named(unmet []policy.Unmet, missing string) bool {
	return slices.ContainsFunc(unmet, func(x policy.Unmet) bool { return slices.Contains(x.Missing, missing) })
}

// AnswerNotice records which choice the receiver of a notice made, and lets follow here what the
// pack says about it; the other services hear of it.
func (d *Desk) AnswerNotice(u *journal.Unit, name, etag string, a domain.Ticks) error {
	n := &notificationv1.Notice{}
	version, err := u.Get(name, n)
	if err != nil {
		return err
	}
	if err := journal.CheckEtag(version, etag); err != nil {
		return err
	}
	next, change, err := domain.Tick(n, a)
	if err != nil {
		return err
	}
	u.Because(n.GetRule())
	if err := u.Update(name, next, change); err != nil {
		return err
	}
	u.Answer(name)
	k, need, err := d.look(u, n.GetComplaint(), true)
	if err != nil || !need.Nothing() {
		return err
	}
	o := Occasion{Seed: "answer/" + name, At: a.Time, Change: change, State: next}
	_, err = d.react(u, k, o, scoped(k.sheet(), o), triggers(o), 0)
	return err
}

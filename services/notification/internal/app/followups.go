package app

import (
	"slices"
	"strconv"
	"strings"
	"time"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
)

// obligationKind is the kind of obligations that ask for a follow-up.
const obligationKind = "follow_up"

// followUps opens and cancels follow-ups as an event asks.
//
// Source: SERVICES, obligations.
func (d *Desk) followUps(u *journal.Unit, k *known, o Occasion) error {
	switch o.Change.(type) {
	case *intakev1.ComplaintWithdrawn, *routingv1.CaseWithdrawn:
		return d.cancel(u, k, func(*notificationv1.FollowUp) bool { return true })
	case *routingv1.RoundStarted:
		round := as[*routingv1.Case](o.State).GetRound()
		return d.cancel(u, k, func(f *notificationv1.FollowUp) bool { return f.GetRound() < round })
	case *routingv1.ObligationOpened:
		return d.open(u, k, o, as[*routingv1.Case](o.State))
	}
	return nil
}

// open opens the follow-ups that are owed as of the event and still are: what was
// withdrawn meanwhile is not asked.
func (d *Desk) open(u *journal.Unit, k *known, o Occasion, kase *routingv1.Case) error {
	if k.complaint.GetState() == intakev1.Complaint_STATE_WITHDRAWN {
		return nil
	}
	for _, owed := range kase.GetObligations() {
		if owed.GetKind() != obligationKind || !stillOwed(k.kase, owed.GetId()) {
			continue
		}
		handlers, err := d.handlers(u, kase)
		if err != nil {
			return err
		}
		u.Because(owed.GetRule())
		f := domain.Open(domain.Opening{
			Obligation: owed, Case: kase, Policy: k.policy, Handlers: handlers, Time: o.At,
			TokenDigest: Digest(d.links.Token(u.Organization(), owed.GetResource())),
		})
		made, err := create(u, f.GetName(), f, &notificationv1.FollowUpOpened{})
		if err != nil {
			return err
		}
		if def := domain.FollowUpOf(k.policy, f.GetKind()); made && domain.AsksByLink(def) {
			title := text(def.GetText(), owed.GetRule().GetText())
			ask := notice{
				kind: f.GetKind(), rule: owed.GetRule(), obligation: owed.GetId(), expire: f.GetTokenExpireTime().AsTime(), media: nil,
				words: func(locale string) domain.Words { return domain.Survey(title, f.GetNumber(), locale) },
			}
			if _, err := d.issue(u, k, o, ask, []recipient{k.customer()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// stillOwed reports whether the case, as last heard of, owes the obligation.
func stillOwed(kase *routingv1.Case, id string) bool {
	for _, o := range kase.GetObligations() {
		if o.GetId() == id {
			return o.GetState() == typev1.Obligation_STATE_OPEN
		}
	}
	return true // the case was heard of before the event: nothing else is known
}

// handlers returns who handled a case, as far as heard of.
func (d *Desk) handlers(u *journal.Unit, kase *routingv1.Case) ([]string, error) {
	if kase.GetName() == "" {
		return nil, nil
	}
	of := journal.Attr{Name: attrCase, Value: kase.GetName()}
	plans, err := states[routingv1.Plan](u, plansOf, of)
	if err != nil {
		return nil, err
	}
	replies, err := states[routingv1.Reply](u, repliesOf, of)
	if err != nil {
		return nil, err
	}
	return domain.Handlers(kase, plans, replies), nil
}

// cancel cancels the open follow-ups of the complaint that which picks.
func (d *Desk) cancel(u *journal.Unit, k *known, which func(*notificationv1.FollowUp) bool) error {
	names, err := u.Find(FollowUps, attrs(AttrComplaint, k.complaint.GetName(), AttrState, notificationv1.FollowUp_STATE_OPEN.String())...)
	if err != nil {
		return err
	}
	for _, name := range names {
		f := &notificationv1.FollowUp{}
		if _, err := u.Get(name, f); err != nil {
			return err
		}
		next := domain.Cancel(f)
		if next == nil || !which(f) {
			continue
		}
		u.Because()
		if err := u.Update(name, next, &notificationv1.FollowUpCancelled{}); err != nil {
			return err
		}
		if err := d.unask(u, f); err != nil {
			return err
		}
	}
	return nil
}

// unask lets the notices expire that still ask for an answer nobody needs any more.
func (d *Desk) unask(u *journal.Unit, f *notificationv1.FollowUp) error {
	if f.GetObligation() == "" {
		return nil
	}
	names, err := u.Find(Notices, attrs(attrObligation, f.GetObligation(), AttrState, notificationv1.Notice_STATE_PENDING.String())...)
	if err != nil {
		return err
	}
	for _, name := range names {
		n := &notificationv1.Notice{}
		if _, err := u.Get(name, n); err != nil {
			return err
		}
		if next, change := domain.Expire(n); next != nil {
			if err := u.Update(name, next, change); err != nil {
				return err
			}
		}
	}
	return nil
}

// Given is an answer as somebody gives it.
type Given struct {
	// Facts by field id, sealed.
	Facts map[string]*typev1.Fact
	// Mode and Recorder as in the follow-up.
	Mode, Recorder string
	// Etag the answer was given on; not compared if empty.
	Etag string
	// TokenDigest of the link it came by; empty if it did not.
	TokenDigest string
	// Subject is the data subject whose key seals the texts of an answer about no complaint.
	Subject string
	Time    time.Time
}

// Answer records the customer's answer and lets follow what the pack says about it.
// Faults: those of [domain.Record], LINK_INVALID, ETAG_MISMATCH, RULE_ROLE.
func (d *Desk) Answer(u *journal.Unit, name string, in Given) error {
	f := &notificationv1.FollowUp{}
	version, err := u.Get(name, f)
	if err != nil {
		return err
	}
	if in.Etag != "" {
		if err := journal.CheckEtag(version, in.Etag); err != nil {
			return err
		}
	}
	k, need, err := d.known(u, f)
	if err != nil {
		return err
	}
	if !need.Nothing() {
		return fault.New(fault.Unavailable, journal.ReasonUnavailable).WithRetry(time.Second)
	}
	if f.GetCampaign() != "" && f.GetReturnedFor() == "" {
		return d.returned(u, k, f, in)
	}
	handlers, err := d.handlers(u, k.kase)
	if err != nil {
		return err
	}
	if in.Mode == domain.ModePage {
		err = domain.TakesLink(f, in.TokenDigest, in.Time)
	} else if !slices.Contains(slices.Concat(handlers, f.GetHandlers()), in.Recorder) { // handlers are refused as such
		err = d.mayRecord(u, k, f, in)
	}
	if err != nil {
		return err
	}
	next, err := domain.Record(f, domain.Answer{
		Facts: in.Facts, Mode: in.Mode, Recorder: in.Recorder, Handlers: handlers, Sheet: k.sheet(), Policy: k.policy, Time: in.Time, Warned: u.Warn,
	})
	if err != nil {
		return err
	}
	if next.GetSubject() == "" {
		next.Subject = in.Subject
	}
	u.Because(f.GetRule())
	change := &notificationv1.FollowUpAnswered{}
	if err := u.Update(name, next, change); err != nil {
		return err
	}
	u.Answer(name)
	if err := d.unask(u, f); err != nil {
		return err
	}
	o := Occasion{Seed: "notification/" + name + "@" + strconv.FormatInt(version+1, 10), At: in.Time, Change: change, State: next}
	_, err = d.react(u, k, o, scoped(k.sheet(), o), triggers(o), 0)
	return err
}

// mayRecord refuses who the pack does not let enter answers. Handlers are refused by [domain.Record].
func (d *Desk) mayRecord(u *journal.Unit, k *known, f *notificationv1.FollowUp, in Given) error {
	if err := domain.RequireOpen(f); err != nil {
		return err
	}
	by := slices.DeleteFunc(slices.Clone(domain.FollowUpOf(k.policy, f.GetKind()).GetBy()), func(who string) bool { return who == domain.Customer })
	if len(by) == 0 {
		return nil
	}
	dir, err := d.directories.At(u)
	if err != nil {
		return err
	}
	if ok, _, _ := dir.MatchAny(in.Recorder, by, in.Time, places(k)); !ok {
		return fault.New(fault.FailedPrecondition, policy.ReasonRole, "who", strings.Join(by, ", ")).With(f.GetRule())
	}
	return nil
}

package app

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Campaigns say which follow-up the calendar opens next.
const Campaigns = "campaigns/*"

func campaignTimer(m proto.Message) (time.Time, int64, bool) {
	c := as[*notificationv1.Campaign](m)
	return c.GetDueTime().AsTime(), c.GetGeneration(), c.GetEndTime() == nil
}

func derived(parts ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(parts, "\x00"))).String()
}

// OpenCampaigns opens the follow-ups of the calendar that a pack brings into force, each
// for the period at hand, unless they are open.
func (d *Desk) OpenCampaigns(u *journal.Unit, revision string) error {
	p, err := d.policies.Get(revisions.Unit{U: u}, revision)
	if err != nil {
		return err
	}
	for _, def := range p.Rules().GetFollowUp() {
		if def.GetEvery() == policyv1.Every_EVERY_UNSPECIFIED {
			continue
		}
		name := "campaigns/" + derived(def.GetId())
		c := &notificationv1.Campaign{}
		_, err := u.Get(name, c)
		switch {
		case fault.ReasonOf(err) == journal.ReasonNotFound:
			next, err := d.campaign(u, p, revision, def, &notificationv1.Campaign{Name: name, Kind: def.GetId()}, u.Time())
			if err != nil {
				return err
			}
			if err := u.Create(name, next, &notificationv1.CampaignMoved{}); err != nil {
				return err
			}
		case err != nil:
			return err
		case c.GetEndTime() != nil:
			next, err := d.campaign(u, p, revision, def, c, u.Time())
			if err != nil {
				return err
			}
			if err := u.Update(name, next, &notificationv1.CampaignMoved{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// NextCampaign opens the follow-up of a period at its first instant, and ends that of the
// period before. A stale timer has no effect.
//
// Source: PROCEDURES P06 3 (9).
func (d *Desk) NextCampaign(u *journal.Unit, t journal.Timer) error {
	c := &notificationv1.Campaign{}
	if _, err := u.Get(t.Name, c); err != nil {
		return err
	}
	if c.GetGeneration() != t.Generation || c.GetEndTime() != nil {
		return nil
	}
	p, revision, err := d.policies.Active(revisions.Unit{U: u})
	if err != nil && fault.ReasonOf(err) != revisions.ReasonNoActive {
		return err
	}
	if p != nil {
		if def := domain.FollowUpOf(p, c.GetKind()); def.GetEvery() != policyv1.Every_EVERY_UNSPECIFIED {
			next, err := d.campaign(u, p, revision.GetName(), def, c, t.At)
			if err != nil {
				return err
			}
			return u.Update(t.Name, next, &notificationv1.CampaignMoved{})
		}
	}
	if err := d.endCampaign(u, c.GetOpen()); err != nil {
		return err
	}
	next := proto.CloneOf(c)
	next.EndTime, next.Open, next.Generation = timestamppb.New(t.At), "", c.GetGeneration()+1
	u.Because()
	return u.Update(t.Name, next, &notificationv1.CampaignMoved{})
}

// campaign opens the follow-up of the period that holds the instant and returns where
// the calendar stands then.
func (d *Desk) campaign(u *journal.Unit, p *policy.Policy, revision string, def *policyv1.FollowUp, c *notificationv1.Campaign, at time.Time) (*notificationv1.Campaign, error) {
	_, last := p.Period(def.GetEvery(), at)
	end := last.Add(time.Second)
	f := &notificationv1.FollowUp{
		Name: "followUps/" + derived(def.GetId(), p.PeriodName(def.GetEvery(), at)), Kind: def.GetId(), Rule: p.Rule(def.GetId()), Form: def.GetForm(),
		State: notificationv1.FollowUp_STATE_OPEN, OpenTime: timestamppb.New(at), Campaign: p.PeriodName(def.GetEvery(), at), EndTime: timestamppb.New(end),
		PolicyRevision: revision, Round: 1,
	}
	if c.GetOpen() != f.GetName() {
		if err := d.endCampaign(u, c.GetOpen()); err != nil {
			return nil, err
		}
	}
	u.Because(f.GetRule())
	if _, err := create(u, f.GetName(), f, &notificationv1.FollowUpOpened{}); err != nil {
		return nil, err
	}
	return &notificationv1.Campaign{
		Name: c.GetName(), Kind: c.GetKind(), Period: p.PeriodName(def.GetEvery(), end), DueTime: timestamppb.New(end), Generation: c.GetGeneration() + 1, Open: f.GetName(),
	}, nil
}

func (d *Desk) endCampaign(u *journal.Unit, name string) error {
	if name == "" {
		return nil
	}
	f := &notificationv1.FollowUp{}
	if _, err := u.Get(name, f); err != nil {
		return err
	}
	if next := domain.Cancel(f); next != nil {
		u.Because(f.GetRule())
		return u.Update(name, next, &notificationv1.FollowUpCancelled{})
	}
	return nil
}

// known returns what an answer is judged by: the complaint's case, or outside complaints the pack.
func (d *Desk) known(u *journal.Unit, f *notificationv1.FollowUp) (*known, Need, error) {
	if f.GetComplaint() == "" {
		return d.outside(u, f.GetPolicyRevision())
	}
	return d.look(u, f.GetComplaint(), true)
}

// returned takes one form of a campaign: it becomes a follow-up of its own, answered, and
// the campaign goes on.
func (d *Desk) returned(u *journal.Unit, k *known, campaign *notificationv1.FollowUp, in Given) error {
	name := "followUps/" + derived(campaign.GetName(), strconv.Itoa(int(campaign.GetReturned())+1))
	form, next, err := domain.Returned(campaign, name, in.Subject, in.Time)
	if err != nil {
		return err
	}
	if err := d.mayRecord(u, k, campaign, in); err != nil {
		return err
	}
	form, err = domain.Record(form, domain.Answer{Facts: in.Facts, Mode: in.Mode, Recorder: in.Recorder, Sheet: k.sheet(), Policy: k.policy, Time: in.Time, Warned: u.Warn})
	if err != nil {
		return err
	}
	u.Because(campaign.GetRule())
	if err := u.Update(campaign.GetName(), next, &notificationv1.FormReturned{}); err != nil {
		return err
	}
	change := &notificationv1.FollowUpAnswered{}
	if err := u.Create(name, form, change); err != nil {
		return err
	}
	u.Answer(name)
	o := Occasion{Seed: "notification/" + name, At: in.Time, Change: change, State: form}
	_, err = d.react(u, k, o, scoped(k.sheet(), o), triggers(o), 0)
	return err
}

// visits opens the follow-ups that an event outside complaints asks for.
//
// Source: PROCEDURES P06 3 (9): the dissatisfied items are visited once they were put right.
func (d *Desk) visits(u *journal.Unit, k *known, o Occasion) error {
	s := scoped(k.sheet(), o)
	for _, t := range triggers(o) {
		for _, def := range k.policy.On(eventWord(t.Event.String()), t.ID, s).OpenFollowUps {
			f := &notificationv1.FollowUp{
				Name: "followUps/" + derived(o.Seed, def.GetId()), Kind: def.GetId(), Rule: k.policy.Rule(def.GetId()), Form: def.GetForm(),
				State: notificationv1.FollowUp_STATE_OPEN, OpenTime: timestamppb.New(o.At), PolicyRevision: revisionOf(o.State), Round: 1,
			}
			if a, ok := o.State.(*correctiveactionv1.Action); ok {
				f.Action = a.GetName()
				_, f.Item, _ = strings.Cut(a.GetObligation(), "#")
			}
			if def.GetWithin() != "" && k.policy.Calendar() != nil {
				limit, err := calendar.ParseLimit(def.GetWithin())
				if err != nil {
					return err
				}
				due, err := k.policy.Calendar().Due(o.At, limit)
				if err != nil {
					return err
				}
				f.DueTime = timestamppb.New(due.Time)
			}
			u.Because(f.GetRule())
			if _, err := create(u, f.GetName(), f, &notificationv1.FollowUpOpened{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Reads are the names that recording an answer looks at.
func Reads(f *notificationv1.FollowUp) []string {
	return slices.DeleteFunc([]string{f.GetName(), f.GetComplaint()}, func(s string) bool { return s == "" })
}

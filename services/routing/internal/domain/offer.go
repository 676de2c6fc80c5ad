package domain

import (
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
)

// OfferName returns the name of the case's offer of that number, from 1.
func OfferName(kase string, number int32) string {
	return kase + "/offers/" + strconv.Itoa(int(number))
}

// MakeOffer records what was offered to the customer. One offer waits for its answer
// at a time: the next follows when it was answered. newest is the case's newest offer,
// nil if there is none.
//
// Source: PACK-SKETCH 2.5 (OFFER); PROCEDURES P01 6.5.1, P04 六 2, 六 3.
func (d *Decision) MakeOffer(in, newest *routingv1.Offer, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if newest.GetState() == routingv1.Offer_STATE_OPEN {
		return fault.New(fault.FailedPrecondition, ReasonOfferOpen, "offer", newest.GetName(), "because", "STATE")
	}
	o := proto.CloneOf(in)
	o.Name, o.Etag, o.Complaint, o.State = OfferName(d.kase.GetName(), d.kase.GetOffers()+1), "", d.kase.GetComplaint(), routingv1.Offer_STATE_OPEN
	o.Number, o.Round, o.OfferedBy, o.OfferTime = d.kase.GetOffers()+1, d.kase.GetRound(), by.Name, timestamppb.New(d.at)
	o.AnswerTime, o.AnsweredBy, o.AnswerNote = nil, "", ""
	s = Scoped(s, o)
	if err := d.offered(o, s); err != nil {
		return err
	}
	if err := d.gateOrPass(policyv1.Act_ACT_OFFER, by, s, Pass{Gate: in.GetWaive(), Reason: in.GetWaiveReason()}); err != nil {
		return err
	}
	d.kase.Offers, d.kase.CurrentOffer = o.GetNumber(), o.GetName()
	d.because(d.rule(o.GetRemedy()))
	d.tell(&routingv1.CaseUpdated{})
	d.emit(o.GetName(), true, o, &routingv1.OfferMade{})
	return nil
}

// offered refuses what the pack does not let be offered: another remedy, one whose
// condition does not hold, an amount that is none or above the ceiling.
//
// Source: PACK-SKETCH 2.2 (Remedy).
func (d *Decision) offered(o *routingv1.Offer, s *policy.Sheet) error {
	var amount money.Amount
	if o.GetAmount() != nil {
		var err error
		if amount, err = money.Parse(o.GetAmount()); err != nil || amount.IsZero() {
			return fault.New(fault.Invalid, ReasonAmount).WithViolations(fault.Violation{Field: "offer.amount", Reason: ReasonAmount})
		}
	}
	remedies := d.policy.Rules().GetCompensation().GetRemedies()
	if o.GetRemedy() == "" || len(remedies) == 0 && o.GetRemedy() == "" {
		return nil
	}
	r := policy.ByID(remedies, o.GetRemedy())
	if r == nil {
		return fault.New(fault.Invalid, ReasonRemedy).WithViolations(fault.Violation{Field: "offer.remedy", Reason: ReasonRemedy})
	}
	holds, missing, err := d.policy.Eval(r.GetIf(), s)
	if err != nil {
		return err
	}
	u := policy.Unmet{Gate: d.rule(r.GetId()), Need: policy.NeedThat, Text: r.GetText(), Because: policyv1.Because_BECAUSE_GATE}
	switch holds {
	case policy.Unknown:
		u.Because, u.Missing = policyv1.Because_BECAUSE_INCOMPLETE, missing
		return closed([]policy.Unmet{u})
	case policy.False:
		return closed([]policy.Unmet{u})
	}
	if top, err := money.ParseText(money.CNY, r.GetCeiling()); err == nil && o.GetAmount() != nil {
		if order, err := amount.Cmp(top); err != nil || order > 0 {
			u.Because = policyv1.Because_BECAUSE_AMOUNT
			return closed([]policy.Unmet{u})
		}
	}
	return nil
}

// Reaction is what the customer said to an offer.
type Reaction struct {
	Accepted bool
	// Note in the customer's words, sealed.
	Note string
	By   Person
}

// AnswerOffer records what the customer said to an open offer.
//
// Source: PACK-SKETCH 2.5 (ANSWER_OFFER); PROCEDURES P01 6.5.1.
func (d *Decision) AnswerOffer(offer *routingv1.Offer, in Reaction, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if st := offer.GetState(); st != routingv1.Offer_STATE_OPEN {
		return fault.New(fault.FailedPrecondition, ReasonOfferState, "state", word(st), "because", "STATE")
	}
	o := proto.CloneOf(offer)
	o.State = routingv1.Offer_STATE_REJECTED
	if in.Accepted {
		o.State = routingv1.Offer_STATE_ACCEPTED
	}
	o.AnswerTime, o.AnsweredBy, o.AnswerNote = timestamppb.New(d.at), in.By.Name, in.Note
	if err := d.gate(policyv1.Act_ACT_ANSWER_OFFER, "", in.By, Scoped(s, o)); err != nil {
		return err
	}
	d.because(d.rule(o.GetRemedy()))
	d.emit(o.GetName(), false, o, &routingv1.OfferAnswered{})
	return nil
}

package scenario

import (
	"context"

	"github.com/google/uuid"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

func (w *world) compensation() compensationv1.CompensationServiceClient {
	return compensationv1.NewCompensationServiceClient(w.conn("compensation"))
}

func (w *world) getClaim(ctx context.Context, name string) (*compensationv1.Claim, error) {
	got, err := w.compensation().GetClaim(w.reading(ctx), &compensationv1.GetClaimRequest{Name: name})
	return got.GetClaim(), err
}

// claimOf returns the claim of a move as it stands: the one named, the newest asked
// for, or the one that a plan owes.
func (w *world) claimOf(ctx context.Context, in *input) (*compensationv1.Claim, error) {
	if on := in.move.GetOn(); w.claim == "" && (on == "" || on == newestOne) {
		all, err := w.claims(ctx, w.complaint)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			w.claim = all[len(all)-1].GetName()
		}
	}
	name, err := in.subject(w.claim, "claims")
	if err != nil {
		return nil, err
	}
	return w.getClaim(ctx, name)
}

// requestClaim asks for compensation: anew, or, on a claim that is named, again.
func requestClaim(ctx context.Context, w *world, in *input) (string, error) {
	terms := &compensationv1.Claim{
		Ground: in.text("ground", ""), Remedy: in.text("remedy", ""), Amount: in.money("amount"), Causes: in.texts("causes"), Justification: in.text("justification", ""),
		Units: in.number("units"),
	}
	if p := in.text("payee", ""); p != "" {
		terms.Payee = &compensationv1.Payee{DisplayName: p}
	}
	var err error
	if terms.Facts, err = in.facts(); err != nil {
		return "", err
	}
	if in.move.GetOn() != "" {
		c, err := w.claimOf(ctx, in)
		if err != nil {
			return "", err
		}
		_, err = w.compensation().SubmitClaim(w.acting(ctx), &compensationv1.SubmitClaimRequest{
			Name: c.GetName(), Ground: terms.GetGround(), Remedy: terms.GetRemedy(), Amount: terms.GetAmount(), Causes: terms.GetCauses(), Payee: terms.GetPayee(),
			Facts: terms.GetFacts(), Justification: terms.GetJustification(), Units: terms.GetUnits(), Etag: c.GetEtag(), RequestId: uuid.NewString(),
		})
		return c.GetName(), err
	}
	if w.complaint == "" {
		return "", in.mistake("there is no complaint yet")
	}
	terms.Complaint = w.complaint
	made, err := w.compensation().CreateClaim(w.acting(ctx), &compensationv1.CreateClaimRequest{Claim: terms, RequestId: uuid.NewString()})
	if err != nil {
		return "", err
	}
	w.claim = made.GetClaim().GetName()
	return w.claim, nil
}

func signClaim(ctx context.Context, w *world, in *input, decision typev1.Decision, comment string) (string, error) {
	c, err := w.claimOf(ctx, in)
	if err != nil {
		return "", err
	}
	facts, err := in.facts()
	if err != nil {
		return "", err
	}
	_, err = w.compensation().SignClaim(w.acting(ctx), &compensationv1.SignClaimRequest{Name: c.GetName(), Decision: decision, Comment: comment, Facts: facts, Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// recordRefusal records that the customer does not accept a non-cash remedy. The date
// on the pack's form is when.
func recordRefusal(ctx context.Context, w *world, in *input, form *policyv1.Form) (string, error) {
	c, err := w.claimOf(ctx, in)
	if err != nil {
		return "", err
	}
	req := &compensationv1.RecordRefusalRequest{Name: c.GetName(), Note: in.text("note", stand), Etag: c.GetEtag(), RequestId: uuid.NewString()}
	for _, f := range form.GetFields() {
		if t := f.GetType(); in.has(f.GetId()) && (t == policyv1.FieldType_FIELD_TYPE_DATE || t == policyv1.FieldType_FIELD_TYPE_INSTANT) {
			if req.RefuseTime, err = in.instant(f.GetId()); err != nil {
				return "", err
			}
		}
	}
	if left, err := in.facts(); err != nil || len(left) > 0 {
		return "", in.mistake("of the form of a refusal only its date can be given")
	}
	_, err = w.compensation().RecordRefusal(w.acting(ctx), req)
	return "", err
}

func setMethod(ctx context.Context, w *world, in *input) (string, error) {
	c, err := w.claimOf(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.compensation().SetRemedy(w.acting(ctx), &compensationv1.SetRemedyRequest{Name: c.GetName(), Remedy: in.text("remedy", ""), Amount: in.money("amount"), Units: in.number("units"), Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// pay is finance's way: check the papers, give the order to pay and, with a voucher,
// confirm it. stage names one of the three alone. A refusal is that of the last; the
// check before it is on record, as it is with any payment that finance looked at.
func pay(ctx context.Context, w *world, in *input) (string, error) {
	stage, voucher := in.text("stage", ""), in.text("voucher", "")
	c, err := w.claimOf(ctx, in)
	if err != nil {
		return "", err
	}
	if stage == "check" || stage == "" {
		if stage == "check" && in.beforeLast != nil {
			if err := in.beforeLast(); err != nil {
				return "", err
			}
		}
		checked, err := w.compensation().CheckPayable(w.acting(ctx), &compensationv1.CheckPayableRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: uuid.NewString()})
		if stage == "check" {
			return "", err
		}
		if err == nil {
			c = checked.GetClaim()
			if err := w.suite.Settle(ctx); err != nil {
				return "", err
			}
		}
	}
	if in.beforeLast != nil {
		if err := in.beforeLast(); err != nil {
			return "", err
		}
	}
	if stage == "execute" || stage == "" {
		done, err := w.compensation().ExecutePayout(w.acting(ctx), &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: uuid.NewString()})
		if err != nil || stage == "execute" || voucher == "" {
			return "", err
		}
		c = done.GetClaim()
	}
	if stage != "" && stage != "confirm" {
		return "", in.mistake("stage is %q; write check, execute or confirm, or nothing for the first two", stage)
	}
	_, err = w.compensation().ConfirmPayout(w.acting(ctx), &compensationv1.ConfirmPayoutRequest{Name: c.GetName(), Voucher: voucher, Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

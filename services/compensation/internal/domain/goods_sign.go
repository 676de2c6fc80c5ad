package domain

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// mayCall tells whether an authority may be given by telephone now.
//
// Source: PACK-SKETCH 2.2 (Urgent); PROCEDURES P27 4.5.2 d.
func (d *handling) mayCall(def *policyv1.Approval) bool {
	return urgent(d.Policy, def, d.sheet())
}

// putForward asks for the authority to take the goods back. papers says that the form of
// the return is filled: then signatories see its facts; else they hear of origin, number
// and value alone.
func (d *handling) putForward(def *policyv1.Approval, papers bool) error {
	s := d.sheet()
	unmet := slices.DeleteFunc(d.Policy.Gate(policyv1.Act_ACT_ASK, d.subject(def.GetId()), s), func(u policy.Unmet) bool {
		return !papers && u.Need == policy.NeedForm && u.ID == def.GetUrgent().GetForm()
	})
	if f := closed(ReasonGate, unmet); f != nil {
		return f
	}
	amount, _, err := d.sum(def, d.goods.GetValue(), goodsKeys(d.goods), KindGoods, d.goods.GetName())
	if err != nil {
		return err
	}
	chain, err := approval.Open(def, approval.Request{
		AskedBy: d.By.Name, Digest: d.seal(papers), Time: d.Now, Amount: amount,
		Revision: d.goods.GetPolicyRevision(), Pack: d.Policy.Rule(def.GetId()).GetPack(),
		Number: int32(len(d.goods.GetFormerApprovals()) + 1), Applies: d.applies(s),
	})
	if err != nil {
		return err
	}
	d.goods.Approval = chain
	d.tell(&compensationv1.GoodsPutForward{}, chain.GetRule())
	return nil
}

// waits tells that an approval is not asked for yet because something comes first.
func waits(err error) bool {
	r := fault.ReasonOf(err)
	return r == ReasonGate || r == approval.ReasonFactsMissing
}

// again puts goods forward after a form was filled, if it is the form of the return and
// no signatures stand that were given on what it says now.
func (d *handling) again(form string) error {
	if form != d.Policy.Rules().GetReturns().GetForm() {
		return nil
	}
	def, unmet := d.Policy.ApprovalFor(policyv1.Subject_SUBJECT_RETURN, d.sheet())
	if f := closed(ReasonGate, unmet); f != nil {
		return f
	}
	if def == nil {
		return nil
	}
	switch chain := d.goods.GetApproval(); chain.GetState() {
	case typev1.Approval_STATE_OPEN, typev1.Approval_STATE_GRANTED:
		if seal := chain.GetSealedDigest(); seal == d.seal(true) || seal == d.seal(false) && (chain.GetState() == typev1.Approval_STATE_GRANTED || signed(chain)) {
			return nil
		}
		void, err := approval.Void(chain, d.Now)
		if err != nil {
			return err
		}
		d.goods.Approval = void
		if signed(chain) {
			d.tell(&compensationv1.GoodsSentBack{}, chain.GetRule())
		}
	}
	d.file()
	return d.putForward(def, true)
}

// file keeps a chain that has ended, if anybody signed it, and makes room for the next.
func (d *handling) file() {
	if chain := d.goods.GetApproval(); chain != nil && (signed(chain) || chain.GetState() != typev1.Approval_STATE_VOID) {
		d.goods.FormerApprovals = append(d.goods.GetFormerApprovals(), chain)
	}
	d.goods.Approval = nil
}

func signed(a *typev1.Approval) bool {
	return slices.ContainsFunc(a.GetSteps(), func(s *typev1.ApprovalStep) bool { return len(s.GetSignatures()) > 0 })
}

// seal is the digest of what signatories see of goods.
func (d *handling) seal(papers bool) string {
	g := d.goods
	seen := &compensationv1.Goods{
		Name: g.GetName(), Origin: g.GetOrigin(), Value: g.GetValue(), Quantity: g.GetQuantity(), UnitPrice: g.GetUnitPrice(), Bulk: g.GetBulk(),
	}
	if papers {
		seen.Facts = maps.Clone(g.GetFacts())
		for id := range seen.Facts {
			if policy.ByID(policy.ByID(d.Policy.Rules().GetForms(), d.Policy.Rules().GetReturns().GetForm()).GetFields(), id) == nil {
				delete(seen.Facts, id)
			}
		}
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(seen)
	if err != nil {
		return "" // a string that is no UTF-8; no chain opens on an empty digest
	}
	return approval.Digest(string(content))
}

// SignGoods records a decision on the authority to take goods back. By telephone, where
// the pack's urgent case holds, the approvers alone are asked; the papers are owed
// afterwards unless they are on file.
//
// Faults: APPROVAL_NOT_OPEN where nobody has asked, APPROVAL_NOT_URGENT, and those of
// approval.Sign.
//
// Source: PROCEDURES P27 4.5.2, P27-A3; PACK-SKETCH 1 principle 10.
func SignGoods(g *compensationv1.Goods, in Signature, a Act) ([]GoodsEvent, error) {
	d := handle(a, g)
	chain := g.GetApproval()
	if chain == nil {
		def, _ := a.Policy.ApprovalFor(policyv1.Subject_SUBJECT_RETURN, d.sheet())
		return nil, fault.New(fault.FailedPrecondition, approval.ReasonNotOpen, "approval", def.GetId(), "state", "NONE").With(a.Policy.Rule(def.GetId()))
	}
	next, err := a.sign(chain, signing{Signature: in, sheet: d.sheet(), former: g.GetFormerApprovals()})
	if err != nil {
		return nil, err
	}
	d.goods.Approval = next
	rule := next.GetRule()
	switch {
	case next.GetState() == chain.GetState(): // also the papers of what was approved by telephone
		d.tell(&compensationv1.GoodsSigned{}, rule)
	case next.GetState() == typev1.Approval_STATE_GRANTED:
		d.tell(&compensationv1.GoodsSigned{}, rule)
		d.tell(&compensationv1.GoodsAuthorised{}, rule)
	case next.GetState() == typev1.Approval_STATE_REFUSED:
		d.tell(&compensationv1.GoodsRefused{}, rule)
	default:
		d.tell(&compensationv1.GoodsSentBack{}, rule)
	}
	return d.events, nil
}

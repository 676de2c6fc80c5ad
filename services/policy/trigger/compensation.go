package trigger

import (
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// ofGoods names what happens to goods on their way back and to the authority to take
// them back.
//
// Source: PACK-SKETCH 2.4 (compensation, any approval).
func ofGoods(change, state proto.Message) []Trigger {
	approval := as[*compensationv1.Goods](state).GetApproval()
	switch c := change.(type) {
	case *compensationv1.GoodsReported:
		return of(policyv1.Event_EVENT_GOODS_REPORTED)
	case *compensationv1.GoodsFormFilled:
		return one(policyv1.Event_EVENT_FORM_FILLED, c.GetForm())
	case *compensationv1.GoodsPutForward:
		return one(policyv1.Event_EVENT_APPROVAL_ASKED, approval.GetId())
	case *compensationv1.GoodsSigned:
		return one(policyv1.Event_EVENT_APPROVAL_SIGNED, approval.GetId())
	case *compensationv1.GoodsAuthorised:
		return one(policyv1.Event_EVENT_APPROVAL_GRANTED, approval.GetId())
	case *compensationv1.GoodsRefused:
		return one(policyv1.Event_EVENT_APPROVAL_REFUSED, approval.GetId())
	case *compensationv1.GoodsBack:
		return of(policyv1.Event_EVENT_GOODS_BACK)
	case *compensationv1.GoodsStored:
		return of(policyv1.Event_EVENT_GOODS_STORED)
	case *compensationv1.GoodsDisposed:
		return of(policyv1.Event_EVENT_GOODS_DISPOSED)
	}
	return nil
}

// ofLiability names what happens to the shares of a loss.
func ofLiability(change proto.Message) []Trigger {
	switch change.(type) {
	case *compensationv1.LiabilityAllocated:
		return of(policyv1.Event_EVENT_LIABILITY_ALLOCATED)
	case *compensationv1.LiabilityDisputed:
		return of(policyv1.Event_EVENT_LIABILITY_DISPUTED)
	}
	return nil
}

// ofClaimSignature names a signature on a claim that does not end its chain, or refuses it:
// a refused claim returns to its initiator (P02-A5), its approval is refused all the same.
func ofClaimSignature(change, state proto.Message) []Trigger {
	approval := as[*compensationv1.Claim](state).GetApproval()
	switch change.(type) {
	case *compensationv1.ClaimSigned:
		return one(policyv1.Event_EVENT_APPROVAL_SIGNED, approval.GetId())
	case *compensationv1.ClaimReturned:
		if approval.GetState() == typev1.Approval_STATE_REFUSED {
			return one(policyv1.Event_EVENT_APPROVAL_REFUSED, approval.GetId())
		}
	}
	return nil
}

// ofCompensation names what compensation does besides claims.
func ofCompensation(change, state proto.Message) []Trigger {
	if t := ofGoods(change, state); t != nil {
		return t
	}
	if t := ofLiability(change); t != nil {
		return t
	}
	return ofClaimSignature(change, state)
}

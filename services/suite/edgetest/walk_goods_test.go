package edgetest_test

import (
	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// goods come back, from the report to what became of them, and a loss is shared out.
func (w *walk) goods() {
	g := as[*compensationv1.ReportGoodsResponse](w, agent, &compensationv1.ReportGoodsRequest{Goods: &compensationv1.Goods{
		Origin: "unwanted", Quantity: 3, UnitPrice: &typev1.Money{CurrencyCode: "CNY", Amount: "19.90"},
	}}).GetGoods()
	require.Equal(w.t, "59.70", g.GetValue().GetAmount())
	theirs := func() *compensationv1.Goods {
		return as[*compensationv1.GetGoodsResponse](w, agent, &compensationv1.GetGoodsRequest{Name: g.GetName()}).GetGoods()
	}
	as[*compensationv1.FillGoodsFormResponse](w, agent, &compensationv1.FillGoodsFormRequest{Name: g.GetName(), Form: "return_note", Facts: map[string]*typev1.Fact{"packed": yes()}, Etag: g.GetEtag()})
	as[*compensationv1.SignGoodsResponse](w, operations, &compensationv1.SignGoodsRequest{Name: g.GetName(), Decision: typev1.Decision_DECISION_APPROVE, Comment: "同意退货", Etag: theirs().GetEtag()})
	as[*compensationv1.LinkGoodsResponse](w, agent, &compensationv1.LinkGoodsRequest{Name: g.GetName(), Complaint: w.complaint, Etag: theirs().GetEtag()})
	as[*compensationv1.GiveNoticeOfReturnResponse](w, agent, &compensationv1.GiveNoticeOfReturnRequest{Name: g.GetName(), Note: "请寄回", Etag: theirs().GetEtag()})
	as[*compensationv1.BringBackGoodsResponse](w, agent, &compensationv1.BringBackGoodsRequest{Name: g.GetName(), Etag: theirs().GetEtag()})
	as[*compensationv1.StoreGoodsResponse](w, agent, &compensationv1.StoreGoodsRequest{Name: g.GetName(), Etag: theirs().GetEtag()})
	done := as[*compensationv1.DisposeGoodsResponse](w, agent, &compensationv1.DisposeGoodsRequest{Name: g.GetName(), Disposition: "resold", Etag: theirs().GetEtag()}).GetGoods()
	require.Equal(w.t, compensationv1.Goods_STATE_DISPOSED, done.GetState())
	require.Len(w.t, as[*compensationv1.ListGoodsResponse](w, agent, &compensationv1.ListGoodsRequest{Complaint: w.complaint}).GetGoods(), 1)

	a := as[*compensationv1.AllocateLiabilityResponse](w, quality, &compensationv1.AllocateLiabilityRequest{
		Complaint: w.complaint, Note: "各半", Bases: []*compensationv1.Basis{{Base: policyv1.Base_BASE_LOSS, Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "59.71"}}},
	}).GetAllocation()
	require.Equal(w.t, "29.86", a.GetShares()[0].GetAmount().GetAmount())
	a = as[*compensationv1.DisputeAllocationResponse](w, supervisor, &compensationv1.DisputeAllocationRequest{Name: a.GetName(), Party: "company", Reason: "客户使用不当", Etag: a.GetEtag()}).GetAllocation()
	require.True(w.t, a.GetProvisional())
	as[*compensationv1.DecideDisputeResponse](w, operations, &compensationv1.DecideDisputeRequest{Name: a.GetName(), Verdict: compensationv1.Verdict_VERDICT_STANDS, Note: "维持", Etag: a.GetEtag()})
	as[*compensationv1.GetAllocationResponse](w, agent, &compensationv1.GetAllocationRequest{Name: a.GetName()})
	require.Len(w.t, as[*compensationv1.ListAllocationsResponse](w, agent, &compensationv1.ListAllocationsRequest{Complaint: w.complaint}).GetAllocations(), 1)
}

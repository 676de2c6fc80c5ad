package edgetest_test

import (
	"strings"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/connector"
	"example.com/redress/services/suite/suitetest"
)

// handles is a complaint of its own, from hand to hand.
func (w *walk) handles() {
	c := suitetest.Complaint()
	c.Facts["product_number"] = text("8-2-301")
	made := as[*intakev1.CreateComplaintResponse](w, agent, &intakev1.CreateComplaintRequest{Complaint: c}).GetComplaint()
	kase := strings.Replace(made.GetName(), "complaints/", "cases/", 1)
	w.Settled()
	etag := func() string {
		return as[*routingv1.GetCaseResponse](w, agent, &routingv1.GetCaseRequest{Name: kase}).GetCase().GetEtag()
	}
	as[*routingv1.PassOnCaseResponse](w, agent, &routingv1.PassOnCaseRequest{Name: kase, Departments: []string{"departments/product"}, Note: "请查看", Etag: etag()})
	as[*routingv1.SignForCaseResponse](w, agent, &routingv1.SignForCaseRequest{Name: kase, Department: "departments/product", Note: "收到", Etag: etag()})
	contact := as[*routingv1.RecordContactResponse](w, agent, &routingv1.RecordContactRequest{Parent: kase, Contact: &routingv1.Contact{Mode: "telephone", Note: "约定上门"}}).GetContact()
	as[*routingv1.GetContactResponse](w, agent, &routingv1.GetContactRequest{Name: contact.GetName()})
	require.Len(w.t, as[*routingv1.ListContactsResponse](w, agent, &routingv1.ListContactsRequest{Parent: kase}).GetContacts(), 1)
	require.Len(w.t, as[*routingv1.ListCardsResponse](w, agent, &routingv1.ListCardsRequest{Parent: kase}).GetCards(), 1)
	as[*routingv1.TryCardResponse](w, agent, &routingv1.TryCardRequest{Name: kase, Card: "listen", Etag: etag()})

	offer := as[*routingv1.MakeOfferResponse](w, agent, &routingv1.MakeOfferRequest{Parent: kase, Offer: &routingv1.Offer{
		Text: "维修并补偿", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "200.00"},
	}}).GetOffer()
	offer = as[*routingv1.AnswerOfferResponse](w, agent, &routingv1.AnswerOfferRequest{Name: offer.GetName(), Answer: routingv1.AnswerOfferRequest_ANSWER_ACCEPTED, Note: "可以", Etag: offer.GetEtag()}).GetOffer()
	require.Equal(w.t, routingv1.Offer_STATE_ACCEPTED, as[*routingv1.GetOfferResponse](w, agent, &routingv1.GetOfferRequest{Name: offer.GetName()}).GetOffer().GetState())
	require.Len(w.t, as[*routingv1.ListOffersResponse](w, agent, &routingv1.ListOffersRequest{Parent: kase}).GetOffers(), 1)

	asked := as[*routingv1.RequestApprovalResponse](w, agent, &routingv1.RequestApprovalRequest{Parent: kase, Approval: "consent", Note: "请同意"}).GetCaseApproval()
	asked = as[*routingv1.GetApprovalResponse](w, agent, &routingv1.GetApprovalRequest{Name: asked.GetName()}).GetCaseApproval()
	as[*routingv1.SignApprovalResponse](w, operations, &routingv1.SignApprovalRequest{Name: asked.GetName(), Decision: typev1.Decision_DECISION_APPROVE, Comment: "同意", Etag: asked.GetEtag()})
	require.Len(w.t, as[*routingv1.ListApprovalsResponse](w, agent, &routingv1.ListApprovalsRequest{Parent: kase}).GetCaseApprovals(), 1)
	w.diagnoses(kase, made.GetName(), etag)

	as[*routingv1.InterveneCaseResponse](w, supervisor, &routingv1.InterveneCaseRequest{Name: kase, Reason: "客户再次来电", Etag: etag()})
	as[*routingv1.EscalateCaseResponse](w, agent, &routingv1.EscalateCaseRequest{Name: kase, To: "operations_director", Reason: "超出权限", Etag: etag()})
	as[*routingv1.CompleteHandlingResponse](w, agent, &routingv1.CompleteHandlingRequest{Name: kase, Result: "已维修", Etag: etag()})
}

// diagnoses asks the connector, which is silent, so that a work order goes out.
func (w *walk) diagnoses(kase, complaint string, etag func() string) {
	n := as[*routingv1.PublishNewsResponse](w, supervisor, &routingv1.PublishNewsRequest{News: &routingv1.News{Kind: "ALARM", Place: "8-2-301", Text: "管道压力异常"}}).GetNews()
	as[*routingv1.GetNewsResponse](w, agent, &routingv1.GetNewsRequest{Name: n.GetName()})
	require.Len(w.t, as[*routingv1.ListNewsResponse](w, agent, &routingv1.ListNewsRequest{Case: kase}).GetNews(), 1, "the news of the place that the record names")
	require.Empty(w.t, as[*routingv1.ListNewsResponse](w, agent, &routingv1.ListNewsRequest{Place: "9-9-999"}).GetNews())
	shares := as[*routingv1.ListSharesResponse](w, agent, &routingv1.ListSharesRequest{Exchange: "feed", Place: "8-2-301"}).GetShares()
	require.Len(w.t, shares, 1)
	as[*routingv1.GetShareResponse](w, agent, &routingv1.GetShareRequest{Name: shares[0].GetName()})

	w.Connector.Set("meter", connector.Row{Unavailable: true})
	k := as[*routingv1.DiagnoseCaseResponse](w, agent, &routingv1.DiagnoseCaseRequest{Name: kase, Etag: etag()}).GetCase()
	require.Equal(w.t, routingv1.LookUp_STATE_UNAVAILABLE, k.GetLookups()["meter"].GetState())
	orders := as[*routingv1.ListWorkOrdersResponse](w, agent, &routingv1.ListWorkOrdersRequest{Complaint: complaint, State: routingv1.WorkOrder_STATE_SENT}).GetWorkOrders()
	require.Len(w.t, orders, 1)
	order := as[*routingv1.GetWorkOrderResponse](w, agent, &routingv1.GetWorkOrderRequest{Name: orders[0].GetName()}).GetWorkOrder()
	as[*routingv1.AnswerWorkOrderResponse](w, quality, &routingv1.AnswerWorkOrderRequest{Name: order.GetName(), Answer: "已更换密封件", Resolved: true, Etag: order.GetEtag()})
}

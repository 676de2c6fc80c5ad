package rpc

import (
	"context"
	"maps"
	"strconv"
	"sync"

	"google.golang.org/protobuf/proto"

	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// DiagnoseCase implements DiagnosisService: connectors are asked before the transaction
// that keeps what they answered, never within it.
func (s *Server) DiagnoseCase(ctx context.Context, req *routingv1.DiagnoseCaseRequest) (*routingv1.DiagnoseCaseResponse, error) {
	lookups, err := s.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	k, err := run(ctx, s, req, act[*routingv1.DiagnoseCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.DiagnoseCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.Diagnose(domain.Asking{Tree: in.GetTree(), By: by}, lookups, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.DiagnoseCaseResponse{Case: k}, nil
}

// ask walks the tree of a case and asks the connectors that it needs, those of one node
// side by side. What they answer in words is sealed under the complaint's key.
func (s *Server) ask(ctx context.Context, req *routingv1.DiagnoseCaseRequest) ([]*routingv1.LookUp, error) {
	a, err := s.seen(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if strconv.FormatInt(a.Version, 10) != req.GetEtag() {
		return nil, nil // nobody is asked: a repeated request is answered as it was, another is refused
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	sheet := a.Sheet()
	if err := a.MayDiagnose(domain.Asking{Tree: req.GetTree(), By: a.Person(d, host.Caller(ctx).Principal, a.At())}, sheet); err != nil {
		return nil, err
	}
	question, err := s.question(ctx, a, sheet)
	if err != nil {
		return nil, err
	}
	var out []*routingv1.LookUp
	for {
		need := a.Policy().Tree(sheet, domain.Answers(out)).Ask
		if len(need) == 0 {
			break
		}
		got := make([]*routingv1.LookUp, len(need))
		var all sync.WaitGroup
		for i, connector := range need {
			all.Go(func() {
				q := proto.CloneOf(question)
				q.Connector = connector
				got[i] = s.systems.Ask(ctx, a.Policy(), connector, q)
			})
		}
		all.Wait()
		out = append(out, got...)
	}
	for _, l := range out {
		if subject := subjectOf(a.Case()); subject != "" {
			if err := seal.Seal(ctx, s.host.Keys, host.Caller(ctx).Organization, subject, l); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// question is what connectors are told about a case: the facts of its record in clear,
// since a register of subscribers finds nobody by a sealed number.
func (s *Server) question(ctx context.Context, a *app.Acting, sheet *policy.Sheet) (*connectorv1.LookUpRequest, error) {
	organization := host.Caller(ctx).Organization
	q := &connectorv1.LookUpRequest{
		Organization: organization, Facts: map[string]*typev1.Fact{},
		Keys: map[string]string{"complaint": a.Case().GetComplaint(), "number": a.Case().GetNumber()},
	}
	maps.Copy(q.Facts, sheet.Facts)
	if who := a.Complaint.GetComplainant().GetTelephone(); who != "" {
		q.Keys["telephone"] = who
	}
	q = proto.CloneOf(q)
	return q, seal.Open(ctx, s.host.Keys, organization, q, seal.View{Personal: true, FreeText: true, MaskUnavailable: true})
}

// AnswerWorkOrder implements DiagnosisService.
func (s *Server) AnswerWorkOrder(ctx context.Context, req *routingv1.AnswerWorkOrderRequest) (*routingv1.AnswerWorkOrderResponse, error) {
	order := &routingv1.WorkOrder{}
	w, err := run(ctx, s, req, act[*routingv1.AnswerWorkOrderRequest]{
		name: req.GetName(), etag: req.GetEtag(), child: order,
		do: func(a *app.Acting, in *routingv1.AnswerWorkOrderRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.AnswerWorkOrder(order, domain.Finished{Answer: in.GetAnswer(), Resolved: in.GetResolved(), By: by}, sheet)
		},
	}, &routingv1.WorkOrder{})
	if err != nil {
		return nil, err
	}
	return &routingv1.AnswerWorkOrderResponse{WorkOrder: w}, nil
}

// GetWorkOrder implements DiagnosisService.
func (s *Server) GetWorkOrder(ctx context.Context, req *routingv1.GetWorkOrderRequest) (*routingv1.GetWorkOrderResponse, error) {
	w, err := host.Read(ctx, s.host, req.GetName(), &routingv1.WorkOrder{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetWorkOrderResponse{WorkOrder: w}, nil
}

// ListWorkOrders implements DiagnosisService.
func (s *Server) ListWorkOrders(ctx context.Context, req *routingv1.ListWorkOrdersRequest) (*routingv1.ListWorkOrdersResponse, error) {
	q := journal.Query{Kind: app.WorkOrders, Descending: true}
	if st := req.GetState(); st != routingv1.WorkOrder_STATE_UNSPECIFIED {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrState, Value: st.String()})
	}
	where(&q, app.AttrDepartment, req.GetDepartment())
	where(&q, app.AttrComplaint, req.GetComplaint())
	all, next, err := list(ctx, s, req, q, func() *routingv1.WorkOrder { return &routingv1.WorkOrder{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListWorkOrdersResponse{WorkOrders: all, NextPageToken: next}, nil
}

// where narrows a list by an attribute, if a value is asked for.
func where(q *journal.Query, attribute, value string) {
	if value != "" {
		q.Where = append(q.Where, journal.Attr{Name: attribute, Value: value})
	}
}

// GetShare implements DiagnosisService.
func (s *Server) GetShare(ctx context.Context, req *routingv1.GetShareRequest) (*routingv1.GetShareResponse, error) {
	m, err := host.Read(ctx, s.host, req.GetName(), &routingv1.Share{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetShareResponse{Share: m}, nil
}

// ListShares implements DiagnosisService. Places are sealed, so a page is read first and
// those of other places are left out of it.
func (s *Server) ListShares(ctx context.Context, req *routingv1.ListSharesRequest) (*routingv1.ListSharesResponse, error) {
	q := journal.Query{Kind: app.Shares, Descending: true}
	where(&q, app.AttrExchange, req.GetExchange())
	where(&q, app.AttrComplaint, req.GetComplaint())
	all, next, err := list(ctx, s, req, q, func() *routingv1.Share { return &routingv1.Share{} })
	if err != nil {
		return nil, err
	}
	out := &routingv1.ListSharesResponse{NextPageToken: next}
	for _, m := range all {
		if req.GetPlace() == "" || m.GetPlace() == req.GetPlace() {
			out.Shares = append(out.Shares, m)
		}
	}
	return out, nil
}

package rpc

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
)

// ReportGoods puts goods on file that a customer refuses or sends back. Without a
// complaint they fall under the policy in force, and their texts are sealed under a key of
// their own. Cost: reads of complaint, case and policy; one commit of goods, events,
// request and number.
func (s *Server) ReportGoods(ctx context.Context, req *compensationv1.ReportGoodsRequest) (*compensationv1.ReportGoodsResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	name, err := newName("goods")
	if err != nil {
		return nil, err
	}
	by := app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: s.host.Clock.Now()}
	id, err := s.identity(ctx, name, req.GetGoods().GetComplaint(), by)
	if err != nil {
		return nil, err
	}
	key := goodsKey(name, id.Case)
	shard := s.host.Journal.ShardOf(key)
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: key, Subject: app.SubjectID(id.Subject), Reads: []string{id.Case, id.Revision},
	}, func(u *journal.Unit, in *compensationv1.ReportGoodsRequest) error {
		at := by
		at.Now = u.Time()
		act, _, err := s.desk.File(app.InUnit(u), in.GetGoods().GetComplaint(), id.Case, id.Revision, at)
		if err != nil {
			return err
		}
		act.Sums = app.Sums(u)
		mine := id
		if mine.Number, err = app.Number(u, act.Policy.Calendar().Location(), shard, app.GoodsNumbers); err != nil {
			return err
		}
		events, err := domain.Report(mine, in.GetGoods(), act)
		if err != nil {
			return err
		}
		return app.Store(u, true, events)
	})
	if err != nil {
		return nil, err
	}
	g, err := host.Answer(ctx, s.host, receipt, &compensationv1.Goods{}, view(ctx))
	return &compensationv1.ReportGoodsResponse{Goods: g}, err
}

// identity says under which file, key and policy goods are reported.
func (s *Server) identity(ctx context.Context, name, complaint string, by app.Actor) (domain.GoodsIdentity, error) {
	id := strings.TrimPrefix(name, "goods/")
	if complaint == "" {
		_, revision, err := s.desk.Active(s.outside(ctx))
		return domain.GoodsIdentity{Name: name, Case: "cases/" + id, Subject: "subjects/goods-" + id, Revision: revision}, err
	}
	_, on, err := s.desk.Act(s.outside(ctx), complaint, "", by)
	if err != nil {
		return domain.GoodsIdentity{}, err
	}
	return domain.GoodsIdentity{
		Name: name, Case: app.CaseOf(complaint), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), Revision: on.GetPolicyRevision(),
	}, domain.WorkedOn(on)
}

// goodsKey picks the shard of goods: that of the complaint they were reported on, or their
// own; it stays when a complaint is linked later.
func goodsKey(name, file string) string {
	if id := strings.TrimPrefix(file, "cases/"); id != strings.TrimPrefix(name, "goods/") {
		return "complaints/" + id
	}
	return name
}

// treating is one act on goods, inside a unit.
type treating struct {
	domain.Act

	unit   *journal.Unit
	goods  *compensationv1.Goods
	person func(name string) domain.Person
}

// treat runs a request that changes goods and returns them as the caller may see them.
func treat[R named](ctx context.Context, s *Server, req R, decide func(t treating, in R) ([]domain.GoodsEvent, error)) (*compensationv1.Goods, error) {
	seen := &compensationv1.Goods{}
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: goodsKey(seen.GetName(), seen.GetCase()), Subject: app.SubjectID(seen.GetSubject()),
		Reads: []string{req.GetName(), seen.GetCase(), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in R) error {
		g := &compensationv1.Goods{}
		if err := asSeen(u, req, g); err != nil {
			return err
		}
		t, err := s.treating(u, g, d, host.Caller(ctx).Principal)
		if err != nil {
			return err
		}
		u.Answer(req.GetName())
		events, err := decide(t, in)
		if err != nil {
			return err
		}
		return app.Store(u, false, events)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, &compensationv1.Goods{}, view(ctx))
}

func (s *Server) treating(u *journal.Unit, g *compensationv1.Goods, d *directory.Directory, principal string) (treating, error) {
	by := app.Actor{Directory: d, Principal: principal, Now: u.Time()}
	act, _, err := s.desk.File(app.InUnit(u), g.GetComplaint(), g.GetCase(), g.GetPolicyRevision(), by)
	if err != nil {
		return treating{}, err
	}
	act.Sums = app.Sums(u)
	places := app.Places(act.Policy, nil)
	return treating{Act: act, unit: u, goods: g, person: func(name string) domain.Person { return app.Person(by, name, places) }}, nil
}

// FillGoodsForm fills a form about goods.
func (s *Server) FillGoodsForm(ctx context.Context, req *compensationv1.FillGoodsFormRequest) (*compensationv1.FillGoodsFormResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.FillGoodsFormRequest) ([]domain.GoodsEvent, error) {
		return domain.FillGoods(t.goods, in.GetForm(), in.GetFacts(), t.Act)
	})
	return &compensationv1.FillGoodsFormResponse{Goods: g}, err
}

// SignGoods gives a signature on the authority to take goods back.
func (s *Server) SignGoods(ctx context.Context, req *compensationv1.SignGoodsRequest) (*compensationv1.SignGoodsResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.SignGoodsRequest) ([]domain.GoodsEvent, error) {
		return domain.SignGoods(t.goods, domain.Signature{
			Decision: in.GetDecision(), Comment: in.GetComment(), Facts: in.GetFacts(), Digest: in.GetSealedDigest(),
			ToStep: in.GetToStep(), Person: t.person(in.GetPerson()), ByTelephone: in.GetByTelephone(),
		}, t.Act)
	})
	return &compensationv1.SignGoodsResponse{Goods: g}, err
}

// GiveNoticeOfReturn records that the customer was told that the goods may come back.
func (s *Server) GiveNoticeOfReturn(ctx context.Context, req *compensationv1.GiveNoticeOfReturnRequest) (*compensationv1.GiveNoticeOfReturnResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.GiveNoticeOfReturnRequest) ([]domain.GoodsEvent, error) {
		return domain.Announce(t.goods, in.GetNote(), t.Act)
	})
	return &compensationv1.GiveNoticeOfReturnResponse{Goods: g}, err
}

// BringBackGoods records that goods are back on the premises.
func (s *Server) BringBackGoods(ctx context.Context, req *compensationv1.BringBackGoodsRequest) (*compensationv1.BringBackGoodsResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.BringBackGoodsRequest) ([]domain.GoodsEvent, error) {
		return domain.BringBack(t.goods, in.GetNote(), t.Act)
	})
	return &compensationv1.BringBackGoodsResponse{Goods: g}, err
}

// StoreGoods records that goods were taken into the store.
func (s *Server) StoreGoods(ctx context.Context, req *compensationv1.StoreGoodsRequest) (*compensationv1.StoreGoodsResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.StoreGoodsRequest) ([]domain.GoodsEvent, error) {
		return domain.Store(t.goods, in.GetNote(), t.Act)
	})
	return &compensationv1.StoreGoodsResponse{Goods: g}, err
}

// DisposeGoods records what becomes of goods.
func (s *Server) DisposeGoods(ctx context.Context, req *compensationv1.DisposeGoodsRequest) (*compensationv1.DisposeGoodsResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.DisposeGoodsRequest) ([]domain.GoodsEvent, error) {
		return domain.Dispose(t.goods, in.GetDisposition(), in.GetNote(), t.Act)
	})
	return &compensationv1.DisposeGoodsResponse{Goods: g}, err
}

// LinkGoods links goods to a complaint.
func (s *Server) LinkGoods(ctx context.Context, req *compensationv1.LinkGoodsRequest) (*compensationv1.LinkGoodsResponse, error) {
	g, err := treat(ctx, s, req, func(t treating, in *compensationv1.LinkGoodsRequest) ([]domain.GoodsEvent, error) {
		_, on, err := s.desk.Act(app.InUnit(t.unit), in.GetComplaint(), t.goods.GetPolicyRevision(), app.Actor{Now: t.Now})
		if err != nil {
			return nil, err
		}
		return domain.Link(t.goods, on.GetName(), on.GetNumber(), on.GetSubject(), t.Act)
	})
	return &compensationv1.LinkGoodsResponse{Goods: g}, err
}

// GetGoods returns goods on their way back.
func (s *Server) GetGoods(ctx context.Context, req *compensationv1.GetGoodsRequest) (*compensationv1.GetGoodsResponse, error) {
	g, err := host.Read(ctx, s.host, req.GetName(), &compensationv1.Goods{}, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.GetGoodsResponse{Goods: g}, nil
}

// ListGoods lists goods, the newest first.
func (s *Server) ListGoods(ctx context.Context, req *compensationv1.ListGoodsRequest) (*compensationv1.ListGoodsResponse, error) {
	state := ""
	if req.GetState() != compensationv1.Goods_STATE_UNSPECIFIED {
		state = req.GetState().String()
	}
	found, token, err := s.page(ctx, req, app.Goods, state)
	if err != nil {
		return nil, err
	}
	goods, err := host.Rows(ctx, s.host, found.Rows, func() *compensationv1.Goods { return &compensationv1.Goods{} }, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.ListGoodsResponse{Goods: goods, NextPageToken: token}, nil
}

// filtered is a request for a page of a collection.
type filtered interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
	GetComplaint() string
}

// page reads one page, the newest first; complaint and state narrow it.
func (s *Server) page(ctx context.Context, req filtered, kind, state string) (journal.Page, string, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return journal.Page{}, "", err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return journal.Page{}, "", err
	}
	q := journal.Query{Organization: organization, Kind: kind, Limit: size, After: after, Descending: true}
	if req.GetComplaint() != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrComplaint, Value: req.GetComplaint()})
	}
	if state != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrState, Value: state})
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return journal.Page{}, "", err
	}
	return found, page.Token(found.Next, req, organization), nil
}

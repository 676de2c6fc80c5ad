package rpc

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// PublishNews implements DiagnosisService. News is about things, never about a person:
// its words are not sealed.
func (s *Server) PublishNews(ctx context.Context, req *routingv1.PublishNewsRequest) (*routingv1.PublishNewsResponse, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("new id: %w", err)
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	name := "news/" + id.String()
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: []string{name}}, func(u *journal.Unit, in *routingv1.PublishNewsRequest) error {
		pack, err := s.desk.InForce(u)
		if err != nil {
			return err
		}
		caller := host.Caller(ctx).Principal
		by := domain.Person{Name: caller, Matches: func(who string) (bool, string) { return d.Match(caller, who, u.Time(), directory.Places{}) }}
		news, rule, err := domain.Publish(pack, in.GetNews(), by, u.Time(), u.Warn)
		if err != nil {
			return err
		}
		news.Name = name
		u.Because(rule)
		u.Answer(name)
		return u.Create(name, news, &routingv1.NewsPublished{})
	})
	if err != nil {
		return nil, err
	}
	news, err := host.Answer(ctx, s.host, receipt, &routingv1.News{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.PublishNewsResponse{News: news}, nil
}

// GetNews implements DiagnosisService.
func (s *Server) GetNews(ctx context.Context, req *routingv1.GetNewsRequest) (*routingv1.GetNewsResponse, error) {
	n, err := host.Read(ctx, s.host, req.GetName(), &routingv1.News{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetNewsResponse{News: n}, nil
}

// ListNews implements DiagnosisService. News that has ended is left out of its page.
func (s *Server) ListNews(ctx context.Context, req *routingv1.ListNewsRequest) (*routingv1.ListNewsResponse, error) {
	q := journal.Query{Kind: app.News, Descending: true}
	where(&q, app.AttrKind, req.GetKind())
	where(&q, app.AttrPlace, req.GetPlace())
	var places []string
	if req.GetCase() != "" {
		var err error
		if places, err = s.places(ctx, req.GetCase()); err != nil {
			return nil, err
		}
	}
	all, next, err := list(ctx, s, req, q, func() *routingv1.News { return &routingv1.News{} })
	if err != nil {
		return nil, err
	}
	out := &routingv1.ListNewsResponse{NextPageToken: next}
	now := s.host.Clock.Now()
	for _, n := range all {
		if n.GetUntil() != nil && !n.GetUntil().AsTime().After(now) || req.GetCase() != "" && !slices.Contains(places, n.GetPlace()) {
			continue
		}
		out.News = append(out.News, n)
	}
	return out, nil
}

// places returns what the record of a case says in the facts by which exchanges of its
// pack take news in.
func (s *Server) places(ctx context.Context, name string) ([]string, error) {
	a, err := s.seen(ctx, name)
	if err != nil {
		return nil, err
	}
	facts := &typev1.Row{Values: map[string]*typev1.Fact{}}
	for _, x := range a.Policy().Rules().GetRouting().GetExchange() {
		if f := a.Sheet().Facts[x.GetMatch()]; x.GetKind() != "" && f != nil {
			facts.Values[x.GetMatch()] = proto.CloneOf(f)
		}
	}
	if err := seal.Open(ctx, s.host.Keys, host.Caller(ctx).Organization, facts, host.View(ctx)); err != nil {
		return nil, err
	}
	var out []string
	for _, f := range facts.GetValues() {
		out = append(out, domain.Place(f))
	}
	return out, nil
}

package rpc

import (
	"context"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/search"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
)

const (
	// lookAtOnce is how many complaints are read and opened at once at least, as some may not be meant.
	lookAtOnce = 50
	// lookMost is about how many one call looks at, so that words whose pairs are common
	// and which are not cost no more than a large page.
	lookMost = 1000
)

// SearchComplaints finds complaints by words, the newest first. What the index gives
// is compared with the texts that the caller may see. Cost: a search of the index for
// each page's worth of complaints looked at, one key for each of them.
//
// Source: docs/adr/0014.
func (s *Server) SearchComplaints(ctx context.Context, req *intakev1.SearchComplaintsRequest) (*intakev1.SearchComplaintsResponse, error) {
	caller := host.Caller(ctx)
	words, err := search.Parse(req.GetQuery())
	if err != nil {
		return nil, err
	}
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	scope := []string{caller.Organization, caller.Principal}
	after, err := page.After(req.GetPageToken(), req, scope...)
	if err != nil {
		return nil, err
	}
	q := journal.TermQuery{Organization: caller.Organization, After: after}
	if q.All, err = s.cfg.Index.Wanted(caller.Organization, words); err != nil {
		return nil, err
	}
	// One more is looked for than the page has: that there is a next page must not tell
	// of a complaint in which the caller may not read the words.
	var found []*intakev1.Complaint
	for looked := 0; looked < lookMost; {
		q.Limit = max(size+1-len(found), lookAtOnce)
		p, err := s.host.Journal.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		meant, err := s.meant(ctx, p.Rows, words)
		if err != nil {
			return nil, err
		}
		found = append(found, meant...)
		looked += len(p.Rows)
		if q.After = p.Next; len(found) > size {
			found, q.After = found[:size], found[size-1].GetName()
			break
		}
		if q.After == "" {
			break
		}
	}
	return &intakev1.SearchComplaintsResponse{Complaints: found, NextPageToken: page.Token(q.After, req, scope...)}, nil
}

// meant returns those of the complaints in which the caller can read every word.
func (s *Server) meant(ctx context.Context, rows []journal.Row, words search.Words) ([]*intakev1.Complaint, error) {
	all, err := host.Rows(ctx, s.host, rows, func() *intakev1.Complaint { return &intakev1.Complaint{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.hide(ctx, all...); err != nil {
		return nil, err
	}
	var meant []*intakev1.Complaint
	for _, c := range all {
		if words.In(c) {
			meant = append(meant, c)
		}
	}
	return meant, nil
}

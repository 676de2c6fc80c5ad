package rpc

import (
	"context"
	"strings"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

func noEntry() *correctiveactionv1.Entry { return &correctiveactionv1.Entry{} }

// GetEntry returns one entry of the ledger.
func (s *Server) GetEntry(ctx context.Context, req *correctiveactionv1.GetEntryRequest) (*correctiveactionv1.GetEntryResponse, error) {
	e, err := host.Read(ctx, s.host, req.GetName(), noEntry(), host.View(ctx))
	return &correctiveactionv1.GetEntryResponse{Entry: e}, err
}

// ListEntries lists entries, the newest first.
func (s *Server) ListEntries(ctx context.Context, req *correctiveactionv1.ListEntriesRequest) (*correctiveactionv1.ListEntriesResponse, error) {
	entries, next, err := list(ctx, s, req, app.Entries, map[string]string{
		app.AttrComplaint: req.GetComplaint(), app.AttrState: stateOf(req.GetState()), app.AttrTo: req.GetTo(), app.AttrPeriod: req.GetPeriod(),
		app.AttrEntry: req.GetEntry(), app.AttrFund: req.GetFund(), app.AttrAccount: req.GetAccount(),
	}, noEntry)
	return &correctiveactionv1.ListEntriesResponse{Entries: entries, NextPageToken: next}, err
}

// GetLedger sums the entries of a person or department in a month.
func (s *Server) GetLedger(ctx context.Context, req *correctiveactionv1.GetLedgerRequest) (*correctiveactionv1.GetLedgerResponse, error) {
	var where []journal.Attr
	for name, value := range map[string]string{app.AttrTo: req.GetParty(), app.AttrPeriod: req.GetPeriod()} {
		if value != "" {
			where = append(where, journal.Attr{Name: name, Value: value})
		}
	}
	entries, err := all(ctx, s, host.Caller(ctx).Organization, app.Entries, where, host.View(ctx), noEntry)
	if err != nil {
		return nil, err
	}
	sum, err := domain.Sum(entries)
	if err != nil {
		return nil, err
	}
	sum.Party, sum.Period = req.GetParty(), req.GetPeriod()
	return &correctiveactionv1.GetLedgerResponse{Ledger: sum}, nil
}

// Penalise books an entry whose figure or time a person decides.
func (s *Server) Penalise(ctx context.Context, req *correctiveactionv1.PenaliseRequest) (*correctiveactionv1.PenaliseResponse, error) {
	if err := s.known(ctx, req.GetTo()); err != nil {
		return nil, err
	}
	of, err := s.subjectOf(ctx, req.GetComplaint())
	if err != nil {
		return nil, err
	}
	name, err := newName("entries")
	if err != nil {
		return nil, err
	}
	caller, complaint := host.Caller(ctx).Principal, req.GetComplaint()
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: or(complaint, name), Subject: subject(ctx, of), Reads: reads(complaint)},
		func(u *journal.Unit, in *correctiveactionv1.PenaliseRequest) error {
			sc, err := s.desk.Scene(u, complaint, "", u.Time())
			if err != nil {
				return err
			}
			sc.By, sc.Source, sc.Cause, sc.Outside = caller, name, complaint, complaint == ""
			wish := domain.Wish{
				Entry: in.GetEntry(), To: sc.Party(in.GetTo(), ""), Amount: in.GetAmount(), Facts: in.GetFacts(), Waive: in.GetWaive(), WaiveReason: in.GetWaiveReason(),
			}
			if sc, err = s.desk.Verified(u, sc, wish); err != nil {
				return err
			}
			wish.Eligible = sc.Eligible(wish.To)
			due, err := domain.Penalise(wish, s.desk.Act(u, sc, caller))
			if err != nil {
				return err
			}
			u.Answer(name)
			return s.desk.Book(u, sc, due, name, &app.Decided{To: wish.To, Reason: in.GetReason(), Facts: in.GetFacts(), Subject: subjectName(ctx, of)})
		})
	if err != nil {
		return nil, err
	}
	e, err := host.Answer(ctx, s.host, receipt, noEntry(), host.View(ctx))
	return &correctiveactionv1.PenaliseResponse{Entry: e}, err
}

// PayEntry records that a fine or reward was handed over.
func (s *Server) PayEntry(ctx context.Context, req *correctiveactionv1.PayEntryRequest) (*correctiveactionv1.PayEntryResponse, error) {
	seen := noEntry()
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	caller := host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: or(seen.GetComplaint(), req.GetName()), Subject: subject(ctx, seen.GetSubject()), Reads: []string{req.GetName()}, Forever: true,
	}, func(u *journal.Unit, in *correctiveactionv1.PayEntryRequest) error {
		e := noEntry()
		version, err := u.Get(in.GetName(), e)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		act := domain.Act{Now: u.Time(), By: domain.Person{Name: caller}}
		at := act.Now
		if in.GetPayTime() != nil {
			at = in.GetPayTime().AsTime()
		}
		next, err := domain.Pay(e, at, act)
		if err != nil {
			return err
		}
		u.Because(e.GetRule())
		if err := u.Update(in.GetName(), next, &correctiveactionv1.EntryPaid{}); err != nil {
			return err
		}
		return clocks.Meet(u, in.GetName(), e.GetEntry(), at)
	})
	if err != nil {
		return nil, err
	}
	e, err := host.Answer(ctx, s.host, receipt, noEntry(), host.View(ctx))
	return &correctiveactionv1.PayEntryResponse{Entry: e}, err
}

// subjectOf returns the data subject of a complaint; empty for none.
// RESOURCE_NOT_FOUND if it has not been heard of.
func (s *Server) subjectOf(ctx context.Context, complaint string) (string, error) {
	if complaint == "" {
		return "", nil
	}
	on := noComplaint()
	_, ok, err := s.host.Journal.Projection(ctx, host.Caller(ctx).Organization, complaint, on)
	if err == nil && !ok {
		err = host.NotFound(complaint)
	}
	return on.GetSubject(), err
}

// subjectName is the name of the data subject under which texts are sealed.
func subjectName(ctx context.Context, of string) string { return "subjects/" + subject(ctx, of) }

// reads are what a decision about a complaint reads; nothing for none.
func reads(complaint string) []string {
	if !strings.HasPrefix(complaint, "complaints/") {
		return nil
	}
	return []string{complaint, app.CaseOf(complaint)}
}

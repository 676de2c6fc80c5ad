package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/view"
)

// Collections of watches.
const (
	// Watched are the finds of watches.
	Watched = "watched/*"
	// WatchRuns say which period each watch looks at next.
	WatchRuns = "watchRuns/*"
)

// Attributes by which finds are found.
const (
	AttrWatch = "watch"
	AttrPer   = "per"
)

// GetWatched returns one find of a watch.
func (s *Server) GetWatched(ctx context.Context, req *reportingv1.GetWatchedRequest) (*reportingv1.GetWatchedResponse, error) {
	found, err := host.Read(ctx, s.host, req.GetName(), &reportingv1.Watched{}, seal.All())
	if err != nil {
		return nil, err
	}
	return &reportingv1.GetWatchedResponse{Watched: found}, nil
}

// ListWatched lists what watches found.
func (s *Server) ListWatched(ctx context.Context, req *reportingv1.ListWatchedRequest) (*reportingv1.ListWatchedResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Organization: caller.Organization, Kind: Watched, Limit: size, After: after, Descending: true}
	for name, value := range map[string]string{AttrWatch: req.GetWatch(), AttrPer: req.GetPer()} {
		if value != "" {
			q.Where = append(q.Where, journal.Attr{Name: name, Value: value})
		}
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *reportingv1.Watched { return &reportingv1.Watched{} }, seal.All())
	if err != nil {
		return nil, err
	}
	return &reportingv1.ListWatchedResponse{Watched: all, NextPageToken: page.Token(found.Next, req, caller.Organization, caller.Principal)}, nil
}

const (
	// maxRuns is how many watches are looked at before the feeds are asked again.
	maxRuns = 100
	// lookEvery is how often they are looked at, in machine time.
	lookEvery = time.Second
)

// LookAtWatches evaluates watches whose period has ended, until ctx ends. It wakes
// each second of machine time, and whenever somebody asks whether it is at rest.
func (s *Server) LookAtWatches(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.lookAtWatches(ctx); err != nil && ctx.Err() == nil {
			s.host.Logger.WarnContext(ctx, "watches wait", "error", err)
		}
		pause, cancel := clock.System().WithTimeout(ctx, lookEvery)
		select {
		case <-s.wake:
		case <-pause.Done():
		}
		cancel()
	}
	return nil
}

func (s *Server) lookAtWatches(ctx context.Context) error {
	due, err := s.host.Due(ctx, WatchRuns, maxRuns)
	if err != nil || len(due) == 0 {
		return err
	}
	s.watch.Look(ctx)
	var errs []error
	for _, t := range due {
		// A period is judged when all that happened in it has been read.
		if fresh, known := s.watch.Fresh(); !known || fresh.Before(t.At) {
			return fmt.Errorf("%s: not all feeds were read up to %s", t.Name, t.At)
		}
		if err := s.evaluate(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.Name, err))
		}
	}
	return errors.Join(errs...)
}

// evaluate looks at the period of a watch that has ended, tells what it found as of
// that instant, and goes on to the next.
func (s *Server) evaluate(ctx context.Context, t journal.Timer) error {
	run := &reportingv1.WatchRun{}
	if _, err := s.host.Journal.Get(ctx, t.Organization, t.Name, run); err != nil {
		return err
	}
	p, revision, err := s.policies.Active(revisions.Journal{Context: ctx, J: s.host.Journal, Organization: t.Organization})
	if err != nil && fault.ReasonOf(err) != revisions.ReasonNoActive {
		return err
	}
	next := proto.CloneOf(run)
	next.EndTime, next.Generation = timestamppb.New(t.At), run.GetGeneration()+1
	var found []*reportingv1.Watched
	if def := watchOf(p, run.GetWatch()); def != nil {
		// The period is that which ended then, by the length that the pack says now.
		last := domain.Containing(def.GetEvery(), t.At.Add(-1), p.Calendar().Location())
		if found, err = s.finds(ctx, t.Organization, p, def, last); err != nil {
			return err
		}
		next = domain.Stand(run, def.GetId(), last.Next())
	}
	for _, w := range found {
		w.PolicyRevision = revision.GetName()
	}
	_, err = s.host.Journal.Write(ctx, journal.Work{
		Organization: t.Organization, Key: t.Name, Reads: []string{t.Name}, Time: t.At, Actor: &eventv1.Actor{Principal: "services/" + s.host.Name()},
	}, func(u *journal.Unit) error {
		seen := &reportingv1.WatchRun{}
		if _, err := u.Get(t.Name, seen); err != nil || seen.GetGeneration() != run.GetGeneration() {
			return err // another replica was faster
		}
		if err := u.Update(t.Name, next, &reportingv1.WatchRunMoved{}); err != nil {
			return err
		}
		for _, w := range found {
			_, err := u.Get(w.GetName(), &reportingv1.Watched{})
			if fault.KindOf(err) != fault.NotFound {
				if err != nil {
					return err
				}
				continue // found before
			}
			u.Because(w.GetRule())
			if err := u.Create(w.GetName(), w, &reportingv1.WatchTripped{}); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// finds reads as many periods as the watch looks at and returns what it finds in them.
func (s *Server) finds(ctx context.Context, organization string, p *policy.Policy, w *policyv1.Watch, last domain.Period) ([]*reportingv1.Watched, error) {
	m := measureOf(p, w.GetMeasure())
	if m == nil {
		return nil, nil
	}
	reader := view.Reader{J: s.host.Journal, Organization: organization}
	var spans []domain.Span
	for period, n := last, p.Run(w); n > 0; period, n = period.Before(), n-1 {
		rows, err := reader.Rows(ctx, m.GetOf(), m.GetDatedBy(), period)
		if err != nil {
			return nil, err
		}
		spans = append(spans, domain.Span{Period: period, Rows: rows})
	}
	slices.Reverse(spans)
	return domain.Watch(p, w, m, spans), nil
}

func watchOf(p *policy.Policy, id string) *policyv1.Watch {
	if p == nil {
		return nil
	}
	for _, w := range p.Watches() {
		if w.GetId() == id {
			return w
		}
	}
	return nil
}

// Open lets the watches of a pack that has come into force stand at the period that
// holds the instant, unless they stand somewhere.
func (s *Server) Open(u *journal.Unit, revision string) error {
	p, err := s.policies.Get(revisions.Unit{U: u}, revision)
	if err != nil {
		return err
	}
	for _, w := range p.Watches() {
		name := domain.RunName(w.GetId())
		run := &reportingv1.WatchRun{}
		_, err := u.Get(name, run)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err == nil && run.GetEndTime() == nil {
			continue
		}
		next := domain.Stand(run, w.GetId(), domain.Containing(w.GetEvery(), u.Time(), p.Calendar().Location()))
		u.Because(p.Rule(w.GetId()))
		if err != nil {
			err = u.Create(name, next, &reportingv1.WatchRunMoved{})
		} else {
			err = u.Update(name, next, &reportingv1.WatchRunMoved{})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Quiet reports that every watch has looked at the periods that have ended.
func (s *Server) Quiet(ctx context.Context) (bool, error) {
	due, err := s.host.Due(ctx, WatchRuns, 1)
	if len(due) > 0 {
		select {
		case s.wake <- struct{}{}:
		default: // told already
		}
	}
	return len(due) == 0, err
}

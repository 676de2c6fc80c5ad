package clocks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/slaclock"
)

// Command says how a request that changes a clock is run; see host.Command.
type Command struct {
	// Key is the complaint, or the clock where there is none.
	Key string
	// Reads are the names the decision will read.
	Reads []string
	// Subject is the data subject whose key seals the reason given; "" for none.
	Subject string
}

// Hooks is what the service around a clock does for it. Fields may be nil where
// the comment says so.
type Hooks struct {
	// Caller returns the organisation and the principal of who calls.
	Caller func(ctx context.Context) (organization, principal string)
	// Run decides a request once: it answers a repeated request_id from memory and
	// calls decide with the request's texts sealed. decide may run again.
	Run func(ctx context.Context, req proto.Message, c Command, decide func(*journal.Unit, proto.Message) error) (journal.Receipt, error)
	// Open opens the sealed texts of m as far as the caller may see them. nil: they are clear.
	Open func(ctx context.Context, organization string, m proto.Message) error
	// Subject returns the data subject of the clock's complaint. nil: texts are not sealed.
	Subject func(ctx context.Context, c *clockv1.Clock) (string, error)
	// MayRead refuses callers who may not see the clocks of the subject, with the
	// fault of absence. nil: whoever may call may see.
	MayRead func(ctx context.Context, organization, subject string) error
	// MayPause refuses callers whom the pack does not let pause or resume. nil: the
	// function checked before suffices.
	MayPause func(ctx context.Context, u *journal.Unit, c *clockv1.Clock) error
	// MayExtend refuses an extension that the pack does not provide for, that lacks
	// something, or whose caller is not the one named. nil: none is allowed.
	MayExtend func(ctx context.Context, u *journal.Unit, c *clockv1.Clock, due time.Time) error
	// Changed is told, in the same Unit, what became of a clock. nil: nobody listens.
	Changed func(u *journal.Unit, c *clockv1.Clock, changes []*clockv1.ClockChanged) error
}

// NewServer returns the ClockService of the clocks in the journal. Access was
// checked and requests were validated by interceptors before it is called.
func NewServer(j *journal.Journal, h Hooks) clockv1.ClockServiceServer {
	return &server{j: j, h: h}
}

type server struct {
	clockv1.UnimplementedClockServiceServer

	j *journal.Journal
	h Hooks
}

// GetClock implements ClockService.
func (s *server) GetClock(ctx context.Context, req *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
	c, err := s.read(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &clockv1.GetClockResponse{Clock: c}, s.open(ctx, c)
}

// ExplainClock implements ClockService.
func (s *server) ExplainClock(ctx context.Context, req *clockv1.ExplainClockRequest) (*clockv1.ExplainClockResponse, error) {
	c, err := s.read(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx, c); err != nil { // the notes of pauses are reasons
		return nil, err
	}
	cal, err := calendarOf(c)
	if err != nil {
		return nil, err
	}
	intervals, err := slaclock.Explain(cal, c)
	if err != nil {
		return nil, err
	}
	return &clockv1.ExplainClockResponse{Clock: c, Intervals: intervals}, nil
}

// ListClocks implements ClockService. A subject has few clocks: all are read to
// put them in the order they started.
func (s *server) ListClocks(ctx context.Context, req *clockv1.ListClocksRequest) (*clockv1.ListClocksResponse, error) {
	organization, _ := s.h.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, organization, req.GetParent()); err != nil {
		return nil, err
	}
	all, err := s.list(ctx, organization, req.GetParent())
	if err != nil {
		return nil, err
	}
	resp := &clockv1.ListClocksResponse{}
	for _, c := range all {
		if position(c) <= after {
			continue
		}
		if len(resp.Clocks) == size {
			resp.NextPageToken = page.Token(position(resp.Clocks[size-1]), req, organization)
			break
		}
		resp.Clocks = append(resp.Clocks, c)
	}
	for _, c := range resp.Clocks {
		if err := s.open(ctx, c); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// position orders clocks by their start, then by their name.
func position(c *clockv1.Clock) string {
	return fmt.Sprintf("%020d %s", c.GetStartTime().GetSeconds(), c.GetName())
}

func (s *server) list(ctx context.Context, organization, subject string) ([]*clockv1.Clock, error) {
	q := journal.Query{Organization: organization, Kind: patternOf(subject), Parent: subject, Limit: page.MaxSize}
	var all []*clockv1.Clock
	for {
		p, err := s.j.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range p.Rows {
			c := &clockv1.Clock{}
			if err := proto.Unmarshal(row.State, c); err != nil {
				return nil, fmt.Errorf("state of %s: %w", row.Name, err)
			}
			c.Etag = journal.Etag(row.Version)
			all = append(all, c)
		}
		if p.Next == "" {
			break
		}
		q.After = p.Next
	}
	slices.SortFunc(all, func(a, b *clockv1.Clock) int { return cmp.Compare(position(a), position(b)) })
	return all, nil
}

// PauseClock implements ClockService.
func (s *server) PauseClock(ctx context.Context, req *clockv1.PauseClockRequest) (*clockv1.PauseClockResponse, error) {
	c, err := s.run(ctx, req, act{
		name: req.GetName(), etag: req.GetEtag(), may: s.h.MayPause, sealed: true,
		do: func(u *journal.Unit, cal *calendar.Calendar, c *clockv1.Clock, m proto.Message, principal string) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			reason := m.(*clockv1.PauseClockRequest).GetReason()
			return slaclock.Pause(cal, c, u.Time(), slaclock.By{Principal: principal, Reason: reason})
		},
	})
	if err != nil {
		return nil, err
	}
	return &clockv1.PauseClockResponse{Clock: c}, nil
}

// ResumeClock implements ClockService.
func (s *server) ResumeClock(ctx context.Context, req *clockv1.ResumeClockRequest) (*clockv1.ResumeClockResponse, error) {
	c, err := s.run(ctx, req, act{
		name: req.GetName(), etag: req.GetEtag(), may: s.h.MayPause,
		do: func(u *journal.Unit, cal *calendar.Calendar, c *clockv1.Clock, _ proto.Message, _ string) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Resume(cal, c, u.Time())
		},
	})
	if err != nil {
		return nil, err
	}
	return &clockv1.ResumeClockResponse{Clock: c}, nil
}

// ExtendClock implements ClockService.
func (s *server) ExtendClock(ctx context.Context, req *clockv1.ExtendClockRequest) (*clockv1.ExtendClockResponse, error) {
	due := req.GetDueTime().AsTime()
	c, err := s.run(ctx, req, act{
		name: req.GetName(), etag: req.GetEtag(), sealed: true,
		may: func(ctx context.Context, u *journal.Unit, c *clockv1.Clock) error {
			if s.h.MayExtend == nil {
				return extensionRefused(c, due)
			}
			return s.h.MayExtend(ctx, u, c, due)
		},
		do: func(u *journal.Unit, cal *calendar.Calendar, c *clockv1.Clock, m proto.Message, principal string) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			reason := m.(*clockv1.ExtendClockRequest).GetReason()
			return slaclock.Extend(cal, c, u.Time(), due, slaclock.By{Principal: principal, Reason: reason})
		},
	})
	if err != nil {
		return nil, err
	}
	return &clockv1.ExtendClockResponse{Clock: c}, nil
}

// act is a change that a caller asks for.
type act struct {
	name, etag string
	sealed     bool // the request has a text
	may        func(context.Context, *journal.Unit, *clockv1.Clock) error
	do         func(u *journal.Unit, cal *calendar.Calendar, c *clockv1.Clock, sealed proto.Message, principal string) (*clockv1.Clock, []*clockv1.ClockChanged, error)
}

func (s *server) run(ctx context.Context, req proto.Message, a act) (*clockv1.Clock, error) {
	seen, err := s.read(ctx, a.name)
	if err != nil {
		return nil, err
	}
	_, principal := s.h.Caller(ctx)
	command := Command{Key: cmp.Or(seen.GetComplaint(), a.name), Reads: []string{a.name}}
	if a.sealed && s.h.Subject != nil {
		if command.Subject, err = s.h.Subject(ctx, seen); err != nil {
			return nil, err
		}
	}
	receipt, err := s.h.Run(ctx, req, command, func(u *journal.Unit, sealed proto.Message) error {
		c := &clockv1.Clock{}
		version, err := u.Get(a.name, c)
		if err != nil {
			return notFound(err, a.name)
		}
		if err := journal.CheckEtag(version, a.etag); err != nil {
			return err
		}
		if a.may != nil {
			if err := a.may(ctx, u, c); err != nil {
				return err
			}
		}
		cal, err := calendarOf(c)
		if err != nil {
			return err
		}
		next, changes, err := a.do(u, cal, c, sealed, principal)
		if err != nil {
			return err
		}
		if err := update(u, next, changes); err != nil {
			return err
		}
		u.Answer(a.name)
		if s.h.Changed != nil {
			return s.h.Changed(u, next, changes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c := &clockv1.Clock{}
	if err := proto.Unmarshal(receipt.State, c); err != nil {
		return nil, fmt.Errorf("state of %s: %w", a.name, err)
	}
	c.Etag = journal.Etag(receipt.Version)
	return c, s.open(ctx, c)
}

// read returns a clock of the caller's organisation, with its etag, its texts sealed.
func (s *server) read(ctx context.Context, name string) (*clockv1.Clock, error) {
	organization, _ := s.h.Caller(ctx)
	c := &clockv1.Clock{}
	version, err := s.j.Get(ctx, organization, name, c)
	if err != nil {
		return nil, notFound(err, name)
	}
	if err := s.mayRead(ctx, organization, c.GetSubject()); err != nil {
		return nil, notFound(err, name)
	}
	c.Etag = journal.Etag(version)
	return c, nil
}

func (s *server) mayRead(ctx context.Context, organization, subject string) error {
	if s.h.MayRead == nil {
		return nil
	}
	return s.h.MayRead(ctx, organization, subject)
}

func (s *server) open(ctx context.Context, m proto.Message) error {
	if s.h.Open == nil {
		return nil
	}
	organization, _ := s.h.Caller(ctx)
	return s.h.Open(ctx, organization, m)
}

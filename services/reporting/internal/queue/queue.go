// Package queue keeps what waits for people, in the order in which it is urgent, so that
// a page of somebody's work costs the same beside ten open complaints and beside a
// million.
//
// Whoever applies an event marks its complaint's queue as stale in the same
// transaction ([Queue.Heard]); soon after, the work of the complaint is worked out
// anew and what has changed is kept ([Queue.Run]). So the several events of one act
// cost one look. Nothing is lost if a process dies in between: the mark is stored.
//
// Start reading at [Queue.Run]; what waits is decided by package domain, what is kept by
// package view.
//
// Source: DESIGN section 7 (ListWork); docs/adr/0015.
package queue

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/reporting/internal/view"
)

const (
	// gather is how long a complaint is left alone after something was heard of it, so that
	// what belongs together is looked at once; by then the transaction has mostly ended.
	gather = 100 * time.Millisecond
	// crowd is how many complaints wait before each is left alone for twice as long, thrice
	// for two crowds, and patience how long at most: the more there is to follow, the more
	// of what belongs together is still to come.
	crowd    = 128
	patience = 2 * time.Second
	// again is when a complaint is looked at once more whose mark was not there, whose
	// policy has not arrived, or whose look failed.
	again = time.Second
	// giveUp is how long a mark may stay away: the transaction did not come about.
	giveUp = 10 * time.Second
	// lookEvery is how often stored marks are searched: those of processes that died.
	lookEvery = time.Minute
	// most is how many complaints one look takes.
	most = 512
)

// rules is the number of the rules by which work is worked out. It rises with every
// change of what [domain.Waiting] or [view.Requeue] make of the same complaint, so
// that what is open is worked out anew.
const rules = "1"

// rolling is how long processes of an earlier version may go on beside this one; they
// make no marks.
const rolling = 10 * time.Minute

// subject is a complaint of an organisation.
type subject struct{ organization, complaint string }

// note is when something was heard of a complaint, and when it is looked at.
type note struct{ heard, due time.Time }

// Queue keeps work in order. Safe for concurrent use.
type Queue struct {
	host     *host.Host
	policies *revisions.Revisions
	clock    clock.Machine
	looking  sync.Mutex // one look at a time

	mu    sync.Mutex
	notes map[subject]note
	wake  chan struct{}
}

// New returns a queue; [Queue.Bind] gives it its host before the first event.
func New(policies *revisions.Revisions) *Queue {
	return &Queue{policies: policies, clock: clock.System(), notes: map[subject]note{}, wake: make(chan struct{}, 1)}
}

// Bind gives the queue the host whose journal it reads and writes.
func (q *Queue) Bind(h *host.Host) { q.host = h }

// Heard marks the queue of a complaint as stale in the transaction that applies an event of it.
func (q *Queue) Heard(u *journal.Unit, complaint string) error {
	if complaint == "" {
		return nil
	}
	if err := view.MarkStale(u, complaint); err != nil {
		return err
	}
	q.note(u.Organization(), complaint)
	return nil
}

// Foresee adds what Heard reads to the write that applies an event.
func Foresee(w *journal.Work, complaint string) { w.Reads = append(w.Reads, view.QueueOf(complaint)) }

func (q *Queue) note(organization string, complaints ...string) {
	now := q.clock.Now()
	q.mu.Lock()
	for _, c := range complaints {
		s, due := subject{organization, c}, now.Add(min(gather*time.Duration(1+len(q.notes)/crowd), patience))
		if n, ok := q.notes[s]; ok && n.due.After(now) && n.due.Before(due) {
			due = n.due // what goes on happening is looked at all the same
		}
		q.notes[s] = note{now, due}
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // told already
	}
}

// Run works out what was marked, until ctx ends. It costs nothing while nothing is heard,
// but a search for stored marks each minute.
func (q *Queue) Run(ctx context.Context) error {
	var searched time.Time
	for ctx.Err() == nil {
		if now := q.clock.Now(); now.Sub(searched) >= lookEvery {
			searched = now
			q.warn(ctx, q.search(ctx))
		}
		_, err := q.look(ctx, q.due(q.clock.Now()))
		q.warn(ctx, err)
		pause, cancel := q.clock.WithTimeout(ctx, q.rest(searched))
		select {
		case <-q.wake:
			_ = q.clock.Pause(ctx, gather)
		case <-pause.Done():
		}
		cancel()
	}
	return nil
}

func (q *Queue) warn(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		q.host.Logger.WarnContext(ctx, "work waits to be queued", "error", err)
	}
}

// rest returns how long nothing is to be done.
func (q *Queue) rest(searched time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	next := searched.Add(lookEvery)
	for _, n := range q.notes {
		if n.due.Before(next) {
			next = n.due
		}
	}
	return max(next.Sub(q.clock.Now()), gather)
}

// due returns the complaints to be looked at by now; all of them for the zero instant.
func (q *Queue) due(now time.Time) map[subject]note {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.IsZero() {
		return maps.Clone(q.notes)
	}
	out := map[subject]note{}
	for s, n := range q.notes {
		if !n.due.After(now) {
			out[s] = n
		}
	}
	return out
}

// Quiet looks at everything that was heard of and reports that there was nothing new.
func (q *Queue) Quiet(ctx context.Context) (bool, error) {
	found, err := q.look(ctx, q.due(time.Time{}))
	return found == 0, err
}

// look works out the work of complaints and returns how many had something new.
func (q *Queue) look(ctx context.Context, at map[subject]note) (found int, err error) {
	if len(at) == 0 {
		return 0, nil
	}
	q.looking.Lock()
	defer q.looking.Unlock()
	part := make(map[subject]note, min(len(at), most))
	flush := func() {
		n, e := q.lookAt(ctx, part)
		found, err = found+n, errors.Join(err, e)
		clear(part)
	}
	for s, n := range at {
		if part[s] = n; len(part) == most {
			flush()
		}
	}
	flush()
	return found, err
}

// outcome is what a look at a complaint found.
type outcome struct {
	written      <-chan journal.Result
	was, unknown bool
}

func (q *Queue) lookAt(ctx context.Context, at map[subject]note) (found int, err error) {
	outcomes := make(map[subject]*outcome, len(at))
	for s := range at {
		o := &outcome{}
		w := journal.Work{Organization: s.organization, Key: s.complaint, Actor: &eventv1.Actor{Principal: "services/" + q.host.Name()}}
		view.Foresee(&w, s.complaint)
		o.written = q.host.Journal.Submit(ctx, w, func(u *journal.Unit) (err error) {
			o.was, o.unknown, err = view.Requeue(u, s.complaint, q.policyIn(u))
			return err
		})
		outcomes[s] = o
	}
	now := q.clock.Now()
	for s, o := range outcomes {
		failed := (<-o.written).Err
		if failed != nil && err == nil {
			err = failed // the others fail for the same cause as a rule
		}
		if failed == nil && o.was && !o.unknown {
			found++
		}
		q.settle(s, at[s], failed != nil || o.unknown || !o.was && now.Sub(at[s].heard) < giveUp)
	}
	return found, err
}

// settle forgets a note after its look, unless something was heard meanwhile, or keeps it for another look.
func (q *Queue) settle(s subject, seen note, keep bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch now, ok := q.notes[s]; {
	case !ok || now.heard.After(seen.heard):
	case keep:
		q.notes[s] = note{seen.heard, q.clock.Now().Add(again)}
	default:
		delete(q.notes, s)
	}
}

// policyIn returns the policies of revisions as the decision sees them. One that this
// program cannot compile has arrived and is as none.
func (q *Queue) policyIn(u *journal.Unit) view.Arrived {
	return func(revision string) (*policy.Policy, bool) {
		p, err := q.policies.Get(revisions.Unit{U: u}, revision)
		if err != nil {
			return nil, fault.KindOf(err) != fault.NotFound
		}
		return p, true
	}
}

// search notes the complaints whose marks are stored.
func (q *Queue) search(ctx context.Context) error {
	all, err := q.host.Journal.Organizations(ctx)
	for _, organization := range all {
		ask := journal.Query{Organization: organization, Kind: view.Queues, Where: []journal.Attr{view.Stale()}, Limit: most}
		for more := true; more; {
			page, e := q.host.Journal.Projections(ctx, ask)
			if err = errors.Join(err, e); e != nil {
				return err
			}
			for _, row := range page.Rows {
				q.note(organization, view.ComplaintOf(row.Name))
			}
			ask.After, more = page.Next, page.Next != ""
		}
	}
	return err
}

// Renew marks everything that is open if other rules queued it, or none; and again when
// no process of an earlier version should be left, which would have made no marks. What
// is done is noted, so that a process that starts meanwhile, or later, does not do it
// again; a store in which nothing is yet needs nothing. Like all that runs in the
// background it returns when ctx ends.
func (q *Queue) Renew(ctx context.Context) error {
	q.warn(ctx, q.renewal(ctx))
	<-ctx.Done()
	return nil
}

func (q *Queue) renewal(ctx context.Context) error {
	const noted = "work rules"
	by, err := q.host.Journal.Note(ctx, noted)
	q.warn(ctx, err) // what cannot be read is done once more
	if by == rules {
		return nil
	}
	if all, none := q.host.Journal.Organizations(ctx); err == nil && by == "" && none == nil && len(all) == 0 {
		return q.host.Journal.SetNote(ctx, noted, rules)
	}
	for {
		first, known := onceAt(by)
		if known {
			if err := q.clock.Pause(ctx, first.Add(rolling).Sub(q.clock.Now())); err != nil {
				return err
			}
		}
		if err := q.renew(ctx); err != nil {
			q.warn(ctx, err)
			if err := q.clock.Pause(ctx, again); err != nil {
				return err
			}
			continue
		}
		if known {
			return q.host.Journal.SetNote(ctx, noted, rules)
		}
		by = once + q.clock.Now().UTC().Format(time.RFC3339)
		q.warn(ctx, q.host.Journal.SetNote(ctx, noted, by))
	}
}

// once and an instant are noted when everything was marked by these rules for the first time.
const once = rules + " once, at "

// onceAt returns when that was, if it was.
func onceAt(noted string) (at time.Time, ok bool) {
	text, ok := strings.CutPrefix(noted, once)
	at, err := time.Parse(time.RFC3339, text)
	return at, ok && err == nil
}

func (q *Queue) renew(ctx context.Context) error {
	all, err := q.host.Journal.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, organization := range all {
		err := view.Reader{J: q.host.Journal, Organization: organization}.EachOpen(ctx, func(complaints []string) error {
			return q.mark(ctx, organization, complaints)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mark marks complaints outside of an event.
func (q *Queue) mark(ctx context.Context, organization string, complaints []string) error {
	written := make([]<-chan journal.Result, len(complaints))
	for i, c := range complaints {
		w := journal.Work{Organization: organization, Key: c, Actor: &eventv1.Actor{Principal: "services/" + q.host.Name()}}
		Foresee(&w, c)
		written[i] = q.host.Journal.Submit(ctx, w, func(u *journal.Unit) error { return q.Heard(u, c) })
	}
	var errs []error
	for _, w := range written {
		errs = append(errs, (<-w).Err)
	}
	return errors.Join(errs...)
}

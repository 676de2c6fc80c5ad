package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/sqldb"
)

const (
	// groupTimeout ends a transaction whose database no longer answers.
	groupTimeout = 30 * time.Second
	// groupAttempts is how often a whole group is tried when it loses to another
	// process or the database gives it up (40001, 40P01): no member is to blame
	// then, and a group that wins gets all of them on. Afterwards they run one at a time.
	groupAttempts = 16
	// memberAttempts is how often a member alone is tried when it loses. Each loss
	// means that another one got on; with 16 and four lanes on one tally one call
	// in some thousands was refused.
	memberAttempts = 64
)

// errLost says that a compare failed: somebody else wrote the row since it was read.
var errLost = errors.New("a row was changed by another transaction")

// group is one transaction being decided.
type group struct {
	j   *Journal
	ctx context.Context
	tx  *sqldb.Tx
	now time.Time
	// careful: names that are said to be new are read before the decisions.
	careful bool
	seen    overlay // what was read, and what the members so far have changed
	// families are those whose resources were all read, with the names found.
	families map[family][]string
	// expired are the requests whose rows may be written over.
	expired map[requestKey]bool
	// searches are those that were made, with the names found.
	searches map[search][]string
	parked   map[key][]spot
	// parkedAny tells whether parked_events has any row; nil until asked.
	parkedAny *bool
	// failed is an error of the database during a decision: it ends the group,
	// as PostgreSQL refuses every further statement.
	failed error

	members []*member
	at      int     // the member being decided
	told    []bool  // those that looking ahead found to lack nothing
	ahead   *wanted // while looking ahead: what is lacking
	lacking bool    // while looking ahead: the member lacks something that was added to the wanted
	guessed bool    // while looking ahead: the member took something unknown for absent
}

// outcome is what was decided about a member.
type outcome struct {
	receipt Receipt
	event   *eventv1.Event // its position is the receipt's, once the event has a number
	replays *request
	err     error
}

// commit decides and stores the members and answers each of them.
//
// If a statement fails, the members run again one at a time, so that only the one
// to blame is refused. No savepoints: they cost more than half of the rate.
func (j *Journal) commit(members []*member) {
	if len(members) == 0 {
		return
	}
	if len(members) > 1 {
		var err error
		for i := range groupAttempts {
			var outcomes []*outcome
			if outcomes, err = j.attempt(members, i > 0); err == nil {
				answer(members, outcomes)
				return
			}
			if !lost(err) {
				break
			}
		}
		j.o.Logger.Info("a group was rolled back, its members run alone", slog.Int("members", len(members)), slog.Any("error", err))
		if sqldb.ClassOf(err) == sqldb.Unknown {
			members = refuseUnrepeatable(members, err)
		}
	}
	for i, m := range members {
		o := j.alone(m)
		answer([]*member{m}, []*outcome{o})
		if len(members) > 1 && fault.ReasonOf(o.err) == ReasonUnavailable { // the rest would wait for the same refusal, one by one
			for _, rest := range members[i+1:] {
				answer([]*member{rest}, []*outcome{{err: o.err}})
			}
			return
		}
	}
}

// lost reports whether the transaction lost to another one and may win the next time.
func lost(err error) bool {
	class := sqldb.ClassOf(err)
	return errors.Is(err, errLost) || class.Retryable() || class == sqldb.Unique
}

// alone runs one member until it neither loses nor is given up, within bounds.
func (j *Journal) alone(m *member) *outcome {
	if m.ctx.Err() != nil {
		return &outcome{err: givenUp(m.ctx)}
	}
	var err error
	for i := range memberAttempts {
		var outcomes []*outcome
		if outcomes, err = j.attempt([]*member{m}, i > 0); err == nil {
			return outcomes[0]
		}
		if !lost(err) {
			break
		}
	}
	return &outcome{err: refusal(err)}
}

// refuseUnrepeatable answers the members that must not run again after a commit
// whose outcome is unknown, and returns the others: those whose request id or
// feed position tells whether they took effect.
func refuseUnrepeatable(members []*member, err error) []*member {
	var rest []*member
	for _, m := range members {
		if m.work.Request != nil || m.work.Advance != nil {
			rest = append(rest, m)
			continue
		}
		answer([]*member{m}, []*outcome{{err: refusal(err)}})
	}
	return rest
}

// refusal turns an error of the database into a fault.
func refusal(err error) error {
	switch class := sqldb.ClassOf(err); {
	case class == sqldb.Unavailable:
		return fault.New(fault.Unavailable, ReasonUnavailable).Wrap(err)
	case class == sqldb.Unknown:
		return fault.New(fault.Unavailable, ReasonOutcomeUnknown).Wrap(err)
	case lost(err):
		return fault.New(fault.Aborted, ReasonConflict).Wrap(err)
	}
	return fault.New(fault.Internal, fault.ReasonInternal).Wrap(err)
}

func answer(members []*member, outcomes []*outcome) {
	for i, m := range members {
		m.result <- Result{Receipt: outcomes[i].receipt, Err: outcomes[i].err}
	}
}

// attempt runs the members in one transaction. An error means that nothing was
// stored (but see [sqldb.Unknown]) and no member is answered.
func (j *Journal) attempt(members []*member, careful bool) ([]*outcome, error) {
	ctx, cancel := clock.System().WithTimeout(j.ctx, groupTimeout)
	defer cancel()
	var outcomes []*outcome
	var g *group
	var timers []Timer
	began := clock.System().Now()
	err := j.db.WriteGroup(ctx, func(tx *sqldb.Tx) error {
		g = &group{
			j: j, ctx: ctx, tx: tx, now: j.o.Clock.Now(), careful: careful, seen: newOverlay(), families: map[family][]string{}, expired: map[requestKey]bool{}, searches: map[search][]string{},
			members: members, told: make([]bool, len(members)), parked: map[key][]spot{},
		}
		if err := g.prefetch(members); err != nil {
			return err
		}
		for i, m := range members {
			g.at = i
			o := g.decide(m)
			if g.failed != nil {
				return g.failed
			}
			outcomes = append(outcomes, o)
		}
		var err error
		timers, err = g.flush()
		return err
	})
	if planted.Is("answered before the commit") && len(outcomes) == len(members) {
		err = nil
	}
	if g != nil {
		g.count() // also if it failed: perhaps the commit stands
	}
	if err != nil {
		if sqldb.ClassOf(err).Retryable() {
			j.o.Logger.Warn("the database gave a transaction up", slog.Int("members", len(members)), slog.Any("error", err))
		}
		return nil, err
	}
	if j.o.OnCommit != nil {
		j.o.OnCommit(len(members), clock.System().Since(began))
	}
	for _, o := range outcomes {
		o.settle(j.o.Service)
	}
	if len(timers) > 0 && j.o.OnTimers != nil {
		j.o.OnTimers(timers)
	}
	if len(g.seen.events) > 0 {
		j.tail.add(g.seen.events)
		j.announce()
	}
	return outcomes, nil
}

// settle fills in what is known after the commit only.
func (o *outcome) settle(service string) {
	switch {
	case o.replays != nil && o.replays.first != nil: // settled before: the first comes first
		o.receipt = o.replays.first.receipt
		o.receipt.Replayed = true
	case o.replays != nil:
		o.receipt = o.replays.receipt
		o.receipt.Replayed = true
	case o.event != nil:
		o.receipt.Position = &eventv1.Position{Service: service, Shard: o.event.Shard, Sequence: o.event.Sequence}
		o.receipt.Digest = o.event.Digest
	}
}

// decide runs one member on what the ones before left.
func (g *group) decide(m *member) *outcome {
	w := &m.work
	if w.Request != nil {
		if r := g.seen.requests[w.requestKey()]; r != nil {
			if !bytes.Equal(r.digest, w.Request.Digest) && !planted.Is("other content accepted") {
				return &outcome{err: fault.New(fault.AlreadyExists, ReasonRequestReused, "request_id", w.Request.ID)}
			}
			return &outcome{replays: r}
		}
	}
	u := newUnit(g, w)
	if w.Advance != nil {
		if err := u.advance(w.Advance); err != nil {
			return &outcome{err: err}
		}
	}
	if err := g.call(m, u); err != nil {
		return &outcome{err: err}
	}
	o := u.outcome()
	if w.Request != nil && o.err == nil {
		u.own.requests[w.requestKey()] = &request{
			digest: w.Request.Digest, receipt: o.receipt, first: o, forever: w.Request.Forever, dirty: true,
		}
	}
	if o.err == nil {
		g.seen.take(&u.own)
	}
	return o
}

// call runs the closure; a panic becomes an error of this member.
func (g *group) call(m *member, u *Unit) (err error) {
	defer func() {
		u.over = true
		if p := recover(); p != nil && g.ahead == nil {
			g.j.o.Logger.Error("write panicked", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			err = fault.New(fault.Internal, fault.ReasonInternal).Wrap(fmt.Errorf("write panicked: %v", p))
		}
	}()
	if err := m.fn(u); err != nil {
		return err
	}
	return u.failed
}

// advance compares and moves the position of a feed.
func (u *Unit) advance(a *Advance) error {
	at := place{a.Source, a.Shard}
	now := u.g.seen.positions[at]
	if now == nil {
		now = &position{}
	}
	if planted.Is("position not compared") {
		a.From, a.FromDigest = now.sequence, nil
	}
	if now.sequence != a.From || (len(a.FromDigest) > 0 && !bytes.Equal(now.digest, a.FromDigest)) {
		return fault.New(fault.Aborted, ReasonPositionMoved, "source", a.Source, "shard", strconv.Itoa(int(a.Shard)),
			"expected", strconv.FormatInt(a.From, 10), "found", strconv.FormatInt(now.sequence, 10))
	}
	u.own.positions[at] = &position{sequence: a.To, base: now.base, digest: a.Digest, dirty: true}
	return nil
}

func (w *Work) requestKey() requestKey {
	return requestKey{w.Organization, w.Request.Principal, w.Request.Method, w.Request.ID}
}

package journal

import (
	"bytes"
	"context"
	"fmt"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/sqldb"
)

// VerifyOptions says how to verify.
type VerifyOptions struct {
	// Progress is told how many events of all are checked, every few hundred; nil: nobody.
	Progress func(done, total int64)
	// Cause returns the digest of an event in another service's journal, nil if
	// it is not there. nil: causes in other services are counted, not followed.
	Cause func(*eventv1.Cause) ([]byte, error)
	// MaxProblems ends the report, not the walk's counts; 0 means 100.
	MaxProblems int
}

// VerifyReport says what was checked and what is wrong.
type VerifyReport struct {
	// Events, Resources and Shards checked; Causes followed.
	Events, Resources, Shards, Causes int64
	// Unfollowed causes lie in other services, and nobody was given to ask.
	Unfollowed int64
	// Problems, the first ones in order of resources, then shards.
	Problems []Problem
	// More counts the problems that are not listed.
	More int64
}

// OK reports whether nothing is wrong.
func (r VerifyReport) OK() bool { return len(r.Problems) == 0 }

// Problem is one thing wrong, with its place. A resource's problem has name and
// version, a shard's only shard and sequence.
type Problem struct {
	Organization, Resource string
	Version                int64
	Shard                  int32
	Sequence               int64
	// Text says what is wrong, in English, for the operator.
	Text string
}

// String returns place and text on one line.
func (p Problem) String() string {
	if p.Resource == "" {
		return fmt.Sprintf("shard %d, event %d: %s", p.Shard, p.Sequence, p.Text)
	}
	return fmt.Sprintf("%s of %s, version %d (shard %d, event %d): %s", p.Resource, p.Organization, p.Version, p.Shard, p.Sequence, p.Text)
}

// verifyPage is how many rows are read at once.
const verifyPage = 500

// Verify recomputes the chain of every resource and compares it with its row,
// with the numbering and heads of the shards, and with the causes, in one
// snapshot, while the journal serves. It changes nothing.
//
// It finds every event or state that was changed, removed, added or moved within
// its resource. Whoever can rewrite a whole chain, its row and all events that
// name it as their cause leaves no trace here: signed checkpoints are for that.
//
// Source: DESIGN section 3; docs/adr/0001.
func (j *Journal) Verify(ctx context.Context, o VerifyOptions) (VerifyReport, error) {
	if o.MaxProblems <= 0 {
		o.MaxProblems = 100
	}
	v := &verifier{j: j, ctx: ctx, o: o}
	err := j.db.Snapshot(ctx, func(tx *sqldb.Tx) error {
		v.tx = tx
		for _, step := range []func() error{v.count, v.walkResources, v.walkShards} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	return v.report, err
}

// verifier walks once.
type verifier struct {
	j      *Journal
	ctx    context.Context
	tx     *sqldb.Tx
	o      VerifyOptions
	total  int64
	report VerifyReport
}

func (v *verifier) problem(p Problem) {
	if len(v.report.Problems) >= v.o.MaxProblems {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, p)
}

func (v *verifier) count() error {
	return v.tx.Query(v.ctx, "verify.count", `SELECT count(*) FROM events`, nil, func(r sqldb.Row) error { return r.Scan(&v.total) })
}

// chainRow is what the row of a resource claims.
type chainRow struct {
	key
	shard   int32
	version int64
	digest  []byte
	state   []byte
}

// walkResources goes through resources and events side by side, both in order
// of organisation and name.
func (v *verifier) walkResources() error {
	rows := &pager[*chainRow]{read: v.resources}
	events := &pager[*eventv1.Event]{read: v.events}
	for {
		row, err := rows.peek()
		if err != nil {
			return err
		}
		ev, err := events.peek()
		if err != nil {
			return err
		}
		if row == nil && ev == nil {
			return nil
		}
		at := key{ev.GetOrganization(), ev.GetResource()}
		if row != nil && (ev == nil || compareKeys(row.key, at) <= 0) {
			at = row.key
			rows.next()
			v.report.Resources++
		} else {
			row = nil
		}
		if err := v.walkChain(at, row, events); err != nil {
			return err
		}
	}
}

// walkChain checks the events of one resource against each other and its row.
func (v *verifier) walkChain(at key, row *chainRow, events *pager[*eventv1.Event]) error {
	var last *eventv1.Event
	for {
		ev, err := events.peek()
		if err != nil {
			return err
		}
		if ev == nil || ev.Organization != at.organization || ev.Resource != at.name {
			break
		}
		events.next()
		if err := v.checkEvent(ev, last); err != nil {
			return err
		}
		last = ev
	}
	switch {
	case row == nil:
		v.problem(placeOf(last, "the resource has events and no row"))
	case last == nil:
		v.problem(Problem{Organization: at.organization, Resource: at.name, Version: row.version, Shard: row.shard, Text: "the resource has a row and no events"})
	default:
		v.checkRow(row, last)
	}
	return nil
}

func placeOf(ev *eventv1.Event, text string, args ...any) Problem {
	return Problem{
		Organization: ev.Organization, Resource: ev.Resource, Version: ev.Version,
		Shard: ev.Shard, Sequence: ev.Sequence, Text: fmt.Sprintf(text, args...),
	}
}

func (v *verifier) checkEvent(ev, last *eventv1.Event) error {
	if v.report.Events++; v.o.Progress != nil && (v.report.Events%verifyPage == 0 || v.report.Events == v.total) {
		v.o.Progress(v.report.Events, v.total)
	}
	if want := last.GetVersion() + 1; ev.Version != want {
		v.problem(placeOf(ev, "version %d is missing before it", want))
	}
	if !bytes.Equal(ev.PreviousDigest, last.GetDigest()) {
		v.problem(placeOf(ev, "does not continue the event before it"))
	}
	if last != nil && (ev.Shard != last.Shard || ev.Sequence <= last.Sequence) {
		v.problem(placeOf(ev, "does not come after version %d (shard %d, event %d)", last.Version, last.Shard, last.Sequence))
	}
	if !bytes.Equal(ev.Digest, Digest(ev)) {
		v.problem(placeOf(ev, "content does not have its digest"))
	} else if body, err := Body(ev); err != nil {
		v.problem(placeOf(ev, "content cannot be read"))
	} else if string(body.GetChange().MessageName()) != ev.Type {
		v.problem(placeOf(ev, "type %s is not that of its content", ev.Type))
	}
	return v.checkCause(ev)
}

func (v *verifier) checkCause(ev *eventv1.Event) error {
	c := ev.Cause
	if c == nil {
		return nil
	}
	var digest []byte
	var err error
	switch {
	case c.Service == v.j.o.Service:
		err = v.tx.Query(v.ctx, "verify.cause", `SELECT digest FROM events WHERE shard = $1 AND sequence = $2`,
			[]any{int64(c.Shard), c.Sequence}, func(r sqldb.Row) error { return r.Scan(&digest) })
	case v.o.Cause != nil:
		digest, err = v.o.Cause(c)
	default:
		v.report.Unfollowed++
		return nil
	}
	if err != nil {
		return fmt.Errorf("cause of %s version %d: %w", ev.Resource, ev.Version, err)
	}
	v.report.Causes++
	switch {
	case digest == nil:
		v.problem(placeOf(ev, "its cause, event %d in shard %d of %s, is missing", c.Sequence, c.Shard, c.Service))
	case !bytes.Equal(digest, c.Digest):
		v.problem(placeOf(ev, "its cause, event %d in shard %d of %s, is another event now", c.Sequence, c.Shard, c.Service))
	}
	return nil
}

func (v *verifier) checkRow(row *chainRow, last *eventv1.Event) {
	switch {
	case row.version > last.Version:
		v.problem(placeOf(last, "the row is at version %d: the last events are missing", row.version))
	case row.version < last.Version:
		v.problem(placeOf(last, "the row is at version %d, older than its events", row.version))
	case !bytes.Equal(row.digest, last.Digest):
		v.problem(placeOf(last, "the row holds another digest than its last event"))
	case row.shard != last.Shard:
		v.problem(placeOf(last, "the row says shard %d", row.shard))
	default:
		if body, err := Body(last); err == nil && !bytes.Equal(body.GetState().GetValue(), row.state) {
			v.problem(placeOf(last, "the row holds another state than its last event"))
		}
	}
}

// walkShards checks that every shard is numbered 1 to its head, and that the
// head holds the last event's digest.
func (v *verifier) walkShards() error {
	heads, err := v.j.heads(v.ctx, v.tx)
	if err != nil {
		return err
	}
	known := map[int32]*eventv1.ShardPosition{}
	for _, h := range heads {
		known[h.Shard] = h
	}
	type tail struct {
		shard        int32
		first, count int64
		last         int64
		digest       []byte
	}
	var tails []tail
	err = v.tx.Query(v.ctx, "verify.shards", `
		SELECT s.shard, s.first, s.count, e.sequence, e.digest
		FROM (SELECT shard, min(sequence) AS first, max(sequence) AS last, count(*) AS count FROM events GROUP BY shard) s
		JOIN events e ON e.shard = s.shard AND e.sequence = s.last ORDER BY s.shard`, nil, func(r sqldb.Row) error {
		var t tail
		tails = append(tails, t)
		return r.Scan(&tails[len(tails)-1].shard, &tails[len(tails)-1].first, &tails[len(tails)-1].count, &tails[len(tails)-1].last, &tails[len(tails)-1].digest)
	})
	if err != nil {
		return err
	}
	for _, t := range tails {
		v.report.Shards++
		head := known[t.shard]
		delete(known, t.shard)
		switch {
		case head == nil:
			v.problem(Problem{Shard: t.shard, Sequence: t.last, Text: "the shard has events and no head"})
		case head.Sequence != t.last:
			v.problem(Problem{Shard: t.shard, Sequence: t.last, Text: fmt.Sprintf("the head is at event %d: the shard does not end there", head.Sequence)})
		case !bytes.Equal(head.Digest, t.digest):
			v.problem(Problem{Shard: t.shard, Sequence: t.last, Text: "the head holds another digest than the last event"})
		}
		if t.first != 1 || t.count != t.last {
			if err := v.findGap(t.shard); err != nil {
				return err
			}
		}
	}
	for _, h := range heads {
		if known[h.Shard] != nil {
			v.report.Shards++
			v.problem(Problem{Shard: h.Shard, Sequence: h.Sequence, Text: "the shard has a head and no events"})
		}
	}
	return nil
}

// findGap reports the first number of the shard that has no event.
func (v *verifier) findGap(shard int32) error {
	want := int64(1)
	found := false
	err := v.tx.Query(v.ctx, "verify.gap", `SELECT sequence FROM events WHERE shard = $1 ORDER BY sequence`, []any{int64(shard)}, func(r sqldb.Row) error {
		var sequence int64
		if err := r.Scan(&sequence); err != nil || found {
			return err
		}
		found = sequence != want
		if !found {
			want++
		}
		return nil
	})
	if err == nil && found {
		v.problem(Problem{Shard: shard, Sequence: want, Text: "the event is missing"})
	}
	return err
}

// resources reads the page of rows after the last one read.
func (v *verifier) resources(last *chainRow) (page []*chainRow, err error) {
	text := `SELECT organization, name, shard, version, digest, state FROM resources ORDER BY organization, name LIMIT $1`
	args := []any{int64(verifyPage)}
	if last != nil {
		after := last.key
		text = `SELECT organization, name, shard, version, digest, state FROM resources WHERE (organization, name) > ($1, $2) ORDER BY organization, name LIMIT $3`
		args = []any{after.organization, after.name, int64(verifyPage)}
	}
	err = v.tx.Query(v.ctx, "verify.resources", text, args, func(r sqldb.Row) error {
		row := &chainRow{}
		page = append(page, row)
		return r.Scan(&row.organization, &row.name, &row.shard, &row.version, &row.digest, &row.state)
	})
	return page, err
}

// events reads the page of events after the last one read.
func (v *verifier) events(last *eventv1.Event) ([]*eventv1.Event, error) {
	const order = ` ORDER BY organization, resource, version LIMIT `
	if last == nil {
		return v.j.events(v.ctx, v.tx, order+`$1`, int64(verifyPage))
	}
	return v.j.events(v.ctx, v.tx, `WHERE (organization, resource, version) > ($1, $2, $3)`+order+`$4`,
		last.Organization, last.Resource, last.Version, int64(verifyPage))
}

// pager reads page after page and hands out one at a time.
type pager[T comparable] struct {
	read func(last T) ([]T, error)
	page []T
	last T
	done bool
}

// peek returns the present one, the zero value at the end.
func (p *pager[T]) peek() (T, error) {
	var none T
	if len(p.page) == 0 && !p.done {
		page, err := p.read(p.last)
		if err != nil {
			return none, err
		}
		p.page, p.done = page, len(page) == 0
	}
	if p.done {
		return none, nil
	}
	return p.page[0], nil
}

func (p *pager[T]) next() { p.last, p.page = p.page[0], p.page[1:] }

package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/sqldb"
)

// flush writes what the group decided, phase by phase, one statement each with
// its keys sorted: whoever writes the same rows locks them in the same order, so
// no two transactions wait for each other. Head rows are the most wanted: they
// come last, to be held the shortest.
//
// It returns the timers that were armed or changed. errLost means that a compare failed.
func (g *group) flush() ([]Timer, error) {
	if err := g.flushRequests(); err != nil {
		return nil, err
	}
	timers, err := g.flushResources()
	if err != nil {
		return nil, err
	}
	for _, phase := range []func() error{g.flushTallies, g.flushProjections, g.flushTerms, timers.flush, g.flushPositions, g.flushParkings, g.flushEvents} {
		if err := phase(); err != nil {
			return nil, err
		}
	}
	return timers.armed, nil
}

// compared runs a statement that must change every one of its rows.
func (g *group) compared(s *sqldb.Statement, rows [][]any) error {
	return g.tx.ExecLater(g.ctx, s, rows, func(changed int64) error {
		if changed != int64(len(rows)) {
			return fmt.Errorf("%s: %w", s.Op(), errLost)
		}
		return nil
	})
}

func (g *group) flushRequests() error {
	if planted.Is("request row not written") {
		return nil
	}
	keys := changed(g.seen.requests, func(r *request) bool { return r.dirty }, func(a, b requestKey) int {
		return cmp.Or(strings.Compare(a.organization, b.organization), strings.Compare(a.principal, b.principal),
			strings.Compare(a.method, b.method), strings.Compare(a.id, b.id))
	})
	rows, again := make([][]any, 0, len(keys)), [][]any(nil)
	for _, k := range keys {
		r := g.seen.requests[k]
		var expire *int64
		if !r.forever {
			at := g.now.Add(RequestRetention).UnixMicro()
			expire = &at
		}
		row := []any{k.organization, k.principal, k.method, k.id, sqldb.Clean(r.digest), r.receipt.Resource, r.receipt.Version, g.now.UnixMicro(), expire}
		if g.expired[k] {
			again = append(again, row)
		} else {
			rows = append(rows, row)
		}
	}
	if err := g.tx.ExecLater(g.ctx, g.j.store.requests, rows, nil); err != nil {
		return err
	}
	return g.compared(g.j.store.requestsAgain, again)
}

// flushResources writes states and their index, and returns what becomes of their timers.
func (g *group) flushResources() (*timerRows, error) {
	keys := changed(g.seen.resources, func(r *resource) bool { return r.dirty }, compareKeys)
	var created, rows [][]any
	timers := &timerRows{g: g}
	index := &indexRows{g: g, insert: g.j.store.indexInsert, remove: g.j.store.indexDelete}
	for _, k := range keys {
		r := g.seen.resources[k]
		row := []any{
			k.organization, k.name, r.kind.Pattern, int64(r.shard), parentOf(k.name), r.complaint, r.version, r.base,
			sqldb.Clean(r.state), r.attrs.encode(), r.digest, r.created, r.updated,
		}
		if r.base == 0 {
			created = append(created, row)
		} else {
			rows = append(rows, row)
		}
		index.move(k, r.kind.Pattern, r.stored, r.kind.Pattern, r.attrs)
		timers.follow(k, r)
	}
	if err := g.tx.ExecLater(g.ctx, g.j.store.created, created, nil); err != nil {
		return nil, err
	}
	if err := g.compared(g.j.store.resources, rows); err != nil {
		return nil, err
	}
	return timers, index.flush()
}

func (g *group) flushTallies() error {
	if planted.Is("tally not written") {
		return nil
	}
	keys := changed(g.seen.tallies, func(t *tally) bool { return t.dirty }, compareKeys)
	rows := make([][]any, len(keys))
	for i, k := range keys {
		t := g.seen.tallies[k]
		rows[i] = []any{k.organization, k.name, t.revision + 1, sqldb.Clean(t.value)}
	}
	return g.compared(g.j.store.tallies, rows)
}

// flushProjections inserts what is new and then writes all other rows, those to be
// deleted as well, so that every row is locked in the one order; then it deletes.
func (g *group) flushProjections() error {
	keys := changed(g.seen.projections, func(p *projection) bool { return p.dirty }, compareKeys)
	var heard, rows, gone [][]any
	index := &indexRows{g: g, insert: g.j.store.projectionIndexInsert, remove: g.j.store.projectionIndexDelete}
	for _, k := range keys {
		p := g.seen.projections[k]
		if p.gone {
			if p.revision == 0 { // set and deleted within the group
				continue
			}
			gone = append(gone, []any{k.organization, k.name})
		}
		row := []any{k.organization, k.name, p.kind, p.version, p.revision + 1, sqldb.Clean(p.state), p.attrs.encode(), p.updated}
		if p.revision == 0 {
			heard = append(heard, row)
		} else {
			rows = append(rows, row)
		}
		index.move(k, p.storedIn, p.stored, p.kind, p.attrs)
	}
	if err := g.tx.ExecLater(g.ctx, g.j.store.heard, heard, nil); err != nil {
		return err
	}
	if err := g.compared(g.j.store.projections, rows); err != nil {
		return err
	}
	if err := g.tx.ExecLater(g.ctx, g.j.store.projectionsDelete, gone, nil); err != nil {
		return err
	}
	return index.flush()
}

func (g *group) flushPositions() error {
	keys := changed(g.seen.positions, func(p *position) bool { return p.dirty }, comparePlaces)
	rows := make([][]any, len(keys))
	for i, k := range keys {
		p := g.seen.positions[k]
		rows[i] = []any{k.source, int64(k.shard), p.sequence, p.base, sqldb.Clean(p.digest)}
	}
	return g.compared(g.j.store.positions, rows)
}

func comparePlaces(a, b place) int {
	return cmp.Or(strings.Compare(a.source, b.source), cmp.Compare(a.shard, b.shard))
}

func (g *group) flushParkings() error {
	keys := changed(g.seen.parkings, func(p *parking) bool { return p.dirty }, func(a, b spot) int {
		return cmp.Or(comparePlaces(a.place, b.place), cmp.Compare(a.sequence, b.sequence))
	})
	var rows, gone [][]any
	for _, k := range keys {
		p := g.seen.parkings[k]
		if p.event == nil {
			if p.stored {
				gone = append(gone, []any{k.source, int64(k.shard), k.sequence})
			}
			continue
		}
		event, err := proto.Marshal(p.event)
		if err != nil {
			return err
		}
		waits := int64(0)
		if p.waits {
			waits = 1
		}
		rows = append(rows, []any{
			k.source, int64(k.shard), k.sequence, p.key.organization, p.key.name, p.event.Type, p.reason, waits, g.now.UnixMicro(), event,
		})
	}
	if err := g.tx.ExecLater(g.ctx, g.j.store.parkings, rows, nil); err != nil {
		return err
	}
	return g.compared(g.j.store.parkingsDelete, gone) // a missing one was retried by somebody else
}

// flushEvents numbers the events by raising the heads of their shards, and appends them.
func (g *group) flushEvents() error {
	events := slices.Clone(g.seen.events)
	if planted.Is("event omitted") && len(events) > 1 {
		events = events[1:]
	}
	slices.SortStableFunc(events, func(a, b *eventv1.Event) int { return cmp.Compare(a.Shard, b.Shard) })
	counts, digests := map[int32]int64{}, map[int32][]byte{}
	for _, ev := range events {
		counts[ev.Shard]++
		digests[ev.Shard] = ev.Digest
	}
	var heads [][]any
	for _, shard := range changed(counts, func(int64) bool { return true }, cmp.Compare[int32]) {
		heads = append(heads, []any{int64(shard), counts[shard], digests[shard]})
	}
	next := map[int32]int64{}
	err := g.tx.QueryRows(g.ctx, g.j.store.heads, heads, func(row sqldb.Row) error {
		var shard int32
		var last int64
		if err := row.Scan(&shard, &last); err != nil {
			return err
		}
		next[shard] = last - counts[shard] + 1
		return nil
	})
	if err != nil {
		return err
	}
	rows := make([][]any, len(events))
	for i, ev := range events {
		ev.Sequence = next[ev.Shard]
		next[ev.Shard]++
		c := ev.GetCause()
		rows[i] = []any{
			int64(ev.Shard), ev.Sequence, ev.Organization, ev.Resource, ev.Version, ev.Complaint, ev.Type, ev.RecordTime.AsTime().UnixMicro(),
			ev.Body, sqldb.Clean(ev.PreviousDigest), ev.Digest, c.GetService(), int64(c.GetShard()), c.GetSequence(), sqldb.Clean(c.GetDigest()), int64(ev.Depth),
		}
	}
	return g.tx.ExecLater(g.ctx, g.j.store.events, rows, nil) // each is inserted or the statement fails
}

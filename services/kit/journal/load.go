package journal

import (
	"context"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/sqldb"
)

// statements of reading within a group: many keys at once before the decisions, single ones during them.
type loadStatements struct{ requests, resources, tallies, projections, positions *sqldb.Statement }

func newLoadStatements() loadStatements {
	const text, number = sqldb.Text, sqldb.Int
	return loadStatements{
		requests: sqldb.NewStatement("requests.read", `
			SELECT r.organization, r.principal, r.method, r.request_id, r.digest, r.resource, r.version, r.expire_time,
			       e.shard, e.sequence, e.digest, e.body
			FROM requests r
			LEFT JOIN events e ON e.organization = r.organization AND e.resource = r.resource AND e.version = r.version
			WHERE (r.organization, r.principal, r.method, r.request_id) IN ({rows})`, text, text, text, text),
		resources: sqldb.NewStatement("resources.read", `
			SELECT organization, name, shard, complaint, version, state, attributes, digest, create_time, update_time
			FROM resources WHERE (organization, name) IN ({rows})`, text, text),
		tallies: sqldb.NewStatement("tallies.read", `
			SELECT organization, key, revision, value FROM tallies WHERE (organization, key) IN ({rows})`, text, text),
		projections: sqldb.NewStatement("projections.read", `
			SELECT organization, name, kind, version, revision, state, attributes, update_time
			FROM projections WHERE (organization, name) IN ({rows})`, text, text),
		positions: sqldb.NewStatement("feed_positions.read", `
			SELECT source, shard, sequence, digest FROM feed_positions WHERE (source, shard) IN ({rows})`, text, number),
	}
}

// prefetch reads what the members declare, one statement for each table.
func (g *group) prefetch(members []*member) error {
	requests := map[requestKey]bool{}
	resources, projections := map[key]bool{}, map[key]bool{}
	places := map[place]bool{}
	for _, m := range members {
		if m.work.Request != nil {
			requests[m.work.requestKey()] = true
		}
		if a := m.work.Advance; a != nil {
			places[place{a.Source, a.Shard}] = true
		}
		for _, name := range m.work.Reads {
			at := key{m.work.Organization, name}
			if g.j.kinds.of(name) != nil {
				resources[at] = true
			} else {
				projections[at] = true
			}
		}
	}
	if err := g.loadRequests(requests); err != nil {
		return err
	}
	if err := g.loadResources(resources); err != nil {
		return err
	}
	if err := g.loadProjections(projections); err != nil {
		return err
	}
	return g.loadPositions(places)
}

func (g *group) loadRequests(keys map[requestKey]bool) error {
	rows := make([][]any, 0, len(keys))
	for k := range keys {
		rows = append(rows, []any{k.organization, k.principal, k.method, k.id})
	}
	return g.tx.QueryRows(g.ctx, g.j.load.requests, rows, func(row sqldb.Row) error {
		var k requestKey
		var expire, shard, sequence *int64
		var eventDigest, body []byte
		r := &request{}
		if err := row.Scan(&k.organization, &k.principal, &k.method, &k.id, &r.digest, &r.receipt.Resource, &r.receipt.Version, &expire,
			&shard, &sequence, &eventDigest, &body); err != nil {
			return err
		}
		if expire != nil && *expire <= g.now.UnixMicro() {
			return nil
		}
		if sequence != nil {
			b, err := Body(&eventv1.Event{Body: body, Sequence: *sequence, Shard: int32(*shard), Service: g.j.o.Service})
			if err != nil {
				return err
			}
			r.receipt.State = b.GetState().GetValue()
			r.receipt.Digest = eventDigest
			r.receipt.Position = &eventv1.Position{Service: g.j.o.Service, Shard: int32(*shard), Sequence: *sequence}
		}
		g.seen.requests[k] = r
		return nil
	})
}

func keyRows(keys map[key]bool) [][]any {
	rows := make([][]any, 0, len(keys))
	for k := range keys {
		rows = append(rows, []any{k.organization, k.name})
	}
	return rows
}

func (g *group) loadResources(keys map[key]bool) error {
	for k := range keys {
		g.seen.resources[k] = &resource{kind: g.j.kinds.of(k.name)}
	}
	return g.tx.QueryRows(g.ctx, g.j.load.resources, keyRows(keys), func(row sqldb.Row) error {
		var k key
		var stored string
		r := &resource{}
		if err := row.Scan(&k.organization, &k.name, &r.shard, &r.complaint, &r.version, &r.state, &stored, &r.digest, &r.created, &r.updated); err != nil {
			return err
		}
		r.kind, r.base, r.stored = g.j.kinds.of(k.name), r.version, decodeAttrs(stored)
		r.attrs = r.stored
		g.seen.resources[k] = r
		return nil
	})
}

func (g *group) loadProjections(keys map[key]bool) error {
	for k := range keys {
		g.seen.projections[k] = &projection{gone: true}
	}
	return g.tx.QueryRows(g.ctx, g.j.load.projections, keyRows(keys), func(row sqldb.Row) error {
		var k key
		var stored string
		p := &projection{}
		if err := row.Scan(&k.organization, &k.name, &p.kind, &p.version, &p.revision, &p.state, &stored, &p.updated); err != nil {
			return err
		}
		p.stored, p.storedIn = decodeAttrs(stored), p.kind
		p.attrs = p.stored
		g.seen.projections[k] = p
		return nil
	})
}

func (g *group) loadTallies(keys map[key]bool) error {
	for k := range keys {
		g.seen.tallies[k] = &tally{}
	}
	return g.tx.QueryRows(g.ctx, g.j.load.tallies, keyRows(keys), func(row sqldb.Row) error {
		var k key
		t := &tally{}
		if err := row.Scan(&k.organization, &k.name, &t.revision, &t.value); err != nil {
			return err
		}
		g.seen.tallies[k] = t
		return nil
	})
}

func (g *group) loadPositions(keys map[place]bool) error {
	rows := make([][]any, 0, len(keys))
	for k := range keys {
		rows = append(rows, []any{k.source, int64(k.shard)})
	}
	return g.tx.QueryRows(g.ctx, g.j.load.positions, rows, func(row sqldb.Row) error {
		var at place
		p := &position{}
		if err := row.Scan(&at.source, &at.shard, &p.sequence, &p.digest); err != nil {
			return err
		}
		p.base = p.sequence
		g.seen.positions[at] = p
		return nil
	})
}

// resource returns what the group knows of a resource, reading it if it must.
func (g *group) resource(at key) (*resource, error) {
	return known(g, g.seen.resources, at, g.loadResources)
}

func (g *group) tally(at key) (*tally, error) {
	return known(g, g.seen.tallies, at, g.loadTallies)
}

func (g *group) projection(at key) (*projection, error) {
	return known(g, g.seen.projections, at, g.loadProjections)
}

func known[V any](g *group, seen map[key]V, at key, load func(map[key]bool) error) (V, error) {
	if v, ok := seen[at]; ok {
		return v, nil
	}
	var none V
	if g.failed != nil {
		return none, refusal(g.failed)
	}
	if err := load(map[key]bool{at: true}); err != nil {
		return none, g.fail(err)
	}
	return seen[at], nil
}

// fail records that the database failed during a decision and returns what the closure is told.
func (g *group) fail(err error) error {
	if g.failed == nil {
		g.failed = err
	}
	return refusal(err)
}

func anyParked(ctx context.Context, q sqldb.Querier) (found bool, err error) {
	err = q.Query(ctx, "parked_events.any", `SELECT 1 FROM parked_events LIMIT 1`, nil, func(sqldb.Row) error { found = true; return nil })
	return found, err
}

func parkedSpots(ctx context.Context, q sqldb.Querier, at key) (spots []spot, err error) {
	err = q.Query(ctx, "parked_events.read", `SELECT source, shard, sequence FROM parked_events WHERE organization = $1 AND complaint = $2`,
		[]any{at.organization, at.name}, func(row sqldb.Row) error {
			var s spot
			if err := row.Scan(&s.source, &s.shard, &s.sequence); err != nil {
				return err
			}
			spots = append(spots, s)
			return nil
		})
	return spots, err
}

// parkedAt returns under which organisation and complaint the database has the event parked.
func (g *group) parkedAt(s spot) (at key, found bool, err error) {
	if g.failed != nil {
		return at, false, refusal(g.failed)
	}
	err = g.tx.Query(g.ctx, "parked_events.read", `SELECT organization, complaint FROM parked_events WHERE source = $1 AND shard = $2 AND sequence = $3`,
		[]any{s.source, int64(s.shard), s.sequence}, func(row sqldb.Row) error {
			found = true
			return row.Scan(&at.organization, &at.name)
		})
	if err != nil {
		return at, false, g.fail(err)
	}
	return at, found, nil
}

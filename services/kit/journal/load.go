package journal

import (
	"context"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/sqldb"
)

// loadStatements read by key: many at once before the decisions, single ones during them.
type loadStatements struct {
	requests, answers, resources, families, tallies, projections, positions *sqldb.Statement
	resourceSearch, projectionSearch                                        *sqldb.Statement
}

func newLoadStatements() loadStatements {
	organization, name, number := sqldb.Key{Name: "organization"}, sqldb.Key{Name: "name"}, sqldb.Int
	const resource = "organization, name, shard, complaint, version, state, attributes, digest, create_time, update_time"
	return loadStatements{
		requests: sqldb.NewLookup("requests.read", "organization, principal, method, request_id, digest, resource, version, expire_time", "requests",
			organization, sqldb.Key{Name: "principal"}, sqldb.Key{Name: "method"}, sqldb.Key{Name: "request_id"}),
		answers: sqldb.NewLookup("requests.answer", "organization, resource, version, shard, sequence, digest, body", "events",
			organization, sqldb.Key{Name: "resource"}, sqldb.Key{Name: "version", Type: number}),
		resources: sqldb.NewLookup("resources.read", resource, "resources", organization, name),
		families: sqldb.NewPartialLookup("resources.children", resource, "resources", "parent <> ''",
			sqldb.Key{Name: "parent"}, sqldb.Key{Name: "kind"}, organization),
		tallies: sqldb.NewLookup("tallies.read", "organization, key, revision, value", "tallies", organization, sqldb.Key{Name: "key"}),
		projections: sqldb.NewLookup("projections.read",
			"organization, name, kind, version, revision, state, attributes, update_time", "projections", organization, name),
		resourceSearch:   sqldb.NewSearch("resources.search", "name, kind, attributes", "resource_index", "resources", "organization"),
		projectionSearch: sqldb.NewSearch("projections.search", "name, kind, attributes", "projection_index", "projections", "organization"),
		positions: sqldb.NewLookup("feed_positions.read", "source, shard, sequence, digest", "feed_positions",
			sqldb.Key{Name: "source"}, sqldb.Key{Name: "shard", Type: number}),
	}
}

// prefetch reads what the members declare, one statement for each table, all of
// them sent together.
//
// At the first attempt names that were made for their write are taken as absent;
// should one not be, the compare of the flush finds it and the next attempt reads it.
// What searches find is read in a second round trip, if they find anything.
func (g *group) prefetch(members []*member) error {
	requests := map[requestKey]bool{}
	resources, projections, tallies := map[key]bool{}, map[key]bool{}, map[key]bool{}
	families := map[family]bool{}
	searches := map[search]bool{}
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
			if k := g.j.kinds.of(name); k == nil {
				projections[at] = true
			} else {
				resources[at] = true
				for _, below := range k.below {
					families[family{at, below}] = true
				}
			}
		}
		for _, name := range m.work.Creates {
			at := key{m.work.Organization, name}
			switch {
			case !g.careful:
				g.seen.takeAsAbsent(at, g.j.kinds.of(name))
			case g.j.kinds.of(name) == nil:
				projections[at] = true
			default:
				resources[at] = true
			}
		}
		for _, name := range m.work.Serials {
			tallies[key{m.work.Organization, serial + name}] = true
		}
		for _, name := range m.work.Tallies {
			tallies[key{m.work.Organization, name}] = true
		}
		for _, l := range m.work.Lookups {
			t := projectionTables
			if g.j.kinds.byPattern(l.Kind) != nil {
				t = resourceTables
			}
			searches[search{collection{t, m.work.Organization, l.Kind}, l.Where}] = true
		}
	}
	repeated := map[answerKey][]*request{}
	for _, load := range []func() error{
		func() error { return g.loadRequests(requests, repeated) },
		func() error { return g.loadResources(resources) },
		func() error { return g.loadFamilies(families) },
		func() error { return g.loadProjections(projections) },
		func() error { return g.loadTallies(tallies) },
		func() error { return g.loadSearches(searches) },
		func() error { return g.loadPositions(places) },
		func() error { return g.loadParkedAny(len(places) > 0) },
		func() error { return g.tx.Send(g.ctx) },
	} {
		if err := load(); err != nil {
			return err
		}
	}
	if err := g.loadFound(searches); err != nil {
		return err
	}
	return g.loadAnswers(repeated)
}

// loadFound reads what the searches have found, as far as it is not known.
func (g *group) loadFound(searches map[search]bool) error {
	resources, projections := map[key]bool{}, map[key]bool{}
	for s := range searches {
		for _, name := range g.searches[s] {
			at := key{s.organization, name}
			switch {
			case s.tables == resourceTables && g.seen.resources[at] == nil:
				resources[at] = true
			case s.tables == projectionTables && g.seen.projections[at] == nil:
				projections[at] = true
			}
		}
	}
	if len(resources)+len(projections) == 0 {
		return nil
	}
	if err := g.loadResources(resources); err != nil {
		return err
	}
	if err := g.loadProjections(projections); err != nil {
		return err
	}
	return g.tx.Send(g.ctx)
}

// The loads below are sent with the next Send.

// loadRequests also notes in repeated which answers are wanted.
func (g *group) loadRequests(keys map[requestKey]bool, repeated map[answerKey][]*request) error {
	rows := make([][]any, 0, len(keys))
	for k := range keys {
		rows = append(rows, []any{k.organization, k.principal, k.method, k.id})
	}
	return g.tx.QueryLater(g.ctx, g.j.load.requests, rows, func(row sqldb.Row) error {
		var k requestKey
		var expire *int64
		r := &request{}
		if err := row.Scan(&k.organization, &k.principal, &k.method, &k.id, &r.digest, &r.receipt.Resource, &r.receipt.Version, &expire); err != nil {
			return err
		}
		if planted.Is("request forgotten before its time") || expire != nil && *expire <= g.now.UnixMicro() {
			g.expired[k] = true
			return nil
		}
		g.seen.requests[k] = r
		if r.receipt.Resource != "" {
			at := answerKey{key{k.organization, r.receipt.Resource}, r.receipt.Version}
			repeated[at] = append(repeated[at], r)
		}
		return nil
	})
}

// answerKey is the event an answer is made from.
type answerKey struct {
	key
	version int64
}

// loadAnswers completes the receipts of repeated requests from their events.
func (g *group) loadAnswers(repeated map[answerKey][]*request) error {
	rows := make([][]any, 0, len(repeated))
	for k := range repeated {
		rows = append(rows, []any{k.organization, k.name, k.version})
	}
	return g.tx.QueryRows(g.ctx, g.j.load.answers, rows, func(row sqldb.Row) error {
		var at answerKey
		ev := &eventv1.Event{Service: g.j.o.Service}
		if err := row.Scan(&at.organization, &at.name, &at.version, &ev.Shard, &ev.Sequence, &ev.Digest, &ev.Body); err != nil {
			return err
		}
		body, err := Body(ev)
		if err != nil {
			return err
		}
		for _, r := range repeated[at] {
			r.receipt.State = body.GetState().GetValue()
			r.receipt.Digest = ev.Digest
			r.receipt.Position = &eventv1.Position{Service: ev.Service, Shard: ev.Shard, Sequence: ev.Sequence}
		}
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
	return g.tx.QueryLater(g.ctx, g.j.load.resources, keyRows(keys), func(row sqldb.Row) error {
		k, r, err := g.scanResource(row)
		if err == nil {
			g.seen.resources[k] = r
		}
		return err
	})
}

func (g *group) scanResource(row sqldb.Row) (k key, r *resource, err error) {
	var stored string
	r = &resource{}
	err = row.Scan(&k.organization, &k.name, &r.shard, &r.complaint, &r.version, &r.state, &stored, &r.digest, &r.created, &r.updated)
	r.kind, r.base, r.stored = g.j.kinds.of(k.name), r.version, decodeAttrs(stored)
	r.attrs = r.stored
	return k, r, err
}

// loadFamilies reads the resources of each family. One the group knows already
// stays as the group knows it.
func (g *group) loadFamilies(wanted map[family]bool) error {
	rows := make([][]any, 0, len(wanted))
	for f := range wanted {
		g.families[f] = nil
		rows = append(rows, []any{f.parent.name, f.kind.Pattern, f.parent.organization})
	}
	return g.tx.QueryLater(g.ctx, g.j.load.families, rows, func(row sqldb.Row) error {
		k, r, err := g.scanResource(row)
		if err != nil {
			return err
		}
		f := family{key{k.organization, parentOf(k.name)}, r.kind}
		g.families[f] = append(g.families[f], k.name)
		if known := g.seen.resources[k]; known == nil || known.version == 0 {
			g.seen.resources[k] = r
		}
		return nil
	})
}

// family returns the names that the database has under the parent, reading them
// if it must. own is the parent as the unit has changed it, or nil. Under what is
// new there is nothing: should the parent not be, the compare of the flush finds it.
func (g *group) family(f family, own *resource) ([]string, error) {
	if names, ok := g.families[f]; ok {
		return names, nil
	}
	if own == nil {
		own = g.seen.resources[f.parent]
	}
	if own != nil && own.base == 0 {
		return nil, nil
	}
	if err := g.need(func(w *wanted) { w.families[f] = true }); err != nil {
		return nil, err
	}
	return g.families[f], nil
}

func (g *group) loadProjections(keys map[key]bool) error {
	for k := range keys {
		g.seen.projections[k] = &projection{gone: true}
	}
	return g.tx.QueryLater(g.ctx, g.j.load.projections, keyRows(keys), func(row sqldb.Row) error {
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
	return g.tx.QueryLater(g.ctx, g.j.load.tallies, keyRows(keys), func(row sqldb.Row) error {
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
	return g.tx.QueryLater(g.ctx, g.j.load.positions, rows, func(row sqldb.Row) error {
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
	return known(g, g.seen.resources, at, func(w *wanted) { w.resources[at] = true }, &resource{kind: g.j.kinds.of(at.name)})
}

func (g *group) tally(at key) (*tally, error) {
	return known(g, g.seen.tallies, at, func(w *wanted) { w.tallies[at] = true }, &tally{})
}

func (g *group) projection(at key) (*projection, error) {
	return known(g, g.seen.projections, at, func(w *wanted) { w.projections[at] = true }, &projection{gone: true})
}

func known[V any](g *group, seen map[key]V, at key, want func(*wanted), absent V) (V, error) {
	if v, ok := seen[at]; ok {
		return v, nil
	}
	if err := g.need(want); err != nil || g.ahead != nil {
		return absent, err
	}
	return seen[at], nil
}

// find returns the names that the database has for the search, in no order, reading
// them if it must.
func (g *group) find(s search) ([]string, error) {
	if names, ok := g.searches[s]; ok {
		return names, nil
	}
	if err := g.need(func(w *wanted) { w.searches[s] = true }); err != nil {
		return nil, err
	}
	return g.searches[s], nil
}

// loadSearches reads the names of each search. A term is a hash: the row says whether it is meant.
func (g *group) loadSearches(keys map[search]bool) error {
	rows, byTerm := map[tables][][]any{}, map[tables]map[int64]search{resourceTables: {}, projectionTables: {}}
	for s := range keys {
		g.searches[s] = nil
		if s.where == (Attr{}) {
			if err := g.loadAll(s); err != nil {
				return err
			}
			continue
		}
		byTerm[s.tables][s.term()] = s
		rows[s.tables] = append(rows[s.tables], []any{s.term(), s.organization})
	}
	for t, statement := range map[tables]*sqldb.Statement{resourceTables: g.j.load.resourceSearch, projectionTables: g.j.load.projectionSearch} {
		err := g.tx.QueryLater(g.ctx, statement, rows[t], func(row sqldb.Row) error {
			var at int64
			var name, kind, attributes string
			if err := row.Scan(&at, &name, &kind, &attributes); err != nil {
				return err
			}
			s := byTerm[t][at]
			if kind == s.kind && decodeAttrs(attributes).match([]Attr{s.where}) {
				g.searches[s] = append(g.searches[s], name)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// loadAll reads the names of a whole kind.
func (g *group) loadAll(s search) error {
	all := selection(s.tables, Query{Organization: s.organization, Kind: s.kind})
	return g.tx.Later(g.ctx, s.tables.rows()+".find", "SELECT r.name"+all.text.String(), all.args, func(row sqldb.Row) error {
		var name string
		if err := row.Scan(&name); err != nil {
			return err
		}
		g.searches[s] = append(g.searches[s], name)
		return nil
	})
}

// fail records that the database failed during a decision and returns what the closure is told.
func (g *group) fail(err error) error {
	if g.failed == nil {
		g.failed = err
	}
	return refusal(err)
}

// loadParkedAny asks whether anything is parked, which who applies events will ask.
func (g *group) loadParkedAny(wanted bool) error {
	if !wanted {
		return nil
	}
	found := false
	g.parkedAny = &found
	return g.tx.Later(g.ctx, "parked_events.any", anyParked, nil, func(sqldb.Row) error { found = true; return nil })
}

const anyParked = `SELECT 1 FROM parked_events LIMIT 1`

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
	if g.ahead != nil {
		return at, false, nil
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

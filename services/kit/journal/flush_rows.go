package journal

import (
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/sqldb"
)

// storeStatements write. An upsert's WHERE is the compare: it sees the row as it
// is then, locked, and changes nothing if somebody else came first. What is new is
// inserted plainly, at less cost, and fails if somebody else came first.
type storeStatements struct {
	requests, requestsAgain, created, resources  *sqldb.Statement
	indexInsert, indexDelete                     *sqldb.Statement
	tallies, heard, projections                  *sqldb.Statement
	projectionsDelete                            *sqldb.Statement
	projectionIndexInsert, projectionIndexDelete *sqldb.Statement
	armed, timers, timersDelete                  *sqldb.Statement
	positions, parkings, parkingsDelete          *sqldb.Statement
	heads, events, terms                         *sqldb.Statement
}

func newStoreStatements(dialect string) storeStatements {
	const (
		insertRequests = `
			INSERT INTO requests (organization, principal, method, request_id, digest, resource, version, create_time, expire_time) {rows}`
		insertResources = `
			INSERT INTO resources (organization, name, kind, shard, parent, complaint, version, base_version,
			                       state, attributes, digest, create_time, update_time) {rows}`
		insertProjections = `
			INSERT INTO projections (organization, name, kind, version, revision, state, attributes, update_time) {rows}`
		insertTimers = `
			INSERT INTO timers (organization, name, shard, fire_time, generation) {rows}`
	)
	const text, number, bytes, null = sqldb.Text, sqldb.Int, sqldb.Bytes, sqldb.IntNull
	indexInsert := func(table string) *sqldb.Statement {
		return sqldb.NewStatement(table+".insert", `
			INSERT INTO `+table+` (term, name) {rows}`, number, text)
	}
	organization, name := sqldb.Key{Name: "organization"}, sqldb.Key{Name: "name"}
	indexDelete := func(table string) *sqldb.Statement {
		return sqldb.NewDelete(table+".delete", table, sqldb.Key{Name: "term", Type: number}, name)
	}
	return storeStatements{
		requests: sqldb.NewStatement("requests.insert", insertRequests, text, text, text, text, bytes, text, number, number, null),
		requestsAgain: sqldb.NewStatement("requests.replace", insertRequests+`
			ON CONFLICT (organization, principal, method, request_id) DO UPDATE
			SET digest = excluded.digest, resource = excluded.resource, version = excluded.version,
			    create_time = excluded.create_time, expire_time = excluded.expire_time
			WHERE requests.expire_time <= excluded.create_time`,
			text, text, text, text, bytes, text, number, number, null),
		created: sqldb.NewStatement("resources.insert", insertResources,
			text, text, text, number, text, text, number, number, bytes, text, bytes, number, number),
		resources: sqldb.NewStatement("resources.upsert", insertResources+`
			ON CONFLICT (organization, name) DO UPDATE
			SET complaint = excluded.complaint, version = excluded.version, base_version = excluded.base_version, state = excluded.state,
			    attributes = excluded.attributes, digest = excluded.digest, update_time = excluded.update_time
			WHERE resources.version = excluded.base_version`,
			text, text, text, number, text, text, number, number, bytes, text, bytes, number, number),
		indexInsert: indexInsert("resource_index"),
		indexDelete: indexDelete("resource_index"),
		tallies: sqldb.NewStatement("tallies.upsert", `
			INSERT INTO tallies (organization, key, revision, value) {rows}
			ON CONFLICT (organization, key) DO UPDATE SET revision = excluded.revision, value = excluded.value
			WHERE tallies.revision = excluded.revision - 1`, text, text, number, bytes),
		heard: sqldb.NewStatement("projections.insert", insertProjections, text, text, text, number, number, bytes, text, number),
		projections: sqldb.NewStatement("projections.upsert", insertProjections+`
			ON CONFLICT (organization, name) DO UPDATE
			SET kind = excluded.kind, version = excluded.version, revision = excluded.revision, state = excluded.state,
			    attributes = excluded.attributes, update_time = excluded.update_time
			WHERE projections.revision = excluded.revision - 1`, text, text, text, number, number, bytes, text, number),
		projectionsDelete:     sqldb.NewDelete("projections.delete", "projections", organization, name),
		projectionIndexInsert: indexInsert("projection_index"),
		projectionIndexDelete: indexDelete("projection_index"),
		armed:                 sqldb.NewStatement("timers.insert", insertTimers, text, text, number, number, number),
		timers: sqldb.NewStatement("timers.upsert", insertTimers+`
			ON CONFLICT (organization, name) DO UPDATE SET fire_time = excluded.fire_time, generation = excluded.generation`,
			text, text, number, number, number),
		timersDelete: sqldb.NewDelete("timers.delete", "timers", organization, name),
		positions: sqldb.NewStatement("feed_positions.upsert", `
			INSERT INTO feed_positions (source, shard, sequence, base_sequence, digest) {rows}
			ON CONFLICT (source, shard) DO UPDATE
			SET sequence = excluded.sequence, base_sequence = excluded.base_sequence, digest = excluded.digest
			WHERE feed_positions.sequence = excluded.base_sequence`, text, number, number, number, bytes),
		parkings: sqldb.NewStatement("parked_events.upsert", `
			INSERT INTO parked_events (source, shard, sequence, organization, complaint, type, reason, waits, park_time, event) {rows}
			ON CONFLICT (source, shard, sequence) DO UPDATE SET reason = excluded.reason, waits = excluded.waits`,
			text, number, number, text, text, text, text, number, number, bytes),
		parkingsDelete: sqldb.NewDelete("parked_events.delete", "parked_events", sqldb.Key{Name: "source"},
			sqldb.Key{Name: "shard", Type: number}, sqldb.Key{Name: "sequence", Type: number}),
		heads: sqldb.NewStatement("shard_heads.raise", `
			INSERT INTO shard_heads (shard, sequence, digest) {rows}
			ON CONFLICT (shard) DO UPDATE SET sequence = shard_heads.sequence + excluded.sequence, digest = excluded.digest
			RETURNING shard, sequence`, number, number, bytes),
		terms: newTermsStatement(dialect),
		events: sqldb.NewStatement("events.insert", `
			INSERT INTO events (shard, sequence, organization, resource, version, complaint, type, record_time, body,
			                    previous_digest, digest, cause_service, cause_shard, cause_sequence, cause_digest, depth) {rows}`,
			number, number, text, text, number, text, text, number, bytes, bytes, bytes, text, number, number, bytes, number),
	}
}

// indexRows collects what changes in an index table. Its rows are guarded by the
// row they speak of, which is locked by then.
type indexRows struct {
	g              *group
	insert, remove *sqldb.Statement
	in, out        [][]any
}

// move replaces the attributes of a row; the kind may change with a projection.
func (x *indexRows) move(k key, fromKind string, from attrs, toKind string, to attrs) {
	out, in := from.minus(to), to.minus(from)
	if fromKind != toKind {
		out, in = from, to
	}
	for _, a := range out {
		x.out = append(x.out, []any{term(k.organization, fromKind, a), k.name})
	}
	for _, a := range in {
		x.in = append(x.in, []any{term(k.organization, toKind, a), k.name})
	}
}

func (x *indexRows) flush() error {
	if err := x.g.tx.ExecLater(x.g.ctx, x.remove, x.out, nil); err != nil {
		return err
	}
	return x.g.tx.ExecLater(x.g.ctx, x.insert, x.in, nil)
}

// timerRows collects what becomes of the timers of written resources.
type timerRows struct {
	g             *group
	armed         []Timer
	new, in, gone [][]any
}

// follow makes the timer row what the resource's last state wants.
func (t *timerRows) follow(k key, r *resource) {
	switch {
	case planted.Is("timer row not written"):
	case r.timer != nil:
		t.armed = append(t.armed, *r.timer)
		row := []any{k.organization, k.name, int64(r.shard), r.timer.At.UnixMicro(), r.timer.Generation}
		if r.base == 0 && !t.g.careful {
			t.new = append(t.new, row)
		} else {
			t.in = append(t.in, row)
		}
	case r.kind.Timer != nil && r.base > 0:
		t.gone = append(t.gone, []any{k.organization, k.name})
	}
}

func (t *timerRows) flush() error {
	if err := t.g.tx.ExecLater(t.g.ctx, t.g.j.store.armed, t.new, nil); err != nil {
		return err
	}
	if err := t.g.tx.ExecLater(t.g.ctx, t.g.j.store.timers, t.in, nil); err != nil {
		return err
	}
	return t.g.tx.ExecLater(t.g.ctx, t.g.j.store.timersDelete, t.gone, nil)
}

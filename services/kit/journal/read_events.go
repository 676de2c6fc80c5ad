package journal

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/sqldb"
)

const eventColumns = `shard, sequence, organization, resource, version, complaint, type, record_time, body,
	previous_digest, digest, cause_service, cause_shard, cause_sequence, cause_digest, depth`

// Events returns at most limit events of the shard after the sequence, in order
// and without gaps. What is returned is committed, and nothing will ever appear before it.
func (j *Journal) Events(ctx context.Context, shard int32, after int64, limit int) ([]*eventv1.Event, error) {
	return j.events(ctx, j.db, `WHERE shard = $1 AND sequence > $2 ORDER BY sequence LIMIT $3`, int64(shard), after, int64(limit))
}

// Event returns the event at the position; nil if there is none.
func (j *Journal) Event(ctx context.Context, p *eventv1.Position) (*eventv1.Event, error) {
	events, err := j.events(ctx, j.db, `WHERE shard = $1 AND sequence = $2`, int64(p.GetShard()), p.GetSequence())
	if err != nil || len(events) == 0 {
		return nil, err
	}
	return events[0], nil
}

// History returns at most limit events of the resource after the version, in
// order; none for a resource that does not exist.
func (j *Journal) History(ctx context.Context, organization, name string, after int64, limit int) ([]*eventv1.Event, error) {
	return j.events(ctx, j.db, `WHERE organization = $1 AND resource = $2 AND version > $3 ORDER BY version LIMIT $4`,
		organization, name, after, int64(limit))
}

func (j *Journal) events(ctx context.Context, db sqldb.Querier, where string, args ...any) ([]*eventv1.Event, error) {
	var out []*eventv1.Event
	err := db.Query(ctx, "events.read", `SELECT `+eventColumns+` FROM events `+where, args, func(r sqldb.Row) error {
		ev := &eventv1.Event{Service: j.o.Service}
		cause := &eventv1.Cause{}
		var recorded int64
		if err := r.Scan(&ev.Shard, &ev.Sequence, &ev.Organization, &ev.Resource, &ev.Version, &ev.Complaint, &ev.Type, &recorded, &ev.Body,
			&ev.PreviousDigest, &ev.Digest, &cause.Service, &cause.Shard, &cause.Sequence, &cause.Digest, &ev.Depth); err != nil {
			return err
		}
		ev.RecordTime = timestamppb.New(instant(recorded))
		if cause.Service != "" {
			ev.Cause = cause
		}
		out = append(out, ev)
		return nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	return out, nil
}

// Heads returns the last sequence and digest of every shard that has an event, in order.
func (j *Journal) Heads(ctx context.Context) ([]*eventv1.ShardPosition, error) {
	heads, err := j.heads(ctx, j.db)
	if err != nil {
		return nil, refusal(err)
	}
	return heads, nil
}

func (j *Journal) heads(ctx context.Context, db sqldb.Querier) ([]*eventv1.ShardPosition, error) {
	return shardPositions(ctx, db, `SELECT shard, sequence, digest FROM shard_heads ORDER BY shard`)
}

// FeedPositions returns how far each shard of the source has been applied; a
// shard without an entry has not been begun.
func (j *Journal) FeedPositions(ctx context.Context, source string) (map[int32]*eventv1.ShardPosition, error) {
	all, err := shardPositions(ctx, j.db, `SELECT shard, sequence, digest FROM feed_positions WHERE source = $1`, source)
	if err != nil {
		return nil, refusal(err)
	}
	out := make(map[int32]*eventv1.ShardPosition, len(all))
	for _, p := range all {
		out[p.Shard] = p
	}
	return out, nil
}

// Applied returns the last sequence of every shard of every source that has been applied, by source
// and shard. It costs one read.
func (j *Journal) Applied(ctx context.Context) (map[string]map[int32]int64, error) {
	out := map[string]map[int32]int64{}
	err := j.db.Query(ctx, "positions.all", `SELECT source, shard, sequence FROM feed_positions`, nil, func(r sqldb.Row) error {
		var source string
		var shard int32
		var sequence int64
		if err := r.Scan(&source, &shard, &sequence); err != nil {
			return err
		}
		if out[source] == nil {
			out[source] = map[int32]int64{}
		}
		out[source][shard] = sequence
		return nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	return out, nil
}

func shardPositions(ctx context.Context, db sqldb.Querier, text string, args ...any) ([]*eventv1.ShardPosition, error) {
	var out []*eventv1.ShardPosition
	err := db.Query(ctx, "positions.read", text, args, func(r sqldb.Row) error {
		p := &eventv1.ShardPosition{}
		out = append(out, p)
		return r.Scan(&p.Shard, &p.Sequence, &p.Digest)
	})
	return out, err
}

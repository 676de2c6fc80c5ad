package journal

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/sqldb"
)

// Parked is an event of another service that waits for an operator.
type Parked struct {
	// Event is whole, as it came.
	Event *eventv1.Event
	// Reason is of the catalogue.
	Reason string
	// Waits: it is parked only because an earlier event of its complaint is.
	Waits bool
	// Time is when it was parked.
	Time time.Time
}

// ParkedQuery asks for parked events, in order of source, shard, sequence.
type ParkedQuery struct {
	// Organization and Complaint limit to one complaint, or, for events outside
	// any complaint, one resource; both empty for everything.
	Organization, Complaint string
	// After is where to go on; nil for the beginning.
	After *eventv1.Position
	// Limit is how many at most; 0 means 50.
	Limit int
}

// ParkedEvents returns parked events. They are taken out by [Unit.Unpark], in
// the write that applies them.
func (j *Journal) ParkedEvents(ctx context.Context, q ParkedQuery) ([]Parked, error) {
	c := &composed{}
	c.add(`SELECT event, reason, waits, park_time FROM parked_events WHERE (source, shard, sequence) > (`, q.After.GetService())
	c.add(`, `, int64(q.After.GetShard()))
	c.add(`, `, q.After.GetSequence())
	c.add(`)`)
	if q.Complaint != "" {
		c.add(` AND organization = `, q.Organization)
		c.add(` AND complaint = `, q.Complaint)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	c.add(` ORDER BY source, shard, sequence LIMIT `, int64(limit))
	var out []Parked
	err := j.db.Query(ctx, "parked_events.list", c.text.String(), c.args, func(r sqldb.Row) error {
		p, err := scanParked(r)
		out = append(out, p)
		return err
	})
	if err != nil {
		return nil, refusal(err)
	}
	return out, nil
}

// ParkedEvent returns the parked event at the position; ok is false if there is none.
func (j *Journal) ParkedEvent(ctx context.Context, at *eventv1.Position) (p Parked, ok bool, err error) {
	err = j.db.Query(ctx, "parked_events.get",
		`SELECT event, reason, waits, park_time FROM parked_events WHERE source = $1 AND shard = $2 AND sequence = $3`,
		[]any{at.GetService(), int64(at.GetShard()), at.GetSequence()}, func(r sqldb.Row) (err error) {
			ok = true
			p, err = scanParked(r)
			return err
		})
	if err != nil {
		return Parked{}, false, refusal(err)
	}
	return p, ok, nil
}

func scanParked(r sqldb.Row) (Parked, error) {
	p := Parked{Event: &eventv1.Event{}}
	var event []byte
	var waits, parked int64
	if err := r.Scan(&event, &p.Reason, &waits, &parked); err != nil {
		return p, err
	}
	p.Waits, p.Time = waits != 0, instant(parked)
	return p, proto.Unmarshal(event, p.Event)
}

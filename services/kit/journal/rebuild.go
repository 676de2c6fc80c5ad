package journal

import (
	"context"

	"example.com/redress/services/kit/sqldb"
)

// ForgetFeeds drops everything heard from other services: all projections, all
// parked events, and how far each feed was applied, so that every consumer
// begins anew and the projections fill again. What the journal itself owns stays.
// It returns how many events had been applied.
//
// It is one transaction. Positions are set back and not removed: a write of a
// consumer that read its position before then compares in vain and is rolled
// back. Whoever runs the consumers makes them connect again; they read their
// positions only then.
//
// It is meant for a read model. A service whose decisions read projections must
// not be serving meanwhile.
//
// Source: DESIGN section 10 (rebuild reporting).
func (j *Journal) ForgetFeeds(ctx context.Context) (events int64, err error) {
	err = j.db.Write(ctx, func(tx *sqldb.Tx) error {
		events = 0 // the closure may run again
		err := tx.Query(ctx, "feed_positions.sum", `SELECT COALESCE(CAST(SUM(sequence) AS BIGINT), 0) FROM feed_positions`, nil,
			func(r sqldb.Row) error { return r.Scan(&events) })
		if err != nil {
			return err
		}
		// In the order in which groups write, so that the two do not wait for each other.
		for _, step := range []struct {
			op, text string
			args     []any
		}{
			{op: "projections.forget", text: `DELETE FROM projections`},
			{op: "projection_index.forget", text: `DELETE FROM projection_index`},
			{op: "feed_positions.reset", text: `UPDATE feed_positions SET sequence = 0, base_sequence = 0, digest = $1`, args: []any{sqldb.Clean(nil)}},
			{op: "parked_events.forget", text: `DELETE FROM parked_events`},
		} {
			if _, err := tx.Exec(ctx, step.op, step.text, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, refusal(err)
	}
	return events, nil
}

package check

import (
	"bytes"
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// sampled is of how many resources one is compared with its event byte by byte.
const sampled = 23

// record checks A1: every version of every resource has exactly one event, which
// says what became of it, linked to the one before; no shard has a gap; and
// what one service has heard of another was said.
func record(ctx context.Context, e *Evidence, f *Findings) error {
	for _, s := range services() {
		for _, q := range []struct{ what, query string }{
			{"has as many events as versions", `
				SELECT r.name, r.version, coalesce(e.n, 0) FROM @resources r
				LEFT JOIN (SELECT organization, resource, count(*) n, min(version) lo, max(version) hi FROM @events GROUP BY 1, 2) e
				ON e.organization = r.organization AND e.resource = r.name
				WHERE e.n IS DISTINCT FROM r.version OR e.lo <> 1 OR e.hi <> r.version`},
			{"of an event is there", `
				SELECT e.resource, e.version FROM @events e WHERE NOT EXISTS
				(SELECT 1 FROM @resources r WHERE r.organization = e.organization AND r.name = e.resource AND r.version >= e.version)`},
			{"is what its last event says", `
				SELECT r.name, r.version FROM @resources r JOIN @events e
				ON e.organization = r.organization AND e.resource = r.name AND e.version = r.version WHERE e.digest <> r.digest`},
			{"has a chain without a break", `
				SELECT resource, version FROM (SELECT resource, version, previous_digest,
				lag(digest) OVER (PARTITION BY organization, resource ORDER BY version) AS before FROM @events) c
				WHERE version > 1 AND before IS DISTINCT FROM previous_digest`},
			{"has every number up to its head", `
				SELECT h.shard, h.sequence, e.n FROM @shard_heads h
				LEFT JOIN (SELECT shard, count(*) n, max(sequence) hi FROM @events GROUP BY 1) e ON e.shard = h.shard
				WHERE coalesce(e.n, 0) <> h.sequence OR coalesce(e.hi, 0) <> h.sequence`},
			{"did one thing once for each cause", `
				SELECT resource, type, cause_service, cause_shard, cause_sequence, count(*) FROM @events
				WHERE cause_service <> '' AND version = 1 GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1`},
		} {
			if err := e.Rows(ctx, in(s, q.query), func(row []string) error {
				f.wrong("A1", "%s: not so: %s %s: %v", s, row[0], q.what, row[1:])
				return nil
			}); err != nil {
				return err
			}
		}
		if err := e.Rows(ctx, in(s, `SELECT (SELECT count(*) FROM @events), (SELECT count(*) FROM @resources), (SELECT count(*) FROM @parked_events)`), func(row []string) error {
			var events, resources, parked int
			if _, err := fmt.Sscan(row[0]+" "+row[1]+" "+row[2], &events, &resources, &parked); err != nil {
				return err
			}
			f.count("events", events)
			f.count("resources", resources)
			f.count("events parked", parked)
			if parked > 0 {
				f.wrong("A1", "%s has parked %d events: what follows from them is missing", s, parked)
			}
			return nil
		}); err != nil {
			return err
		}
		if err := states(ctx, e, f, s); err != nil {
			return err
		}
		if err := heard(ctx, e, f, s); err != nil {
			return err
		}
	}
	return nil
}

// states compares the state of some resources with the state in their last event.
func states(ctx context.Context, e *Evidence, f *Findings, service string) error {
	n := 0
	return e.Rows(ctx, in(service, fmt.Sprintf(`
		SELECT r.name, encode(r.state, 'hex'), encode(e.body, 'hex') FROM @resources r JOIN @events e
		ON e.organization = r.organization AND e.resource = r.name AND e.version = r.version
		WHERE abs(hashtext(r.name)) %% %d = 0`, sampled)), func(row []string) error {
		n++
		state, err := unhex(row[1])
		if err != nil {
			return err
		}
		raw, err := unhex(row[2])
		if err != nil {
			return err
		}
		body := &eventv1.EventBody{}
		if err := proto.Unmarshal(raw, body); err != nil {
			return err
		}
		if !bytes.Equal(body.GetState().GetValue(), state) {
			f.wrong("A1", "%s: %s is not in the state that its last event says", service, row[0])
		}
		return nil
	})
}

// heard compares how far a service has heard others with what those have said, and
// looks for what it heard twice.
func heard(ctx context.Context, e *Evidence, f *Findings, service string) error {
	if err := e.Rows(ctx, in(service, `SELECT source, shard, was, became FROM @fault_steps_back`), func(row []string) error {
		f.wrong("A1", "%s had heard shard %s of %s up to %s and then up to %s: something had its effect twice", service, row[1], row[0], row[2], row[3])
		return nil
	}); err != nil {
		return err
	}
	for _, source := range e.Reads[service] {
		if err := e.Rows(ctx, fmt.Sprintf(`
			SELECT h.shard, coalesce(p.sequence, 0), h.sequence FROM redress_%s.shard_heads h
			LEFT JOIN redress_%s.feed_positions p ON h.shard = p.shard AND replace(p.source, '-', '_') = '%s'
			WHERE coalesce(p.sequence, 0) <> h.sequence`, source, service, source), func(row []string) error {
			f.wrong("A1", "%s has heard shard %s of %s up to %s, which ends at %s", service, row[0], source, row[1], row[2])
			return nil
		}); err != nil {
			return err
		}
		if err := e.Rows(ctx, fmt.Sprintf(`
			SELECT c.resource, c.version, c.cause_shard, c.cause_sequence FROM redress_%s.events c
			WHERE replace(c.cause_service, '-', '_') = '%s' AND NOT EXISTS (
			SELECT 1 FROM redress_%s.events s WHERE s.shard = c.cause_shard AND s.sequence = c.cause_sequence AND s.digest = c.cause_digest)`, service, source, source), func(row []string) error {
			f.wrong("A1", "%s: %s version %s names event %s/%s of %s as its cause, which did not happen", service, row[0], row[1], row[2], row[3], source)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

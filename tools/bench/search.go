package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/world"
)

// sought is a word that every so many complaints have.
type sought struct {
	key, word string
	// one in so many complaints has it; 0: none has.
	oneIn int
}

// soughtWords have characters that no other text of the experiment has. The rare one is
// in ten complaints of as many as there are.
func soughtWords(complaints int) []sought {
	return []sought{{"common", "退款", 2}, {"percent", "漏水", 100}, {"rare", "赔付", max(1, complaints/10)}, {"absent", "延误", 0}}
}

const (
	turnOfSearch = 1500 * time.Millisecond // for each word, at scale 1
	moreCalls    = 4000                    // complaints registered in a turn
)

// textLength is how many other characters a text has, of so many that there are.
const (
	textLength = 60
	characters = 2500
	ofText     = '丁' // the first of them
)

// telling returns the text of the n-th complaint: characters by chance and the words in their turn.
func telling(words []sought) func(n int) string {
	return func(n int) string {
		chance := rand.New(rand.NewPCG(uint64(n), 1)) // the same texts in every run
		var text []rune
		for len(text) < textLength {
			r := ofText + chance.Int32N(characters)
			for _, w := range words {
				for _, c := range w.word {
					if r == c {
						r = ofText
					}
				}
			}
			text = append(text, r)
		}
		for _, w := range words {
			if w.oneIn > 0 && n%w.oneIn == 0 {
				text = append(text, '，')
				text = append(text, []rune(w.word)...)
			}
		}
		return string(text)
	}
}

// library is intake alone on PostgreSQL with complaints whose texts it makes findable.
type library struct {
	w     *world.World
	s     *ours.Server
	dsn   string
	words []sought
	next  int // number of the next complaint
	close func() error
}

// Round implements measure.Turn: it searches, and then registers further complaints.
func (l *library) Round(ctx context.Context) (measure.Figures, error) {
	figures := measure.Figures{}
	with := l.s.Context(context.WithoutCancel(ctx))
	for _, w := range l.words {
		call := func(_ context.Context, caller, _ int) error {
			got, err := intakev1.NewIntakeServiceClient(l.s.Network.Of(caller)).SearchComplaints(with, &intakev1.SearchComplaintsRequest{Query: w.word, PageSize: 50})
			if err == nil && (len(got.GetComplaints()) > 0) != (w.oneIn > 0) {
				err = fmt.Errorf("%d complaints found with %s", len(got.GetComplaints()), w.word)
			}
			return err
		}
		if _, _, err := measure.Keep(ctx, queuing, warming, call); err != nil {
			return nil, err
		}
		took, _, err := measure.Keep(ctx, queuing, l.w.Lasting(turnOfSearch), call)
		if err != nil {
			return nil, err
		}
		figures[w.key], figures[w.key+" p50"] = took.Milliseconds(0.95), took.Milliseconds(0.5)
	}
	n, register := l.w.Scaled(moreCalls, 200), l.telling(ctx, nil)
	l.next += n
	got, err := measured(ctx, l.w, redress, 1, func() (measure.Latencies, time.Duration, error) {
		took, lasted, err := counted(ctx, callers, n, register)
		return took, lasted, errors.Join(err, l.findable(ctx)) // its CPU is part of a call's
	})
	maps.Copy(figures, got)
	return figures, err
}

// telling returns a call that registers a complaint with a text of its own and the words in their turn.
func (l *library) telling(ctx context.Context, words []sought) func(ctx context.Context, caller, n int) error {
	first, text := l.next, telling(words)
	return l.s.Telling(context.WithoutCancel(ctx), func(n int) string { return text(first + n) })
}

// Close implements measure.Turn.
func (l *library) Close() error { return l.close() }

// findable waits until intake has followed its own feed to the end.
func (l *library) findable(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, l.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for had, since := int64(-1), time.Now(); ; {
		var waiting int64
		if err := conn.QueryRow(ctx, `
			SELECT coalesce(sum(head.sequence - coalesce(p.sequence, 0)), 0)::bigint
			FROM generate_series(0, 255) AS s (shard)
			CROSS JOIN LATERAL (SELECT coalesce(max(e.sequence), 0) AS sequence FROM redress_intake.events e WHERE e.shard = s.shard) head
			LEFT JOIN redress_intake.feed_positions p ON p.source = 'intake' AND p.shard = s.shard`).Scan(&waiting); err != nil {
			return err
		}
		if waiting == 0 {
			return nil
		}
		if waiting != had {
			had, since = waiting, time.Now()
		}
		if time.Since(since) > calm {
			return fmt.Errorf("%d complaints are not findable yet, and none becomes so", waiting)
		}
		if err := sleepUntil(ctx, time.Now().Add(20*time.Millisecond)); err != nil {
			return err
		}
	}
}

// fill registers n complaints and says what that took.
func (l *library) fill(ctx context.Context, n int) error {
	before, err := l.w.CPU(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := measure.Each(ctx, fillers, n, l.telling(ctx, l.words)); err != nil {
		return err
	}
	l.next += n
	registered := time.Now()
	if err := l.findable(ctx); err != nil {
		return err
	}
	after, err := l.w.CPU(ctx)
	if err != nil {
		return err
	}
	found, used := time.Now(), after.Sub(before)
	if err := world.TidyPostgres(ctx, l.dsn); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, l.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var has int
	var bytes float64
	if err := conn.QueryRow(ctx, "SELECT count(*), pg_database_size(current_database())::float8 FROM redress_intake.search_terms").Scan(&has, &bytes); err != nil {
		return err
	}
	if has < n {
		return fmt.Errorf("%d of %d complaints are findable", has, n)
	}
	l.w.Tell("%d complaints registered in %s and findable %s later, %.0f µs of CPU each (PostgreSQL %.0f); VACUUM took %s; %.0f bytes each", n,
		registered.Sub(began).Round(time.Millisecond), found.Sub(registered).Round(time.Millisecond), world.Per(used.All(), n), world.Per(used.Postgres, n),
		time.Since(found).Round(time.Millisecond), bytes/float64(n))
	return nil
}

// filled is a library with n complaints before its first turn.
func filled(w *world.World, name string, n int) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		dsn, drop, err := w.Database(ctx)
		if err != nil {
			return nil, err
		}
		s, err := ours.Indexing(ctx, w, ours.On{Postgres: dsn, Redis: w.Redis})
		if err != nil {
			return nil, errors.Join(err, drop())
		}
		l := &library{w: w, s: s, dsn: dsn, words: soughtWords(n), close: func() error { return errors.Join(s.Close(), drop()) }}
		if err := l.fill(ctx, n); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}}
}

func searchExperiments(w *world.World, few, many int) []measure.Experiment {
	const small, large = "10,000 complaints", "1,000,000 complaints"
	search := measure.Experiment{
		Name: "search", Title: "Growth: search for two Chinese characters",
		About: "8 callers ask intake alone on PostgreSQL for the first 50 complaints with a word of two characters (SearchComplaints), for " + seconds(turnOfSearch) + " each: one that half of them have, one in a hundred, ten in all, and none. " +
			"All were registered through the RPC, with 60 characters besides, and made findable by intake's own feed; VACUUM has run once.",
		Subjects: []measure.Subject{filled(w, small, few), filled(w, large, many)},
	}
	for _, word := range soughtWords(0) {
		search.Columns = append(search.Columns, measure.Column{Key: word.key, Title: word.key + " p95 ms"}, measure.Column{Key: word.key + " p50", Title: "p50"})
		search.Goals = append(search.Goals, measure.Goal{Subject: large, Key: word.key, AtMost: 50})
	}
	return []measure.Experiment{search, {
		Name: "grownintake", Title: "Growth: register a complaint", Of: "search",
		About: "At the end of each turn above: 64 callers register 4,000 complaints of a known customer, each with 60 characters of its own. CPU is counted until they can be found.",
		Columns: []measure.Column{
			{Key: "rate", Title: "calls/s"},
			{Key: "p50", Title: "p50 ms"},
			{Key: "p95", Title: "p95 ms"},
			{Key: "cpu", Title: "CPU µs a call, all processes"},
			{Key: "self", Title: "of it this process"},
			{Key: "postgres", Title: "PostgreSQL"},
		},
		Goals: []measure.Goal{{Subject: large, Key: "cpu", Against: small, AtMost: 1.3}},
	}}
}

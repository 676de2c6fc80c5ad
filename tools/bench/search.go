package main

import (
	"context"
	"errors"
	"fmt"
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

// searching asks for the first page of each word.
type searching struct {
	w     *world.World
	s     *ours.Server
	words []sought
	ctx   context.Context
	close func() error
}

// Round implements measure.Turn.
func (t *searching) Round(ctx context.Context) (measure.Figures, error) {
	figures := measure.Figures{}
	for _, w := range t.words {
		call := func(_ context.Context, caller, _ int) error {
			got, err := intakev1.NewIntakeServiceClient(t.s.Network.Of(caller)).SearchComplaints(t.ctx, &intakev1.SearchComplaintsRequest{Query: w.word, PageSize: 50})
			if err == nil && (len(got.GetComplaints()) > 0) != (w.oneIn > 0) {
				err = fmt.Errorf("%d complaints found with %s", len(got.GetComplaints()), w.word)
			}
			return err
		}
		if _, _, err := measure.Keep(ctx, queuing, warming, call); err != nil {
			return nil, err
		}
		took, _, err := measure.Keep(ctx, queuing, t.w.Lasting(turnOfRPCs), call)
		if err != nil {
			return nil, err
		}
		figures[w.key], figures[w.key+" p50"] = took.Milliseconds(0.95), took.Milliseconds(0.5)
	}
	return figures, nil
}

// Close implements measure.Turn.
func (t *searching) Close() error { return t.close() }

// findableStock is intake alone on PostgreSQL with n complaints, registered through its RPC,
// whose texts it has made findable by itself.
func findableStock(w *world.World, name string, n int) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (_ measure.Turn, err error) {
		dsn, drop, err := w.Database(ctx)
		if err != nil {
			return nil, err
		}
		s, err := ours.Indexing(ctx, w, ours.On{Postgres: dsn, Redis: w.Redis})
		if err != nil {
			return nil, errors.Join(err, drop())
		}
		end := func() error { return errors.Join(s.Close(), drop()) }
		words := soughtWords(n)
		if _, err := measure.Each(ctx, fillers, n, s.Telling(context.WithoutCancel(ctx), telling(words))); err != nil {
			return nil, errors.Join(err, end())
		}
		if err := findable(ctx, dsn, n); err != nil {
			return nil, errors.Join(err, end())
		}
		return &searching{w: w, s: s, words: words, ctx: s.Context(context.WithoutCancel(ctx)), close: end}, nil
	}}
}

// findable waits until n complaints have their terms, and lets PostgreSQL tidy up after so much at once.
func findable(ctx context.Context, dsn string, n int) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for had, since := -1, time.Now(); ; {
		var has int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM redress_intake.search_terms").Scan(&has); err != nil {
			return err
		}
		if has >= n {
			break
		}
		if has > had {
			had, since = has, time.Now()
		}
		if time.Since(since) > calm {
			return fmt.Errorf("%d of %d complaints are findable, and no more come", has, n)
		}
		time.Sleep(time.Second)
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE redress_intake.search_terms")
	return err
}

func searchExperiment(w *world.World, few, many int) measure.Experiment {
	const large = "1,000,000 complaints"
	e := measure.Experiment{
		Name: "search", Title: "Growth: search for two Chinese characters",
		About: "8 callers ask intake alone on PostgreSQL for the first 50 complaints with a word of two characters (SearchComplaints), one that half of them have, one in a hundred, ten in all, and none. " +
			"All were registered through the RPC, with 60 characters besides, and made findable by intake's own feed; VACUUM has run once.",
		Subjects: []measure.Subject{findableStock(w, "10,000 complaints", few), findableStock(w, large, many)},
	}
	for _, word := range soughtWords(0) {
		e.Columns = append(e.Columns, measure.Column{Key: word.key, Title: word.key + " p95 ms"}, measure.Column{Key: word.key + " p50", Title: "p50"})
		e.Goals = append(e.Goals, measure.Goal{Subject: large, Key: word.key, AtMost: 50})
	}
	return e
}

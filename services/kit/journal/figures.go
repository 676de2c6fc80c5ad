package journal

import (
	"context"
	"strconv"
	"time"

	"example.com/redress/services/kit/sqldb"
)

// Figures say how much of what waits there is in the store, of all organisations.
type Figures struct {
	// Armed are the timers by the pattern of their resources: every kind with
	// timers is there, background kinds too.
	Armed map[string]int64
	// Parked are the events that wait for an operator, by source; sources without any are absent.
	Parked map[string]int64
	// First is the earliest instant of a timer that is to be fired; zero if there is none.
	First time.Time
}

// Figures returns what waits. For the metrics page: it reads every timer row, a
// few milliseconds for tens of thousands.
func (j *Journal) Figures(ctx context.Context) (Figures, error) {
	f := Figures{Armed: map[string]int64{}, Parked: map[string]int64{}}
	c := &composed{}
	c.add(`SELECT CASE`)
	for i, k := range j.kinds {
		if k.Timer != nil {
			f.Armed[k.Pattern] = 0
			c.add(` WHEN `)
			ofKind(c, k.Pattern)
			c.add(` THEN ` + strconv.Itoa(i))
		}
	}
	if len(f.Armed) > 0 {
		c.add(` ELSE -1 END AS kind, count(*) FROM timers GROUP BY 1`)
		if err := j.db.Query(ctx, "timers.count", c.text.String(), c.args, func(r sqldb.Row) error {
			var kind int
			var n int64
			if err := r.Scan(&kind, &n); err != nil {
				return err
			}
			if kind >= 0 {
				f.Armed[j.kinds[kind].Pattern] = n
			}
			return nil
		}); err != nil {
			return Figures{}, refusal(err)
		}
	}
	if err := j.db.Query(ctx, "parked_events.count", `SELECT source, count(*) FROM parked_events GROUP BY source`, nil, func(r sqldb.Row) error {
		var source string
		var n int64
		if err := r.Scan(&source, &n); err != nil {
			return err
		}
		f.Parked[source] = n
		return nil
	}); err != nil {
		return Figures{}, refusal(err)
	}
	at, ok, err := j.NextTimer(ctx)
	if ok {
		f.First = at
	}
	return f, err
}

// CountIndexed returns how many resources of a kind have each of the values of an
// attribute, over all organisations; values nothing has count 0. It visits each
// organisation once and the index entries it counts, nothing else.
func (j *Journal) CountIndexed(ctx context.Context, kind, attribute string, values ...string) (map[string]int64, error) {
	out := make(map[string]int64, len(values))
	for _, v := range values {
		out[v] = 0
	}
	meant := map[int64]string{} // value by term
	c := &composed{}
	c.add(`SELECT term, count(*) FROM resource_index WHERE term IN (`)
	all, err := j.organizations(ctx, resourceTables)
	if err != nil {
		return nil, err
	}
	for _, organization := range all {
		for _, v := range values {
			if len(meant) > 0 {
				c.add(`, `)
			}
			t := term(organization, kind, Attr{attribute, v})
			meant[t] = v
			c.add(``, t)
		}
	}
	if len(meant) == 0 {
		return out, nil
	}
	c.add(`) GROUP BY term`)
	err = j.db.Query(ctx, "resource_index.count", c.text.String(), c.args, func(r sqldb.Row) error {
		var t, n int64
		if err := r.Scan(&t, &n); err != nil {
			return err
		}
		out[meant[t]] += n
		return nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	return out, nil
}

// Organizations returns those of which projections are kept, in order. Cost: a look
// into the index for each.
func (j *Journal) Organizations(ctx context.Context) ([]string, error) {
	return j.organizations(ctx, projectionTables)
}

func (j *Journal) organizations(ctx context.Context, t tables) ([]string, error) {
	c := &composed{}
	c.add(`WITH RECURSIVE o (organization) AS (
		SELECT min(organization) FROM ` + t.rows() + `
		UNION ALL
		SELECT (SELECT min(n.organization) FROM ` + t.rows() + ` n WHERE n.organization > o.organization) FROM o WHERE o.organization IS NOT NULL
	) SELECT organization FROM o WHERE organization IS NOT NULL`)
	all, err := j.names(ctx, t.rows()+".organizations", c)
	if err != nil {
		return nil, refusal(err)
	}
	return all, nil
}

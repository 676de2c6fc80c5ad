package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// verified is what was found out about one store.
type verified struct {
	Service   string   `json:"service"`
	Store     string   `json:"store"`
	Shards    int64    `json:"shards"`
	Resources int64    `json:"resources"`
	Events    int64    `json:"events"`
	Causes    int64    `json:"causes"`
	Feeds     int64    `json:"feeds"`
	Clocks    int64    `json:"clocks"`
	Problems  []string `json:"problems"`
}

func newVerify(a *app) *cobra.Command {
	var at place
	c := &cobra.Command{
		Use: "verify", Short: "Check every store: chains, causes, feeds, clocks and counts",
		Long: `Recomputes the hash chain of every resource in every service's store and compares
it with the resource, the numbering of the shards and their heads; follows each
cause into the store of the service that was the cause; checks that what each
service has heard from another is what the other holds; and that every clock has
the timer it says. It may run while the suite serves, changes nothing, and ends
with code 1 if anything is wrong.

Whoever can rewrite a whole chain and everything that names it leaves no trace
here: compare with a backup for that.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := at.databases()
			if err != nil {
				return err
			}
			reports, err := a.verify(c.Context(), all)
			if err != nil {
				return err
			}
			if err := a.showVerified(reports); err != nil {
				return err
			}
			return problemsIn(reports)
		},
	}
	at.flags(c)
	at.splitFlag(c)
	return c
}

// verify opens the stores, checks them and closes them.
func (a *app) verify(ctx context.Context, all []store) (_ []verified, err error) {
	all, closeAll, err := openStores(ctx, all)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	var reports []verified
	for _, s := range all {
		r, err := a.verifyStore(ctx, s, all)
		if err != nil {
			return nil, fmt.Errorf("verify %s: %w", s.name, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (a *app) verifyStore(ctx context.Context, s store, all []store) (verified, error) {
	p := a.progress("verify " + s.name)
	journals := map[string]*journal.Journal{}
	for _, other := range all {
		journals[other.name] = other.journal
	}
	report, err := s.journal.Verify(ctx, journal.VerifyOptions{
		Progress: func(done, total int64) { p.tell(done, total, "events") },
		Cause: func(c *eventv1.Cause) ([]byte, error) {
			return digestAt(ctx, journals[c.GetService()], c.GetService(), c.GetShard(), c.GetSequence())
		},
	})
	if err != nil {
		return verified{}, err
	}
	v := verified{
		Service: s.name, Store: s.journal.StoreID(), Shards: report.Shards, Resources: report.Resources,
		Events: report.Events, Causes: report.Causes, Problems: []string{},
	}
	for _, problem := range report.Problems {
		v.Problems = append(v.Problems, problem.String())
	}
	if report.More > 0 {
		v.Problems = append(v.Problems, strconv.FormatInt(report.More, 10)+" more")
	}
	for _, source := range all {
		if source.name != s.name {
			if err := v.checkFeed(ctx, s, source); err != nil {
				return v, err
			}
		}
	}
	return v, v.checkClocks(ctx, s.db)
}

// digestAt returns the digest of an event, nil if it is not there.
func digestAt(ctx context.Context, j *journal.Journal, service string, shard int32, sequence int64) ([]byte, error) {
	if j == nil {
		return nil, nil // no service of that name: certainly not there
	}
	ev, err := j.Event(ctx, &eventv1.Position{Service: service, Shard: shard, Sequence: sequence})
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return ev.GetDigest(), err
}

// checkFeed compares how far s has read source with what source holds.
func (v *verified) checkFeed(ctx context.Context, s, source store) error {
	positions, err := s.journal.FeedPositions(ctx, source.name)
	if err != nil {
		return err
	}
	for shard, at := range positions {
		if at.GetSequence() == 0 {
			continue
		}
		v.Feeds++
		digest, err := digestAt(ctx, source.journal, source.name, shard, at.GetSequence())
		switch {
		case err != nil:
			return err
		case digest == nil:
			v.add("has read %s up to event %d of shard %d, which is not there: %[1]s was restored from an older copy", source.name, at.GetSequence(), shard)
		case !bytes.Equal(digest, at.GetDigest()):
			v.add("has read another event %d in shard %d of %s than is there now", at.GetSequence(), shard, source.name)
		}
	}
	return nil
}

// checkClocks compares the clocks with the timers that are to fire them.
func (v *verified) checkClocks(ctx context.Context, db *sqldb.DB) error {
	kind := clocks.Kind("cases")
	err := db.Query(ctx, "verify.clocks", `
		SELECT r.organization, r.name, r.state, COALESCE(t.fire_time, -1), COALESCE(t.generation, -1)
		FROM resources r LEFT JOIN timers t ON t.organization = r.organization AND t.name = r.name
		WHERE r.kind LIKE '%/clocks/*' ORDER BY r.organization, r.name`, nil, func(r sqldb.Row) error {
		var organization, name string
		var state []byte
		var at, generation int64
		if err := r.Scan(&organization, &name, &state, &at, &generation); err != nil {
			return err
		}
		v.Clocks++
		c := &clockv1.Clock{}
		if err := proto.Unmarshal(state, c); err != nil {
			v.add("%s of %s: the clock cannot be read", name, organization)
			return nil //nolint:nilerr // it was added to what is wrong
		}
		due, wanted, waits := kind.Timer(c)
		switch {
		case waits && at < 0:
			v.add("%s of %s: the clock is to fire and has no timer", name, organization)
		case !waits && at >= 0:
			v.add("%s of %s: the clock has a timer and is not to fire", name, organization)
		case waits && (due.UnixMicro() != at || wanted != generation):
			v.add("%s of %s: the clock's timer has another instant or generation", name, organization)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var lost int64
	err = db.Query(ctx, "verify.timers", `
		SELECT count(*) FROM timers t LEFT JOIN resources r ON r.organization = t.organization AND r.name = t.name
		WHERE r.name IS NULL`, nil, func(r sqldb.Row) error { return r.Scan(&lost) })
	if lost > 0 {
		v.add("%d timers belong to no resource", lost)
	}
	return err
}

func (v *verified) add(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

func (a *app) showVerified(reports []verified) error {
	if a.json() {
		return a.writeJSON(reports)
	}
	t := a.table("SERVICE", "SHARDS", "RESOURCES", "EVENTS", "CAUSES", "FEEDS", "CLOCKS", "RESULT")
	for _, r := range reports {
		result := "ok"
		if n := len(r.Problems); n > 0 {
			result = fmt.Sprintf("%d problems", n)
		}
		t.row(r.Service, r.Shards, r.Resources, r.Events, r.Causes, r.Feeds, r.Clocks, result)
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, r := range reports {
		for _, p := range r.Problems {
			fmt.Fprintf(a.Out, "%s: %s\n", r.Service, p)
		}
	}
	return nil
}

// problemsIn makes an error of what was found; nil if nothing was.
func problemsIn(reports []verified) error {
	n := 0
	for _, r := range reports {
		n += len(r.Problems)
	}
	if n > 0 {
		return fmt.Errorf("%d problems; do not repair by hand: keep a copy of the stores and restore the last backup that verifies", n)
	}
	return nil
}

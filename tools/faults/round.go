package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/tools/faults/check"
	"example.com/redress/tools/faults/ledger"
	"example.com/redress/tools/faults/load"
	"example.com/redress/tools/faults/post"
	"example.com/redress/tools/faults/world"
)

// plan is what happens in a round.
type plan struct {
	acks, callers      int
	claimants, pausers int
	repeats            int
	backlog            int
	gap, calm          time.Duration
	faults             string
	small              bool           // limits of clocks of 2 and 3 s
	pauses             bool           // limits of clocks of 20 s
	linger             time.Duration  // least time from the last complaint to the checks, for clocks that nothing knows of
	enough             map[string]int // of each act in the ledger or of the clients, besides acks
	cause              string         // SQL that counts what else must have come to pass
	times              int            // so often
	most               time.Duration  // how long the clients go on for all that after the faults
}

// counts reads the flag --faults: a word may stand for several kinds, drawn in turn.
func (p plan) counts() (map[string]int, error) {
	words := map[string][]string{
		"kills": {killService}, "postgres": {killPostgres}, "redis": {killRedis, flushRedis, oldRedis},
		"pauses": {pauseService}, "cuts": {cutSQL, slowSQL, halfRedis, cutPeers, halfPeers}, "replaces": {replace},
		"flush": {flushArmed}, "away": {redisAway}, "clockkills": {killClocks}, "due": {killDue},
		"promotions": {promote}, "disk": {fillDisk}, "rolls": {roll},
	}
	out := map[string]int{}
	for part := range strings.SplitSeq(p.faults, ",") {
		if part == "" {
			continue
		}
		word, number, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		kinds := words[word]
		if err != nil || kinds == nil {
			return nil, fmt.Errorf("--faults: %q is not kind=N", part)
		}
		for i := range n {
			out[kinds[i%len(kinds)]]++
		}
	}
	return out, nil
}

// round is one world from its start to the verdict.
type round struct {
	*settings

	seed    uint64
	folder  string
	took    time.Duration
	faults  map[string]int
	acks    map[string]int
	figures map[string]int64
	notRun  []string
	defect  *defect // that the programs have; nil: none
	begin   time.Time
	// The receivers of notices by how they come; empty: mails go to a folder.
	receivers map[notificationv1.Notice_Media]*post.Server
}

func (r *round) say(format string, args ...any) {
	fmt.Printf("%7.1fs  %s\n", time.Since(r.begin).Seconds(), fmt.Sprintf(format, args...))
}

// limits are those of the demo's pack of seconds, shortened so that many clocks
// fall due in a minute.
const (
	packLimits  = "{general: 90 s, serious: 60 s, major: 45 s}"
	shortLimits = "{general: 9 s, serious: 6 s, major: 4 s}"
	longest     = 9 * time.Second
	// Those of the small rounds of planted defects.
	plantedLimits = "{general: 3 s, serious: 3 s, major: 2 s}"
	// Those of rounds in which clocks must be paused and go on before they run out,
	// however busy the machine is.
	pausedLimits = "{general: 20 s, serious: 20 s, major: 20 s}"
)

// disk is the size in MiB of the file system that can be full.
const disk = 512

// feedRanges divide the feeds among replicas.
const feedRanges = 4

func (r *round) options() (world.Options, error) {
	directory, err := os.ReadFile(filepath.Join(r.root, "services/suite/seed/demo.csv"))
	if err != nil {
		return world.Options{}, err
	}
	pack, err := os.ReadFile(filepath.Join(r.root, "services/suite/demo/seconds.yaml"))
	if err != nil {
		return world.Options{}, err
	}
	if !strings.Contains(string(pack), packLimits) {
		return world.Options{}, fmt.Errorf("the demo's pack has other limits than %s", packLimits)
	}
	limits := shortLimits
	if r.plan.small {
		limits = plantedLimits
	}
	if r.plan.pauses {
		limits = pausedLimits
	}
	return world.Options{
		Binaries: r.binaries, Folder: r.folder, Directory: directory,
		Pack:     []byte(strings.ReplaceAll(string(pack), packLimits, limits)),
		Replicas: map[string]int{"routing": 2}, Ranges: feedRanges,
	}, nil
}

// twice has a world begin with two processes of each service, of the old version.
func (r *round) twice(o *world.Options) error {
	if r.old == "" {
		return errors.New("--old must be given for rolls")
	}
	o.Binaries = r.old
	for _, name := range append(world.Names(), "gateway") {
		o.Replicas[name] = 2
	}
	return nil
}

// play starts a world, lets it suffer, waits until it is quiet, and judges it.
func (r *round) play(ctx context.Context) (err error) {
	r.begin = time.Now()
	r.faults, r.acks, r.figures = map[string]int{}, map[string]int{}, map[string]int64{}
	defer func() { r.took = time.Since(r.begin) }()
	fmt.Printf("round with seed %d\n", r.seed)
	r.notRun = []string{"SQL error at each statement (services/suite/faulttest has it)"}
	counts, err := r.plan.counts()
	if err != nil {
		return err
	}
	o, err := r.options()
	if err != nil {
		return err
	}
	if counts[roll] > 0 {
		if err := r.twice(&o); err != nil {
			return err
		}
	}
	o.Sentinel = counts[promote] > 0
	if counts[fillDisk] > 0 {
		o.Disk = disk
	}
	if r.skew > 0 {
		draw := rand.New(rand.NewPCG(r.seed, 1))
		o.Skew = func() time.Duration { return time.Duration(draw.Int64N(int64(2*r.skew))) - r.skew }
	}
	mail, err := post.Mail(r.seed)
	if err != nil {
		return err
	}
	defer mail.Close()
	webhooks, err := post.Webhooks(r.seed)
	if err != nil {
		return err
	}
	defer webhooks.Close()
	r.receivers = map[notificationv1.Notice_Media]*post.Server{notificationv1.Notice_MEDIA_EMAIL: mail, notificationv1.Notice_MEDIA_WEBHOOK: webhooks}
	o.Mail, o.Webhooks, o.Signed = mail.Address, webhooks.Address, webhooks.Sign
	w, err := world.New(ctx, o)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer w.Close()
	if err := observe(ctx, w); err != nil {
		return err
	}
	return r.within(ctx, w, counts)
}

// observe has the database note when each event is inserted, for who judges whether
// a clock was early must not ask the suite for the time, and each position in a
// feed that is not moved forward.
func observe(ctx context.Context, w *world.World) error {
	for _, name := range world.Names() {
		there := fmt.Sprintf("SELECT to_regclass('%s.feed_positions') IS NOT NULL", world.Schema(name))
		for out, err := w.Postgres.Do(ctx, w.Database, there); out != "t"; out, err = w.Postgres.Do(ctx, w.Database, there) {
			if err != nil || !wait(ctx, 100*time.Millisecond) { // a service that starts slowly
				return errors.Join(err, ctx.Err())
			}
		}
		if _, err := w.Postgres.Do(ctx, w.Database, strings.ReplaceAll(`
			ALTER TABLE @events ADD COLUMN fault_time timestamptz DEFAULT clock_timestamp();
			CREATE TABLE @fault_steps_back (source text, shard bigint, was bigint, became bigint);
			CREATE FUNCTION @fault_step_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO @fault_steps_back VALUES (OLD.source, OLD.shard, OLD.sequence, NEW.sequence);
				RETURN NULL;
			END $$;
			CREATE TRIGGER fault_step_back AFTER UPDATE ON @feed_positions FOR EACH ROW
				WHEN (NEW.sequence <= OLD.sequence) EXECUTE FUNCTION @fault_step_back()`, "@", world.Schema(name)+".")); err != nil {
			return err
		}
	}
	return nil
}

// within plays the round in a world that takes complaints.
func (r *round) within(ctx context.Context, w *world.World, counts map[string]int) error {
	r.say("the suite runs")
	if err := os.MkdirAll(r.folder, 0o700); err != nil {
		return err
	}
	book := filepath.Join(r.folder, "ledger.jsonl")
	acks, err := ledger.Open(book)
	if err != nil {
		return err
	}
	healthy, err := r.suffer(ctx, w, acks, counts)
	if err = errors.Join(err, acks.Close()); err != nil {
		if r.defect == nil {
			return err
		}
		r.say("the clients ended: %v", err) // a defect may be met by them
	}
	if err := r.quiet(ctx, w); err != nil && r.defect == nil {
		return err // a defect may keep the suite from ever being quiet
	}
	entries, err := ledger.Read(book)
	if err != nil {
		return err
	}
	return r.judge(ctx, w, entries, healthy)
}

// suffer runs load and faults and returns the spans without faults.
func (r *round) suffer(ctx context.Context, w *world.World, acks *ledger.Ledger, counts map[string]int) ([]check.Span, error) {
	draw := rand.New(rand.NewPCG(r.seed, 0))
	clients := &load.Load{World: w, Ledger: acks, Seed: r.seed, Callers: r.plan.callers, Repeats: r.plan.repeats, Claimants: r.plan.claimants, Pausers: r.plan.pausers}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- clients.Run(loading) }()
	go r.throttle(loading, w, clients)

	c := &chaos{w: w, r: draw, say: r.say, done: r.faults, versions: [2]string{r.old, r.binaries}}
	var healthy []check.Span
	calm := func() {
		from := time.Now().UnixMicro()
		wait(ctx, r.plan.calm)
		healthy = append(healthy, check.Span{From: from, To: time.Now().UnixMicro()})
	}
	calm()
	r.say("%d acknowledgements; faults begin", acks.Count(""))
	err := c.play(ctx, deck(draw, counts), r.plan.gap)
	r.say("%d acknowledgements; faults end", acks.Count(""))
	if err == nil {
		wait(ctx, r.plan.calm) // what the last fault left behind is not held against the calm
		calm()
	}
	for begin := time.Now(); err == nil && !r.enough(ctx, w, acks, clients) && time.Since(begin) < r.plan.most && ctx.Err() == nil; {
		select {
		case err = <-ended:
			ended <- err
		case <-time.After(100 * time.Millisecond):
		}
	}
	stop()
	err = errors.Join(err, <-ended, ctx.Err())
	for _, act := range []string{ledger.Create, ledger.Repeat, ledger.Step, ledger.Paid, ledger.Withdrawn, ledger.Paused, ledger.Resumed} {
		r.acks[act] = acks.Count(act)
	}
	r.say("%d acknowledgements", acks.Count(""))
	return healthy, err
}

// enough tells whether the clients have done what the round wants of them.
func (r *round) enough(ctx context.Context, w *world.World, acks *ledger.Ledger, clients *load.Load) bool {
	for act, n := range r.plan.enough {
		if acks.Count(act)+clients.Did(act) < n {
			return false
		}
	}
	if r.plan.cause != "" {
		out, err := w.Postgres.Do(ctx, w.Database, r.plan.cause)
		if n, _ := strconv.Atoi(out); err != nil || n < r.plan.times {
			return false
		}
	}
	return acks.Count("") >= r.plan.acks
}

// throttle holds the clients while the services cannot follow: the backlog is
// to be caught up with in the quiet part of the round.
func (r *round) throttle(ctx context.Context, w *world.World, clients *load.Load) {
	for wait(ctx, 2*time.Second) {
		if n, err := behind(ctx, w); err == nil {
			clients.Hold(n > r.plan.backlog)
		}
	}
}

// behind counts the events that some service has not heard yet. A service that has
// heard nothing of a shard keeps no position in it.
func behind(ctx context.Context, w *world.World) (int, error) {
	var parts []string
	for consumer, sources := range world.Reads() {
		for _, source := range sources {
			parts = append(parts, fmt.Sprintf("SELECT h.sequence - coalesce(p.sequence, 0) AS n FROM %s.shard_heads h LEFT JOIN %s.feed_positions p ON h.shard = p.shard AND p.source = '%s'",
				world.Schema(source), world.Schema(consumer), source))
		}
	}
	out, err := w.Postgres.Do(ctx, w.Database, "SELECT coalesce(sum(n), 0) FROM ("+strings.Join(parts, " UNION ALL ")+") a")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

// overdue counts the timers of clocks that should have fired.
func overdue(ctx context.Context, w *world.World) (int, error) {
	out, err := w.Postgres.Do(ctx, w.Database, fmt.Sprintf("SELECT count(*) FROM %s.timers WHERE name LIKE '%%/clocks/%%' AND fire_time < extract(epoch FROM now() + interval '10 seconds') * 1000000", world.Schema("routing")))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

// unsent counts the notices that are due or were not taken and will be tried again soon.
func unsent(ctx context.Context, w *world.World) (int, error) {
	out, err := w.Postgres.Do(ctx, w.Database, "SELECT count(*) FROM "+world.Schema("notification")+".timers WHERE name LIKE 'notices/%' AND fire_time < extract(epoch FROM now() + interval '10 minutes') * 1000000")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

// settled is how long after its limit a clock is looked at that nothing seems to know of.
const settled = 7 * time.Second

// settling is how long the suite may take to finish what it has been given.
const settling = 15 * time.Minute

// lateSettling is the same where a defect leaves clocks that never fire, a minute
// before the timer index is compared with SQL.
const lateSettling = 20 * time.Second

// quiet waits until every service has heard everything and no clock is due, and
// has been so for a while.
func (r *round) quiet(ctx context.Context, w *world.World) error {
	patience := settling
	if r.defect != nil {
		patience = time.Minute
	}
	if r.defect != nil && r.defect.invariant == "C3" {
		patience = lateSettling
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, s := range r.receivers {
		for what, n := range s.Tricks() {
			r.faults[what] += n
		}
		s.BeKind()
	}
	earliest := time.Now().Add(r.plan.linger)
	calm, told := 0, time.Now()
	for calm < 4 {
		a, err := behind(ctx, w)
		if err != nil {
			return err
		}
		b, err := overdue(ctx, w)
		if err != nil {
			return err
		}
		c, err := unsent(ctx, w)
		if err != nil {
			return err
		}
		if a == 0 && b == 0 && c == 0 {
			calm++
		} else {
			calm = 0
		}
		if time.Since(told) > 20*time.Second {
			told = time.Now()
			r.say("waiting: %d events not heard, %d clocks running, %d notices to be sent", a, b, c)
		}
		if !wait(ctx, 500*time.Millisecond) {
			return fmt.Errorf("not quiet after %s: %d events not heard, %d clocks overdue or soon due, %d notices to be sent", patience, a, b, c)
		}
	}
	wait(ctx, time.Until(earliest))
	r.say("everything has followed")
	return nil
}

// reads is world.Reads in the database's names.
func reads() map[string][]string {
	under := func(s string) string { return strings.ReplaceAll(s, "-", "_") }
	out := map[string][]string{}
	for consumer, sources := range world.Reads() {
		for _, source := range sources {
			out[under(consumer)] = append(out[under(consumer)], under(source))
		}
	}
	return out
}

// judge runs the checkers.
func (r *round) judge(ctx context.Context, w *world.World, entries []ledger.Entry, healthy []check.Span) error {
	conn, err := w.Conn("intake")
	if err != nil {
		return err
	}
	intake := intakev1.NewIntakeServiceClient(conn)
	arrived := map[notificationv1.Notice_Media][]check.Message{}
	for by, s := range r.receivers {
		arrived[by] = nil // judged even if nothing came
		for _, m := range s.Messages() {
			arrived[by] = append(arrived[by], check.Message(m))
		}
	}
	found, err := check.All(ctx, &check.Evidence{
		Arrived: arrived,
		Ledger:  entries, Reads: reads(), Healthy: healthy, Late: r.late, LateEver: r.lateEver,
		Rows: func(ctx context.Context, query string, see func([]string) error) error {
			return w.Postgres.Rows(ctx, w.Database, query, see)
		},
		Complaint: func(ctx context.Context, name string) (*intakev1.Complaint, error) {
			for again := 0; ; again++ {
				got, err := intake.GetComplaint(w.As(ctx, "people/li-na"), &intakev1.GetComplaintRequest{Name: name})
				switch status.Code(err) {
				case codes.NotFound:
					return nil, nil
				case codes.Unavailable, codes.DeadlineExceeded:
					if again < 300 && wait(ctx, 100*time.Millisecond) {
						continue // it has only just come back
					}
				}
				return got.GetComplaint(), err
			}
		},
	})
	r.figures = found.Figures
	for _, s := range found.Wrong {
		r.say("VIOLATED %s", s)
	}
	if err != nil {
		return err
	}
	for _, line := range w.Logs("panic", 5) {
		r.say("log: %s", line)
	}
	r.say("checked: %d complaints, %d clocks fired, %d events, %d payments; %d wrong", found.Figures["complaints acknowledged"],
		found.Figures["clocks fired"], found.Figures["events"], found.Figures["payments ordered"], len(found.Wrong))
	if len(found.Wrong) > 0 {
		return fmt.Errorf("%d kinds of findings", len(found.Wrong))
	}
	return nil
}

package journaltest

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// recorded returns the names of the statements that run from now on.
func (b *bundle) recorded() *[]string {
	var statements []string
	b.setFaults(func(op string) error {
		statements = append(statements, op)
		return nil
	})
	return &statements
}

func listsInPages(t *testing.T, b *bundle) {
	j := b.open()
	for n := range 7 {
		owner := "people/even"
		if n%2 == 1 {
			owner = "people/odd"
		}
		b.write(j, work(name("complaints", n)), create(name("complaints", n), running(owner, "people/all")))
	}
	for n := range 3 {
		child := name("complaints/000001/clocks", n)
		b.write(j, work(child), create(child, running()))
	}
	names := func(q journal.Query) (all []string) {
		q.Organization, q.Limit = "acme", 2
		for {
			p, err := j.List(b.ctx, q)
			require.NoError(t, err)
			for _, r := range p.Rows {
				require.Equal(t, start(), r.Time)
				all = append(all, r.Name)
			}
			if p.Next == "" {
				return all
			}
			require.Len(t, p.Rows, 2)
			q.After = p.Next
		}
	}
	require.Len(t, names(journal.Query{Kind: "complaints/*"}), 7)
	require.Equal(t, []string{"complaints/000005", "complaints/000003", "complaints/000001"},
		names(journal.Query{Kind: "complaints/*", Where: []journal.Attr{{Name: "owed_by", Value: "people/odd"}, {Name: "owed_by", Value: "people/all"}}, Descending: true}))
	require.Equal(t, []string{"complaints/000001/clocks/000000", "complaints/000001/clocks/000001", "complaints/000001/clocks/000002"},
		names(journal.Query{Kind: "complaints/*/clocks/*", Parent: "complaints/000001"}))
	some := []journal.Attr{{Name: "owed_by", Value: "people/odd"}, {Name: "owed_by", Value: "people/even"}, {Name: "owed_by", Value: "people/none"}}
	require.Equal(t, names(journal.Query{Kind: "complaints/*"}), names(journal.Query{Kind: "complaints/*", Any: some}), "each once, in order")
	require.Equal(t, []string{"complaints/000005", "complaints/000003", "complaints/000001"}, names(journal.Query{Kind: "complaints/*", Any: some[:1], Descending: true}))
	require.Empty(t, names(journal.Query{Kind: "complaints/*", Any: some[2:]}))
	require.Empty(t, names(journal.Query{Kind: "complaints/*", Any: []journal.Attr{}}), "one of none")
	require.Empty(t, names(journal.Query{Kind: "cases/*", Any: some}), "of another kind")
	require.Empty(t, names(journal.Query{Kind: "complaints/*/clocks/*", Parent: "complaints/000002"}))
	n, err := j.Count(b.ctx, journal.Query{Organization: "acme", Kind: "complaints/*", Where: []journal.Attr{{Name: "owed_by", Value: "people/even"}}})
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
}

func findsByAttributes(t *testing.T, b *bundle) {
	j := b.open()
	b.write(j, work("complaints/1"), create("complaints/1", running("people/a", "people/b")))
	b.write(j, work("complaints/2"), create("complaints/2", running("people/b")))
	found := func(owner string) (names []string) {
		b.write(j, work("complaints/1"), func(u *journal.Unit) (err error) {
			names, err = u.Find("complaints/*", journal.Attr{Name: "owed_by", Value: owner}, journal.Attr{Name: "state", Value: "STATE_RUNNING"})
			return err
		})
		return names
	}
	require.Equal(t, []string{"complaints/1"}, found("people/a"))
	require.Equal(t, []string{"complaints/1", "complaints/2"}, found("people/b"))
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		_, err := u.Get("complaints/1", &clockv1.Clock{})
		require.NoError(t, err)
		return u.Update("complaints/1", running("people/c"), changed())
	})
	require.Empty(t, found("people/a"))
	require.Equal(t, []string{"complaints/2"}, found("people/b"))
	require.Equal(t, []string{"complaints/1"}, found("people/c"))
}

// readsAhead lets members of a group read what nobody declared, one thing after the
// other: what the first lacks is read for all of them, and each still sees what the
// ones before it left.
func readsAhead(t *testing.T, b *bundle) {
	statements := b.recorded()
	j := b.open(oneLane)
	const members = 5
	owned := journal.Attr{Name: "owed_by", Value: "people/a"}
	for n := range members {
		b.write(j, work(name("complaints", n)), create(name("complaints", n), running()))
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			return u.SetProjection(name("cases", n), "cases/*", 1, running("people/a"), owned)
		})
	}
	release := b.hold(j)
	sums, found := make([]int64, members), make([]int, members)
	var results []<-chan journal.Result
	for n := range members {
		w := work("complaints/1")
		w.Reads = nil
		results = append(results, j.Submit(b.ctx, w, func(u *journal.Unit) error {
			if _, err := u.Get(name("complaints", n), &clockv1.Clock{}); err != nil {
				return err
			}
			if _, _, err := u.Projection(name("cases", n), &clockv1.Clock{}); err != nil {
				return err
			}
			rows, err := u.Projections("cases/*", journal.Attr{Name: "owed_by", Value: "people/a"})
			if err != nil {
				return err
			}
			found[n] = len(rows)
			if sums[n], err = u.Serial("sum"); err != nil {
				return err
			}
			if err := u.DeleteProjection(name("cases", n)); err != nil {
				return err
			}
			return u.Update(name("complaints", n), running("people/a"), changed())
		}))
	}
	*statements = nil
	release()
	for _, r := range results {
		require.NoError(t, (<-r).Err)
	}
	require.Equal(t, []int64{1, 2, 3, 4, 5}, sums)
	require.Equal(t, []int{5, 4, 3, 2, 1}, found, "as the ones before left it")
	reads := map[string]int{}
	for _, op := range *statements {
		reads[op]++
	}
	if b.db.Dialect() == sqldb.Postgres {
		for _, op := range []string{"resources.read", "projections.read", "projections.search", "tallies.read"} {
			require.LessOrEqual(t, reads[op], 2, "%s for %d members: %v", op, members, *statements)
		}
	}
}

// ranOnce expects each of the statements once for a group of so many members that ask
// for one row each.
func ranOnce(t *testing.T, b *bundle, statements []string, members int, ops ...string) {
	t.Helper()
	ran := map[string]int{}
	for _, op := range statements {
		ran[op]++
	}
	once := 1
	if b.db.Dialect() == sqldb.SQLite {
		once = members // it has a statement for each row, and no round trip
	}
	for _, op := range ops {
		require.Equal(t, once, ran[op], "%s: %v", op, statements)
	}
}

// A group whose members say what they will read costs one statement of each sort,
// and each decision runs once. What is said to be new and is not is still seen.
func readsForeseen(t *testing.T, b *bundle) {
	statements := b.recorded()
	j := b.open(oneLane)
	const members = 5
	for n := range members {
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			owed := journal.Attr{Name: "owed_by", Value: name("people", n)}
			if err := u.SetProjection(name("cases", n), "cases/*", 1, running(), owed); err != nil {
				return err
			}
			return u.SetTally(name("sums", n), &clockv1.Clock{Late: int32(n)})
		})
	}
	release := b.hold(j)
	runs, found, sums := make([]int, members), make([]int, members), make([]int64, members)
	var results []<-chan journal.Result
	for n := range members {
		owed := journal.Attr{Name: "owed_by", Value: name("people", n)}
		w := work("complaints/1")
		w.Reads, w.Creates, w.Tallies = []string{name("cases", n)}, []string{name("notes", n)}, []string{name("sums", n)}
		w.Lookups = []journal.Lookup{{Kind: "cases/*", Where: owed}}
		results = append(results, j.Submit(b.ctx, w, func(u *journal.Unit) error {
			runs[n]++
			require.True(t, u.Certain())
			rows, err := u.Projections("cases/*", owed)
			if err != nil {
				return err
			}
			found[n] = len(rows)
			sum := &clockv1.Clock{}
			if err := u.Tally(name("sums", n), sum); err != nil {
				return err
			}
			sums[n] = int64(sum.Late)
			return u.SetProjection(name("notes", n), "notes/*", 2, running())
		}))
	}
	*statements = nil
	release()
	for _, r := range results {
		require.NoError(t, (<-r).Err)
	}
	require.Equal(t, []int{1, 1, 1, 1, 1}, runs)
	require.Equal(t, []int{1, 1, 1, 1, 1}, found)
	require.Equal(t, []int64{0, 1, 2, 3, 4}, sums)
	ranOnce(t, b, *statements, members, "projections.read", "projections.search", "tallies.read")

	// The note is there, and newer: it is not written over.
	w := work("complaints/1")
	w.Creates = []string{name("notes", 0)}
	b.write(j, w, func(u *journal.Unit) error {
		return u.SetProjection(name("notes", 0), "notes/*", 1, running("people/late"))
	})
	at, ok, err := j.Projection(b.ctx, w.Organization, name("notes", 0), &clockv1.Clock{})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 2, at)
}

// What lookups find is read for the whole group, and what only the decision knows to be
// new is not looked for, nor what lies under it: each decision runs once. Should it be
// there all the same, that is noticed, and the decision runs again and sees it.
func readsFound(t *testing.T, b *bundle) {
	statements := b.recorded()
	j := b.open(oneLane)
	const members = 5
	owner := func(n int) journal.Attr { return journal.Attr{Name: "owed_by", Value: name("people", n)} }
	for n := range members {
		b.write(j, work(name("complaints", n)), create(name("complaints", n), running(name("people", n))))
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			return u.SetProjection(name("cases", n), "cases/*", 1, running(), owner(n))
		})
	}
	release := b.hold(j)
	runs, versions := make([]int, members), make([]int64, members)
	cases := make([]int, members)
	var results []<-chan journal.Result
	for n := range members {
		w := work("complaints/1")
		w.Reads = nil
		w.Lookups = []journal.Lookup{{Kind: "cases/*", Where: owner(n)}, {Kind: "complaints/*", Where: owner(n)}}
		results = append(results, j.Submit(b.ctx, w, func(u *journal.Unit) error {
			runs[n]++
			rows, err := u.Projections("cases/*", owner(n))
			if err != nil {
				return err
			}
			cases[n] = len(rows)
			found, err := u.Find("complaints/*", owner(n))
			if err != nil {
				return err
			}
			if versions[n], err = u.Get(found[0], &clockv1.Clock{}); err != nil {
				return err
			}
			fresh := name("complaints", members+n)
			u.Creates(fresh, name("notes", n))
			if err := u.Create(fresh, running(), changed()); err != nil {
				return err
			}
			if err := u.Create(fresh+"/clocks/response", running(), changed()); err != nil {
				return err
			}
			return u.SetProjection(name("notes", n), "notes/*", 2, running())
		}))
	}
	*statements = nil
	release()
	for _, r := range results {
		require.NoError(t, (<-r).Err)
	}
	require.Equal(t, []int{1, 1, 1, 1, 1}, runs)
	require.Equal(t, []int{1, 1, 1, 1, 1}, cases)
	require.Equal(t, []int64{1, 1, 1, 1, 1}, versions)
	ranOnce(t, b, *statements, members, "projections.read", "projections.search", "resources.read", "resources.search")

	tries := 0
	var old int64
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		tries++
		u.Creates(name("notes", 0), name("complaints", 0))
		if err := u.SetProjection(name("notes", 0), "notes/*", 1, running("people/late")); err != nil {
			return err
		}
		var err error
		if old, err = u.Get(name("complaints", 0), &clockv1.Clock{}); fault.KindOf(err) == fault.NotFound {
			return u.Create(name("complaints", 0), running(), changed())
		}
		return err
	})
	require.Greater(t, tries, 1)
	require.EqualValues(t, 1, old, "there it is")
	at, ok, err := j.Projection(b.ctx, "acme", name("notes", 0), &clockv1.Clock{})
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 2, at, "the newer one is not written over")
}

func findSeesItsOwnGroup(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	b.write(j, work("complaints/0"), create("complaints/0", running("people/a")))
	owned := journal.Attr{Name: "owed_by", Value: "people/a"}
	release := b.hold(j)
	j.Submit(b.ctx, work("complaints/1"), create("complaints/1", running("people/a")))
	j.Submit(b.ctx, work("complaints/2"), func(u *journal.Unit) error {
		require.NoError(t, u.Create("complaints/2", running("people/a"), changed()))
		return errors.New("refused: leaves nothing to be found")
	})
	var names []string
	found := j.Submit(b.ctx, work("complaints/3"), func(u *journal.Unit) (err error) {
		_, err = u.Get("complaints/0", &clockv1.Clock{})
		require.NoError(t, err)
		require.NoError(t, u.Update("complaints/0", running("people/b"), changed()))
		require.NoError(t, u.Create("complaints/3", running("people/a"), changed()))
		names, err = u.Find("complaints/*", owned)
		return err
	})
	release()
	require.NoError(t, (<-found).Err)
	require.Equal(t, []string{"complaints/1", "complaints/3"}, names)
}

// findsChildren also counts statements: what is read with its parent costs none.
func findsChildren(t *testing.T, b *bundle) {
	statements := b.recorded()
	j := b.open(oneLane)
	const clocks = "complaints/*/clocks/*"
	one, two := "complaints/1/clocks/1", "complaints/1/clocks/2"
	made := work("complaints/1")
	made.Reads, made.Creates = nil, []string{"complaints/1"}
	b.write(j, made, func(u *journal.Unit) error {
		require.NoError(t, u.Create("complaints/1", running(), changed()))
		*statements = nil
		names, err := u.Children("complaints/1", clocks)
		require.NoError(t, err)
		require.Empty(t, names)
		require.Empty(t, *statements, "under what is new there is nothing")
		require.NoError(t, u.Create(one, running("people/a"), changed()))
		names, err = u.Children("complaints/1", clocks)
		require.Equal(t, []string{one}, names)
		return err
	})
	b.write(j, work("complaints/10"), create("complaints/10/clocks/1", running()))

	release := b.hold(j)
	first := j.Submit(b.ctx, work("complaints/1"), func(u *journal.Unit) error {
		*statements = nil
		names, err := u.Children("complaints/1", clocks)
		require.NoError(t, err)
		require.Equal(t, []string{one}, names)
		_, err = u.Get(one, &clockv1.Clock{})
		require.NoError(t, err)
		require.Empty(t, *statements, "they came with their parent")
		require.NoError(t, u.Update(one, running("people/b"), changed()))
		return u.Create(two, running(), changed())
	})
	refused := j.Submit(b.ctx, work("complaints/1"), func(u *journal.Unit) error {
		if err := u.Create("complaints/1/clocks/3", running(), changed()); err != nil {
			return err
		}
		return errors.New("refused: leaves nothing")
	})
	elsewhere := work("complaints/1")
	elsewhere.Reads = nil
	var seen []string
	c := &clockv1.Clock{}
	second := j.Submit(b.ctx, elsewhere, func(u *journal.Unit) (err error) {
		if seen, err = u.Children("complaints/1", clocks); err != nil {
			return err
		}
		_, err = u.Get(one, c)
		return err
	})
	release()
	require.NoError(t, (<-first).Err)
	require.EqualError(t, (<-refused).Err, "refused: leaves nothing")
	require.NoError(t, (<-second).Err)
	require.Equal(t, []string{one, two}, seen)
	require.Equal(t, []string{"people/b"}, c.OwedBy, "as the one before left it")

	b.write(j, elsewhere, func(u *journal.Unit) error {
		*statements = nil
		names, err := u.Children("complaints/1", clocks)
		require.NoError(t, err)
		require.Equal(t, []string{one, two}, names)
		_, err = u.Get(two, &clockv1.Clock{})
		require.Equal(t, []string{"resources.children"}, *statements, "not declared: one statement for all of them")
		return err
	})
	_, err := j.Write(b.ctx, elsewhere, func(u *journal.Unit) error {
		_, err := u.Children("complaints/1", "nothing/*")
		require.Error(t, err)
		return nil
	})
	require.Equal(t, fault.Internal, fault.KindOf(err), "there is no such kind")
}

// What is remembered of the last events is what the tables hold, without gaps and
// within bounds; what is not remembered is said to be unknown, never left out.
func lastEventsAreRemembered(t *testing.T, b *bundle) {
	one, other := b.open(), b.open()
	first := "people/1"
	shard := int32(one.ShardOf(first))
	b.write(one, work(first), create(first, running()))
	for range 4 {
		b.write(one, work(first), raise(first))
	}
	compare := func(j *journal.Journal, after int64, limit int, sequences ...int64) {
		t.Helper()
		recent := j.Recent(shard, after, limit)
		stored, err := j.Events(b.ctx, shard, after, limit)
		require.NoError(t, err)
		require.Len(t, recent, len(sequences))
		for i, ev := range recent {
			require.Equal(t, sequences[i], ev.Sequence)
			require.True(t, proto.Equal(ev, stored[i]), "%v\n%v", ev, stored[i])
		}
	}
	compare(one, 0, 10, 1, 2, 3, 4, 5)
	compare(one, 1, 2, 2, 3)
	compare(one, 4, 10, 5)
	compare(one, 5, 10)
	require.Equal(t, map[int32]int64{shard: 5}, one.RecentHeads())

	compare(other, 0, 10) // it wrote nothing
	require.Empty(t, other.RecentHeads())

	b.write(other, work(first), raise(first))
	compare(one, 5, 10) // it does not know of the other's
	compare(one, 3, 10, 4, 5)
	compare(other, 5, 10, 6)
	compare(other, 4, 10)
	b.write(one, work(first), raise(first))
	compare(one, 3, 10) // there is one missing now
	compare(one, 6, 10, 7)
	require.Equal(t, map[int32]int64{shard: 7}, one.RecentHeads())

	// A refused write is not among them.
	_, err := one.Write(b.ctx, work(first), func(u *journal.Unit) error {
		if err := raise(first)(u); err != nil {
			return err
		}
		return errors.New("refused")
	})
	require.Error(t, err)
	compare(one, 6, 10, 7)

	// Old ones are forgotten, and those that are left are still a run.
	large := running()
	large.Kind = strings.Repeat("k", 64<<10)
	for range 30 {
		b.write(one, work(first), func(u *journal.Unit) error {
			if _, err := u.Get(first, &clockv1.Clock{}); err != nil {
				return err
			}
			return u.Update(first, large, changed())
		})
	}
	require.Empty(t, one.Recent(shard, 6, 100))
	require.NotEmpty(t, one.Recent(shard, 30, 100))
	compare(one, 36, 100, 37)
}

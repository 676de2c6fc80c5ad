package journaltest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// searched makes n complaints of the organisation, oldest first, and returns their names.
func (b *bundle) searched(j *journal.Journal, organization string, n int, terms func(i int) []uint32) []string {
	b.t.Helper()
	names := make([]string, n)
	for i := range n {
		id, err := j.NewID("complaints")
		require.NoError(b.t, err)
		names[i] = "complaints/" + id
	}
	b.findable(j, organization, names, terms)
	return names
}

// findable makes complaints of these names.
func (b *bundle) findable(j *journal.Journal, organization string, names []string, terms func(i int) []uint32) {
	b.t.Helper()
	results := make([]<-chan journal.Result, len(names))
	for i := range names {
		w := work(names[i])
		w.Organization, w.Reads, w.Creates = organization, nil, []string{names[i]}
		results[i] = j.Submit(b.ctx, w, func(u *journal.Unit) error {
			if err := u.Create(w.Key, &clockv1.Clock{Late: int32(i)}, changed()); err != nil {
				return err
			}
			return u.SetTerms(w.Key, 1, terms(i))
		})
	}
	for _, r := range results {
		require.NoError(b.t, (<-r).Err)
	}
}

// search returns the names of all pages, and how many pages there were.
func (b *bundle) search(j *journal.Journal, organization string, limit int, all ...uint32) (names []string, pages int) {
	b.t.Helper()
	for after := ""; ; pages++ {
		p, err := j.Search(b.ctx, journal.TermQuery{Organization: organization, All: all, Limit: limit, After: after})
		require.NoError(b.t, err)
		for _, r := range p.Rows {
			require.Equal(b.t, organization, r.Organization)
			require.Positive(b.t, r.Version)
			names = append(names, r.Name)
		}
		if after = p.Next; after == "" {
			return names, pages + 1
		}
	}
}

// The terms of the tests: the highest ones are below zero where a database has only numbers with a sign.
const (
	everyOne   = uint32(1)
	everyThird = uint32(1<<31 + 5)
	everyTenth = uint32(1<<32 - 1)
	theOldest  = uint32(77)
	nobodys    = uint32(78)
)

// searchFinds has more rows than PostgreSQL looks at before it takes its other index,
// and words of which each way is the shorter one.
func searchFinds(t *testing.T, b *bundle) {
	j := b.open()
	const n = 2500
	of := func(i int) []uint32 {
		terms := []uint32{everyOne, everyOne}
		for term, has := range map[uint32]bool{everyThird: i%3 == 0, everyTenth: i%10 == 0, theOldest: i == 0} {
			if has {
				terms = append(terms, term)
			}
		}
		return terms
	}
	names := b.searched(j, "acme", n, of)
	b.searched(j, "beta", 30, of)
	for _, wanted := range [][]uint32{{everyOne}, {everyThird}, {everyTenth}, {theOldest}, {nobodys}, {everyThird, everyTenth}, {everyOne, theOldest}, {everyTenth, nobodys}} {
		var want []string
		for i, name := range slices.Backward(names) {
			if !slices.ContainsFunc(wanted, func(term uint32) bool { return !slices.Contains(of(i), term) }) {
				want = append(want, name)
			}
		}
		for _, limit := range []int{7, 200, n} {
			got, pages := b.search(j, "acme", limit, wanted...)
			require.Equal(t, want, got, "%v by %d", wanted, limit)
			require.Equal(t, max(1, (len(want)+limit-1)/limit), pages)
		}
	}
	got, _ := b.search(j, "acme", 50)
	require.Empty(t, got, "no word is no question")
	gone, _ := b.search(j, "gamma", 50, everyOne)
	require.Empty(t, gone)
}

// searchReachesBack has words that none of the youngest complaints has: some now and
// then over years, and one in more complaints of a second than are read at once.
func searchReachesBack(t *testing.T, b *bundle) {
	j := b.open()
	const burst, young = 2600, 1100
	end := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).UnixMilli()
	var times []int64
	for ago := int64(1 << 40); ago > 1<<15; ago = ago * 4 / 5 {
		times = append(times, end-ago)
	}
	seldom := len(times)
	for i := range int64(burst) {
		times = append(times, end-20_000+i/4) // amid several of the shortest periods
	}
	for i := range int64(young) {
		times = append(times, end+i)
	}
	names := make([]string, len(times))
	for i, at := range times {
		id := uuid.Must(uuid.NewV7())
		for k := range 6 {
			id[k] = byte(at >> (8 * (5 - k)))
		}
		id[6], id[7] = 0x70, byte((i-seldom)&3) // those of one millisecond in their order
		names[i] = "complaints/" + id.String()
	}
	b.findable(j, "acme", names, func(i int) []uint32 {
		switch {
		case i < seldom:
			return []uint32{theOldest, everyOne}
		case i < seldom+burst:
			return []uint32{everyOne}
		default:
			return []uint32{everyTenth}
		}
	})
	reversed := slices.Clone(names)
	slices.Reverse(reversed)
	for term, want := range map[uint32][]string{theOldest: reversed[young+burst:], everyOne: reversed[young:], everyTenth: reversed[:young], nobodys: nil} {
		for _, limit := range []int{9, 70, 700, 3000} { // a page may begin amid the burst
			got, _ := b.search(j, "acme", limit, term)
			require.Equal(t, want, got, "%d by %d", term, limit)
		}
	}
}

func searchFollowsVersions(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	first := b.searched(j, "acme", 3, func(int) []uint32 { return []uint32{everyOne} })
	name := first[1]
	set := func(version int64, terms ...uint32) func(*journal.Unit) error {
		return func(u *journal.Unit) error { return u.SetTerms(name, version, terms) }
	}
	found := func(term uint32) bool {
		names, _ := b.search(j, "acme", 10, term)
		return slices.Contains(names, name)
	}
	b.write(j, work(name), set(5, theOldest, everyTenth))
	require.False(t, found(everyOne))
	require.True(t, found(theOldest))
	b.write(j, work(name), set(4, everyOne))
	require.False(t, found(everyOne), "an older version came late")
	b.write(j, work(name), set(6))
	require.False(t, found(theOldest))
	b.write(j, work(name), set(7, theOldest))
	require.True(t, found(theOldest))

	// Within one group the newest counts as well, and forgetting is for good.
	release := b.hold(j)
	results := []<-chan journal.Result{
		j.Submit(b.ctx, work(name), set(9, everyThird)), j.Submit(b.ctx, work(name), set(8, everyOne)),
	}
	release()
	for _, r := range results {
		require.NoError(t, (<-r).Err)
	}
	require.True(t, found(everyThird))
	require.False(t, found(everyOne))
	require.True(t, b.indexed("80000005"))
	for range 2 {
		b.write(j, work(name), func(u *journal.Unit) error { return u.ForgetTerms(name) })
		b.write(j, work(name), set(10, everyThird))
		require.False(t, found(everyThird))
	}
	require.Empty(t, b.kept(name), "nothing is left of what was forgotten")
	require.Equal(t, b.db.Dialect() != sqldb.SQLite, b.indexed("80000005"), "nor in the index of SQLite")
	others, _ := b.search(j, "acme", 10, everyOne)
	require.Equal(t, []string{first[2], first[0]}, others)

	// Terms may be forgotten before any were set, by who was quicker.
	id, err := j.NewID("complaints")
	require.NoError(t, err)
	name = "complaints/" + id
	b.write(j, work(name), func(u *journal.Unit) error { return u.ForgetTerms(name) })
	b.write(j, work(name), set(1, everyThird))
	require.Empty(t, b.kept(name))
}

// indexed reports whether the index of SQLite holds the term, as it writes it; on
// PostgreSQL, whose indexes nobody can read, it is always true.
func (b *bundle) indexed(term string) (there bool) {
	b.t.Helper()
	if b.db.Dialect() != sqldb.SQLite {
		return true
	}
	require.NoError(b.t, b.db.Query(b.ctx, "indexed", `SELECT count(*) > 0 FROM search_index_data WHERE instr(block, CAST($1 AS BLOB)) > 0`, []any{term},
		func(r sqldb.Row) error { return r.Scan(&there) }))
	return there
}

// kept returns what the tables hold of a resource's terms.
func (b *bundle) kept(name string) (terms string) {
	b.t.Helper()
	found := 0
	require.NoError(b.t, b.db.Query(b.ctx, "kept", `SELECT trim(CAST(terms AS TEXT), '{}') FROM search_terms WHERE name = $1`, []any{name}, func(r sqldb.Row) error {
		found++
		return r.Scan(&terms)
	}))
	require.Equal(b.t, 1, found)
	return terms
}

func searchOrdersWhatIsAsOld(t *testing.T, b *bundle) {
	j := b.open()
	// Ids of one instant, which differ only behind what counts for the order, as of several processes.
	at := uuid.Must(uuid.NewV7())
	var names []string
	for i := range 40 {
		at[15] = byte(i)
		name := "complaints/" + at.String()
		names = append(names, name)
		b.write(j, work(name), func(u *journal.Unit) error {
			if err := u.Create(name, &clockv1.Clock{}, changed()); err != nil {
				return err
			}
			return u.SetTerms(name, 1, []uint32{everyOne})
		})
	}
	got, _ := b.search(j, "acme", 7, everyOne)
	require.ElementsMatch(t, names, got)

	_, err := j.Write(b.ctx, work("complaints/plain"), func(u *journal.Unit) error { return u.SetTerms("complaints/plain", 1, nil) })
	require.Error(t, err, "a name without an instant has no place in the order")
}

package journal

// wanted is what decisions need and the group does not know yet.
type wanted struct {
	resources, projections, tallies map[key]bool
	families                        map[family]bool
	searches                        map[search]bool
}

func newWanted() *wanted {
	return &wanted{
		resources: map[key]bool{}, projections: map[key]bool{}, tallies: map[key]bool{},
		families: map[family]bool{}, searches: map[search]bool{},
	}
}

// search is for the names of an organisation's resources, or projections, of a kind:
// those that have an attribute, or all of them where none is given.
type search struct {
	collection

	where Attr
}

func (s search) term() int64 { return term(s.organization, s.kind, s.where) }

// fetch reads what is wanted, in one round trip.
func (g *group) fetch(w *wanted) error {
	for _, load := range []func() error{
		func() error { return g.loadResources(w.resources) },
		func() error { return g.loadFamilies(w.families) },
		func() error { return g.loadProjections(w.projections) },
		func() error { return g.loadTallies(w.tallies) },
		func() error { return g.loadSearches(w.searches) },
		func() error { return g.tx.Send(g.ctx) },
	} {
		if err := load(); err != nil {
			return err
		}
	}
	return nil
}

// need makes known what the decision in hand lacks, which want adds to the wanted:
// together with what the members behind it will lack, as far as that can be told
// now, so that a group costs as many round trips as one of its members and not as
// all of them. To a member that looks ahead it stays unknown, and shows as absent.
func (g *group) need(want func(*wanted)) error {
	if g.failed != nil {
		return refusal(g.failed)
	}
	if g.ahead != nil {
		want(g.ahead)
		g.lacking, g.guessed = true, true
		return nil
	}
	w := newWanted()
	g.lookAhead(w)
	want(w)
	if err := g.fetch(w); err != nil {
		return g.fail(err)
	}
	return nil
}

// Certain reports that all that was read so far is known. It is false while the
// decision is tried ahead of its turn and something unknown showed as absent: what is
// made of it then must not outlive the decision, nor be looked into any further.
func (u *Unit) Certain() bool { return u.g.ahead == nil || !u.g.guessed }

// lookAhead runs the members behind the one in hand and adds what they lack to the
// wanted. What they decide is thrown away: they run again in their turn, on what the
// ones before have left by then, and read what they lack then. A decision may run any
// number of times, see [Journal.Write].
func (g *group) lookAhead(w *wanted) {
	if !g.tx.Remote() {
		return // a read costs no round trip
	}
	failed := g.failed
	g.ahead = w
	for i := g.at + 1; i < len(g.members); i++ {
		m := g.members[i]
		if g.told[i] || m.work.Request != nil && g.seen.requests[m.work.requestKey()] != nil {
			continue
		}
		g.lacking, g.guessed = false, false
		_ = g.call(m, newUnit(g, &m.work))
		g.told[i] = !g.lacking
	}
	g.ahead, g.failed = nil, failed
}

package directory_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	"example.com/redress/services/kit/directory"
)

const crowd = 8

// graph draws delegations among a crowd, some of whom left and some of whom are heads.
func graph(t *rapid.T) directory.States {
	var s directory.States
	for i := range crowd {
		p := person(fmt.Sprint(i))
		if rapid.IntRange(0, 4).Draw(t, "left") == 0 {
			p = inactive(fmt.Sprint(i))
		}
		s.People = append(s.People, p)
		if rapid.IntRange(0, 3).Draw(t, "head") == 0 {
			s.Assignments = append(s.Assignments, assigned(fmt.Sprint(i), "head", "d"))
		}
	}
	anyone := rapid.IntRange(0, crowd-1)
	for i := range rapid.IntRange(0, 20).Draw(t, "delegations") {
		from, to := fmt.Sprint(anyone.Draw(t, "from")), fmt.Sprint(anyone.Draw(t, "to"))
		role := rapid.SampledFrom([]string{"", "", "head", "other"}).Draw(t, "role")
		if rapid.IntRange(0, 4).Draw(t, "designation") == 0 {
			s.Delegations = append(s.Delegations, designated(fmt.Sprint(i), from, to, role))
			continue
		}
		start := rapid.IntRange(-2, 1).Draw(t, "start")
		s.Delegations = append(s.Delegations, delegated(fmt.Sprint(i), from, to, role, start, start+rapid.IntRange(1, 3).Draw(t, "days")))
	}
	return s
}

// TestMatchEndsAndNobodyActsForThemselves: whatever the delegations, loops among
// them, Match ends and what it says holds.
func TestMatchEndsAndNobodyActsForThemselves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := directory.New(graph(t))
		holders := d.Holders("head@d", at, directory.Places{})
		admitted := d.Admitted("head@d", at, directory.Places{})
		for _, p := range d.People() {
			ok, behalf := d.Match(p, "head@d", at, directory.Places{})
			require.Equal(t, contains(admitted, p), ok)
			if !ok {
				require.Empty(t, behalf)
				continue
			}
			require.True(t, d.Active(p))
			require.NotEqual(t, p, behalf)
			require.Equal(t, contains(holders, p), behalf == "")
			if behalf != "" {
				require.Contains(t, holders, behalf)
			}
		}
	})
}

// TestMatchAgreesWithAPlainWalk compares with every chain, walked without cleverness.
func TestMatchAgreesWithAPlainWalk(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := graph(t)
		d := directory.New(s)
		holders := d.Holders("head@d", at, directory.Places{})
		reached := map[string]bool{}
		var walk func(p string, first bool, on []string)
		walk = func(p string, first bool, on []string) {
			if contains(on, p) || !d.Active(p) {
				return
			}
			reached[p] = true
			for _, e := range s.Delegations {
				valid := !at.Before(e.StartTime.AsTime()) && (e.EndTime == nil || at.Before(e.EndTime.AsTime()))
				if directory.Owner(e.Name) == p && valid && e.Role != "other" && (first || !e.Designation) {
					walk(e.Delegate, false, append(slices.Clip(on), p))
				}
			}
		}
		for _, h := range holders {
			walk(h, true, nil)
		}
		for _, p := range d.People() {
			ok, _ := d.Match(p, "head@d", at, directory.Places{})
			require.Equal(t, reached[p], ok, p)
		}
	})
}

// TestWhoMayDoSomethingFindsItUnderAPost: whatever Match grants is kept under a post of
// the person, and nothing is found by who is not active.
func TestWhoMayDoSomethingFindsItUnderAPost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := directory.New(graph(t))
		p := directory.Places{Responsible: []string{"departments/d"}, Owner: "people/1"}
		for _, who := range []string{"head@d", "head", "department", "anyone@responsible", "anyone", "owner", "head@elsewhere", "other", "customer", "head@disputing"} {
			kept := directory.Posts(who, p)
			for _, person := range d.People() {
				posts := d.PostsOf(person, at)
				require.Equal(t, d.Active(person), len(posts) > 0)
				if ok, _ := d.Match(person, who, at, p); ok {
					require.True(t, slices.ContainsFunc(kept, func(post string) bool { return slices.Contains(posts, post) }), "%s as %s: %v, %v", person, who, kept, posts)
				}
			}
		}
		require.Empty(t, directory.Posts("customer", p))
		require.Empty(t, directory.Posts("head@disputing", p), "a place that is not known")
	})
}

// TestLoopCheckKeepsTheGraphFreeOfLoops: delegations added only with its consent
// never lead from a person back to the same person.
func TestLoopCheckKeepsTheGraphFreeOfLoops(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var kept []*directoryv1.Delegation
		for _, m := range graph(t).Delegations {
			if directory.LoopCheck(kept, m) == nil {
				kept = append(kept, m)
			}
		}
		for _, role := range []string{"head", "other"} {
			for n := -2; n < 4; n++ {
				require.False(t, loops(kept, role, n), "role %s, day %d", role, n)
			}
		}
	})
}

// loops reports whether some chain of delegations of the role closes on the day.
func loops(all []*directoryv1.Delegation, role string, n int) bool {
	when := day(n).AsTime()
	next := map[string][]string{}
	for _, m := range all {
		if !m.Designation && (m.Role == "" || m.Role == role) && !when.Before(m.StartTime.AsTime()) && when.Before(m.EndTime.AsTime()) {
			next[directory.Owner(m.Name)] = append(next[directory.Owner(m.Name)], m.Delegate)
		}
	}
	var on func(p string, seen map[string]bool) bool
	on = func(p string, seen map[string]bool) bool {
		if seen[p] {
			return true
		}
		seen[p] = true
		defer delete(seen, p)
		for _, q := range next[p] {
			if on(q, seen) {
				return true
			}
		}
		return false
	}
	for p := range next {
		if on(p, map[string]bool{}) {
			return true
		}
	}
	return false
}

package directory

import (
	"slices"
	"strings"
	"time"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	"example.com/redress/services/kit/fault"
)

// Reasons of this package.
const (
	// ReasonDelegationLoop: what is delegated would come back to who delegated it.
	ReasonDelegationLoop = "DELEGATION_LOOP"
	// ReasonSuperiorLoop: somebody would be their own superior.
	ReasonSuperiorLoop = "SUPERIOR_LOOP"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{
			Reason: ReasonDelegationLoop, Kind: fault.FailedPrecondition,
			ZH: "授权形成循环：{chain}。", EN: "The delegation closes a loop: {chain}.",
		},
		{
			Reason: ReasonSuperiorLoop, Kind: fault.FailedPrecondition,
			ZH: "上下级关系形成循环：{chain}。", EN: "The superiors would form a loop: {chain}.",
		},
	}
}

// LoopCheck refuses, with DELEGATION_LOOP and the chain of people as a fact, a
// delegation that would at some instant bring a role back to who delegated it.
// existing are the delegations of the whole organisation; an earlier state of
// added itself, known by its name, is left out.
//
// Loops are found where periods and roles overlap. Designations are followed by
// nobody's delegation, so they close none; only one to oneself is refused.
//
// Source: DESIGN section 7.
func LoopCheck(existing []*directoryv1.Delegation, added *directoryv1.Delegation) error {
	from, to := Owner(added.GetName()), added.GetDelegate()
	if from == to {
		return loop(ReasonDelegationLoop, []string{from, to})
	}
	last, ok := delegationOf(added)
	if !ok || last.designation {
		return nil
	}
	edges := map[string][]delegation{} // by who delegates
	instants := []time.Time{last.start}
	for _, m := range existing {
		e, ok := delegationOf(m)
		if !ok || e.designation || e.name == last.name {
			continue
		}
		edges[e.from] = append(edges[e.from], e)
		if last.holds(e.start) {
			instants = append(instants, e.start)
		}
	}
	// Whatever overlaps does so first where one of the periods begins.
	slices.SortFunc(instants, time.Time.Compare)
	for _, at := range slices.CompactFunc(instants, time.Time.Equal) {
		if chain := path(edges, last, at); chain != nil {
			return loop(ReasonDelegationLoop, chain)
		}
	}
	return nil
}

// path returns the people from last.from by last to last.from again at the
// instant, nil if no chain leads back.
func path(edges map[string][]delegation, last delegation, at time.Time) []string {
	start := step{last.to, last.role}
	before := map[step]step{start: {}}
	queue := []step{start}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if s.person == last.from {
			chain := []string{}
			for ; s != (step{}); s = before[s] {
				chain = append(chain, s.person)
			}
			chain = append(chain, last.from)
			slices.Reverse(chain)
			return chain
		}
		for _, e := range edges[s.person] {
			role, covered := narrow(s.role, e.role)
			next := step{e.to, role}
			if _, seen := before[next]; seen || !covered || !e.holds(at) {
				continue
			}
			before[next] = s
			queue = append(queue, next)
		}
	}
	return nil
}

// SuperiorCheck refuses, with SUPERIOR_LOOP, a superior who would make the person
// their own superior. "" is nobody and always fine.
func (d *Directory) SuperiorCheck(person, superior string) error {
	chain := []string{person}
	for next := superior; next != ""; next = d.Superior(next) {
		again := slices.Contains(chain, next)
		chain = append(chain, next)
		if next == person {
			return loop(ReasonSuperiorLoop, chain)
		}
		if again {
			return nil // an older loop that does not pass the person
		}
	}
	return nil
}

func loop(reason string, chain []string) error {
	return fault.New(fault.FailedPrecondition, reason, "chain", strings.Join(chain, " → "))
}

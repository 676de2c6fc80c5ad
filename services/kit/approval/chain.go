package approval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/planted"
)

// alternativeMark stands between the id of a sign and that of the sign that may
// stand for it: "acknowledge.witness_signs". Ids of packs hold no dot.
const alternativeMark = "."

// addedMark stands between the id of a place and the number of the one that was
// asked for beside it: "legal+1".
const addedMark = "+"

// SignID returns the id in the pack of the sign that a step was made from.
func SignID(step string) string {
	return step[strings.LastIndex(step, alternativeMark)+1:]
}

// standing returns the signatures that count: those that were given before the
// chain was sent back stay on file and do not.
func standing(s *typev1.ApprovalStep) []*typev1.Signature {
	var out []*typev1.Signature
	for _, g := range s.GetSignatures() {
		if !g.GetVoid() {
			out = append(out, g)
		}
	}
	return out
}

// place is one sign of the chain with the one that may stand for it.
type place struct {
	main, instead *typev1.ApprovalStep // instead may be nil
}

// settled reports whether the place has its signatures.
func (p place) settled() bool {
	return p.main.GetState() == typev1.ApprovalStep_STATE_SIGNED || p.instead.GetState() == typev1.ApprovalStep_STATE_SIGNED
}

// groups returns the places of the chain, those side by side together:
// neighbouring COUNTERSIGNs are one group, every other sign is its own, and a
// place that a signatory asked for stands beside theirs.
func groups(a *typev1.Approval) [][]place {
	var all [][]place
	for _, s := range a.GetSteps() {
		if strings.Contains(s.GetId(), alternativeMark) && len(all) > 0 {
			last := all[len(all)-1]
			last[len(last)-1].instead = s
			continue
		}
		p := place{main: s}
		if s.GetAddedBy() != "" && len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], p)
			continue
		}
		if n := len(all); n > 0 && isCountersign(s) && isCountersign(all[n-1][0].main) {
			all[n-1] = append(all[n-1], p)
			continue
		}
		all = append(all, []place{p})
	}
	return all
}

func isCountersign(s *typev1.ApprovalStep) bool {
	return s.GetKind() == typev1.ApprovalStep_KIND_COUNTERSIGN
}

// advance opens, in place, what may be signed now, and reports whether every
// required place is settled. An optional place holds nobody up and may be signed
// as long as the chain is open.
func advance(a *typev1.Approval) (granted bool) {
	open := true
	for _, group := range groups(a) {
		through := true
		for _, p := range group {
			set(p, open)
			through = through && (p.settled() || p.main.GetOptional())
		}
		open = open && through
	}
	return open || planted.Is("granted with a signature missing")
}

func set(p place, open bool) {
	state := typev1.ApprovalStep_STATE_WAITING
	if open {
		state = typev1.ApprovalStep_STATE_OPEN
	}
	switch {
	case p.instead == nil:
		if !p.settled() {
			p.main.State = state
		}
	case p.main.GetState() == typev1.ApprovalStep_STATE_SIGNED:
		p.instead.State = typev1.ApprovalStep_STATE_WAITING
	case p.instead.GetState() == typev1.ApprovalStep_STATE_SIGNED:
		p.main.State = typev1.ApprovalStep_STATE_REFUSED
	default:
		p.instead.State = state
		if p.main.GetState() != typev1.ApprovalStep_STATE_REFUSED {
			p.main.State = state
		}
	}
}

func find(a *typev1.Approval, id string) *typev1.ApprovalStep {
	for _, s := range a.GetSteps() {
		if s.GetId() == id {
			return s
		}
	}
	return nil
}

// alternativeTo returns the step that may stand for s, or nil.
func alternativeTo(a *typev1.Approval, s *typev1.ApprovalStep) *typev1.ApprovalStep {
	for _, other := range a.GetSteps() {
		if strings.HasPrefix(other.GetId(), s.GetId()+alternativeMark) {
			return other
		}
	}
	return nil
}

// quorum says how many signatures a step needs.
type quorum struct {
	need, of int
	// each: every entry of who signs at most once.
	each bool
	// vote: a rejection counts against the quorum instead of ending the chain.
	vote bool
}

// quorumOf reads enough: "" and "any" want one signature, "all" one of every
// entry of who, "N of M" N of M. In the last, if who has M entries each counts
// once; else M is the number of people behind them.
//
// Source: PACK-SKETCH 2.2 (enough: all | any | 2 of 3).
func quorumOf(s *typev1.ApprovalStep) (quorum, error) {
	switch s.GetEnough() {
	case "", "any":
		return quorum{need: 1, of: 1}, nil
	case "all":
		return quorum{need: len(s.GetWho()), of: len(s.GetWho()), each: true}, nil
	}
	left, right, ok := strings.Cut(s.GetEnough(), " of ")
	n, err1 := strconv.Atoi(left)
	m, err2 := strconv.Atoi(right)
	if !ok || err1 != nil || err2 != nil || n < 1 || n > m {
		return quorum{}, fmt.Errorf("enough %q: want all, any or N of M", s.GetEnough())
	}
	return quorum{need: n, of: m, each: m == len(s.GetWho()), vote: true}, nil
}

// taken reports whether the entry of who has signed and may not do so again.
func (q quorum) taken(s *typev1.ApprovalStep, who string) bool {
	return q.each && slices.ContainsFunc(standing(s), func(g *typev1.Signature) bool { return g.GetWho() == who })
}

// Next returns who may sign now, as the pack writes it and in its order, each
// once; nothing unless the approval is open.
func Next(a *typev1.Approval) []string {
	var next []string
	for _, s := range OpenSteps(a) {
		for _, who := range left(s) {
			if !slices.Contains(next, who) {
				next = append(next, who)
			}
		}
	}
	return next
}

// left returns the entries of who that may still sign the step; the person it
// was handed to, if it was.
func left(s *typev1.ApprovalStep) []string {
	if s.GetHandedTo() != "" {
		return []string{s.GetHandedTo()}
	}
	q, _ := quorumOf(s)
	return slices.DeleteFunc(slices.Clone(s.GetWho()), func(who string) bool { return q.taken(s, who) })
}

// OpenSteps returns the places that may be signed now, in order.
func OpenSteps(a *typev1.Approval) []*typev1.ApprovalStep {
	var open []*typev1.ApprovalStep
	if a.GetState() != typev1.Approval_STATE_OPEN {
		return nil
	}
	for _, s := range a.GetSteps() {
		if s.GetState() == typev1.ApprovalStep_STATE_OPEN {
			open = append(open, s)
		}
	}
	return open
}

// Missing returns the ids of the places whose signatures are missing, in order,
// whatever the state of the approval. Optional places are never missing.
func Missing(a *typev1.Approval) []string { return missingBefore(a, nil) }

// missingBefore returns the unsettled required places of the groups before that
// of the step; of all for nil.
func missingBefore(a *typev1.Approval, step *typev1.ApprovalStep) []string {
	if planted.Is("granted with a signature missing") {
		return nil
	}
	var missing []string
	for _, group := range groups(a) {
		for _, p := range group {
			if step != nil && (p.main == step || p.instead == step) {
				return missing
			}
		}
		for _, p := range group {
			if !p.settled() && !p.main.GetOptional() {
				missing = append(missing, p.main.GetId())
			}
		}
	}
	return missing
}

// Complete reports whether it is granted: all signatures are on file and still
// count, or the approvers decided by telephone and the papers follow; Missing
// names the places that the papers lack.
func Complete(a *typev1.Approval) bool { return a.GetState() == typev1.Approval_STATE_GRANTED }

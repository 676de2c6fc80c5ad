package approval_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// TestMain plays 2,000 histories, or 100,000 where REDRESS_LONG is set. A
// -rapid.checks on the command line counts before both.
func TestMain(m *testing.M) {
	checks := "2000"
	if os.Getenv("REDRESS_LONG") != "" {
		checks = "100000"
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		panic(err)
	}
	os.Exit(m.Run()) //nolint:forbidigo // TestMain is a main
}

// model is the chain told another way: what counts are the signatures given, in
// the order given. Nothing is stored about places; all is worked out from the
// list each time.
type model struct {
	asker string
	signs []mSign
	given []mSignature
	ended bool // withdrawn or void
}

type mSign struct {
	id       string
	kind     typev1.ApprovalStep_Kind
	who      []string
	need, of int
	each     bool
	veto     bool // one rejection is enough
	optional bool
	form     bool
	witness  *mSign
	stage    int // signs of one stage stand side by side
}

type mSignature struct {
	place, person, behalf, who string
	decision                   typev1.Decision
}

func (m *model) at(place string) []mSignature {
	return slices.DeleteFunc(slices.Clone(m.given), func(g mSignature) bool { return g.place != place })
}

func (m *model) agreed(s *mSign) bool {
	n := 0
	for _, g := range m.at(s.id) {
		if g.decision == approve || s.kind == opinion {
			n++
		}
	}
	return n >= s.need
}

func (m *model) declined(s *mSign) bool {
	n := 0
	for _, g := range m.at(s.id) {
		if g.decision == reject && s.kind != opinion {
			n++
		}
	}
	return n > 0 && (s.veto || n > s.of-s.need)
}

func (m *model) fulfilled(s *mSign) bool {
	return m.agreed(s) || (s.witness != nil && m.agreed(s.witness))
}

func (m *model) state() typev1.Approval_State {
	all := true
	for i := range m.signs {
		s := &m.signs[i]
		dead := m.declined(s) && s.witness == nil
		if s.witness != nil && m.declined(s.witness) {
			dead = true
		}
		if dead {
			return typev1.Approval_STATE_REFUSED
		}
		all = all && (s.optional || m.fulfilled(s))
	}
	for _, g := range m.given {
		if g.decision == giveBack {
			return typev1.Approval_STATE_RETURNED
		}
	}
	if all {
		return typev1.Approval_STATE_GRANTED
	}
	return typev1.Approval_STATE_OPEN
}

// mine says whether person or whom they stand for has been in the chain, or asked for it.
func (m *model) barred(person, behalf string) bool {
	for _, name := range []string{person, behalf} {
		if name == "" {
			continue
		}
		if name == m.asker {
			return true
		}
		for _, g := range m.given {
			if g.person == name || g.behalf == name {
				return true
			}
		}
	}
	return false
}

// legal says whether that signature may be given now.
func (m *model) legal(g mSignature, comment, form bool) bool {
	if m.ended || m.state() != typev1.Approval_STATE_OPEN || m.barred(g.person, g.behalf) {
		return false
	}
	for i := range m.signs {
		s := &m.signs[i]
		target, isWitness := s, false
		if s.witness != nil && s.witness.id == g.place {
			target, isWitness = s.witness, true
		}
		if target.id != g.place {
			continue
		}
		for j := range m.signs {
			if before := &m.signs[j]; before.stage < s.stage && !before.optional && !m.fulfilled(before) {
				return false
			}
		}
		if m.fulfilled(s) || (!isWitness && m.declined(s)) || !slices.Contains(target.who, g.who) {
			return false
		}
		if target.each && slices.ContainsFunc(m.at(g.place), func(o mSignature) bool { return o.who == g.who }) {
			return false
		}
		return m.says(target, s.witness != nil && !isWitness, g.decision, comment, form)
	}
	return false
}

func (m *model) says(s *mSign, replaceable bool, d typev1.Decision, comment, form bool) bool {
	switch {
	case d == 0, d != approve && !comment, form && !s.form, d == approve && s.form && !form:
		return false
	case d == approve:
		return true
	case s.kind == opinion:
		return d == reject
	case s.kind == annotate:
		return d == giveBack
	case s.kind == acknowledge:
		return d == reject && replaceable
	}
	return true
}

// invent draws a definition with the model of it.
func invent(t *rapid.T) (*policyv1.Approval, *model) {
	def := &policyv1.Approval{Id: "a", Clause: "1"}
	m := &model{asker: "people/0"}
	roles := []string{"r0", "r1", "r2", "r3"}
	sign := func(id string) (*policyv1.Sign, mSign) {
		s := &policyv1.Sign{Id: id, Kind: rapid.SampledFrom([]typev1.ApprovalStep_Kind{review, countersign, countersign, opinion, annotate, decide, acknowledge}).Draw(t, "kind")}
		s.Who = rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 3, rapid.ID[string]).Draw(t, "who")
		e := mSign{id: id, kind: s.Kind, who: s.Who, need: 1, of: 1, veto: true}
		switch rapid.IntRange(0, 3).Draw(t, "enough") {
		case 1:
			s.Enough, e.need, e.of, e.each = "all", len(s.Who), len(s.Who), true
		case 2:
			e.of = rapid.IntRange(1, 3).Draw(t, "of")
			e.need = rapid.IntRange(1, e.of).Draw(t, "need")
			s.Enough, e.veto, e.each = fmt.Sprintf("%d of %d", e.need, e.of), false, e.of == len(s.Who)
		case 3:
			s.Enough = "any"
		}
		if rapid.IntRange(0, 4).Draw(t, "form") == 0 {
			s.Form, e.form = "f", true
		}
		if rapid.Bool().Draw(t, "banded") {
			s.Bands = []*policyv1.Band{{Below: "100", Who: []string{"wrong"}}, {From: "100.00", Who: s.Who, Enough: s.Enough}}
			s.Who, s.Enough = []string{"wrong"}, ""
		}
		return s, e
	}
	stage, last := 0, typev1.ApprovalStep_KIND_UNSPECIFIED
	for i := range rapid.IntRange(1, 4).Draw(t, "signs") {
		s, e := sign(fmt.Sprintf("s%d", i))
		s.If = rapid.SampledFrom([]string{"", "", "yes", "no"}).Draw(t, "if")
		s.Optional = rapid.IntRange(0, 3).Draw(t, "optional") == 0
		e.optional = s.Optional
		if rapid.IntRange(0, 4).Draw(t, "instead") == 0 {
			alt, w := sign(fmt.Sprintf("w%d", i))
			s.Instead = alt
			w.id = s.Id + "." + w.id
			e.witness = &w
		}
		def.Signs = append(def.Signs, s)
		if s.If == "no" {
			continue
		}
		if s.Kind != countersign || last != countersign {
			stage++
		}
		e.stage, last = stage, s.Kind
		m.signs = append(m.signs, e)
	}
	return def, m
}

// cast draws who may act as what: person → role → on behalf of.
func cast(t *rapid.T) []approval.Person {
	people := make([]approval.Person, 6)
	for i := range people {
		roles := map[string]string{}
		for _, r := range []string{"r0", "r1", "r2", "r3"} {
			switch rapid.IntRange(0, 5).Draw(t, "right") {
			case 0, 1, 2:
				roles[r] = ""
			case 3:
				roles[r] = fmt.Sprintf("people/%d", rapid.IntRange(0, 5).Draw(t, "behalf"))
			}
		}
		name := fmt.Sprintf("people/%d", i)
		people[i] = approval.Person{Name: name, Matches: func(who string) (bool, string) {
			behalf, ok := roles[who]
			return ok, behalf
		}}
	}
	return people
}

func TestRandomHistoriesAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		def, m := invent(t)
		in := asked("100.00", "yes")
		in.AskedBy = m.asker
		a, err := approval.Open(def, in)
		if !slices.ContainsFunc(m.signs, func(s mSign) bool { return !s.optional }) {
			require.Equal(t, approval.ReasonNobody, fault.ReasonOf(err))
			return
		}
		require.NoError(t, err)
		people := cast(t)
		for range rapid.IntRange(1, 12).Draw(t, "acts") {
			a = act(t, m, a, people)
			laws(t, m, a)
		}
	})
}

// act does one random thing to a and to the model.
func act(t *rapid.T, m *model, a *typev1.Approval, people []approval.Person) *typev1.Approval {
	switch rapid.IntRange(0, 40).Draw(t, "act") {
	case 0:
		next, err := approval.Void(a, start())
		alive := !m.ended && (m.state() == typev1.Approval_STATE_OPEN || m.state() == typev1.Approval_STATE_GRANTED)
		require.Equal(t, alive, err == nil)
		if err != nil {
			return a
		}
		m.ended = true
		return next
	case 1:
		person := rapid.SampledFrom(people).Draw(t, "person").Name
		next, err := approval.Withdraw(a, person, start())
		require.Equal(t, !m.ended && m.state() == typev1.Approval_STATE_OPEN && person == m.asker, err == nil)
		if err != nil {
			return a
		}
		m.ended = true
		return next
	}
	s := approval.SignRequest{Person: rapid.SampledFrom(people).Draw(t, "person"), Digest: a.GetSealedDigest(), Time: start()}
	s.Decision = rapid.SampledFrom([]typev1.Decision{approve, approve, approve, approve, approve, approve, reject, giveBack, 0}).Draw(t, "decision")
	var places []string
	for i := range m.signs {
		places = append(places, m.signs[i].id)
		if w := m.signs[i].witness; w != nil {
			places = append(places, w.id)
		}
	}
	s.Step = rapid.SampledFrom(append(places, "")).Draw(t, "step")
	comment := rapid.IntRange(0, 3).Draw(t, "comment") > 0
	if comment {
		s.Comment = "c"
	}
	// Mostly the right thing about the form, or histories would be all refusals.
	filled := rapid.IntRange(0, 9).Draw(t, "filled") == 0
	if step := firstOpen(a, s.Step); step != nil {
		filled = filled != (step.GetForm() != "")
	}
	if filled {
		form(&s)
	}
	stale := rapid.IntRange(0, 9).Draw(t, "stale") == 0
	if stale {
		s.Digest = approval.Digest("else")
	}
	before := proto.Clone(a)
	next, err := approval.Sign(a, s)
	require.True(t, proto.Equal(before, a))
	if err != nil {
		f, ok := fault.As(err)
		require.True(t, ok)
		require.NotEqual(t, fault.Internal, f.Kind)
		if !stale && s.Step != "" {
			require.Empty(t, m.choices(s, comment, filled), "refused: %v", err)
		}
		return a
	}
	require.False(t, stale)
	g := newest(t, a, next)
	require.Contains(t, m.choices(s, comment, filled), g)
	m.given = append(m.given, g)
	return next
}

func firstOpen(a *typev1.Approval, id string) *typev1.ApprovalStep {
	for _, s := range a.GetSteps() {
		if s.GetId() == id || (id == "" && s.GetState() == typev1.ApprovalStep_STATE_OPEN) {
			return s
		}
	}
	return nil
}

// choices are all signatures that the model would take for the request.
func (m *model) choices(s approval.SignRequest, comment, form bool) []mSignature {
	var legal []mSignature
	try := func(place *mSign) {
		if s.Step != "" && s.Step != place.id {
			return
		}
		for _, who := range place.who {
			ok, behalf := s.Person.Matches(who)
			if behalf == s.Person.Name {
				behalf = ""
			}
			g := mSignature{place.id, s.Person.Name, behalf, who, s.Decision}
			if ok && m.legal(g, comment, form) {
				legal = append(legal, g)
			}
		}
	}
	for i := range m.signs {
		try(&m.signs[i])
		if m.signs[i].witness != nil {
			try(m.signs[i].witness)
		}
	}
	return legal
}

// newest returns the one signature that next has and a has not.
func newest(t *rapid.T, a, next *typev1.Approval) mSignature {
	var found []mSignature
	for i, s := range next.GetSteps() {
		for _, g := range s.GetSignatures()[len(a.GetSteps()[i].GetSignatures()):] {
			require.Equal(t, a.GetSealedDigest(), g.GetSealedDigest())
			found = append(found, mSignature{s.GetId(), g.GetPerson(), g.GetOnBehalfOf(), g.GetWho(), g.GetDecision()})
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// laws are what no pack changes, checked on the state itself.
func laws(t *rapid.T, m *model, a *typev1.Approval) {
	if !m.ended {
		require.Equal(t, m.state().String(), a.GetState().String())
	}
	seen := map[string]bool{m.asker: true}
	for _, s := range a.GetSteps() {
		for _, g := range s.GetSignatures() {
			for _, name := range []string{g.GetPerson(), g.GetOnBehalfOf()} {
				if name != "" {
					require.False(t, seen[name], "%s twice, or asked for it", name)
					seen[name] = true
				}
			}
		}
	}
	if approval.Complete(a) {
		require.Empty(t, approval.Missing(a))
	}
	if a.GetState() != typev1.Approval_STATE_OPEN {
		require.Empty(t, approval.Next(a))
	} else {
		require.NotEmpty(t, approval.Missing(a))
		require.NotEmpty(t, approval.Next(a))
	}
}

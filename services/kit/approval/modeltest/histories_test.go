package modeltest_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

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

func start() time.Time { return time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC) }

func asked(m *model) approval.Request {
	return approval.Request{
		AskedBy: m.asker, Digest: approval.Digest("seen"), Time: start(), Revision: "r1", Pack: "p",
		Amount:  &typev1.Money{CurrencyCode: "CNY", Amount: "100.00"},
		Applies: func(cond string) (bool, []string, error) { return cond == "yes", nil, nil },
	}
}

// invent draws a definition with the model of it.
func invent(t *rapid.T) (*policyv1.Approval, *model) {
	def := &policyv1.Approval{Id: "a", Clause: "1"}
	m := &model{asker: "people/0", urgent: rapid.IntRange(0, 2).Draw(t, "urgent") > 0}
	if m.urgent || rapid.Bool().Draw(t, "never urgent") {
		def.Urgent = &policyv1.Urgent{If: "no", Paperwork: "24 h", Form: "f"}
		if m.urgent {
			def.Urgent.If = "yes"
		}
	}
	roles := []string{"r0", "r1", "r2", "r3"}
	sign := func(id string) (*policyv1.Sign, mPlace) {
		s := &policyv1.Sign{Id: id, Kind: rapid.SampledFrom([]typev1.ApprovalStep_Kind{review, countersign, countersign, opinion, annotate, decide, decide, acknowledge}).Draw(t, "kind")}
		s.Who = rapid.SliceOfNDistinct(rapid.SampledFrom(roles), 1, 3, rapid.ID[string]).Draw(t, "who")
		e := mPlace{id: id, kind: s.Kind, who: slices.Clone(s.Who), need: 1, of: 1, veto: true}
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
		var alt *mPlace
		if rapid.IntRange(0, 4).Draw(t, "instead") == 0 {
			other, w := sign(fmt.Sprintf("w%d", i))
			s.Instead = other
			w.id, w.main = s.Id+"."+w.id, s.Id
			alt = &w
		}
		def.Signs = append(def.Signs, s)
		if s.If == "no" {
			continue
		}
		if s.Kind != countersign || last != countersign {
			stage++
		}
		e.stage, last = stage, s.Kind
		m.places = append(m.places, e)
		if alt != nil {
			alt.stage = stage
			m.places = append(m.places, *alt)
		}
	}
	return def, m
}

// cast draws who may act as what: person → role → on behalf of.
func cast(t *rapid.T) []approval.Person {
	people := make([]approval.Person, 7)
	for i := range people {
		roles := map[string]string{}
		for _, r := range []string{"r0", "r1", "r2", "r3"} {
			switch rapid.IntRange(0, 5).Draw(t, "right") {
			case 0, 1, 2:
				roles[r] = ""
			case 3:
				roles[r] = fmt.Sprintf("people/%d", rapid.IntRange(0, 6).Draw(t, "behalf"))
			}
		}
		people[i] = approval.Person{Name: fmt.Sprintf("people/%d", i), Matches: func(who string) (bool, string) {
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
		a, err := approval.Open(def, asked(m))
		if !slices.ContainsFunc(m.places, func(p mPlace) bool { return !p.optional && p.main == "" }) {
			require.Equal(t, approval.ReasonNobody, fault.ReasonOf(err))
			return
		}
		require.NoError(t, err)
		people := cast(t)
		m.recused = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"people/1", "people/2", "people/3"}), 0, 2, rapid.ID[string]).Draw(t, "recused")
		for range rapid.IntRange(1, 16).Draw(t, "acts") {
			a = (&turn{t: t, m: m, def: def, people: people}).take(a)
			laws(t, m, a)
			audit(t, m, def, people, a)
		}
	})
}

// turn is one random thing done to the engine and to the model.
type turn struct {
	t      *rapid.T
	m      *model
	def    *policyv1.Approval
	people []approval.Person
}

func (d *turn) take(a *typev1.Approval) *typev1.Approval {
	switch rapid.IntRange(0, 60).Draw(d.t, "act") {
	case 0:
		next, err := approval.Void(a, start())
		s := d.m.state()
		require.Equal(d.t, s == typev1.Approval_STATE_OPEN || s == typev1.Approval_STATE_GRANTED, err == nil)
		if err != nil {
			return a
		}
		d.m.ended = typev1.Approval_STATE_VOID
		return next
	case 1, 2:
		return d.aside(a)
	}
	return d.sign(a)
}

// aside reminds or withdraws.
func (d *turn) aside(a *typev1.Approval) *typev1.Approval {
	person := rapid.SampledFrom(d.people).Draw(d.t, "person")
	decision := rapid.SampledFrom([]typev1.Decision{remind, withdraw}).Draw(d.t, "decision")
	next, err := approval.Sign(a, approval.SignRequest{Person: person, Decision: decision, Time: start()})
	open := d.m.state() == typev1.Approval_STATE_OPEN
	if decision == withdraw {
		require.Equal(d.t, open && person.Name == d.m.asker, err == nil)
		if err == nil {
			d.m.ended = typev1.Approval_STATE_WITHDRAWN
			return next
		}
		return a
	}
	if !open {
		require.Error(d.t, err)
	}
	if err != nil {
		return a
	}
	require.Len(d.t, next.GetRemindTimes(), min(len(a.GetRemindTimes())+1, 20))
	return next
}

// any draws a request that is mostly unlawful.
func (d *turn) any(s *approval.SignRequest) (comment, filled bool) {
	t, m := d.t, d.m
	s.Person = rapid.SampledFrom(d.people).Draw(t, "person")
	s.Decision = rapid.SampledFrom([]typev1.Decision{approve, approve, approve, reject, giveBack, giveBack, addSigner, handOver, 0}).Draw(t, "decision")
	places := []string{""}
	for _, p := range m.places {
		places = append(places, p.id)
	}
	s.Step = rapid.SampledFrom(places).Draw(t, "step")
	if s.Decision == giveBack {
		s.ToStep = rapid.SampledFrom(append(places, "nowhere")).Draw(t, "to")
	}
	s.Target = rapid.SampledFrom(append(d.people, approval.Person{Name: "people/9"}, approval.Person{})).Draw(t, "target")
	if rapid.IntRange(0, 5).Draw(t, "telephone") == 0 {
		s.Urgent = d.urgent()
	}
	comment = rapid.IntRange(0, 3).Draw(t, "comment") > 0
	filled = rapid.IntRange(0, 9).Draw(t, "filled") == 0
	if p := m.place(s.Step); p != nil {
		filled = filled != p.form // mostly right, or histories would be all refusals
	}
	return comment, filled
}

// lawful draws one of the requests that the model would take now; ok is false if
// there is none.
func (d *turn) lawful(s *approval.SignRequest) (comment, filled, ok bool) {
	var all []approval.SignRequest
	weights := map[typev1.Decision]int{approve: 4, reject: 1, giveBack: 3, addSigner: 2, handOver: 1}
	for _, decision := range []typev1.Decision{approve, reject, giveBack, addSigner, handOver} {
		for _, person := range d.people {
			for _, p := range d.m.places {
				for _, telephone := range []bool{false, true} {
					try := approval.SignRequest{Person: person, Decision: decision, Step: p.id}
					if telephone {
						try.Urgent = d.urgent()
					}
					if decision == addSigner || decision == handOver {
						try.Target = rapid.SampledFrom(d.people).Draw(d.t, "target")
					}
					if decision == giveBack {
						try.ToStep = d.m.places[rapid.IntRange(0, len(d.m.places)-1).Draw(d.t, "to")].id
					}
					if len(d.choices(try, true, p.form && !telephone)) > 0 {
						for range weights[decision] {
							all = append(all, try)
						}
					}
				}
			}
		}
	}
	if len(all) == 0 {
		return false, false, false
	}
	one := all[rapid.IntRange(0, len(all)-1).Draw(d.t, "lawful")]
	s.Person, s.Decision, s.Step, s.ToStep, s.Target, s.Urgent = one.Person, one.Decision, one.Step, one.ToStep, one.Target, one.Urgent
	return true, d.m.place(one.Step).form && one.Urgent == nil, true
}

func (d *turn) urgent() *approval.Urgent {
	return &approval.Urgent{
		Rule: d.def.GetUrgent(), Applies: asked(d.m).Applies,
		Due: func(string) (time.Time, error) { return start().Add(24 * time.Hour), nil },
	}
}

func (d *turn) sign(a *typev1.Approval) *typev1.Approval {
	t, m := d.t, d.m
	s := approval.SignRequest{Digest: a.GetSealedDigest(), Time: start(), Recused: m.recused}
	comment, filled, ok := false, false, false
	if rapid.IntRange(0, 3).Draw(t, "blindly") > 0 {
		comment, filled, ok = d.lawful(&s)
	}
	if !ok {
		comment, filled = d.any(&s)
	}
	if comment {
		s.Comment = "c"
	}
	if filled {
		s.Facts = map[string]*typev1.Fact{"x": {Value: &typev1.Fact_Flag{Flag: true}}}
	}
	stale := rapid.IntRange(0, 19).Draw(t, "stale") == 0
	if stale {
		s.Digest = approval.Digest("else")
	}
	before := proto.Clone(a)
	next, err := approval.Sign(a, s)
	require.True(t, proto.Equal(before, a))
	may := d.choices(s, comment, filled)
	if err != nil {
		f, ok := fault.As(err)
		require.True(t, ok)
		require.NotEqual(t, fault.Internal, f.Kind)
		if !stale && s.Step != "" {
			require.Empty(t, may, "refused: %v", err)
		}
		return a
	}
	require.False(t, stale)
	require.NotEmpty(t, may, "taken")
	d.follow(s, a, next, may, comment, filled)
	return next
}

// follow does to the model what the engine did.
func (d *turn) follow(s approval.SignRequest, a, next *typev1.Approval, may []mAct, comment, filled bool) {
	t, m := d.t, d.m
	switch s.Decision {
	case addSigner:
		at := slices.IndexFunc(next.GetSteps(), func(p *typev1.ApprovalStep) bool { return m.place(p.GetId()) == nil })
		got := next.GetSteps()[at]
		require.Equal(t, []string{s.Target.Name}, got.GetWho())
		require.Equal(t, s.Person.Name, got.GetAddedBy())
		beside := m.place(may[0].place)
		for _, c := range may { // the engine takes the first place that may be signed
			if next.GetSteps()[at-1].GetId() == c.place {
				beside = m.place(c.place)
			}
		}
		if s.Step == "" {
			beside = m.place(main(m, next.GetSteps()[at-1].GetId()))
		}
		m.added++
		m.places = append(m.places, mPlace{id: got.GetId(), kind: countersign, who: got.GetWho(), need: 1, of: 1, veto: true, stage: beside.stage, added: true})
	case handOver:
		for i, p := range next.GetSteps() {
			was := a.GetSteps()[i]
			if p.GetHandedTo() != was.GetHandedTo() {
				m.place(p.GetId()).holder = p.GetHandedTo()
				require.Equal(t, s.Target.Name, p.GetHandedTo())
			}
			if !slices.Equal(p.GetWho(), was.GetWho()) {
				m.place(p.GetId()).who = slices.Clone(p.GetWho())
				require.Contains(t, p.GetWho(), s.Target.Name)
			}
		}
	default:
		g := newest(t, a, next)
		i := slices.IndexFunc(may, func(c mAct) bool { return c.mWord == g })
		require.GreaterOrEqual(t, i, 0, "%+v is none of %+v", g, may)
		m.hear(mAct{mWord: g, comment: comment, form: filled, to: s.ToStep})
	}
}

// main returns the place that a step belongs to: itself, or the one it stands for or beside.
func main(m *model, id string) string {
	if p := m.place(id); p != nil && p.main != "" {
		return p.main
	}
	return id
}

// choices are all acts that the model would take for the request.
func (d *turn) choices(s approval.SignRequest, comment, form bool) []mAct {
	var lawful []mAct
	for i := range d.m.places {
		p := &d.m.places[i]
		if s.Step != "" && s.Step != p.id {
			continue
		}
		for _, who := range p.who {
			ok, behalf := false, ""
			if s.Person.Matches != nil {
				ok, behalf = s.Person.Matches(who)
			}
			ok = ok || who == s.Person.Name
			if behalf == s.Person.Name {
				behalf = ""
			}
			a := mAct{mWord: mWord{place: p.id, person: s.Person.Name, behalf: behalf, who: who, decision: s.Decision, telephone: s.Urgent != nil}, comment: comment, form: form, to: s.ToStep}
			if ok && d.m.lawful(a) && d.targets(p, who, s) {
				lawful = append(lawful, a)
			}
		}
	}
	return lawful
}

// targets says whether the person named may be asked.
func (d *turn) targets(p *mPlace, who string, s approval.SignRequest) bool {
	switch s.Decision {
	case addSigner:
		return d.m.named(s.Person.Name, s.Target.Name) && d.m.added < 10
	case handOver:
		if !d.m.named(s.Person.Name, s.Target.Name) || s.Target.Matches == nil {
			return false
		}
		ok, behalf := s.Target.Matches(who)
		return ok && (behalf == "" || behalf == s.Target.Name)
	}
	return true
}

// newest returns the one signature that next has and a has not.
func newest(t *rapid.T, a, next *typev1.Approval) mWord {
	var found []mWord
	for i, s := range next.GetSteps() {
		for _, g := range s.GetSignatures()[len(a.GetSteps()[i].GetSignatures()):] {
			require.Equal(t, a.GetSealedDigest(), g.GetSealedDigest())
			found = append(found, mWord{place: s.GetId(), person: g.GetPerson(), behalf: g.GetOnBehalfOf(), who: g.GetWho(), decision: g.GetDecision(), telephone: g.GetByTelephone()})
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// laws are what no pack changes, checked on the state itself.
func laws(t *rapid.T, m *model, a *typev1.Approval) {
	require.Equal(t, m.state().String(), a.GetState().String())
	seen := map[string]bool{m.asker: true}
	on := 0
	for _, s := range a.GetSteps() {
		on += len(s.GetSignatures())
		for _, g := range s.GetSignatures() {
			for _, name := range []string{g.GetPerson(), g.GetOnBehalfOf()} {
				if name != "" && !g.GetVoid() {
					require.False(t, s.GetKind() != acknowledge && slices.Contains(m.recused, name), "%s is recused", name)
					require.False(t, seen[name], "%s twice, or asked for it", name)
					seen[name] = true
				}
			}
		}
	}
	require.Equal(t, len(m.said), on, "what was signed stays on file")
	switch a.GetState() {
	case typev1.Approval_STATE_OPEN:
		require.NotEmpty(t, approval.Missing(a))
		require.NotEmpty(t, approval.Next(a))
	case typev1.Approval_STATE_GRANTED:
		require.Equal(t, m.missing(), len(approval.Missing(a)) > 0)
		require.True(t, a.GetByTelephone() || !m.missing())
		fallthrough
	default:
		require.Empty(t, approval.Next(a))
	}
}

// audit counts a grant again from the definition and what was said, without the
// chain: for every sign that applies there are enough people who hold it, each
// once; by telephone, for every sign that decides.
func audit(t *rapid.T, m *model, def *policyv1.Approval, people []approval.Person, a *typev1.Approval) {
	if a.GetState() != typev1.Approval_STATE_GRANTED {
		return
	}
	for _, s := range def.GetSigns() {
		if s.GetIf() == "no" || s.GetOptional() || a.GetByTelephone() && s.GetKind() != decide {
			continue
		}
		enough := heard(m, people, s, s.GetId()) || s.GetInstead() != nil && heard(m, people, s.GetInstead(), s.GetId()+"."+s.GetInstead().GetId())
		require.True(t, enough, "granted without %s", s.GetId())
	}
	for _, p := range m.places {
		if p.added && !a.GetByTelephone() {
			require.True(t, slices.ContainsFunc(m.said, func(w mWord) bool { return w.place == p.id && !w.gone && w.decision == approve }), "granted without %s", p.id)
		}
	}
}

func heard(m *model, people []approval.Person, s *policyv1.Sign, place string) bool {
	who, enough := s.GetWho(), s.GetEnough()
	for _, b := range s.GetBands() {
		if b.GetFrom() != "" {
			who, enough = b.GetWho(), b.GetEnough()
		}
	}
	need := 1
	if enough == "all" {
		need = len(who)
	} else if len(enough) == 6 {
		need = int(enough[0] - '0')
	}
	names := map[string]bool{}
	for _, w := range m.said {
		agrees := w.decision == approve || w.decision == reject && s.GetKind() == opinion
		i := slices.IndexFunc(people, func(p approval.Person) bool { return p.Name == w.person })
		if w.place != place || w.gone || !agrees || i < 0 {
			continue
		}
		for _, role := range who {
			if ok, _ := people[i].Matches(role); ok {
				names[w.person] = true
			}
		}
	}
	return len(names) >= need
}

package modeltest_test

import (
	"slices"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

const (
	review      = typev1.ApprovalStep_KIND_REVIEW
	countersign = typev1.ApprovalStep_KIND_COUNTERSIGN
	opinion     = typev1.ApprovalStep_KIND_OPINION
	annotate    = typev1.ApprovalStep_KIND_ANNOTATE
	decide      = typev1.ApprovalStep_KIND_APPROVE
	acknowledge = typev1.ApprovalStep_KIND_ACKNOWLEDGE

	approve   = typev1.Decision_DECISION_APPROVE
	reject    = typev1.Decision_DECISION_REJECT
	giveBack  = typev1.Decision_DECISION_RETURN
	addSigner = typev1.Decision_DECISION_ADD_SIGNER
	handOver  = typev1.Decision_DECISION_HAND_OVER
	remind    = typev1.Decision_DECISION_REMIND
	withdraw  = typev1.Decision_DECISION_WITHDRAW
)

// model is one chain: its places in order, and everything that was said, in order.
// Nothing is kept about how a place stands.
type model struct {
	asker   string
	urgent  bool
	recused []string
	places  []mPlace
	said    []mWord
	ended   typev1.Approval_State // WITHDRAWN or VOID, else zero
	added   int
}

// mPlace is one place of the chain. Places of one stage stand side by side.
type mPlace struct {
	id, main string // main is the id of the place it stands for, "" if for none
	kind     typev1.ApprovalStep_Kind
	who      []string
	need, of int
	each     bool // every entry of who counts once
	veto     bool // one rejection is enough
	optional bool
	form     bool
	stage    int
	holder   string // to whom it was handed, "" if to nobody
	added    bool
}

// mWord is what one person said at a place.
type mWord struct {
	place, person, behalf, who string
	decision                   typev1.Decision
	telephone                  bool
	gone                       bool // sent back since
	after                      bool // a paper that followed a telephone word
}

func (m *model) place(id string) *mPlace {
	for i := range m.places {
		if m.places[i].id == id {
			return &m.places[i]
		}
	}
	return nil
}

func (m *model) count(p *mPlace, yes bool) int {
	n := 0
	for _, w := range m.said {
		against := w.decision == reject && p.kind != opinion
		if w.place == p.id && !w.gone && w.decision != giveBack && against != yes {
			n++
		}
	}
	return n
}

func (m *model) agreed(p *mPlace) bool { return m.count(p, true) >= p.need }

func (m *model) declined(p *mPlace) bool {
	n := m.count(p, false)
	return n > 0 && (p.veto || n > p.of-p.need)
}

// instead returns the place that may stand for p, or nil.
func (m *model) instead(p *mPlace) *mPlace {
	for i := range m.places {
		if m.places[i].main == p.id {
			return &m.places[i]
		}
	}
	return nil
}

func (m *model) fulfilled(p *mPlace) bool {
	alt := m.instead(p)
	return m.agreed(p) || alt != nil && m.agreed(alt)
}

func (m *model) byTelephone() bool {
	some := false
	for _, w := range m.said {
		some = some || w.telephone && !w.gone
	}
	if !some {
		return false
	}
	// Who decided last must have done so by telephone, before the chain was complete.
	required := 0
	for i := range m.places {
		p := &m.places[i]
		if p.kind != decide || p.optional || p.main != "" || p.added {
			continue
		}
		required++
		if !m.fulfilled(p) {
			return false
		}
	}
	return required > 0
}

// state works out how the chain stands.
func (m *model) state() typev1.Approval_State {
	if m.ended != 0 {
		return m.ended
	}
	all := true
	for i := range m.places {
		p := &m.places[i]
		if p.main != "" {
			if m.declined(p) {
				return typev1.Approval_STATE_REFUSED
			}
			continue
		}
		if m.declined(p) && m.instead(p) == nil {
			return typev1.Approval_STATE_REFUSED
		}
		all = all && (p.optional || m.fulfilled(p))
	}
	for _, w := range m.said {
		if w.decision == giveBack && !w.gone {
			return typev1.Approval_STATE_RETURNED
		}
	}
	if all || m.byTelephone() && m.lastWord().telephone || m.papers() {
		return typev1.Approval_STATE_GRANTED
	}
	return typev1.Approval_STATE_OPEN
}

func (m *model) lastWord() mWord {
	if len(m.said) == 0 {
		return mWord{}
	}
	return m.said[len(m.said)-1]
}

// papers says that a telephone word has granted before, and papers came since.
func (m *model) papers() bool { return m.lastWord().after }

// missing says whether a required place lacks its signatures.
func (m *model) missing() bool {
	return slices.ContainsFunc(m.places, func(p mPlace) bool { return p.main == "" && !p.optional && !m.fulfilled(&p) })
}

// barred says whether person, or whom they stand for, has no say: they asked, or have
// been heard.
func (m *model) barred(person, behalf string) bool {
	for _, name := range []string{person, behalf} {
		if name == "" {
			continue
		}
		if name == m.asker {
			return true
		}
		if slices.ContainsFunc(m.said, func(w mWord) bool { return !w.gone && (w.person == name || w.behalf == name) }) {
			return true
		}
	}
	return false
}

// mAct is everything about one request that decides whether it is lawful.
type mAct struct {
	mWord
	comment, form bool
	to            string
}

// lawful says whether that may be said now.
func (m *model) lawful(a mAct) bool {
	granted := m.state() == typev1.Approval_STATE_GRANTED && m.byTelephone() && m.missing()
	if m.state() != typev1.Approval_STATE_OPEN && !granted || m.barred(a.person, a.behalf) {
		return false
	}
	p := m.place(a.place)
	if p != nil && p.kind != acknowledge && (slices.Contains(m.recused, a.person) || slices.Contains(m.recused, a.behalf)) {
		return false // who is concerned may take note and decides nothing
	}
	if p == nil || !slices.Contains(p.who, a.who) || p.holder != "" && p.holder != a.person {
		return false
	}
	main := p
	if p.main != "" {
		main = m.place(p.main)
	}
	if m.fulfilled(main) || p == main && m.declined(p) {
		return false
	}
	if p.each && slices.ContainsFunc(m.said, func(w mWord) bool { return w.place == p.id && w.who == a.who && !w.gone }) {
		return false
	}
	switch {
	case a.telephone:
		if !m.urgent || granted || p.kind != decide || a.decision != approve {
			return false
		}
	case granted:
		if a.decision != approve {
			return false
		}
	case !m.turn(main):
		return false
	}
	return m.says(p, a) && (a.decision != giveBack || a.to == "" || m.back(main, a.to) != nil)
}

// turn says whether everything before the place has been signed.
func (m *model) turn(p *mPlace) bool {
	for i := range m.places {
		before := &m.places[i]
		if before.main == "" && before.stage < p.stage && !before.optional && !m.fulfilled(before) {
			return false
		}
	}
	return true
}

// back returns the place to which the chain may be sent back from p, or nil.
func (m *model) back(p *mPlace, to string) *mPlace {
	target := m.place(to)
	if target == nil || target.main != "" || target.stage >= p.stage || !m.fulfilled(target) {
		return nil
	}
	return target
}

func (m *model) says(p *mPlace, a mAct) bool {
	against := a.decision == reject || a.decision == giveBack
	switch {
	case a.decision == addSigner || a.decision == handOver:
		return !a.form || p.form
	case a.decision == 0, against && !a.comment, a.form && !p.form, a.decision == approve && p.form && !a.form && !a.telephone:
		return false
	case a.decision == approve:
		return true
	case p.kind == opinion:
		return a.decision == reject
	case p.kind == annotate:
		return a.decision == giveBack
	case p.kind == acknowledge:
		return a.decision == reject && m.instead(p) != nil
	}
	return true
}

// named says whether target may be asked to sign at a place.
func (m *model) named(person, target string) bool {
	if target == "" || target == person || m.barred(target, "") || slices.Contains(m.recused, target) {
		return false
	}
	return !slices.ContainsFunc(m.places, func(p mPlace) bool { return p.holder == target || slices.Contains(p.who, target) })
}

// hear takes down what was said and what follows from it.
func (m *model) hear(a mAct) {
	w := a.mWord
	w.after = m.state() == typev1.Approval_STATE_GRANTED
	m.said = append(m.said, w)
	if a.decision != giveBack || a.to == "" {
		return
	}
	target := m.place(a.to)
	for i := range m.said {
		p := m.place(m.said[i].place)
		if p.main != "" {
			p = m.place(p.main)
		}
		if p.stage > target.stage || p == target {
			m.said[i].gone = true
		}
	}
}

package policy

import (
	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// site is one condition of a pack, with what its place brings into scope.
type site struct {
	owner   proto.Message // message that holds the field
	field   string
	path    string
	text    string
	allowed scope
}

// doList is one list of consequences.
type doList struct {
	owner proto.Message
	path  string
	do    []*policyv1.Do
}

// survey walks a pack once and finds its conditions and their scopes.
type survey struct {
	pack      *policyv1.Pack
	forms     map[string]*policyv1.Form
	approvals map[string]*policyv1.Approval
	sites     []site
}

// sitesOf lists the conditions of a pack.
func sitesOf(p *policyv1.Pack) []site {
	s := &survey{pack: p, forms: map[string]*policyv1.Form{}, approvals: map[string]*policyv1.Approval{}}
	for _, f := range p.GetForms() {
		s.forms[f.GetId()] = f
	}
	for _, a := range p.GetApprovals() {
		s.approvals[a.GetId()] = a
	}
	s.words()
	s.handling()
	s.money()
	s.goods()
	s.counting()
	return s.sites
}

func (s *survey) add(owner proto.Message, field, path, text string, allowed scope) {
	if text != "" {
		s.sites = append(s.sites, site{owner, field, join(path, field), text, allowed})
	}
}

// event is what one trigger brings.
func (s *survey) event(t *policyv1.Trigger) scope {
	out := scopeOf(eventRow(t.GetEvent()))
	switch t.GetEvent() {
	case policyv1.Event_EVENT_FORM_FILLED:
		if f := s.forms[t.GetId()]; f != nil {
			out = out.plus(scopeOf(aboutRow(f.GetAbout())))
		}
	case policyv1.Event_EVENT_APPROVAL_ASKED, policyv1.Event_EVENT_APPROVAL_SIGNED, policyv1.Event_EVENT_APPROVAL_GRANTED, policyv1.Event_EVENT_APPROVAL_REFUSED:
		if a := s.approvals[t.GetId()]; a != nil {
			out = out.plus(scopeOf(subjectRow(a.GetOf())))
		}
	}
	return out
}

// triggers adds the conditions of triggers and returns what all of them bring.
func (s *survey) triggers(path string, ts []*policyv1.Trigger) scope {
	var all scope
	for _, t := range ts {
		sc := s.event(t)
		s.add(t, "if", path, t.GetIf(), sc)
		if all == nil {
			all = sc
		} else {
			all = all.and(sc)
		}
	}
	return all
}

// line is what a rule brings that is decided for each entry of a list.
func (s *survey) line(each string) scope {
	if each == "" {
		return nil
	}
	return scopeOf("line")
}

func (s *survey) needs(path string, needs []*policyv1.Need, allowed scope) {
	for _, n := range needs {
		s.add(n, "that", join(path, "needs"), n.GetThat(), allowed)
	}
}

// words: forms, grades, acceptance, notices.
func (s *survey) words() {
	for _, f := range s.pack.GetForms() {
		path, sc := "forms."+f.GetId(), scopeOf("form", aboutRow(f.GetAbout()))
		for _, fd := range f.GetFields() {
			s.add(fd, "required_if", path+"."+fd.GetId(), fd.GetRequiredIf(), sc)
		}
		for _, c := range f.GetChecks() {
			s.add(c, "that", path+"."+c.GetId(), c.GetThat(), sc)
		}
	}
	for _, g := range s.pack.GetGrades() {
		for _, l := range g.GetLevels() {
			s.add(l, "if", "grades."+g.GetId()+"."+l.GetId(), l.GetIf(), nil)
		}
	}
	acc := s.pack.GetAcceptance()
	for _, g := range acc.GetGrounds() {
		s.add(g, "if", "acceptance.grounds."+g.GetId(), g.GetIf(), nil)
	}
	for _, o := range acc.GetOutside() {
		s.add(o, "if", "acceptance.outside."+o.GetId(), o.GetIf(), nil)
	}
	for _, c := range acc.GetStands() {
		s.add(c, "that", "acceptance.stands."+c.GetId(), c.GetThat(), nil)
	}
	for _, m := range acc.GetMarks() {
		s.add(m, "if", "acceptance.marks."+m.GetId(), m.GetIf(), nil)
	}
	for _, w := range acc.GetWindows() {
		sc := s.line(w.GetEach())
		if f := s.forms[w.GetForm()]; f != nil {
			sc = sc.plus(scopeOf("form", aboutRow(f.GetAbout())))
		}
		s.add(w, "if", "acceptance.windows."+w.GetId(), w.GetIf(), sc)
	}
	for _, e := range acc.GetEvidence() {
		s.add(e, "if", "acceptance.evidence."+e.GetId(), e.GetIf(), s.line(e.GetEach()).plus(scopeOf(actRow(e.GetBefore()))))
	}
	for _, n := range s.pack.GetNotices() {
		path := "notices." + n.GetId()
		sc := s.triggers(path+".issue", n.GetIssue()).plus(scopeOf("notice"))
		s.add(n, "if", path, n.GetIf(), sc)
		s.needs(path, n.GetNeeds(), sc)
		for _, part := range n.GetParts() {
			s.add(part, "if", path+"."+part.GetId(), part.GetIf(), sc)
		}
	}
}

func (s *survey) step(path string, st *policyv1.Step, inherited scope) {
	sc := inherited
	if len(st.GetOpens()) > 0 {
		sc = s.triggers(path+".opens", st.GetOpens())
	}
	s.triggers(path+".void_by", st.GetVoidBy())
	s.add(st, "if", path, st.GetIf(), sc)
	s.needs(path, st.GetNeeds(), sc.plus(scopeOf("step")))
}

// handling: stages, duties, gates, clocks, routing, follow-up, rounds, actions, reactions, reports.
func (s *survey) handling() {
	p := s.pack
	for _, st := range p.GetStages() {
		sc := s.triggers("stages."+st.GetId()+".enters", st.GetEnters())
		for _, step := range st.GetSteps() {
			s.step("stages."+st.GetId()+"."+step.GetId(), step, sc)
		}
	}
	for _, step := range p.GetDuties() {
		s.step("duties."+step.GetId(), step, nil)
	}
	for _, g := range p.GetGates() {
		path := "gates." + g.GetId()
		var sc scope
		for i, a := range g.GetBefore() {
			if i == 0 {
				sc = scopeOf(actRow(a))
			} else {
				sc = sc.and(scopeOf(actRow(a)))
			}
		}
		s.add(g, "if", path, g.GetIf(), sc)
		s.needs(path, g.GetNeeds(), sc)
		s.add(g.GetWaiver(), "if", path+".waiver", g.GetWaiver().GetIf(), sc)
	}
	for _, c := range p.GetClocks() {
		path := "clocks." + c.GetId()
		sc := s.triggers(path+".from", c.GetFrom())
		s.triggers(path+".met_by", c.GetMetBy())
		s.triggers(path+".void_by", c.GetVoidBy())
		s.add(c, "if", path, c.GetIf(), sc)
		s.needs(path+".extend", c.GetExtend().GetNeeds(), scopeOf("clock", "plan"))
	}
	for _, a := range p.GetRouting().GetAssign() {
		s.add(a, "if", "routing.assign."+a.GetId(), a.GetIf(), nil)
	}
	for _, t := range p.GetRouting().GetTrees() {
		path := "routing.trees." + t.GetId()
		s.add(t, "if", path, t.GetIf(), nil)
		for _, n := range t.GetNodes() {
			for _, b := range n.GetBranches() {
				s.add(b, "if", path+"."+n.GetId(), b.GetIf(), nil)
			}
		}
	}
	for _, x := range p.GetRouting().GetExchange() {
		s.triggers("routing.exchange."+x.GetId()+".sends", x.GetSends())
	}
	for _, f := range p.GetFollowUp() {
		path := "follow_up." + f.GetId()
		s.triggers(path+".opens", f.GetOpens())
		s.add(f, "satisfied", path, f.GetSatisfied(), scopeOf("follow_up"))
		s.add(f, "item_bad", path, f.GetItemBad(), scopeOf("follow_up"))
	}
	for _, r := range p.GetRounds() {
		s.triggers("rounds."+r.GetId()+".starts", r.GetStarts())
	}
	for _, a := range p.GetCorrectiveAction() {
		path := "corrective_action." + a.GetId()
		sc := s.triggers(path+".opens", a.GetOpens())
		s.add(a, "if", path, a.GetIf(), sc)
	}
	for _, r := range p.GetReactions() {
		path := "reactions." + r.GetId()
		sc := s.triggers(path+".when", r.GetWhen())
		s.add(r, "if", path, r.GetIf(), sc)
	}
	for _, m := range p.GetReports().GetMeasures() {
		path, sc := "reports.measures."+m.GetId(), scopeOf(ofRow(m.GetOf()))
		s.add(m, "among", path, m.GetAmong(), sc)
		s.add(m, "counts", path, m.GetCounts(), sc)
	}
	for _, r := range p.GetReports().GetReports() {
		s.add(r, "lists", "reports.reports."+r.GetId(), r.GetLists(), nil)
	}
}

// money: approvals and compensation.
func (s *survey) money() {
	for _, a := range s.pack.GetApprovals() {
		path := "approvals." + a.GetId()
		s.triggers(path+".asks", a.GetAsks())
		sc := scopeOf(subjectRow(a.GetOf()), "approval")
		s.add(a, "if", path, a.GetIf(), sc)
		s.needs(path, a.GetNeeds(), sc)
		for _, sign := range a.GetSigns() {
			s.add(sign, "if", path+"."+sign.GetId(), sign.GetIf(), sc)
		}
		s.add(a.GetUrgent(), "if", path+".urgent", a.GetUrgent().GetIf(), sc)
	}
	claim := scopeOf("claim")
	for _, g := range s.pack.GetCompensation().GetGrounds() {
		s.add(g, "if", "compensation.grounds."+g.GetId(), g.GetIf(), claim)
	}
	for _, r := range s.pack.GetCompensation().GetRemedies() {
		path := "compensation.remedies." + r.GetId()
		s.add(r, "if", path, r.GetIf(), claim)
		s.needs(path, r.GetNeeds(), claim)
	}
	for _, st := range s.pack.GetCompensation().GetStandards() {
		s.add(st, "if", "compensation.standards."+st.GetId(), st.GetIf(), claim)
	}
}

// goods: returns and liability.
func (s *survey) goods() {
	for _, i := range s.pack.GetReturns().GetOrigins() {
		s.add(i, "if", "returns.origins."+i.GetId(), i.GetIf(), scopeOf("goods"))
	}
	for _, i := range s.pack.GetReturns().GetDispositions() {
		s.add(i, "if", "returns.dispositions."+i.GetId(), i.GetIf(), scopeOf("goods"))
	}
	for _, c := range s.pack.GetLiability().GetCauses() {
		s.add(c, "if", "liability.causes."+c.GetId(), c.GetIf(), s.line(c.GetEach()).plus(scopeOf("liability")))
	}
}

// counting: counters, entries, guidance.
func (s *survey) counting() {
	for _, c := range s.pack.GetCounters() {
		s.add(c, "if", "counters."+c.GetId(), c.GetIf(), scopeOf(ofRow(c.GetOf())))
	}
	for _, e := range s.pack.GetAssessment() {
		path := "assessment." + e.GetId()
		sc := s.triggers(path+".when", e.GetWhen()).plus(scopeOf("entry"))
		s.add(e, "if", path, e.GetIf(), sc)
		s.needs(path, e.GetNeeds(), sc)
	}
	for _, c := range s.pack.GetGuidance() {
		s.add(c, "if", "guidance."+c.GetId(), c.GetIf(), nil)
	}
}

// doLists lists the consequences of every rule.
func doLists(p *policyv1.Pack) []doList {
	var out []doList
	add := func(owner proto.Message, path string, do []*policyv1.Do) {
		if len(do) > 0 {
			out = append(out, doList{owner, path, do})
		}
	}
	for _, o := range p.GetAcceptance().GetOutside() {
		add(o, "acceptance.outside."+o.GetId(), o.GetDo())
	}
	for _, w := range p.GetAcceptance().GetWindows() {
		add(w, "acceptance.windows."+w.GetId(), w.GetDo())
	}
	for _, t := range p.GetRouting().GetTrees() {
		add(t, "routing.trees."+t.GetId()+".undiagnosed", t.GetUndiagnosed())
	}
	for _, c := range p.GetClocks() {
		add(c, "clocks."+c.GetId()+".on_breach", c.GetOnBreach())
	}
	for _, n := range p.GetNotices() {
		add(n, "notices."+n.GetId()+".on_issue", n.GetOnIssue())
		for _, c := range n.GetChoices() {
			add(n, "notices."+n.GetId()+"."+c.GetId(), c.GetDo())
		}
	}
	for _, f := range p.GetFollowUp() {
		add(f, "follow_up."+f.GetId()+".if_dissatisfied", f.GetIfDissatisfied())
		add(f, "follow_up."+f.GetId()+".for_each_bad", f.GetForEachBad())
	}
	for _, r := range p.GetRounds() {
		add(r, "rounds."+r.GetId()+".after_last", r.GetAfterLast())
	}
	for _, c := range p.GetCounters() {
		add(c, "counters."+c.GetId(), c.GetDo())
	}
	for _, r := range p.GetReactions() {
		add(r, "reactions."+r.GetId(), r.GetDo())
	}
	for _, w := range p.GetReports().GetWatches() {
		add(w, "reports.watches."+w.GetId(), w.GetDo())
	}
	return out
}

// allDo lists every consequence in the pack.
func allDo(p *policyv1.Pack) []*policyv1.Do {
	var out []*policyv1.Do
	for _, d := range doLists(p) {
		out = append(out, d.do...)
	}
	return out
}

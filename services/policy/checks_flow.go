package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/calendar"
)

// checkClocks: every clock can start and stop, and has one limit for every grade.
func (c *checker) checkClocks() {
	for _, k := range c.pack.GetClocks() {
		path := "clocks." + k.GetId()
		if why := c.impossible(k.GetFrom()); why != "" {
			c.report(k, "from", path, "L24", fmt.Sprintf("没有什么能启动时限 %s：%s。", k.GetId(), why), fmt.Sprintf("Clock %s is started by nothing: %s.", k.GetId(), why),
				words("请打开它所等的事项，或改写 from。", "Open what it waits for, or name another start."))
		}
		if why := c.impossible(k.GetMetBy()); why != "" {
			c.report(k, "met_by", path, "L23", fmt.Sprintf("没有什么能完成时限 %s：%s。", k.GetId(), why), fmt.Sprintf("Clock %s can never be met: %s.", k.GetId(), why),
				words("请打开它所等的事项，或改写 met_by。", "Open what it waits for, or name another stop."))
		}
		c.checkLimits(path, k)
	}
	if c.openHours() {
		return
	}
	figures(c.pack, func(m proto.Message, field, path, grammar, value string) {
		if l, err := calendar.ParseLimit(value); grammar == "limit" && err == nil && l.Working() {
			c.report(m, field, path, "L26", fmt.Sprintf("%q 需要工作日历。", value), fmt.Sprintf("%q needs a calendar with opening hours.", value),
				words("请写 calendar。", `Add calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: cn}.`))
		}
	})
}

func (c *checker) openHours() bool { return len(c.pack.GetCalendar().GetOpen()) > 0 }

func (c *checker) checkLimits(path string, k *policyv1.Clock) {
	ways := 0
	for _, has := range []bool{k.GetLimit() != "", k.GetScale() != "" || len(k.GetByGrade()) > 0, k.GetUntil() != ""} {
		if has {
			ways++
		}
	}
	if ways != 1 {
		c.report(k, "", path, "L03", "时限须恰有 limit、by_grade 或 until 之一。", "A clock has exactly one of limit, scale with by_grade, or until.", nil)
		return
	}
	if len(k.GetByGrade()) == 0 && k.GetScale() == "" {
		return
	}
	scale := ByID(c.pack.GetGrades(), k.GetScale())
	if scale == nil {
		if k.GetScale() == "" {
			c.report(k, "by_grade", path, "L25", "by_grade 须写明 scale。", "by_grade needs the scale it is about.", didYouMean("", idsOf(c.pack.GetGrades())))
		}
		return
	}
	levels := idsOf(scale.GetLevels())
	for _, l := range levels {
		if _, ok := k.GetByGrade()[l]; !ok {
			c.report(k, "by_grade", path, "L25", fmt.Sprintf("by_grade 缺少 %q。", l), fmt.Sprintf("by_grade lacks %q.", l), words("每一级都须有时限。", fmt.Sprintf("Every level of %s needs a limit; grades may not fall through.", scale.GetId())))
		}
	}
	for _, l := range slices.Sorted(maps.Keys(k.GetByGrade())) {
		if !slices.Contains(levels, l) {
			c.report(k, "by_grade."+l, path, "L25", fmt.Sprintf("%s 没有级别 %q。", scale.GetId(), l), fmt.Sprintf("%s has no level %q.", scale.GetId(), l), didYouMean(l, levels))
		}
	}
}

// impossible says why none of the triggers can ever happen, or "".
func (c *checker) impossible(ts []*policyv1.Trigger) string {
	var why []string
	for _, t := range ts {
		w := c.never(t)
		if w == "" {
			return ""
		}
		why = append(why, w)
	}
	if len(why) == 0 {
		return "it names no event"
	}
	return strings.Join(why, ", ")
}

func (c *checker) never(t *policyv1.Trigger) string {
	id := t.GetId()
	switch t.GetEvent() {
	case policyv1.Event_EVENT_STEP_DONE:
		if id != "" && slices.Contains(c.words.lists["done"], id) && !c.opened(id) {
			return "nothing opens step " + id
		}
	case policyv1.Event_EVENT_CASE_ROUND_STARTED:
		if !slices.ContainsFunc(c.pack.GetRounds(), func(r *policyv1.Round) bool { return (id == "" || r.GetId() == id) && c.startable(r) }) {
			return "no round is ever started"
		}
	case policyv1.Event_EVENT_ACTION_OPENED, policyv1.Event_EVENT_ACTION_CARRIED_OUT, policyv1.Event_EVENT_ACTION_VERIFIED:
		if !slices.ContainsFunc(c.pack.GetCorrectiveAction(), func(a *policyv1.ActionKind) bool { return (id == "" || a.GetId() == id) && c.openable(a) }) {
			return "nothing opens that action"
		}
	case policyv1.Event_EVENT_FOLLOW_UP_ANSWERED:
		if len(c.pack.GetFollowUp()) == 0 {
			return "there is no follow-up"
		}
	}
	return ""
}

// opened tells whether a step is ever opened: by its stage, an event, a consequence or a waiver.
func (c *checker) opened(id string) bool {
	for _, s := range c.pack.GetStages() {
		if st := ByID(s.GetSteps(), id); st != nil {
			return true
		}
	}
	if len(ByID(c.pack.GetDuties(), id).GetOpens()) > 0 {
		return true
	}
	for _, g := range c.pack.GetGates() {
		if g.GetWaiver().GetOwes() == id {
			return true
		}
	}
	return slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetStep() == id })
}

func (c *checker) startable(r *policyv1.Round) bool {
	return len(r.GetStarts()) > 0 || slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetRound() == r.GetId() })
}

func (c *checker) openable(a *policyv1.ActionKind) bool {
	return len(a.GetOpens())+len(a.GetWrittenBy()) > 0 || slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetAction() == a.GetId() })
}

// checkFlow: stages can be entered, duties opened, needs met, first matches reached.
func (c *checker) checkFlow() {
	for _, s := range c.pack.GetStages() {
		path := "stages." + s.GetId()
		if s.GetStatus() == 0 {
			c.report(s, "", path, "L02", "缺少 status。", "status is missing.", didYouMean("", enumWords(policyv1.Status(0).Descriptor())))
		}
		if len(s.GetEnters()) == 0 || c.impossible(s.GetEnters()) != "" {
			c.report(s, "enters", path, "L27", fmt.Sprintf("没有什么进入阶段 %s。", s.GetId()), fmt.Sprintf("Stage %s is entered by nothing, or by round restart only, which starts from inside it.", s.GetId()),
				words("请写 enters。", "Name the event that enters it."))
		}
	}
	for _, st := range c.pack.GetDuties() {
		if !c.opened(st.GetId()) {
			c.report(st, "", "duties."+st.GetId(), "L29", fmt.Sprintf("没有什么打开步骤 %s。", st.GetId()), fmt.Sprintf("Step %s is opened by no event and no do.", st.GetId()), words("请打开它，或删去。", "Add one, or delete the step."))
		}
	}
	c.checkOpeners()
	for _, r := range c.pack.GetRounds() {
		path := "rounds." + r.GetId()
		if !c.startable(r) {
			c.report(r, "", path, "L29", fmt.Sprintf("没有什么启动 %s。", r.GetId()), fmt.Sprintf("Round %s is started by nothing.", r.GetId()), nil)
		}
		if slices.ContainsFunc(r.GetAfterLast(), func(d *policyv1.Do) bool { return d.GetRound() != "" }) {
			c.report(r, "after_last", path, "L38", "最后一轮之后不能再启动一轮。", "What follows the last round cannot be another round.", words("请上报或结案。", "Escalate, or close as FINAL."))
		}
	}
	for _, ch := range c.pack.GetAcceptance().GetChannels() {
		if ch.GetOwner() == "" {
			c.report(ch, "", "acceptance.channels."+ch.GetId(), "L30", fmt.Sprintf("渠道 %s 没有负责人。", ch.GetId()), fmt.Sprintf("Channel %s has no owner.", ch.GetId()), words("请写 owner。", "Name the role that answers for it: owner."))
		}
	}
	for _, s := range c.pack.GetGrades() {
		if o := s.GetOtherwise(); o != "" && ByID(s.GetLevels(), o) == nil {
			c.report(s, "otherwise", "grades."+s.GetId(), "L06", fmt.Sprintf("没有级别 %q。", o), fmt.Sprintf("Level %q is not declared.", o), didYouMean(o, idsOf(s.GetLevels())))
		}
	}
	for i, a := range c.pack.GetRouting().GetAssign() {
		if a.GetIf() == "" && i < len(c.pack.GetRouting().GetAssign())-1 {
			c.report(a, "", "routing.assign."+a.GetId(), "L32", fmt.Sprintf("%s 没有条件，其后的规则到不了。", a.GetId()), fmt.Sprintf("Rule %s has no condition, so the rules after it are never reached.", a.GetId()), words("请移到最后。", "Move it last."))
		}
	}
	c.checkGates()
	c.checkCircles()
}

// checkOpeners: what a do opens has no opener of its own, and everything has one.
func (c *checker) checkOpeners() {
	for _, o := range allSteps(c.pack) {
		st, path := o.Step, "duties."+o.Step.GetId()
		if o.Stage != "" {
			path = "stages." + o.Stage + "." + st.GetId()
		}
		if len(st.GetOpens()) > 0 && slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetStep() == st.GetId() }) {
			c.report(st, "opens", path, "L29", fmt.Sprintf("步骤 %s 由自身的 opens 和 do 重复打开。", st.GetId()), fmt.Sprintf("Step %s is opened by its own opens and by a do: it would be owed twice.", st.GetId()), words("请去掉其一。", "Keep one of them."))
		}
	}
	for _, f := range c.pack.GetFollowUp() {
		if len(f.GetOpens()) == 0 && f.GetEvery() == 0 && !slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetFollowUp() == f.GetId() }) {
			c.report(f, "", "follow_up."+f.GetId(), "L29", fmt.Sprintf("没有什么打开回访 %s。", f.GetId()), fmt.Sprintf("Follow-up %s is opened by no event, no period and no do.", f.GetId()), words("请写 opens 或 every。", "Write opens or every."))
		}
	}
	for _, a := range c.pack.GetCorrectiveAction() {
		if !c.openable(a) {
			c.report(a, "", "corrective_action."+a.GetId(), "L29", fmt.Sprintf("没有什么打开纠正措施 %s。", a.GetId()), fmt.Sprintf("Action %s is opened by no event, no do and nobody.", a.GetId()), words("请写 opens 或 written_by。", "Write opens or written_by."))
		}
	}
}

// checkGates: a gate must ask for something that can be had before the act.
func (c *checker) checkGates() {
	for _, g := range c.pack.GetGates() {
		path := "gates." + g.GetId()
		if len(g.GetBefore()) == 0 || len(g.GetNeeds())+len(g.GetOnly()) == 0 {
			c.report(g, "", path, "L28", "关口须写 before，并写 needs 或 only。", "A gate needs the acts it stands before, and needs or only.", nil)
		}
		for _, a := range g.GetBefore() {
			for _, n := range g.GetNeeds() {
				if g.GetIf() == "" && onlyAfter(a, n) {
					c.report(n, "", path, "L28", fmt.Sprintf("%s 之前所需的只能由 %s 得到。", short(a), short(a)), fmt.Sprintf("What the gate needs before %s is only had by %s.", short(a), short(a)),
						words("请为 needs 的对象单独写条件。", "Write the need at the step, approval or notice itself."))
				}
			}
		}
	}
}

func short(a policyv1.Act) string { return strings.TrimPrefix(a.String(), "ACT_") }

func onlyAfter(a policyv1.Act, n *policyv1.Need) bool {
	switch a {
	case policyv1.Act_ACT_DO_STEP:
		return n.GetStep() != ""
	case policyv1.Act_ACT_SIGN, policyv1.Act_ACT_ASK:
		return n.GetApproval() != ""
	case policyv1.Act_ACT_FILL:
		return n.GetForm() != "" || n.GetFact() != ""
	case policyv1.Act_ACT_ISSUE:
		return n.GetNotice() != ""
	}
	return false
}

// checkCircles finds steps, approvals and notices that wait for each other.
func (c *checker) checkCircles() {
	waits := map[string][]string{}
	owner := map[string]proto.Message{}
	note := func(name string, m proto.Message, needs []*policyv1.Need) {
		owner[name] = m
		for _, n := range needs {
			for kind, id := range map[string]string{"step ": n.GetStep(), "approval ": n.GetApproval(), "notice ": n.GetNotice()} {
				if id != "" {
					waits[name] = append(waits[name], kind+id)
				}
			}
		}
	}
	for _, s := range c.pack.GetStages() {
		for i, st := range s.GetSteps() {
			note("step "+st.GetId(), st, st.GetNeeds())
			if s.GetStrict() && i > 0 && !s.GetSteps()[i-1].GetOptional() {
				waits["step "+st.GetId()] = append(waits["step "+st.GetId()], "step "+s.GetSteps()[i-1].GetId())
			}
		}
	}
	for _, st := range c.pack.GetDuties() {
		note("step "+st.GetId(), st, st.GetNeeds())
	}
	for _, a := range c.pack.GetApprovals() {
		note("approval "+a.GetId(), a, a.GetNeeds())
	}
	for _, n := range c.pack.GetNotices() {
		note("notice "+n.GetId(), n, n.GetNeeds())
	}
	for _, start := range slices.Sorted(maps.Keys(waits)) {
		if path := circle(waits, start); path != nil && start == slices.Min(path) {
			way := strings.Join(append(path, start), " → ")
			c.report(owner[start], "needs", strings.ReplaceAll(start, " ", "s."), "L28", "互相等待："+way+"。", "These wait for each other: "+way+".", words("请去掉其中一项。", "Drop one of the needs."))
		}
	}
}

// circle returns a way from start back to it, or nil.
func circle(waits map[string][]string, start string) []string {
	seen := map[string]bool{}
	var find func(at string, way []string) []string
	find = func(at string, way []string) []string {
		for _, next := range slices.Sorted(slices.Values(waits[at])) {
			if next == start {
				return append(way, at)
			}
			if !seen[next] {
				seen[next] = true
				if found := find(next, append(slices.Clone(way), at)); found != nil {
					return found
				}
			}
		}
		return nil
	}
	return find(start, nil)
}

// checkNotices: placeholders are filled by something, choices have consequences.
func (c *checker) checkNotices() {
	for _, n := range c.pack.GetNotices() {
		path := "notices." + n.GetId()
		if len(n.GetTo()) == 0 {
			c.report(n, "", path, "L36", "通知没有收件人。", "The notice goes to nobody.", words("请写 to。", "Name the receivers: to."))
		}
		if _, err := calendar.New(defaultZone, n.GetHours(), calendar.NoHolidays()); err != nil {
			c.report(n, "hours", path, "L03", err.Error()+"。", err.Error()+".", words(`请写 "mon-sun 08:00-21:00"。`, `Write "mon-sun 08:00-21:00".`))
		}
		for _, p := range n.GetParts() {
			zh, en := c.placeholders(p, path, p.GetText().GetZh()), c.placeholders(p, path, p.GetText().GetEn())
			if !slices.Equal(zh, en) {
				c.report(p, "text", path+"."+p.GetId(), "L35", "中英文的占位符不同。", "The two languages speak of different things: {"+strings.Join(zh, "} {")+"} and {"+strings.Join(en, "} {")+"}.", nil)
			}
		}
		for _, choice := range n.GetChoices() {
			if len(choice.GetDo()) == 0 {
				c.report(choice, "", path+"."+choice.GetId(), "L36", fmt.Sprintf("选择 %s 没有后果。", choice.GetId()), fmt.Sprintf("Choice %s does nothing.", choice.GetId()), words("请写 do。", "Say what follows, for example do: [{mark: concession}]."))
			}
		}
	}
}

func (c *checker) placeholders(p *policyv1.Part, path, text string) []string {
	var out []string
	for _, m := range placeholder.FindAllString(text, -1) {
		name := m[1 : len(m)-1]
		out = append(out, name)
		clock, isDue := strings.CutPrefix(name, "due:")
		known, near := slices.Concat(NoticeNames(), c.declared("fact")), name
		if isDue {
			known, near = c.declared("clock"), clock
		}
		if slices.Contains(known, near) {
			continue
		}
		advice := didYouMean(near, known)
		if isDue && nearest(clock, known) != "" {
			advice = words("是否要写 {due:"+nearest(clock, known)+"}？", "Did you mean {due:"+nearest(clock, known)+"}?")
		}
		c.report(p, "text", path+"."+p.GetId(), "L35", "没有什么填写 "+m+"。", "Nothing fills "+m+".", advice)
	}
	slices.Sort(out)
	return out
}

package policy

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// reach is how far the services carry out what follows from an event, from nothing to everything.
type reach int

const (
	nowhere reach = iota // no service reacts to it
	beside               // outside any case: notices, notes to staff, actions, entries, duties
	atCase               // on a case: everything
)

// reachOf returns what can follow from an event of the object.
func (c *checker) reachOf(event policyv1.Event, id string) reach {
	switch event {
	case policyv1.Event_EVENT_NEWS_RECEIVED:
		return nowhere
	case policyv1.Event_EVENT_PRAISE_RECORDED, policyv1.Event_EVENT_WATCH_TRIPPED:
		return beside
	case policyv1.Event_EVENT_COUNTER_REACHED:
		far := atCase
		for _, k := range c.pack.GetCounters() {
			if id == "" || k.GetId() == id {
				far = min(far, reachOfCount(k.GetOf()))
			}
		}
		return far
	default:
		return atCase
	}
}

// reachOfCount returns what can follow from a counter of such things.
func reachOfCount(of policyv1.Of) reach {
	switch of {
	case policyv1.Of_OF_COMPLAINTS:
		return atCase
	case policyv1.Of_OF_PRAISES, policyv1.Of_OF_ENTRIES, policyv1.Of_OF_ACTIONS:
		return beside
	default:
		return nowhere
	}
}

// checkReach refuses what no service carries out: an event that nobody reacts to, a case's rule that
// waits for what happens outside cases, a count or figure of things that nobody counts.
func (c *checker) checkReach() {
	walk("", c.pack, func(path string, m proto.Message) {
		needs := beside
		switch m.(type) {
		case *policyv1.Clock, *policyv1.Stage, *policyv1.Approval, *policyv1.FollowUp, *policyv1.Round, *policyv1.Exchange:
			needs = atCase
		case *policyv1.Step:
			if strings.HasPrefix(path, "stages.") {
				needs = atCase
			}
		}
		for field, triggers := range triggersOf(m) {
			for i, t := range triggers {
				if far := c.reachOf(t.GetEvent(), t.GetId()); far < needs {
					c.report(t, "", fmt.Sprintf("%s.%s[%d]", path, field, i), "L41",
						fmt.Sprintf("%s 不能引发这条规则。", eventName(t)), fmt.Sprintf("%s brings no rule of this kind about.", eventName(t)), c.instead(far))
				}
			}
		}
	})
	for _, l := range doLists(c.pack) {
		far := c.reachOfList(l)
		for i, d := range l.do {
			if !c.carriedOut(l, d, far) {
				c.report(d, "", fmt.Sprintf("%s.do[%d]", l.path, i), "L41", "这里的后果无人执行。", "Nothing carries this out here.", c.instead(far))
			}
		}
	}
	for _, k := range c.pack.GetCounters() {
		if k.GetOf() != 0 && reachOfCount(k.GetOf()) == nowhere {
			c.report(k, "of", "counters."+k.GetId(), "L41", "这类事项没有计数。", "Nothing counts things of this kind.", words("可计数：COMPLAINTS、PRAISES、ENTRIES、ACTIONS。", "Counted are COMPLAINTS, PRAISES, ENTRIES and ACTIONS."))
		}
	}
	for _, m := range c.pack.GetReports().GetMeasures() {
		switch m.GetOf() {
		case policyv1.Of_OF_PRAISES, policyv1.Of_OF_ENTRIES, policyv1.Of_OF_DEPARTMENTS:
			c.report(m, "of", "reports.measures."+m.GetId(), "L41", "这类事项没有报表数据。", "Reports hold no rows of this kind.", words("可统计：COMPLAINTS、CLOCKS、FOLLOW_UPS、ACTIONS。", "Figures are of COMPLAINTS, CLOCKS, FOLLOW_UPS and ACTIONS."))
		default:
		}
	}
}

// triggersOf returns the triggers of a rule by field.
func triggersOf(m proto.Message) map[string][]*policyv1.Trigger {
	out := map[string][]*policyv1.Trigger{}
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !fd.IsList() || fd.Message() == nil || fd.Message().FullName() != (&policyv1.Trigger{}).ProtoReflect().Descriptor().FullName() {
			continue
		}
		for j := range r.Get(fd).List().Len() {
			if t, ok := r.Get(fd).List().Get(j).Message().Interface().(*policyv1.Trigger); ok {
				out[string(fd.Name())] = append(out[string(fd.Name())], t)
			}
		}
	}
	return out
}

// reachOfList returns how far consequences of a rule are carried out.
func (c *checker) reachOfList(l doList) reach {
	switch o := l.owner.(type) {
	case *policyv1.Counter:
		return reachOfCount(o.GetOf())
	case *policyv1.Watch:
		return beside
	case *policyv1.Reaction:
		far := atCase
		for _, t := range o.GetWhen() {
			far = min(far, c.reachOf(t.GetEvent(), t.GetId()))
		}
		return far
	default:
		return atCase
	}
}

// carriedOut tells whether a consequence is carried out where it stands.
func (c *checker) carriedOut(l doList, d *policyv1.Do, far reach) bool {
	if strings.HasSuffix(l.path, ".for_each_bad") {
		return d.GetAction() != ""
	}
	if far != beside {
		return true // nowhere was reported at its event or count
	}
	switch one := d.GetOne().(type) {
	case *policyv1.Do_Notify, *policyv1.Do_Issue, *policyv1.Do_Action, *policyv1.Do_Entry:
		return true
	case *policyv1.Do_Step:
		return slices.ContainsFunc(c.pack.GetDuties(), func(s *policyv1.Step) bool { return s.GetId() == one.Step })
	}
	return false
}

// instead says what can follow from such an event.
func (c *checker) instead(far reach) *typev1.Text {
	if far == nowhere {
		return words("没有规则由此引发，请删去。", "No rule follows from it; remove it.")
	}
	return words("案件之外只可：notify、issue、action、entry，以及 duties 中的 step。", "Outside cases there are notify, issue, action, entry, and step where it is one of the duties.")
}

func eventName(t *policyv1.Trigger) string {
	return strings.TrimPrefix(t.GetEvent().String(), "EVENT_")
}

package policy

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// whoField tells which fields name people.
func whoField(message, field string) bool {
	switch field {
	case "by":
		return message != "Waiver" || field == "by"
	case "filled_by", "hidden_from", "set_by", "signed_by", "owed_by", "asked_by", "who", "initiators", "decided_by", "dispute_to", "written_by",
		"verified_by", "usually", "normally", "only", "owner", "show_to", "notify", "escalate":
		return (message != "Counter" || field != "only") && (message != "Routing" || field != "owner")
	case "to":
		return message != "Assign"
	case "from":
		return message == "Notice"
	}
	return false
}

// checkWho reads every who: a role, a built-in, a PERSON field or a list with one, or one of them at a place.
func (c *checker) checkWho() {
	names := append(idsOf(c.pack.GetRoles()), "customer", "anyone", "department", "head", "owner", "counted")
	for id, f := range c.words.facts {
		// A list of persons stands for all whom its entries name.
		listed := slices.ContainsFunc(f.field.GetItems(), func(i *policyv1.Field) bool { return i.GetType() == policyv1.FieldType_FIELD_TYPE_PERSON })
		if f.field.GetType() == policyv1.FieldType_FIELD_TYPE_PERSON || listed {
			names = append(names, id)
		}
	}
	placesOf := append(idsOf(c.pack.GetDepartments()), "responsible", "respondent", "receiving", "disputing", "counted")
	figures(c.pack, func(m proto.Message, field, path, grammar, value string) {
		if grammar != "who" || strings.HasPrefix(value, "$") {
			return
		}
		role, place, at := strings.Cut(value, "@")
		if field == "show_to" && slices.Contains(idsOf(c.pack.GetDepartments()), value) {
			return // shown to a whole department
		}
		if !slices.Contains(names, role) {
			c.report(m, field, path, "L06", fmt.Sprintf("没有角色 %q。", role), fmt.Sprintf("Role %q is not declared.", role), didYouMean(role, names))
		}
		if at && !slices.Contains(placesOf, place) {
			c.report(m, field, path, "L06", fmt.Sprintf("没有部门 %q。", place), fmt.Sprintf("Department %q is not declared.", place), didYouMean(place, placesOf))
		}
		if !at && role == "head" {
			c.report(m, field, path, "L30", "head 须写明部门。", "head of which department?", words("请写 head@responsible。", "Write head@responsible, or head@ a department."))
		}
	})
}

// reference says what a field points to, "" if to nothing.
func reference(message, field string) string {
	switch message + "." + field {
	case "Entry.doubles", "Entry.exempts", "Entry.converts", "Do.entry", "Counter.only":
		return "entry"
	case "Node.ask":
		return "connector"
	case "Card.after":
		return "card"
	case "Card.offers":
		return "remedy or form"
	case "Window.each", "Evidence.each", "Cause.each":
		return "list"
	case "Scale.approval", "Window.approval", "Evidence.approval", "Remedy.approval", "Standard.approval", "Standard.deviation", "ActionKind.approval", "Do.ask", "Need.approval":
		return "approval"
	case "Step.form", "Sign.form", "Urgent.form", "FollowUp.form", "Round.form", "Returns.form", "Need.form", "ActionKind.forms", "Window.form":
		return "form"
	case "Need.step", "Waiver.owes", "Do.step":
		return "step"
	case "Need.notice", "Do.issue", "Standard.along", "Entry.notice":
		return "notice"
	case "Need.fact", "Clock.until", "Clock.marked", "Clock.since", "Extension.until", "Part.list", "ActionKind.until", "Measure.mean",
		"Standard.units", "Standard.actual", "Entry.of", "Exchange.match":
		return "fact"
	case "Clock.scale":
		return "scale"
	case "Round.back_to", "Card.stage":
		return "stage"
	case "Do.round":
		return "round"
	case "Do.follow_up":
		return "follow-up"
	case "Do.action":
		return "corrective action"
	case "Do.remedy", "Standard.remedy":
		return "remedy"
	case "Do.assign", "Do.work_order", "Assign.to":
		return "department"
	case "Report.shows", "Watch.measure":
		return "measure"
	case "Category.parent":
		return "category"
	}
	return ""
}

// declared lists the ids that a kind of reference can name.
func (c *checker) declared(kind string) []string {
	p := c.pack
	switch kind {
	case "approval":
		return idsOf(p.GetApprovals())
	case "form":
		return idsOf(p.GetForms())
	case "step":
		return c.words.lists["done"]
	case "notice":
		return idsOf(p.GetNotices())
	case "fact":
		var out []string
		for id := range c.words.facts {
			out = append(out, id)
		}
		return append(out, "received")
	case "scale":
		return idsOf(p.GetGrades())
	case "stage":
		return idsOf(p.GetStages())
	case "round":
		return idsOf(p.GetRounds())
	case "follow-up":
		return idsOf(p.GetFollowUp())
	case "corrective action":
		return idsOf(p.GetCorrectiveAction())
	case "remedy":
		return idsOf(p.GetCompensation().GetRemedies())
	case "department":
		return idsOf(p.GetDepartments())
	case "measure":
		return idsOf(p.GetReports().GetMeasures())
	case "category":
		return idsOf(p.GetCategories())
	case "clock":
		return c.words.lists["breached"]
	case "entry":
		return idsOf(p.GetAssessment())
	case "connector":
		return idsOf(p.GetRouting().GetConnectors())
	case "card":
		return idsOf(p.GetGuidance())
	case "remedy or form":
		return append(idsOf(p.GetCompensation().GetRemedies()), idsOf(p.GetForms())...)
	case "list":
		var out []string
		for id, f := range c.words.facts {
			if f.field.GetType() == policyv1.FieldType_FIELD_TYPE_LIST {
				out = append(out, id)
			}
		}
		return out
	case "counter":
		return idsOf(p.GetCounters())
	case "watch":
		return idsOf(p.GetReports().GetWatches())
	}
	return nil
}

// eventKind says what the id of an event names, "" if nothing in the pack.
func eventKind(e policyv1.Event) string {
	word := strings.TrimPrefix(e.String(), "EVENT_")
	switch {
	case word == "FORM_FILLED":
		return "form"
	case word == "STEP_DONE":
		return "step"
	case word == "CASE_STAGE_ENTERED":
		return "stage"
	case word == "CASE_ROUND_STARTED":
		return "round"
	case word == "ENTRY_MADE":
		return "entry"
	case word == "COUNTER_REACHED":
		return "counter"
	case word == "WATCH_TRIPPED":
		return "watch"
	case strings.HasPrefix(word, "CLOCK_"):
		return "clock"
	case strings.HasPrefix(word, "APPROVAL_"):
		return "approval"
	case strings.HasPrefix(word, "ACTION_"):
		return "corrective action"
	case strings.HasPrefix(word, "NOTICE_"):
		return "notice"
	case strings.HasPrefix(word, "FOLLOW_UP_"):
		return "follow-up"
	}
	return ""
}

// checkReferences looks up every id that a rule names.
func (c *checker) checkReferences() {
	walk("", c.pack, func(path string, m proto.Message) {
		if t, ok := m.(*policyv1.Trigger); ok {
			c.checkTrigger(path, t)
			return
		}
		c.checkOne(path, m)
		r := m.ProtoReflect()
		r.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			kind := reference(string(r.Descriptor().Name()), string(fd.Name()))
			if kind == "" {
				return true
			}
			if fd.IsList() {
				for i := range v.List().Len() {
					c.lookUp(m, fmt.Sprintf("%s[%d]", fd.Name(), i), join(path, string(fd.Name())), kind, v.List().Get(i).String())
				}
				return true
			}
			c.lookUp(m, string(fd.Name()), join(path, string(fd.Name())), kind, v.String())
			return true
		})
	})
}

func (c *checker) lookUp(m proto.Message, field, path, kind, id string) {
	known := c.declared(kind)
	if slices.Contains(known, id) {
		return
	}
	rule, en, zh := "L06", fmt.Sprintf("%s %q is not declared.", kind, id), fmt.Sprintf("没有声明 %s %q。", kind, id)
	if kind == "fact" {
		rule, en, zh = "L14", fmt.Sprintf("Nobody can record %q: no form has it.", id), fmt.Sprintf("没有表单记录 %q。", id)
	}
	c.report(m, field, path, rule, zh, en, didYouMean(id, known))
}

func (c *checker) checkTrigger(path string, t *policyv1.Trigger) {
	if t.GetEvent() == 0 {
		c.report(t, "", path, "L02", "缺少 event。", "The event is missing.", nil)
		return
	}
	if t.GetId() == "" {
		return
	}
	kind := eventKind(t.GetEvent())
	if kind == "" {
		c.report(t, "id", path, "L06", "这个事件不带 id。", fmt.Sprintf("%s is about no object of the pack; it takes no id.", strings.TrimPrefix(t.GetEvent().String(), "EVENT_")), nil)
		return
	}
	c.lookUp(t, "id", path, kind, t.GetId())
}

// checkOne asks needs and consequences for exactly one thing.
func (c *checker) checkOne(path string, m proto.Message) {
	switch m.(type) {
	case *policyv1.Need, *policyv1.Do:
	default:
		return
	}
	r := m.ProtoReflect()
	fields := r.Descriptor().Oneofs().Get(0).Fields()
	n := 0
	for i := range fields.Len() {
		if _, written := c.places[m][string(fields.Get(i).Name())]; written || c.places[m] == nil && r.Has(fields.Get(i)) {
			n++
		}
	}
	if n != 1 {
		c.report(m, "", path, "L01", "这里应恰好写一项。", "Exactly one thing must be named here.", words("请分成几项。", "Write one entry for each."))
	}
}

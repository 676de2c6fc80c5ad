package scenario

import (
	"slices"
	"strings"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// refusal turns a fault into what was seen of it: the class of its reason, the rule and
// clause it quotes, and the ids of what is missing. Without a clause of its own the
// scenario wants that of the rule in the pack.
func (w *world) refusal(m *move, f *fault.Error) sighting {
	r := m.GetRefused()
	missing := make([]any, 0, len(r.GetMissing()))
	for _, id := range slices.Sorted(slices.Values(r.GetMissing())) {
		missing = append(missing, id)
	}
	clause := r.GetClause()
	if clause == "" {
		clause = w.play.pack.policy.Rule(r.GetRule()).GetClause()
	}
	seen := []any{}
	for _, id := range missingIn(f) {
		seen = append(seen, id)
	}
	rule := f.Rule.GetRule()
	if rule == "" {
		rule = f.Facts["rule"]
	}
	return sighting{
		want: map[string]any{"because": word(r.GetBecause()), "rule": r.GetRule(), "clause": clause, "missing": missing},
		seen: map[string]any{"because": because(f), "rule": rule, "clause": f.Rule.GetClause(), "missing": seen},
		at:   m.spot.at("refused"),
	}
}

// because returns the class of a refusal. A rule of the pack says it itself; a form
// lacks facts or holds what is none of the choices; the rest follows from the reason.
// A reason without a class is returned as it is and never equals one.
func because(f *fault.Error) string {
	if b := f.Facts["because"]; b != "" {
		return b
	}
	if strings.HasSuffix(f.Reason, "FORM_INCOMPLETE") || f.Reason == policy.ReasonForm {
		for _, v := range f.Violations {
			if slices.Contains([]string{policy.FieldOption, policy.FieldRange, policy.FieldType, policy.FieldUnknown}, v.Reason) {
				return "CHOICE"
			}
		}
		return "INCOMPLETE"
	}
	if b, ok := classes()[f.Reason]; ok {
		return b
	}
	return f.Reason
}

// classes are the reasons of the services by the class a scenario names.
func classes() map[string]string {
	out := map[string]string{}
	for class, reasons := range map[string][]string{
		"LINT":       {packInvalid},
		"INCOMPLETE": {"PARAMETER_UNSET", "CHANNEL_WITHOUT_OWNER", "DELAY_REASON_MISSING", "APPROVAL_FACTS_MISSING", "APPROVAL_COMMENT_REQUIRED", "DEPARTMENT_NEEDED"},
		"GATE":       {"OBLIGATION_OPEN", "NOT_REGISTERED"},
		"ORDER":      {"APPROVAL_ORDER"},
		"ROLE":       {"RULE_ROLE", "INITIATOR", "STEP_ROLE", "GRADE_ROLE", "FORM_ROLE", "APPROVAL_ASKER", "FOLLOW_UP_HANDLER", "PERMISSION_DENIED"},
		"AUTHORITY":  {"APPROVAL_AUTHORITY", "APPROVAL_OWN_REQUEST", "APPROVAL_ALREADY_SIGNED", "APPROVAL_RECUSED"},
		"AMOUNT":     {"AMOUNT_INVALID"},
		"CHOICE": {
			"CHANNEL_UNKNOWN", "CATEGORY_UNKNOWN", "GROUND_UNKNOWN", "GROUND_OUT_OF_SCOPE", "REMEDY_UNKNOWN", "GRADE_UNKNOWN", "MEASURE_UNKNOWN",
			"FORM_UNKNOWN",
		},
		"STATE": {
			"COMPLAINT_STATE", "CASE_STATE", "PLAN_STATE", "PLAN_PENDING", "MEASURE_STATE", "CLAIM_STATE", "CLAIM_HELD", "STEP_NOT_OPEN", "STEP_NOT_OPTIONAL",
			"GRADE_PENDING", "FOLLOW_UP_STATE", "NOTICE_STATE", "APPROVAL_NOT_OPEN", "APPROVAL_STEP_DONE", "APPROVAL_STILL_OPEN", "CLOCK_NOT_RUNNING", "PERIOD_NOT_OVER",
		},
	} {
		for _, r := range reasons {
			out[r] = class
		}
	}
	return out
}

// missingIn returns the ids of what a fault says is missing, sorted, each once: fields
// without the path of the request that leads to them; who may, if it is a matter of who.
func missingIn(f *fault.Error) []string {
	var out []string
	for _, v := range f.Violations {
		id := v.Field
		for _, path := range []string{"complaint.", "claim.", "plan.", "proposal.", "reply.", "offer.", "facts."} {
			id = strings.TrimPrefix(id, path)
		}
		out = append(out, id)
	}
	for _, key := range []string{"missing", "next", "who"} {
		if listed := f.Facts[key]; len(out) == 0 && listed != "" {
			out = strings.Split(listed, ", ")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

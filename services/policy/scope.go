package policy

import (
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// kind is the type of one field of a scope row, as conditions see it.
type kind int

const (
	kindString kind = iota + 1
	kindBool
	kindInt
	kindMoney
	kindTime
	kindList   // of strings
	kindSealed // words, persons, files: only has() may ask
	kindRows   // entries of a LIST fact
	kindRow    // the answers of a connector
	kindWords  // words of which only the phrases that the pack names are known
)

type column struct {
	name string
	kind kind
	// closed lists the only values of a string; nil if any.
	closed []string
}

// row is one name that conditions know, with its fields.
type row struct {
	name    string
	columns []column
}

func cols(k kind, names string) []column {
	var out []column
	for n := range strings.FieldsSeq(names) {
		out = append(out, column{name: n, kind: k})
	}
	return out
}

func with(parts ...[]column) []column { return slices.Concat(parts...) }

func closedTo(name string, values ...string) []column {
	return []column{{name: name, kind: kindString, closed: values}}
}

// alwaysRows are in scope everywhere, with the facts, grades, parameters and look-ups of the pack
// and the lists of listRows.
//
// Source: PACK-SKETCH.md 2.3.
func alwaysRows() []row {
	return []row{
		{"complaint", with(cols(kindString, "number channel category ground customer_kind service business"),
			closedTo("medium", enumWords(policyv1.Medium(0).Descriptor())...),
			closedTo("stands", "UNDECIDED", "UPHELD", "NOT_UPHELD", "VALID", "INVALID", "OUT_OF_SCOPE"),
			closedTo("expression", "COMPLAINT", "GRIEVANCE", "APPEAL", "REPORT", "EXPECTATION", "NON_POSITIVE", "SUGGESTION", "PRAISE"),
			closedTo("origin", "CUSTOMER", "FOLLOW_UP", "SURVEY", "FORWARDED", "HEAD_OFFICE"),
			cols(kindBool, "external_channel urgent contact_known repeated verified"), cols(kindTime, "received"), cols(kindList, "documents"))},
		{"case", with(cols(kindString, "stage cause respondent"), closedTo("status", enumWords(policyv1.Status(0).Descriptor())...),
			closedTo("liability", "OPEN", "COMPANY", "CUSTOMER", "THIRD_PARTY"), cols(kindList, "departments"), cols(kindInt, "round offers"),
			cols(kindBool, "cause_known owner_named front_line"))},
	}
}

// listRows are lists of ids that are in scope everywhere.
func listRows() []string { return []string{"done", "issued", "approved", "breached", "marks"} }

// eventRows are in scope where an event, an act or an object brings them.
//
// praise.employee is sealed: what people wrote is not decided upon. Of reply.text a condition may ask
// whether it holds a phrase that the pack names; see Policy.Phrases.
func eventRows() []row {
	return []row{
		{"form", with(cols(kindString, "id by"), cols(kindList, "documents"))},
		{"step", cols(kindString, "id by")},
		{"plan", with(cols(kindBool, "draft adjusted"), cols(kindInt, "version measures"))},
		{"offer", with(cols(kindString, "remedy answer"), cols(kindMoney, "amount"), cols(kindInt, "number"))},
		{"approval", with(cols(kindString, "id sign outcome"), cols(kindBool, "by_telephone"))},
		{"claim", with(cols(kindString, "ground remedy initiator"), cols(kindMoney, "amount"), cols(kindList, "causes"))},
		{"liability", with(cols(kindString, "cause party"), cols(kindBool, "provisional"))},
		{"goods", with(cols(kindString, "origin disposition"), cols(kindMoney, "value"), cols(kindInt, "quantity"), cols(kindBool, "urgent bulk complaint_linked"))},
		{"action", with(cols(kindString, "id kind department"), cols(kindBool, "late verified"))},
		{"reply", with(cols(kindString, "notice"), closedTo("medium", enumWords(policyv1.Medium(0).Descriptor())...), cols(kindWords, "text"), cols(kindList, "by"), cols(kindBool, "substantive conforms"))},
		{"notice", cols(kindString, "id answer")},
		{"follow_up", with(cols(kindString, "id item"), cols(kindInt, "score"), cols(kindBool, "satisfied dissatisfied wants_more answered"))},
		{"clock", with(cols(kindString, "id"), cols(kindInt, "late"), cols(kindBool, "met breached"))},
		{"entry", with(cols(kindString, "id person"), cols(kindInt, "points occurrence"))},
		{"praise", cols(kindSealed, "employee")},
		{"news", cols(kindString, "kind place")},
		{"repeat", with(cols(kindString, "number"), cols(kindTime, "received"))},
	}
}

// scope is the set of event rows a condition may read, and whose facts.
type scope map[string]bool

func scopeOf(rows ...string) scope {
	s := scope{}
	for _, r := range rows {
		if r != "" {
			s[r] = true
		}
	}
	return s
}

func (s scope) plus(other scope) scope {
	out := scope{}
	for r := range s {
		out[r] = true
	}
	for r := range other {
		out[r] = true
	}
	return out
}

func (s scope) and(other scope) scope {
	out := scope{}
	for r := range s {
		if other[r] {
			out[r] = true
		}
	}
	return out
}

// aboutRow names the row whose presence brings the facts of a subject; "" is always there.
func aboutRow(a policyv1.About) string {
	switch a {
	case policyv1.About_ABOUT_PLAN:
		return "plan"
	case policyv1.About_ABOUT_CLAIM:
		return "claim"
	case policyv1.About_ABOUT_GOODS:
		return "goods"
	case policyv1.About_ABOUT_ACTION:
		return "action"
	case policyv1.About_ABOUT_FOLLOW_UP:
		return "follow_up"
	case policyv1.About_ABOUT_PENALTY:
		return "entry"
	}
	return ""
}

// subjectRow names the row that a subject of approvals brings.
func subjectRow(s policyv1.Subject) string {
	switch s {
	case policyv1.Subject_SUBJECT_PLAN:
		return "plan"
	case policyv1.Subject_SUBJECT_CLAIM, policyv1.Subject_SUBJECT_DEVIATION:
		return "claim"
	case policyv1.Subject_SUBJECT_RETURN:
		return "goods"
	case policyv1.Subject_SUBJECT_LIABILITY:
		return "liability"
	case policyv1.Subject_SUBJECT_ACTION:
		return "action"
	case policyv1.Subject_SUBJECT_PENALTY:
		return "entry"
	case policyv1.Subject_SUBJECT_REPLY:
		return "reply"
	case policyv1.Subject_SUBJECT_EXTENSION:
		return "clock"
	}
	return ""
}

// ofRow names the row that a counter or measure of it brings.
func ofRow(o policyv1.Of) string {
	switch o {
	case policyv1.Of_OF_FOLLOW_UPS:
		return "follow_up"
	case policyv1.Of_OF_CLOCKS:
		return "clock"
	case policyv1.Of_OF_ENTRIES:
		return "entry"
	case policyv1.Of_OF_ACTIONS:
		return "action"
	case policyv1.Of_OF_PRAISES:
		return "praise"
	}
	return ""
}

// eventRow names the row that an event brings, from its first word.
func eventRow(e policyv1.Event) string {
	word := strings.TrimPrefix(e.String(), "EVENT_")
	for _, r := range eventRows() {
		if strings.HasPrefix(word, strings.ToUpper(r.name)+"_") {
			return r.name
		}
	}
	if e == policyv1.Event_EVENT_MEASURE_CARRIED_OUT {
		return "plan"
	}
	return ""
}

// actRow names the row that an act brings.
func actRow(a policyv1.Act) string {
	switch a {
	case policyv1.Act_ACT_FILL:
		return "form"
	case policyv1.Act_ACT_DO_STEP, policyv1.Act_ACT_SKIP_STEP:
		return "step"
	case policyv1.Act_ACT_PROPOSE_PLAN, policyv1.Act_ACT_START_PLAN, policyv1.Act_ACT_CARRY_OUT:
		return "plan"
	case policyv1.Act_ACT_OFFER, policyv1.Act_ACT_ANSWER_OFFER:
		return "offer"
	case policyv1.Act_ACT_ASK, policyv1.Act_ACT_SIGN:
		return "approval"
	case policyv1.Act_ACT_REQUEST_CLAIM, policyv1.Act_ACT_SET_METHOD, policyv1.Act_ACT_PAY:
		return "claim"
	case policyv1.Act_ACT_ALLOCATE, policyv1.Act_ACT_DISPUTE:
		return "liability"
	case policyv1.Act_ACT_REPORT_GOODS, policyv1.Act_ACT_GIVE_NOTICE_OF_RETURN, policyv1.Act_ACT_BRING_BACK, policyv1.Act_ACT_STORE_GOODS, policyv1.Act_ACT_DISPOSE:
		return "goods"
	case policyv1.Act_ACT_OPEN_ACTION, policyv1.Act_ACT_IMPLEMENT, policyv1.Act_ACT_VERIFY_ACTION:
		return "action"
	case policyv1.Act_ACT_REPLY:
		return "reply"
	case policyv1.Act_ACT_ISSUE, policyv1.Act_ACT_ANSWER_NOTICE:
		return "notice"
	case policyv1.Act_ACT_FOLLOW_UP, policyv1.Act_ACT_CLOSE, policyv1.Act_ACT_COMPLETE:
		return "follow_up"
	case policyv1.Act_ACT_EXTEND:
		return "clock"
	case policyv1.Act_ACT_PENALISE:
		return "entry"
	case policyv1.Act_ACT_RECORD_PRAISE:
		return "praise"
	case policyv1.Act_ACT_NEWS:
		return "news"
	}
	return ""
}

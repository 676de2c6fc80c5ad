package policy

import (
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Sheet is what is known when a condition is read. What is nil or absent is unknown, except the
// five lists of ids: an id that is not in the list is known not to be there.
//
// A sheet is only read; it may be used by several calls at once.
type Sheet struct {
	Complaint *ComplaintFacts
	Case      *CaseFacts
	// Facts by field id: those of forms about the complaint, and of the subject in scope.
	Facts map[string]*typev1.Fact
	// Grade is the level in force, by scale.
	Grade map[string]string
	// Done, Issued, Approved, Breached and Marks hold ids of steps, notices, approvals, clocks and
	// marks. Approved holds the approvals in force for the subject at hand.
	Done, Issued, Approved, Breached, Marks []string
	// Filled holds the ids of forms that were filled; needs of a form read it.
	Filled []string
	// Unsigned names the signatures still missing, by approval, so that a refusal can list them;
	// an approval that is not here is named itself.
	Unsigned map[string][]string
	// Scope holds what an event or act brings: "claim", "reply", "follow_up" and so on (PACK-SKETCH
	// 2.3), field by field. Values are string, bool, int64, *typev1.Money, time.Time or []string.
	Scope map[string]map[string]any
	// Lookup holds what connectors answered; a field that is absent is unknown.
	Lookup Answers
	// line is the entry of a LIST at hand, for rules that are decided line by line; see OnLine.
	line map[string]*typev1.Fact
}

// ComplaintFacts are what conditions read as complaint.… A nil pointer is unknown.
type ComplaintFacts struct {
	Number, Channel, Medium, Origin, Expression, Category, Ground, CustomerKind, Service, Business, Stands *string
	ExternalChannel, Urgent, ContactKnown, Repeated, Verified                                              *bool
	Received                                                                                               *time.Time
	// Documents holds kinds of evidence; nil is unknown, empty is none.
	Documents []string
}

// CaseFacts are what conditions read as case.… A nil pointer is unknown.
type CaseFacts struct {
	Stage, Status, Cause, Liability, Respondent *string
	// Departments responsible; nil is unknown.
	Departments                       []string
	Round, Offers                     *int64
	CauseKnown, OwnerNamed, FrontLine *bool
}

func text(s *string) ref.Val {
	if s == nil {
		return nil
	}
	return types.String(*s)
}

func flag(b *bool) ref.Val {
	if b == nil {
		return nil
	}
	return types.Bool(*b)
}

func number(n *int64) ref.Val {
	if n == nil {
		return nil
	}
	return types.Int(*n)
}

func list(l []string) ref.Val {
	if l == nil {
		return nil
	}
	return types.NewStringList(types.DefaultTypeAdapter, l)
}

func (c *ComplaintFacts) field(name string) ref.Val {
	if c == nil {
		return nil
	}
	switch name {
	case "number":
		return text(c.Number)
	case "channel":
		return text(c.Channel)
	case "medium":
		return text(c.Medium)
	case "origin":
		return text(c.Origin)
	case "expression":
		return text(c.Expression)
	case "category":
		return text(c.Category)
	case "ground":
		return text(c.Ground)
	case "customer_kind":
		return text(c.CustomerKind)
	case "service":
		return text(c.Service)
	case "business":
		return text(c.Business)
	case "stands":
		return text(c.Stands)
	case "external_channel":
		return flag(c.ExternalChannel)
	case "urgent":
		return flag(c.Urgent)
	case "contact_known":
		return flag(c.ContactKnown)
	case "repeated":
		return flag(c.Repeated)
	case "verified":
		return flag(c.Verified)
	case "received":
		if c.Received != nil {
			return types.Timestamp{Time: *c.Received}
		}
	case "documents":
		return list(c.Documents)
	}
	return nil
}

func (c *CaseFacts) field(name string) ref.Val {
	if c == nil {
		return nil
	}
	switch name {
	case "stage":
		return text(c.Stage)
	case "status":
		return text(c.Status)
	case "cause":
		return text(c.Cause)
	case "liability":
		return text(c.Liability)
	case "respondent":
		return text(c.Respondent)
	case "departments":
		return list(c.Departments)
	case "round":
		return number(c.Round)
	case "offers":
		return number(c.Offers)
	case "cause_known":
		return flag(c.CauseKnown)
	case "owner_named":
		return flag(c.OwnerNamed)
	case "front_line":
		return flag(c.FrontLine)
	}
	return nil
}

// fact turns a recorded fact into what conditions see; nil is unknown. A fact of another type than
// its field's is an error: it never decides.
func (v *vocabulary) fact(field *policyv1.Field, f *typev1.Fact) ref.Val {
	if t := factType(f); t != 0 && t != field.GetType() {
		return types.NewErr("fact %s: the sheet holds a %s", field.GetId(), t)
	}
	switch x := f.GetValue().(type) {
	case *typev1.Fact_Flag:
		return types.Bool(x.Flag)
	case *typev1.Fact_Count:
		return types.Int(x.Count)
	case *typev1.Fact_Score:
		return types.Int(x.Score)
	case *typev1.Fact_Money:
		return moneyVal(x.Money)
	case *typev1.Fact_Choice:
		return types.String(x.Choice)
	case *typev1.Fact_Choices:
		return types.NewStringList(types.DefaultTypeAdapter, x.Choices.GetValues())
	case *typev1.Fact_Department:
		return types.String(strings.TrimPrefix(x.Department, "departments/"))
	case *typev1.Fact_Instant:
		return types.Timestamp{Time: x.Instant.AsTime()}
	case *typev1.Fact_Date:
		d, err := time.ParseInLocation(time.DateOnly, x.Date, v.zone)
		if err != nil {
			return types.NewErr("date %q", x.Date)
		}
		return types.Timestamp{Time: d.AddDate(0, 0, 1).Add(-time.Second)}
	case *typev1.Fact_Text, *typev1.Fact_Person, *typev1.Fact_File:
		return types.True // never read: only has() may ask
	case *typev1.Fact_Rows:
		out := make([]ref.Val, 0, len(x.Rows.GetValues()))
		for _, r := range x.Rows.GetValues() {
			out = append(out, v.entry(field, r))
		}
		return types.NewRefValList(types.DefaultTypeAdapter, out)
	}
	return nil
}

func (v *vocabulary) entry(list *policyv1.Field, r *typev1.Row) ref.Val {
	return &record{name: "entry", typ: types.NewObjectType("row.entry"), get: func(item string) ref.Val {
		return v.fact(ByID(list.GetItems(), item), r.GetValues()[item])
	}}
}

package domain

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// GoodsEvent is one change of goods on their way back.
type GoodsEvent = EventOf[*compensationv1.Goods]

// GoodsIdentity is what newly reported goods are given.
type GoodsIdentity struct {
	// Name and Number are the goods' own.
	Name, Number string
	// Case is the file whose duties they start, CaseNumber the number of its complaint.
	Case, CaseNumber string
	// Subject is the data subject whose key seals their texts.
	Subject string
	// Revision is the policy revision they fall under.
	Revision string
}

// handling collects the events of one act on goods.
type handling struct {
	Act

	goods  *compensationv1.Goods
	events []GoodsEvent
}

func handle(a Act, g *compensationv1.Goods) *handling {
	d := &handling{Act: a, goods: proto.CloneOf(g)}
	d.goods.Etag = ""
	return d
}

func (d *handling) tell(change proto.Message, rules ...*typev1.RuleRef) {
	d.goods.UpdateTime = timestamppb.New(d.Now)
	d.events = append(d.events, GoodsEvent{State: proto.CloneOf(d.goods), Change: change, Rules: quoted(rules)})
}

// sheet is what conditions see: complaint and case, and the goods as they stand.
func (d *handling) sheet() *policy.Sheet {
	base := &policy.Sheet{}
	if d.Sheet != nil {
		base = d.Sheet
	}
	return sheet.WithGoods(base, d.goods)
}

// gate refuses an act that the pack does not allow yet, papers included.
func (d *handling) gate(act policyv1.Act, id string) error {
	s := d.sheet()
	if act == policyv1.Act_ACT_FILL {
		s = sheet.WithForm(s, id, d.By.Name)
	}
	unmet := d.Policy.Gate(act, d.subject(id), s)
	unmet = append(unmet, d.papers(act, s)...)
	if f := closed(ReasonGate, unmet); f != nil {
		return f
	}
	return nil
}

// returnsRule quotes the section on returns.
func (d *handling) returnsRule() *typev1.RuleRef {
	return d.Policy.Rule(d.Policy.Rules().GetReturns().GetId())
}

// Report puts goods on file that a customer refuses or sends back. The value follows from
// quantity and unit price where both are given. Goods that cannot wait for papers are put
// forward at once, so that the authority may be given by telephone; so are goods of a pack
// that has no form of a return. Facts given are of the pack's forms about goods; reporting
// fills no form.
//
// Faults: RETURNS_UNKNOWN, ORIGIN_UNKNOWN, GOODS_VALUE, FORM_INCOMPLETE, GATE_CLOSED, and
// those of approval.Open.
//
// Source: PROCEDURES P27 4.5.1, 4.5.2; PACK-SKETCH 2.2 (Returns).
func Report(id GoodsIdentity, in *compensationv1.Goods, a Act) ([]GoodsEvent, error) {
	returns := a.Policy.Rules().GetReturns()
	if returns == nil {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoReturns, "because", "STATE")
	}
	d := handle(a, &compensationv1.Goods{
		Name: id.Name, Number: id.Number, Case: id.Case, CaseNumber: id.CaseNumber, Subject: id.Subject, PolicyRevision: id.Revision,
		Complaint: in.GetComplaint(), State: reported, Origin: in.GetOrigin(), Quantity: in.GetQuantity(), Urgent: in.GetUrgent(), Bulk: in.GetBulk(),
		Facts: cloneFacts(in.GetFacts()), Reporter: a.By.Name, ReportTime: timestamppb.New(a.Now),
	})
	if err := d.worth(in); err != nil {
		return nil, err
	}
	if err := d.known(returns.GetOrigins(), in.GetOrigin(), ReasonOrigin, "origin"); err != nil {
		return nil, err
	}
	if wrong := d.loose(in.GetFacts()); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", returns.GetForm()).With(d.returnsRule()).WithViolations(wrong...)
	}
	if err := d.gate(policyv1.Act_ACT_REPORT_GOODS, ""); err != nil {
		return nil, err
	}
	d.tell(&compensationv1.GoodsReported{}, d.returnsRule(), d.Policy.Rule(in.GetOrigin()))
	def, unmet := d.Policy.ApprovalFor(policyv1.Subject_SUBJECT_RETURN, d.sheet())
	if len(unmet) > 0 || def == nil {
		return d.events, nil // it is asked for when what it waits for is on file
	}
	if d.mayCall(def) || returns.GetForm() == "" {
		if err := d.putForward(def, false); err != nil && !waits(err) {
			return nil, err
		}
	}
	return d.events, nil
}

const (
	reported  = compensationv1.Goods_STATE_REPORTED
	announced = compensationv1.Goods_STATE_ANNOUNCED
	back      = compensationv1.Goods_STATE_BACK
	stored    = compensationv1.Goods_STATE_STORED
	disposed  = compensationv1.Goods_STATE_DISPOSED
)

// worth takes the value: given, or quantity times unit price; both must agree.
//
// Source: PROCEDURES K8; SCENARIOS P27-S3.
func (d *handling) worth(in *compensationv1.Goods) error {
	wrong := func(field string, err error) error {
		f := fault.New(fault.Invalid, ReasonGoodsValue, "because", "AMOUNT").WithViolations(fault.Violation{Field: "goods." + field, Reason: ReasonGoodsValue})
		if err != nil {
			f = f.Wrap(err)
		}
		return f
	}
	read := func(field string, m *typev1.Money) (*money.Amount, error) {
		if m == nil {
			return nil, nil
		}
		amount, err := money.Parse(m)
		if err != nil || amount.Currency() != money.CNY {
			return nil, wrong(field, err)
		}
		return &amount, nil
	}
	value, err := read("value", in.GetValue())
	if err != nil {
		return err
	}
	price, err := read("unit_price", in.GetUnitPrice())
	if err != nil {
		return err
	}
	if price != nil {
		d.goods.UnitPrice = price.Format()
	}
	if price != nil && in.GetQuantity() > 0 {
		product, err := price.Times(in.GetQuantity())
		if err != nil {
			return wrong("unit_price", err)
		}
		if value != nil && value.Text() != product.Text() {
			return wrong("value", nil)
		}
		value = &product
	}
	if value != nil {
		d.goods.Value = value.Format()
	}
	return nil
}

// known refuses an id that the pack does not list, or whose condition does not hold.
func (d *handling) known(items []*policyv1.Item, id, reason, field string) error {
	item := policy.ByID(items, id)
	if item == nil {
		ids := make([]string, len(items))
		for i, o := range items {
			ids[i] = o.GetId()
		}
		return fault.New(fault.Invalid, reason, field, id, "allowed", strings.Join(ids, ", "), "because", "CHOICE").With(d.returnsRule()).
			WithViolations(fault.Violation{Field: field, Reason: reason})
	}
	if item.GetIf() == "" {
		return nil
	}
	holds, missing, err := d.Policy.Eval(item.GetIf(), d.sheet())
	if err != nil || holds == policy.True {
		return err
	}
	u := policy.Unmet{Gate: d.Policy.Rule(id), Need: policy.NeedThat, ID: id, Because: policyv1.Because_BECAUSE_GATE, Missing: missing}
	if holds == policy.Unknown {
		u.Because = policyv1.Because_BECAUSE_INCOMPLETE
	}
	return closed(ReasonGate, []policy.Unmet{u})
}

// goodsForms are the pack's forms about goods.
func goodsForms(p *policy.Policy) []*policyv1.Form {
	return slices.DeleteFunc(slices.Clone(p.Rules().GetForms()), func(f *policyv1.Form) bool { return f.GetAbout() != policyv1.About_ABOUT_GOODS })
}

// loose checks facts that come without a form of their own: each must be a field of a
// form about goods, and of its type.
func (d *handling) loose(facts map[string]*typev1.Fact) []fault.Violation {
	return looseFacts(d.Policy, goodsForms(d.Policy), facts, d.sheet())
}

// looseFacts returns what is wrong with facts given without filling any of the forms.
func looseFacts(p *policy.Policy, forms []*policyv1.Form, facts map[string]*typev1.Fact, s *policy.Sheet) []fault.Violation {
	var out []fault.Violation
	for _, id := range slices.Sorted(maps.Keys(facts)) {
		field := "facts." + id
		i := slices.IndexFunc(forms, func(f *policyv1.Form) bool { return policy.ByID(f.GetFields(), id) != nil })
		if i < 0 {
			out = append(out, fault.Violation{Field: field, Reason: policy.FieldUnknown})
			continue
		}
		for _, v := range p.CheckForm(forms[i].GetId(), map[string]*typev1.Fact{id: facts[id]}, s, nil) {
			if v.Field == field || strings.HasPrefix(v.Field, field+"[") {
				out = append(out, v)
			}
		}
	}
	return out
}

func cloneFacts(facts map[string]*typev1.Fact) map[string]*typev1.Fact {
	out := make(map[string]*typev1.Fact, len(facts))
	for id, f := range facts {
		out[id] = proto.CloneOf(f)
	}
	return out
}

// FillGoods fills a form about goods; what was recorded before counts, what is filled
// again is replaced. The form of the return puts the goods forward; where they were put
// forward already without it, by telephone, it is the paperwork. Filled with other facts
// after signatories saw them, it voids their signatures and puts the goods forward anew.
//
// Faults: FORM_UNKNOWN, FORM_INCOMPLETE, GATE_CLOSED (who may fill it included),
// WINDOW_CLOSED, and those of approval.Open.
//
// Source: PROCEDURES P27 4.5.2, 4.5.3, P27-A4.
func FillGoods(g *compensationv1.Goods, form string, facts map[string]*typev1.Fact, a Act) ([]GoodsEvent, error) {
	def := policy.ByID(a.Policy.Rules().GetForms(), form)
	if def.GetAbout() != policyv1.About_ABOUT_GOODS {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", form).WithViolations(fault.Violation{Field: "form", Reason: policy.FormUnknown})
	}
	d := handle(a, g)
	if err := d.gate(policyv1.Act_ACT_FILL, form); err != nil {
		return nil, err
	}
	if err := inTime(a.Policy.Windows(form, d.sheet(), a.Now), form); err != nil {
		return nil, err
	}
	own := map[string]*typev1.Fact{}
	for _, field := range def.GetFields() {
		if f := g.GetFacts()[field.GetId()]; f != nil {
			own[field.GetId()] = f
		}
	}
	maps.Copy(own, facts)
	if wrong := a.Policy.CheckForm(form, own, d.sheet(), a.Warned); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", form).With(a.Policy.Rule(form)).WithViolations(wrong...)
	}
	if d.goods.Facts == nil {
		d.goods.Facts = map[string]*typev1.Fact{}
	}
	maps.Copy(d.goods.Facts, cloneFacts(own))
	filled := &compensationv1.GoodsForm{Form: form, Filler: a.By.Name, FillTime: timestamppb.New(a.Now)}
	d.goods.Forms = append(slices.DeleteFunc(d.goods.GetForms(), func(f *compensationv1.GoodsForm) bool { return f.GetForm() == form }), filled)
	d.tell(&compensationv1.GoodsFormFilled{Form: form}, a.Policy.Rule(form))
	if err := d.again(form); err != nil {
		return nil, err
	}
	return d.events, nil
}

// step records that goods have come further. A later state may be reached from any
// earlier one; what must come before is the pack's to say.
func step(g *compensationv1.Goods, to compensationv1.Goods_State, act policyv1.Act, note string, change proto.Message, a Act, set func(*handling) error) ([]GoodsEvent, error) {
	if g.GetState() >= to {
		var wanted []string
		for s := reported; s < to; s++ {
			wanted = append(wanted, word(s))
		}
		return nil, fault.New(fault.FailedPrecondition, ReasonGoodsState, "state", word(g.GetState()), "wanted", strings.Join(wanted, ", "), "because", "STATE", "name", g.GetName())
	}
	d := handle(a, g)
	if set != nil {
		if err := set(d); err != nil {
			return nil, err
		}
	}
	if err := d.gate(act, ""); err != nil {
		return nil, err
	}
	d.goods.State = to
	d.goods.Steps = append(d.goods.Steps, &compensationv1.GoodsStep{State: to, Person: a.By.Name, StepTime: timestamppb.New(a.Now), Note: note})
	d.tell(change, d.returnsRule(), d.Policy.Rule(d.goods.GetDisposition()))
	return d.events, nil
}

// Announce records that the customer was told that the goods may come back. Faults:
// GOODS_STATE, GATE_CLOSED. Source: PROCEDURES P27 4.5.2 d.
func Announce(g *compensationv1.Goods, note string, a Act) ([]GoodsEvent, error) {
	return step(g, announced, policyv1.Act_ACT_GIVE_NOTICE_OF_RETURN, note, &compensationv1.GoodsAnnounced{}, a, nil)
}

// BringBack records that goods are back on the premises. Faults: GOODS_STATE, GATE_CLOSED.
func BringBack(g *compensationv1.Goods, note string, a Act) ([]GoodsEvent, error) {
	return step(g, back, policyv1.Act_ACT_BRING_BACK, note, &compensationv1.GoodsBack{}, a, nil)
}

// Store records that goods were taken into the store. Faults: GOODS_STATE, GATE_CLOSED.
func Store(g *compensationv1.Goods, note string, a Act) ([]GoodsEvent, error) {
	return step(g, stored, policyv1.Act_ACT_STORE_GOODS, note, &compensationv1.GoodsStored{}, a, nil)
}

// Dispose records what becomes of goods. Faults: GOODS_STATE, DISPOSITION_UNKNOWN,
// GATE_CLOSED. Source: PROCEDURES P27 4.5.3 b.
func Dispose(g *compensationv1.Goods, disposition, note string, a Act) ([]GoodsEvent, error) {
	return step(g, disposed, policyv1.Act_ACT_DISPOSE, note, &compensationv1.GoodsDisposed{}, a, func(d *handling) error {
		d.goods.Disposition = disposition
		return d.known(d.Policy.Rules().GetReturns().GetDispositions(), disposition, ReasonDisposition, "disposition")
	})
}

// Link gives goods that were reported without one their complaint, once: later texts are
// sealed under its data subject. The file in which their duties run stays the one they
// were reported to. Faults: GOODS_LINKED.
//
// Source: PROCEDURES P27 4.5.3 d, P27-A10.
func Link(g *compensationv1.Goods, complaint, number, subject string, a Act) ([]GoodsEvent, error) {
	if g.GetComplaint() == complaint {
		return nil, nil
	}
	if g.GetComplaint() != "" {
		return nil, fault.New(fault.FailedPrecondition, ReasonGoodsLinked, "complaint", g.GetComplaint(), "because", "STATE")
	}
	d := handle(a, g)
	d.goods.Complaint, d.goods.CaseNumber, d.goods.Subject = complaint, number, subject
	d.tell(&compensationv1.GoodsLinked{}, d.returnsRule())
	return d.events, nil
}

package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// act is how one act of the language is called.
type act struct {
	// takes are the keys of with besides facts.
	takes []string
	// facts: further keys are fields of the pack's forms.
	facts bool
	// prepares: the act makes calls before the one that may be refused, and says itself
	// when that is (input.beforeLast).
	prepares bool
	// method is the RPC of an act that is called by its declaration.
	method *method
	// do returns the name of what was made, if anything was.
	do func(ctx context.Context, w *world, in *input) (made string, err error)
}

// accepts tells whether a move may give the act a value of that name.
func (a act) accepts(key string, w *words) bool {
	return slices.Contains(a.takes, key) || a.method != nil && a.method.takes(key) || a.facts && w.fields[key] != nil
}

// selectors say which of several subjects an act is on, where its request does not.
func selectors() []string { return []string{"approval", "step", "entry", "form", "department"} }

// act is how an act of a move is called: by code of its own where a scenario says less
// than the RPC wants, else by the RPC's declaration. ok is false if no RPC is the act.
func (w *words) act(a policyv1.Act, with map[string]*structpb.Value) (_ act, ok bool) {
	own, known := acts()[a]
	m := w.methodFor(a, with)
	switch a {
	case policyv1.Act_ACT_SIGN:
		known = known && m == nil
	case policyv1.Act_ACT_FILL:
		about := w.forms[with["form"].GetStringValue()].GetAbout()
		known = about == policyv1.About_ABOUT_COMPLAINT || about == policyv1.About_ABOUT_CLAIM || m == nil
	case policyv1.Act_ACT_DO_STEP, policyv1.Act_ACT_SKIP_STEP:
		known = m == nil || m.on == "cases/*"
	case policyv1.Act_ACT_PAY:
		known = with["entry"] == nil || m == nil
	}
	if known || m == nil {
		return own, known
	}
	return act{
		takes: selectors(), facts: m.takesFacts(), method: m,
		do: func(ctx context.Context, w *world, in *input) (string, error) { return callAct(ctx, w, in, m) },
	}, true
}

// acts is the table from acts to public RPCs whose scenarios say less than the RPC
// wants: whose newest subject is meant, what finance does first. The others are called
// by their declaration; see callAct.
//
// Source: PACK-SKETCH 2.5.
func acts() map[policyv1.Act]act {
	return map[policyv1.Act]act{
		policyv1.Act_ACT_REGISTER: {facts: true, do: register, takes: []string{
			"channel", "medium", "origin", "category", "ground", "description", "demands", "complaint_object", "expression", "urgent", "external_channel",
			"repeat_of", "display_name", "telephone", "email", "address", "locale", "kind", "received", "service", "business", "respondent",
		}},
		policyv1.Act_ACT_FILL:          {facts: true, do: fill, takes: []string{"form", "note"}},
		policyv1.Act_ACT_VERIFY:        {do: verify, takes: []string{"note"}},
		policyv1.Act_ACT_WITHDRAW:      {do: withdraw, takes: []string{"reason"}},
		policyv1.Act_ACT_GRADE:         {do: grade, takes: []string{"scale", "level", "basis"}},
		policyv1.Act_ACT_SIGN:          {facts: true, do: sign, takes: []string{"approval", "decision", "comment"}},
		policyv1.Act_ACT_ASSIGN:        {do: assign, takes: []string{"to", "category"}},
		policyv1.Act_ACT_NAME_OWNER:    {do: nameOwner, takes: []string{"owner"}},
		policyv1.Act_ACT_RECORD_CAUSE:  {facts: true, do: recordCause, takes: []string{"content", "source", "liability"}},
		policyv1.Act_ACT_DO_STEP:       {facts: true, do: doStep, takes: []string{"step", "note"}},
		policyv1.Act_ACT_SKIP_STEP:     {do: skipStep, takes: []string{"step", "note"}},
		policyv1.Act_ACT_PROPOSE_PLAN:  {do: proposePlan, takes: []string{"measures", "summary", "draft"}},
		policyv1.Act_ACT_START_PLAN:    {do: startPlan},
		policyv1.Act_ACT_CARRY_OUT:     {do: carryOut, takes: []string{"measure", "note"}},
		policyv1.Act_ACT_EXTEND:        {do: extend, takes: []string{"clock", "measure", "until", "reason"}},
		policyv1.Act_ACT_REPLY:         {do: reply, takes: []string{"medium", "substantive", "result", "content", "sent", "deliver"}},
		policyv1.Act_ACT_CLOSE:         {do: closeCase, takes: []string{"note"}},
		policyv1.Act_ACT_FOLLOW_UP:     {facts: true, do: followUp, takes: []string{"mode", "form"}},
		policyv1.Act_ACT_REPORT:        {do: makeReport, takes: []string{"report", "period", "per", "written"}},
		policyv1.Act_ACT_REQUEST_CLAIM: {facts: true, do: requestClaim, takes: []string{"ground", "remedy", "amount", "units", "causes", "justification", "payee"}},
		policyv1.Act_ACT_SET_METHOD:    {do: setMethod, takes: []string{"remedy", "amount", "units"}},
		policyv1.Act_ACT_PAY:           {do: pay, prepares: true, takes: []string{"stage", "voucher"}},
	}
}

// stand is what the suite is told where a scenario does not care.
const stand = "scenario"

func (w *world) intake() intakev1.IntakeServiceClient {
	return intakev1.NewIntakeServiceClient(w.conn("intake"))
}

func (w *world) routing() routingv1.RoutingServiceClient {
	return routingv1.NewRoutingServiceClient(w.conn("routing"))
}

// register registers a complaint by the channel named, or the pack's first. Each comes
// from another customer: one mailbox takes only so many mails a day.
func register(ctx context.Context, w *world, in *input) (string, error) {
	pack := w.play.pack.words.pack
	channel, medium := "telephone", policyv1.Medium_MEDIUM_TELEPHONE
	if all := pack.GetAcceptance().GetChannels(); len(all) > 0 {
		channel, medium = all[0].GetId(), all[0].GetMedium()
	}
	channel = in.text("channel", channel)
	for _, c := range pack.GetAcceptance().GetChannels() {
		if c.GetId() == channel {
			medium = c.GetMedium()
		}
	}
	c := &intakev1.Complaint{
		Channel: channel, Category: in.text("category", ""), Ground: in.text("ground", ""), Description: in.text("description", stand),
		ComplaintObject: in.text("complaint_object", ""), Demands: in.texts("demands"), Expression: in.text("expression", ""),
		Urgent: in.flag("urgent"), ExternalChannel: in.flag("external_channel"), Service: in.text("service", ""), Business: in.text("business", ""),
		Medium: intakev1.Medium(intakev1.Medium_value["MEDIUM_"+in.text("medium", word(medium))]),
		Origin: intakev1.Origin(intakev1.Origin_value["ORIGIN_"+in.text("origin", "")]),
		Complainant: &intakev1.Complainant{
			DisplayName: in.text("display_name", "顾客"), Telephone: in.text("telephone", ""), Email: in.text("email", fmt.Sprintf("customer-%d@customer.example", w.registered+1)),
			Address: in.text("address", ""), Kind: in.text("kind", ""), Locale: in.text("locale", "zh-CN"),
		},
	}
	if against := in.text("respondent", ""); against != "" {
		c.Respondent = "departments/" + against
	}
	switch repeats := in.text("repeat_of", ""); repeats {
	case "":
	case "newest":
		c.RepeatOf = w.complaint
	default:
		c.RepeatOf = w.named[repeats]
	}
	var err error
	if c.ReceiveTime, err = in.instant("received"); err != nil {
		return "", err
	}
	if c.Facts, err = in.facts(); err != nil {
		return "", err
	}
	made, err := w.intake().CreateComplaint(w.acting(ctx), &intakev1.CreateComplaintRequest{Complaint: c, RequestId: uuid.NewString()})
	if err != nil {
		return "", err
	}
	w.registered++
	w.complaint, w.number, w.claim = made.GetComplaint().GetName(), made.GetComplaint().GetNumber(), ""
	return w.complaint, nil
}

// seen returns the complaint of a move as it stands.
func (w *world) seen(ctx context.Context, in *input) (*intakev1.Complaint, error) {
	name, err := in.subject(w.complaint, "complaints")
	if err != nil {
		return nil, err
	}
	return w.getComplaint(ctx, name)
}

func (w *world) getComplaint(ctx context.Context, name string) (*intakev1.Complaint, error) {
	got, err := w.intake().GetComplaint(w.reading(ctx), &intakev1.GetComplaintRequest{Name: name})
	return got.GetComplaint(), err
}

// fill fills a form. One about a claim that records the customer's refusal is filled
// by the RPC that records it.
func fill(ctx context.Context, w *world, in *input) (string, error) {
	form := w.play.pack.words.forms[in.text("form", "")]
	if form.GetAbout() == policyv1.About_ABOUT_CLAIM {
		for step := range w.play.pack.words.refusals {
			if w.play.pack.words.formOfStep(step) == form {
				return recordRefusal(ctx, w, in, form)
			}
		}
	}
	if form.GetAbout() != policyv1.About_ABOUT_COMPLAINT {
		return "", in.mistake("the form %q is filled with the act it belongs to, not by FILL", form.GetId())
	}
	c, err := w.seen(ctx, in)
	if err != nil {
		return "", err
	}
	facts, err := in.facts()
	if err != nil {
		return "", err
	}
	_, err = w.intake().FillForm(w.acting(ctx), &intakev1.FillFormRequest{Name: c.GetName(), Form: form.GetId(), Facts: facts, Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

func verify(ctx context.Context, w *world, in *input) (string, error) {
	c, err := w.seen(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.intake().VerifyComplaint(w.acting(ctx), &intakev1.VerifyComplaintRequest{Name: c.GetName(), Note: in.text("note", ""), Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

func withdraw(ctx context.Context, w *world, in *input) (string, error) {
	c, err := w.seen(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.intake().WithdrawComplaint(w.acting(ctx), &intakev1.WithdrawComplaintRequest{Name: c.GetName(), Reason: in.text("reason", ""), Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// kase returns the case of a move as it stands; of goods that no complaint is about, their file.
func (w *world) kase(ctx context.Context, in *input) (*routingv1.Case, error) {
	if goods := w.newest["goods/*"]; w.complaint == "" && goods != "" {
		got, err := w.routing().GetCase(w.reading(ctx), &routingv1.GetCaseRequest{Name: "cases/" + strings.TrimPrefix(goods, "goods/")})
		return got.GetCase(), err
	}
	name, err := in.subject(w.complaint, "complaints")
	if err != nil {
		return nil, err
	}
	return w.getCase(ctx, name)
}

func caseName(complaint string) string {
	return "cases/" + strings.TrimPrefix(complaint, "complaints/")
}

func (w *world) getCase(ctx context.Context, complaint string) (*routingv1.Case, error) {
	got, err := w.routing().GetCase(w.reading(ctx), &routingv1.GetCaseRequest{Name: caseName(complaint)})
	return got.GetCase(), err
}

// plan returns the newest plan of a move's case as it stands.
func (w *world) plan(ctx context.Context, in *input) (*routingv1.Plan, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	if k.GetCurrentPlan() == "" {
		return nil, in.mistake("there is no plan yet")
	}
	got, err := w.routing().GetPlan(w.reading(ctx), &routingv1.GetPlanRequest{Name: k.GetCurrentPlan()})
	return got.GetPlan(), err
}

// grade proposes a level; without a scale, on the pack's only one.
func grade(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	only := ""
	if scales := w.play.pack.words.pack.GetGrades(); len(scales) == 1 {
		only = scales[0].GetId()
	}
	_, err = w.routing().ProposeGrade(w.acting(ctx), &routingv1.ProposeGradeRequest{
		Name: k.GetName(), Etag: k.GetEtag(), RequestId: uuid.NewString(),
		Proposal: &routingv1.GradeProposal{Scale: in.text("scale", only), Level: in.text("level", ""), Basis: in.text("basis", stand)},
	})
	return "", err
}

// sign signs the approval named, on the newest subject that has one.
func sign(ctx context.Context, w *world, in *input) (string, error) {
	a := w.play.pack.words.approvals[in.text("approval", "")]
	decision := typev1.Decision(typev1.Decision_value["DECISION_"+in.text("decision", "APPROVE")])
	if decision == typev1.Decision_DECISION_UNSPECIFIED {
		return "", in.mistake("decision is %q; write APPROVE, REJECT or RETURN", in.text("decision", ""))
	}
	comment := in.text("comment", "")
	switch a.GetOf() {
	case policyv1.Subject_SUBJECT_GRADE:
		k, err := w.kase(ctx, in)
		if err != nil {
			return "", err
		}
		_, err = w.routing().SignGrade(w.acting(ctx), &routingv1.SignGradeRequest{Name: k.GetName(), Decision: decision, Comment: comment, Etag: k.GetEtag(), RequestId: uuid.NewString()})
		return "", err
	case policyv1.Subject_SUBJECT_PLAN:
		p, err := w.plan(ctx, in)
		if err != nil {
			return "", err
		}
		_, err = w.routing().SignPlan(w.acting(ctx), &routingv1.SignPlanRequest{Name: p.GetName(), Decision: decision, Comment: comment, Etag: p.GetEtag(), RequestId: uuid.NewString()})
		return "", err
	case policyv1.Subject_SUBJECT_CLAIM:
		return signClaim(ctx, w, in, decision, comment)
	}
	return "", in.mistake("this release has no RPC to sign the approval of a %s", word(a.GetOf()))
}

func assign(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.routing().AssignCase(w.acting(ctx), &routingv1.AssignCaseRequest{
		Name: k.GetName(), Category: in.text("category", ""), Departments: departments(in.texts("to")), Etag: k.GetEtag(), RequestId: uuid.NewString(),
	})
	return "", err
}

func nameOwner(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.routing().NameOwner(w.acting(ctx), &routingv1.NameOwnerRequest{Name: k.GetName(), Owner: in.person(in.text("owner", "")), Etag: k.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

func recordCause(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	f := &routingv1.Finding{
		Source: in.text("source", ""), Content: in.text("content", stand), Cause: true,
		Liability: routingv1.Liability(routingv1.Liability_value["LIABILITY_"+in.text("liability", "")]),
	}
	if f.Facts, err = in.facts(); err != nil {
		return "", err
	}
	_, err = w.routing().RecordFinding(w.acting(ctx), &routingv1.RecordFindingRequest{Parent: k.GetName(), RequestId: uuid.NewString(), Finding: f})
	return "", err
}

// doStep does a duty. The one that records the customer's refusal of non-cash is done
// by compensation's RPC, which owns what stands before money.
func doStep(ctx context.Context, w *world, in *input) (string, error) {
	step := in.text("step", "")
	if w.play.pack.words.refusals[step] {
		return recordRefusal(ctx, w, in, w.play.pack.words.formOfStep(step))
	}
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	note := in.text("note", "")
	facts, err := in.facts()
	if err != nil {
		return "", err
	}
	_, err = w.routing().DoStep(w.acting(ctx), &routingv1.DoStepRequest{Name: k.GetName(), Step: step, Note: note, Facts: facts, Etag: k.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

func skipStep(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.routing().SkipStep(w.acting(ctx), &routingv1.SkipStepRequest{Name: k.GetName(), Step: in.text("step", ""), Note: in.text("note", stand), Etag: k.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// proposePlan puts a plan forward. A measure is words alone, or its fields.
func proposePlan(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	plan := &routingv1.Plan{Summary: in.text("summary", ""), Draft: in.flag("draft")}
	in.taken["measures"] = true
	for _, v := range in.values["measures"].GetListValue().GetValues() {
		if v.GetStructValue() == nil {
			plan.Measures = append(plan.Measures, &routingv1.Measure{Description: plainText(v)})
			continue
		}
		m, err := measure(in, v.GetStructValue().GetFields())
		if err != nil {
			return "", err
		}
		plan.Measures = append(plan.Measures, m)
	}
	made, err := w.routing().ProposePlan(w.acting(ctx), &routingv1.ProposePlanRequest{Parent: k.GetName(), Plan: plan, RequestId: uuid.NewString()})
	return made.GetPlan().GetName(), err
}

func measure(in *input, values map[string]*structpb.Value) (*routingv1.Measure, error) {
	f := &input{world: in.world, move: in.move, values: values, taken: map[string]bool{}}
	m := &routingv1.Measure{
		Id: f.text("id", ""), Description: f.text("description", stand), Kind: routingv1.Measure_Kind(routingv1.Measure_Kind_value["KIND_"+f.text("kind", "WORK")]),
		Person: f.person(f.text("person", "")), Limit: f.text("limit", ""), Resources: f.text("resources", ""), Amount: f.money("amount"),
		Remedy: f.text("remedy", ""), Ground: f.text("ground", ""), Causes: f.texts("causes"), ActionKind: f.text("action_kind", ""),
	}
	if d := f.text("department", ""); d != "" {
		m.Department = "departments/" + d
	}
	var err error
	if m.DueTime, err = f.instant("due"); err != nil {
		in.wrong = true
		return nil, err
	}
	for key := range values {
		if !f.taken[key] {
			return nil, in.mistake("a measure takes no %q", key)
		}
	}
	return m, nil
}

func startPlan(ctx context.Context, w *world, in *input) (string, error) {
	p, err := w.plan(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.routing().StartPlan(w.acting(ctx), &routingv1.StartPlanRequest{Name: p.GetName(), Etag: p.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

// carryOut records a measure as done; without one named, all that a person does.
func carryOut(ctx context.Context, w *world, in *input) (string, error) {
	wanted := in.text("measure", "")
	p, err := w.plan(ctx, in)
	if err != nil {
		return "", err
	}
	var left []string
	for _, m := range p.GetMeasures() {
		if wanted == "" && m.GetKind() == routingv1.Measure_KIND_WORK && m.GetState() != routingv1.Measure_STATE_DONE || m.GetId() == wanted {
			left = append(left, m.GetId())
		}
	}
	for _, id := range left {
		done, err := w.routing().CompleteMeasure(w.acting(ctx), &routingv1.CompleteMeasureRequest{Name: p.GetName(), Measure: id, Note: in.text("note", ""), Etag: p.GetEtag(), RequestId: uuid.NewString()})
		if err != nil {
			return "", err
		}
		p = done.GetPlan()
	}
	if len(left) == 0 {
		return "", in.mistake("the plan has no measure to carry out")
	}
	return "", nil
}

// measureClock is the pack's clock of measures: its resources are extended through the plan.
const measureClock = "measure"

// extend moves a limit: of a measure by delaying it, of another clock by extending it.
func extend(ctx context.Context, w *world, in *input) (string, error) {
	until, err := in.instant("until")
	if err != nil {
		return "", err
	}
	kind := in.text("clock", measureClock)
	reason := in.text("reason", "")
	if kind != measureClock {
		c, err := w.clock(ctx, in, kind)
		if err != nil {
			return "", err
		}
		_, err = clockv1.NewClockServiceClient(w.conn("routing")).ExtendClock(w.acting(ctx), &clockv1.ExtendClockRequest{
			Name: c.GetName(), DueTime: until, Reason: reason, Etag: c.GetEtag(), RequestId: uuid.NewString(),
		})
		return "", err
	}
	p, err := w.plan(ctx, in)
	if err != nil {
		return "", err
	}
	id := in.text("measure", "")
	if id == "" && len(p.GetMeasures()) == 1 {
		id = p.GetMeasures()[0].GetId()
	}
	_, err = w.routing().DelayMeasure(w.acting(ctx), &routingv1.DelayMeasureRequest{Name: p.GetName(), Measure: id, Reason: reason, DueTime: until, Etag: p.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

func (w *world) clock(ctx context.Context, in *input, kind string) (*clockv1.Clock, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	all, err := w.clocks(ctx, k.GetName())
	if err != nil {
		return nil, err
	}
	for _, c := range slices.Backward(all) {
		if c.GetKind() == kind {
			return c, nil
		}
	}
	return nil, in.mistake("the case has no clock %q", kind)
}

func reply(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	sent, err := in.instant("sent")
	if err != nil {
		return "", err
	}
	_, err = w.routing().RecordReply(w.acting(ctx), &routingv1.RecordReplyRequest{Parent: k.GetName(), RequestId: uuid.NewString(), Reply: &routingv1.Reply{
		Medium: strings.ToLower(in.text("medium", "telephone")), Substantive: in.flag("substantive"), Result: in.flag("result"),
		Content: in.text("content", stand), SendTime: sent, Deliver: in.flag("deliver"),
	}})
	return "", err
}

func closeCase(ctx context.Context, w *world, in *input) (string, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return "", err
	}
	_, err = w.routing().CloseCase(w.acting(ctx), &routingv1.CloseCaseRequest{Name: k.GetName(), Note: in.text("note", ""), Etag: k.GetEtag(), RequestId: uuid.NewString()})
	return "", err
}

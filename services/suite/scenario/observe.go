package scenario

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// sighting is what was seen at one place where something was expected.
type sighting struct {
	// want is what the scenario says and seen what the API shows, as trees of maps,
	// lists, strings, numbers and truth values.
	want, seen map[string]any
	// at is where the wanted values stand.
	at spot
}

// expected turns an expectation into a tree: the same for the comparison and for mutants.
func expected(x *policyv1.Expect) map[string]any {
	out := map[string]any{}
	put := func(key string, v map[string]any) {
		if len(v) > 0 {
			out[key] = v
		}
	}
	put("complaint", x.GetComplaint().AsMap())
	put("case", x.GetCase().AsMap())
	put("claim", x.GetClaim().AsMap())
	put("report", x.GetReport().AsMap())
	put("why", x.GetWhy().AsMap())
	put("goods", x.GetGoods().AsMap())
	put("newest", x.GetNewest().AsMap())
	put("liability", anyOf(x.GetLiability()))
	put("entries", bookings(x.GetEntries()))
	if len(x.GetCards()) > 0 {
		out["cards"] = map[string]any{"shown": anys(x.GetCards())}
	}
	put("card", x.GetCard().AsMap())
	if len(x.GetCounts()) > 0 {
		out["counts"] = counted(x.GetCounts())
	}
	put("steps", anyOf(x.GetSteps()))
	put("notices", anyOf(x.GetNotices()))
	clocks := map[string]any{}
	for id, c := range x.GetClocks() {
		clocks[id] = filled(map[string]string{"due": c.GetDue(), "state": c.GetState(), "since": c.GetSince()})
	}
	put("clocks", clocks)
	approvals := map[string]any{}
	for id, a := range x.GetApprovals() {
		one := filled(map[string]string{"state": a.GetState(), "paperwork_due": a.GetPaperworkDue()})
		if len(a.GetNext()) > 0 {
			one["next"] = anys(a.GetNext())
		}
		approvals[id] = one
	}
	put("approvals", approvals)
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func anyOf(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func filled(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

// look reads what the API shows of everything that a move expects something of.
func (w *world) look(ctx context.Context, m *move) (sighting, error) {
	in := &input{world: w, move: m, taken: map[string]bool{}}
	s := sighting{want: expected(m.GetExpect()), seen: map[string]any{}, at: m.spot.at("expect")}
	eyes := map[string]func(context.Context, *input) (map[string]any, error){
		"complaint": w.seeComplaint, "case": w.seeCase, "clocks": w.seeClocks, "steps": w.seeSteps, "approvals": w.seeApprovals,
		"notices": w.seeNotices, "claim": w.seeClaim, "report": w.seeReport, "why": w.seeWhy,
		"goods": w.seeGoods, "newest": w.seeNewest, "liability": w.seeLiability, "entries": w.seeEntries, "cards": w.seeCards, "card": w.seeCard,
	}
	for key := range s.want {
		if key == "counts" {
			seen, err := w.seeCounts(ctx, in)
			if err != nil {
				return s, err
			}
			s.seen[key] = seen
			continue
		}
		seen, err := eyes[key](ctx, in)
		if err != nil {
			return s, err
		}
		s.seen[key] = seen
	}
	return s, nil
}

func (w *world) seeComplaint(ctx context.Context, in *input) (map[string]any, error) {
	c, err := w.seen(ctx, in)
	if err != nil {
		return nil, err
	}
	return w.plain(c.ProtoReflect()).(map[string]any), nil
}

// seeCase shows the case and, under plan, its newest plan.
func (w *world) seeCase(ctx context.Context, in *input) (map[string]any, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	out := w.plain(k.ProtoReflect()).(map[string]any)
	if k.GetCurrentPlan() != "" {
		p, err := w.routing().GetPlan(w.reading(ctx), &routingv1.GetPlanRequest{Name: k.GetCurrentPlan()})
		if err != nil {
			return nil, err
		}
		out["plan"] = w.plain(p.GetPlan().ProtoReflect())
	}
	return out, nil
}

// seeClocks shows the newest clock of each id, those of measures also by "measure." and
// the measure.
func (w *world) seeClocks(ctx context.Context, in *input) (map[string]any, error) {
	var all []*clockv1.Clock
	if w.complaint != "" || w.newest["goods/*"] != "" {
		k, err := w.kase(ctx, in)
		if err != nil {
			return nil, err
		}
		if all, err = w.clocks(ctx, k.GetName()); err != nil {
			return nil, err
		}
	}
	out := map[string]any{}
	if err := w.seeOtherClocks(ctx, out); err != nil {
		return nil, err
	}
	for _, c := range all {
		one := w.seeClock(c)
		out[c.GetKind()] = one
		if c.GetKind() == measureClock {
			parts := strings.SplitN(c.GetName()[strings.LastIndexByte(c.GetName(), '/')+1:], "-", 3)
			out[measureClock+"."+parts[len(parts)-1]] = one
		}
	}
	return out, nil
}

func (w *world) seeClock(c *clockv1.Clock) map[string]any {
	out := map[string]any{"state": word(c.GetState())}
	if c.GetDueTime() != nil {
		out["due"] = c.GetDueTime().AsTime().In(w.zone).Format(time.DateTime)
	}
	since := c.GetBreachTime()
	if c.GetState() == clockv1.Clock_STATE_STOPPED {
		out["state"] = word(c.GetOutcome())
		since = c.GetStopTime()
	}
	if since != nil {
		out["since"] = since.AsTime().In(w.zone).Format(time.DateTime)
	}
	return out
}

// seeSteps shows the duties of the case and, of the same words, those outside any complaint.
func (w *world) seeSteps(ctx context.Context, in *input) (map[string]any, error) {
	if w.complaint == "" && w.newest["goods/*"] == "" {
		out := map[string]any{}
		return out, w.seeDuties(ctx, out)
	}
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, s := range k.GetSteps() { // in order of opening
		out[s.GetId()] = word(s.GetState())
	}
	return out, w.seeDuties(ctx, out)
}

// approvalsOf returns the newest approvals of everything that belongs to the case, by id.
func (w *world) approvalsOf(ctx context.Context, in *input) (map[string]*typev1.Approval, error) {
	var found []*typev1.Approval
	if w.complaint != "" || w.newest["goods/*"] != "" {
		k, err := w.kase(ctx, in)
		if err != nil {
			return nil, err
		}
		found = append(found, k.GetGradeProposal().GetApproval())
	}
	for _, pattern := range approvable() {
		if strings.HasPrefix(pattern, "cases/") && w.complaint == "" && w.newest["goods/*"] == "" {
			continue
		}
		items, err := w.resources(ctx, in, pattern)
		if err != nil {
			return nil, err
		}
		if on := w.named[in.move.GetOn()]; patternOf(on) == pattern {
			items = slices.DeleteFunc(items, func(i protoreflect.Message) bool { return textIn(i, "name") != on })
		}
		for _, item := range items {
			found = append(found, approvalIn(item))
		}
	}
	out := map[string]*typev1.Approval{}
	for _, a := range found {
		if a != nil {
			out[a.GetId()] = a
		}
	}
	return out, nil
}

// approvable are the kinds of resources that carry an approval.
//
//nolint:gochecknoglobals // computed once, never changed
var approvable = sync.OnceValue(func() []string {
	var out []string
	for _, p := range patterns() {
		fields := itemsOf(lister(p).desc.Output()).Message().Fields()
		for i := range fields.Len() {
			if fd := fields.Get(i); fd.Message() != nil && !fd.IsList() && fd.Message().FullName() == "redress.type.v1.Approval" {
				out = append(out, p)
			}
		}
	}
	return out
})

func (w *world) seeApprovals(ctx context.Context, in *input) (map[string]any, error) {
	found, err := w.approvalsOf(ctx, in)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for id, a := range found {
		next := []any{}
		for _, s := range a.GetSteps() {
			if a.GetState() != typev1.Approval_STATE_OPEN || s.GetState() != typev1.ApprovalStep_STATE_OPEN {
				continue
			}
			for _, who := range s.GetWho() {
				if !slices.ContainsFunc(s.GetSignatures(), func(g *typev1.Signature) bool { return g.GetWho() == who }) {
					next = append(next, who)
				}
			}
		}
		one := map[string]any{"state": word(a.GetState()), "next": next}
		if due := a.GetPaperworkDueTime(); due != nil {
			one["paperwork_due"] = due.AsTime().In(w.zone).Format(time.DateTime)
		}
		if a.GetByTelephone() && a.GetState() == typev1.Approval_STATE_GRANTED {
			one["state"] = "BY_TELEPHONE"
		}
		out[id] = one
	}
	return out, nil
}

// seeNotices shows the state of the newest notice of each id, and its fields by id, dot
// and field: those of the complaint, and those about none. Of notices to several, that to the
// customer is shown.
func (w *world) seeNotices(ctx context.Context, in *input) (map[string]any, error) {
	about := ""
	if w.complaint != "" {
		c, err := w.seen(ctx, in)
		if err != nil {
			return nil, err
		}
		about = c.GetName()
	}
	all, err := w.notices(ctx, "")
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(n *notificationv1.Notice) bool { return n.GetComplaint() != "" && n.GetComplaint() != about })
	slices.SortStableFunc(all, func(a, b *notificationv1.Notice) int { return rankOf(a) - rankOf(b) })
	out := map[string]any{}
	for _, n := range all {
		out[n.GetKind()] = word(n.GetState())
		for field, v := range w.plain(n.ProtoReflect()).(map[string]any) {
			out[n.GetKind()+"."+field] = v
		}
	}
	return out, nil
}

func (w *world) seeClaim(ctx context.Context, in *input) (map[string]any, error) {
	c, err := w.claimOf(ctx, in)
	if err != nil {
		return nil, err
	}
	return w.plain(c.ProtoReflect()).(map[string]any), nil
}

// seeReport shows the figures of the newest report by the id of the measure.
func (w *world) seeReport(ctx context.Context, in *input) (map[string]any, error) {
	if w.report == "" {
		return nil, in.mistake("no report was made yet")
	}
	got, err := reportingv1.NewReportingServiceClient(w.conn("reporting")).GetReport(w.reading(ctx), &reportingv1.GetReportRequest{Name: w.report})
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, m := range got.GetReport().GetMeasurements() {
		out[m.GetId()] = w.plain(m.ProtoReflect())
	}
	return out, nil
}

// seeWhy shows the rules that are quoted, by what they decided.
func (w *world) seeWhy(ctx context.Context, in *input) (map[string]any, error) {
	k, err := w.kase(ctx, in)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]any{}
	quote := func(what, id string, r *typev1.RuleRef) {
		if out[what] == nil {
			out[what] = map[string]any{}
		}
		if r != nil {
			out[what][id] = w.plain(r.ProtoReflect())
		}
	}
	for scale, g := range k.GetGrades() {
		quote("grades", scale, g.GetRule())
	}
	for _, s := range k.GetSteps() {
		quote("steps", s.GetId(), s.GetRule())
	}
	for _, o := range k.GetObligations() {
		quote("obligations", o.GetKind(), o.GetRule())
	}
	clocks, err := w.clocks(ctx, k.GetName())
	if err != nil {
		return nil, err
	}
	for _, c := range clocks {
		quote("clocks", c.GetKind(), c.GetRule())
	}
	approvals, err := w.approvalsOf(ctx, in)
	if err != nil {
		return nil, err
	}
	for id, a := range approvals {
		quote("approvals", id, a.GetRule())
	}
	notices, err := w.notices(ctx, k.GetComplaint())
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		quote("notices", n.GetKind(), n.GetRule())
	}
	claims, err := w.claims(ctx, k.GetComplaint())
	if err != nil {
		return nil, err
	}
	for _, c := range claims {
		quote("claim", "ground", c.GetGroundRule())
	}
	all := map[string]any{}
	for what, rules := range out {
		all[what] = rules
	}
	if all["warned"], err = w.warned(ctx, k.GetComplaint()); err != nil {
		return nil, err
	}
	return all, w.seeJudged(ctx, k.GetComplaint(), all)
}

// warned returns the rules that warned of what was done about a complaint, each once,
// in order.
func (w *world) warned(ctx context.Context, complaint string) ([]any, error) {
	out := []any{}
	if complaint == "" {
		return out, nil
	}
	got, err := reportingv1.NewReportingServiceClient(w.conn("reporting")).GetCaseFile(w.reading(ctx), &reportingv1.GetCaseFileRequest{Name: complaint})
	if err != nil {
		return nil, err
	}
	for _, item := range got.GetFile().GetTimeline() {
		for _, r := range item.GetWarnings() {
			if !slices.Contains(out, any(r.GetRule())) {
				out = append(out, r.GetRule())
			}
		}
	}
	return out, nil
}

// rankOf puts what the customer was sent last, where it is found.
func rankOf(n *notificationv1.Notice) int {
	if n.GetRecipient() == customer || strings.HasPrefix(n.GetRecipient(), "customers/") {
		return 1
	}
	return 0
}

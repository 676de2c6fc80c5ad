package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

func newPolicyExplain(a *app) *cobra.Command {
	cl := a.client()
	c := &cobra.Command{
		Use: "explain PACK|FILE|COMPLAINT [RULE]", Short: "Say why: the rules of a pack, or those that acted on a complaint",
		Long: `With a pack lists its rules with clause and text, or one of them. With a complaint
(number, id or complaints/{id}) of a running suite lists what happened because of a
rule, with that rule and its clause; then, for each grade, department, mark, limit and
approval, the facts it was decided on, and the fewest that would have to be different
for another outcome.`,
		Example: `  redress policy explain demo
  redress policy explain demo first_response
  redress policy explain C20260408-0001 --person li-na`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if isComplaint(args[0]) {
				return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
					return a.explainCase(ctx, conn, args[0])
				})
			}
			p, findings, err := loadPack(args[0])
			if err != nil {
				return err
			}
			if p == nil || policy.HasErrors(findings) {
				return a.showFindings(findings, 1)
			}
			wanted := ""
			if len(args) == 2 {
				wanted = args[1]
			}
			return a.showRules(rulesOf(p), wanted)
		},
	}
	cl.flags(c)
	return c
}

// isComplaint tells a complaint from a pack or file.
func isComplaint(text string) bool {
	return strings.HasPrefix(text, "complaints/") || strings.HasPrefix(text, "cases/") ||
		regexp.MustCompile(`^([A-Z][A-Z0-9-]*-[0-9]+|[0-9a-f]{8}-[0-9a-f-]{27})$`).MatchString(text)
}

func (a *app) showRules(all []ruled, wanted string) error {
	type shown struct {
		Section  string   `json:"section"`
		Rule     string   `json:"rule"`
		Clause   string   `json:"clause"`
		Readings []string `json:"readings"`
		ZH       string   `json:"zh"`
		EN       string   `json:"en"`
	}
	out := []shown{}
	for _, r := range all {
		if wanted == "" || r.id == wanted {
			out = append(out, shown{r.section, r.id, r.clause, r.readings, r.text.GetZh(), r.text.GetEn()})
		}
	}
	if len(out) == 0 {
		return usage("the pack has no rule %q", wanted)
	}
	if a.json() {
		return a.writeJSON(out)
	}
	t := a.table("SECTION", "RULE", "CLAUSE", "TEXT")
	for _, r := range out {
		t.row(r.Section, r.Rule, strings.Join(append([]string{r.Clause}, r.Readings...), " "), a.words(&typev1.Text{Zh: r.ZH, En: r.EN}))
	}
	return t.flush()
}

// explainCase shows which rules acted on a complaint and what would have to be different for another
// outcome.
func (a *app) explainCase(ctx context.Context, conn grpc.ClientConnInterface, complaint string) error {
	file, err := caseFile(ctx, conn, complaint)
	if err != nil {
		return err
	}
	id := strings.TrimPrefix(file.GetComplaint().GetName(), "complaints/")
	why, err := policyv1.NewPolicyServiceClient(conn).ExplainCase(ctx, &policyv1.ExplainCaseRequest{Name: "cases/" + id})
	if err != nil {
		return err
	}
	if a.json() {
		return a.writeExplained(file, why)
	}
	if err := a.showTimeline(file, true); err != nil {
		return err
	}
	for _, x := range why.GetExplanations() {
		a.showExplanation(x)
	}
	return nil
}

// writeExplained writes what happened and why in one object.
func (a *app) writeExplained(file *reportingv1.CaseFile, why *policyv1.ExplainCaseResponse) error {
	told, err := protojson.Marshal(&reportingv1.CaseFile{Timeline: file.GetTimeline()})
	if err != nil {
		return err
	}
	text, err := protojson.Marshal(why)
	if err != nil {
		return err
	}
	out := map[string]json.RawMessage{}
	if err := errors.Join(json.Unmarshal(told, &out), json.Unmarshal(text, &out)); err != nil {
		return err
	}
	return a.writeJSON(out)
}

func (a *app) showExplanation(x *policyv1.Explanation) {
	outcome := a.orNone(a.tr(x.GetOutcome()))
	fmt.Fprintf(a.Out, "\n%s %s %s= %s  %s\n", a.tr(x.GetKind()), x.GetSubject(), aboutClaim(x.GetClaim()), outcome, rule(x.GetRule()))
	if x.GetInForce() != "" {
		fmt.Fprintf(a.Out, "  "+a.tr("in force: %s")+"\n", x.GetInForce())
	}
	for _, in := range x.GetInputs() {
		fmt.Fprintf(a.Out, "  %s = %s\n", in.GetFact(), a.fact(in.GetValue(), in.GetKnown()))
	}
	for _, o := range x.GetOthers() {
		var all []string
		for _, c := range o.GetChanges() {
			all = append(all, a.change(c))
		}
		for _, text := range o.GetOpaque() {
			all = append(all, fmt.Sprintf(a.tr("the condition would have to change: %s"), text))
		}
		if o.GetUnreachable() {
			all = append(all, a.tr("no change of facts gives it"))
		}
		fmt.Fprintf(a.Out, "  → %s: %s\n", a.tr(o.GetOutcome()), strings.Join(all, "; "))
	}
}

func aboutClaim(claim string) string {
	if claim == "" {
		return ""
	}
	return "(" + claim + ") "
}

// fact says what is recorded.
func (a *app) fact(value string, known bool) string {
	switch {
	case !known:
		return a.tr("not recorded")
	case value == "true" || value == "false" || value == "sealed":
		return a.tr(value)
	}
	return a.orNone(value)
}

// change says what a fact would have to be.
func (a *app) change(c *policyv1.FactChange) string {
	signs := map[policyv1.FactRelation][2]string{
		policyv1.FactRelation_FACT_RELATION_EQUAL: {"=", "≠"}, policyv1.FactRelation_FACT_RELATION_LESS: {"<", "≥"},
		policyv1.FactRelation_FACT_RELATION_AT_MOST: {"≤", ">"}, policyv1.FactRelation_FACT_RELATION_MORE: {">", "≤"},
		policyv1.FactRelation_FACT_RELATION_AT_LEAST: {"≥", "<"}, policyv1.FactRelation_FACT_RELATION_ONE_OF: {"one of", "none of"},
		policyv1.FactRelation_FACT_RELATION_CONTAINS: {"with", "without"}, policyv1.FactRelation_FACT_RELATION_IS: {"true", "false"},
		policyv1.FactRelation_FACT_RELATION_RECORDED: {"recorded", "not recorded"}, policyv1.FactRelation_FACT_RELATION_HAS_WORDS: {"with the words", "without the words"},
	}
	pair := signs[c.GetRelation()]
	sign := pair[0]
	if c.GetNot() {
		sign = pair[1]
	}
	want := strings.TrimSpace(a.tr(sign) + " " + strings.Join(c.GetValues(), ", "))
	return fmt.Sprintf(a.tr("%s would have to be %s (is %s)"), c.GetFact(), want, a.fact(c.GetIs(), c.GetKnown()))
}

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

func newApprove(a *app) *cobra.Command {
	cl := a.client()
	c := &cobra.Command{
		Use: "approve", Short: "Sign what waits for a signature",
		Long: `Shows what waits for the caller's signature and signs it. What is signed is what
was read a moment ago: if it changes in between, the signature is refused.`,
	}
	cl.flags(c)
	c.AddCommand(newApproveList(a, cl))
	for _, s := range signables() {
		c.AddCommand(newSign(a, cl, s))
	}
	return c
}

func newApproveList(a *app, cl *client) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "List what waits for a signature of the caller", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			items, err := listWork(c.Context(), cl, &reportingv1.ListWorkRequest{Mine: !all, Kind: reportingv1.WorkItem_KIND_SIGN})
			if err != nil {
				return err
			}
			return a.showWork(items)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "of everybody")
	return c
}

func listWork(ctx context.Context, cl *client, q *reportingv1.ListWorkRequest) (items []*reportingv1.WorkItem, err error) {
	err = cl.call(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		items, err = allWork(ctx, conn, q)
		return err
	})
	return items, err
}

func allWork(ctx context.Context, conn grpc.ClientConnInterface, q *reportingv1.ListWorkRequest) (items []*reportingv1.WorkItem, err error) {
	err = every(0, func(size int32, token string) (int, string, error) {
		q.PageSize, q.PageToken = size, token
		got, err := reportingv1.NewReportingServiceClient(conn).ListWork(ctx, q)
		items = append(items, got.GetItems()...)
		return len(got.GetItems()), got.GetNextPageToken(), err
	})
	return items, err
}

func (a *app) showWork(items []*reportingv1.WorkItem) error {
	if a.json() {
		return a.writeProto(&reportingv1.ListWorkResponse{Items: items, Total: int32(len(items))})
	}
	t := a.table("COMPLAINT", "KIND", "WHAT", "WHO", "DUE", "LATE", "RESOURCE")
	for _, i := range items {
		late := ""
		if i.GetLate() {
			late = a.tr("late")
		}
		t.row(i.GetNumber(), enum(i.GetKind(), "KIND_"), a.words(i.GetText()), strings.Join(i.GetWho(), ", "), local(i.GetDueTime()), late, i.GetResource())
	}
	return t.flush()
}

// decision is what the caller decides.
type decision struct {
	value   typev1.Decision
	comment string
}

// signable is a kind of resource that carries an approval.
type signable struct {
	use, short string
	// sign reads the resource and signs what it read.
	sign func(ctx context.Context, conn grpc.ClientConnInterface, name string, d decision) (*typev1.Approval, error)
}

func signables() []signable {
	return []signable{
		{"grade CASE", "Sign the proposal of another grade", signGrade},
		{"plan PLAN", "Sign a handling plan, cases/{case}/plans/{number}", signPlan},
		{"claim CLAIM", "Sign a claim for compensation", signClaim},
	}
}

func newSign(a *app, cl *client, s signable) *cobra.Command {
	var reject, back string
	var comment string
	c := &cobra.Command{
		Use: s.use, Short: s.short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			d := decision{typev1.Decision_DECISION_APPROVE, comment}
			switch {
			case reject != "":
				d = decision{typev1.Decision_DECISION_REJECT, reject}
			case back != "":
				d = decision{typev1.Decision_DECISION_RETURN, back}
			}
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				approval, err := s.sign(ctx, conn, args[0], d)
				if err != nil {
					return err
				}
				return a.showApproval(approval)
			})
		},
	}
	c.Flags().StringVar(&comment, "comment", "", "approve with a comment")
	c.Flags().StringVar(&reject, "reject", "", "refuse it, and `WHY`")
	c.Flags().StringVar(&back, "return", "", "send it back to its initiator, and `WHY`")
	c.MarkFlagsMutuallyExclusive("comment", "reject", "return")
	return c
}

func signGrade(ctx context.Context, conn grpc.ClientConnInterface, name string, d decision) (*typev1.Approval, error) {
	routing := routingv1.NewRoutingServiceClient(conn)
	got, err := routing.GetCase(ctx, &routingv1.GetCaseRequest{Name: in("cases", name)})
	if err != nil {
		return nil, err
	}
	k := got.GetCase()
	if k.GetGradeProposal() == nil {
		return nil, usage("nobody proposed another grade for %s", k.GetNumber())
	}
	signed, err := routing.SignGrade(ctx, &routingv1.SignGradeRequest{
		Name: k.GetName(), Decision: d.value, Comment: d.comment, SealedDigest: k.GetGradeProposal().GetApproval().GetSealedDigest(),
		Etag: k.GetEtag(), RequestId: requestID(),
	})
	return signed.GetCase().GetGradeProposal().GetApproval(), err
}

func signPlan(ctx context.Context, conn grpc.ClientConnInterface, name string, d decision) (*typev1.Approval, error) {
	routing := routingv1.NewRoutingServiceClient(conn)
	got, err := routing.GetPlan(ctx, &routingv1.GetPlanRequest{Name: name})
	if err != nil {
		return nil, err
	}
	p := got.GetPlan()
	signed, err := routing.SignPlan(ctx, &routingv1.SignPlanRequest{
		Name: p.GetName(), Decision: d.value, Comment: d.comment, SealedDigest: p.GetApproval().GetSealedDigest(), Etag: p.GetEtag(), RequestId: requestID(),
	})
	return signed.GetPlan().GetApproval(), err
}

func signClaim(ctx context.Context, conn grpc.ClientConnInterface, name string, d decision) (*typev1.Approval, error) {
	compensation := compensationv1.NewCompensationServiceClient(conn)
	got, err := compensation.GetClaim(ctx, &compensationv1.GetClaimRequest{Name: in("claims", name)})
	if err != nil {
		return nil, err
	}
	k := got.GetClaim()
	signed, err := compensation.SignClaim(ctx, &compensationv1.SignClaimRequest{
		Name: k.GetName(), Decision: d.value, Comment: d.comment, SealedDigest: k.GetApproval().GetSealedDigest(), Etag: k.GetEtag(), RequestId: requestID(),
	})
	return signed.GetClaim().GetApproval(), err
}

// in returns the name of a resource that is given by name or id.
func in(collection, text string) string {
	if strings.Contains(text, "/") {
		return text
	}
	return collection + "/" + text
}

func (a *app) showApproval(m *typev1.Approval) error {
	if a.json() {
		return a.writeProto(m)
	}
	fmt.Fprintf(a.Out, a.tr("%s: %s, by %s\n"), m.GetId(), enum(m.GetState(), "STATE_"), a.orNone(rule(m.GetRule())))
	t := a.table("STEP", "STATE", "WHO MAY SIGN", "SIGNED BY")
	for _, s := range m.GetSteps() {
		var by []string
		for _, signature := range s.GetSignatures() {
			by = append(by, signature.GetPerson())
		}
		t.row(s.GetId(), enum(s.GetState(), "STATE_"), strings.Join(s.GetWho(), ", "), strings.Join(by, ", "))
	}
	return t.flush()
}

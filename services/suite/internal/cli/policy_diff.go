package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/compare"
)

// errDifferent is the outcome of --exit-code.
var errDifferent = errors.New("they differ")

func newPolicyDiff(a *app) *cobra.Command {
	cl := a.client()
	c := &cobra.Command{
		Use: "diff OLD NEW", Short: "Say in words in what two packs or revisions differ", Args: cobra.ExactArgs(2),
		Long: `Lists what NEW adds, removes and changes, by section and rule, with clause and the
old and new value of each field. Each of the two is a shipped pack, a file or folder
with a pack, or a revision that a suite keeps: packs/{pack}/revisions/{revision}.
Parameters count with the value they have. Differences are no error.`,
		Example: `  redress policy diff demo ./ours
  redress policy diff packs/ours/revisions/8f14e45fceea167a5a36dedd4bea2543 ./ours --person author --language zh-CN`,
	}
	code := c.Flags().Bool("exit-code", false, "exit with 1 if they differ")
	cl.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		var packs [2]*policyv1.Pack
		for i, name := range args {
			var err error
			if packs[i], err = a.either(c.Context(), cl, name); err != nil {
				return err
			}
		}
		all := compare.Messages(compare.Packs(packs[0], packs[1]), a.language == chinese)
		if err := a.showDifferences(all); err != nil {
			return err
		}
		if *code && len(all) > 0 {
			return errDifferent
		}
		return nil
	}
	return c
}

// isRevision tells the name of a stored revision.
func isRevision(name string) bool {
	return regexp.MustCompile(`^packs/[a-z0-9-]+/revisions/[a-z0-9-]+$`).MatchString(name)
}

// either reads a stored revision, or a pack as loadPack does.
func (a *app) either(ctx context.Context, cl *client, name string) (*policyv1.Pack, error) {
	if !isRevision(name) {
		p, findings, err := loadPack(name)
		if err == nil && (p == nil || policy.HasErrors(findings)) {
			err = a.showFindings(findings, 1)
		}
		return p, err
	}
	p := &policyv1.Pack{}
	return p, cl.call(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		got, err := policyv1.NewPolicyServiceClient(conn).GetRevision(ctx, &policyv1.GetRevisionRequest{Name: name})
		if err != nil {
			return err
		}
		return proto.Unmarshal(got.GetRevision().GetResolved(), p)
	})
}

// showDifferences writes them by section.
func (a *app) showDifferences(all []*policyv1.Difference) error {
	if a.json() {
		return a.writeProto(&policyv1.CompareRevisionsResponse{Differences: all})
	}
	section, counts := "", map[policyv1.Difference_Kind]int{}
	for _, d := range all {
		if d.GetSection() != section {
			section = d.GetSection()
			fmt.Fprintln(a.Out, d.GetSectionTitle())
		}
		counts[d.GetKind()]++
		mark := map[policyv1.Difference_Kind]string{compare.Added: "+", compare.Removed: "-"}[d.GetKind()]
		if mark == "" {
			mark = "~"
		}
		line := "  " + mark + " " + d.GetPath()
		if d.GetClause() != "" {
			line += fmt.Sprintf(a.tr(", clause %s"), d.GetClause())
		}
		if d.GetText() != "" {
			line += ": " + d.GetText()
		}
		fmt.Fprintln(a.Out, line)
		for _, f := range d.GetFields() {
			fmt.Fprintf(a.Out, "      %s: %s → %s\n", f.GetTitle(), dash(f.GetBefore()), dash(f.GetAfter()))
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(a.Out, a.tr("They say the same."))
		return nil
	}
	fmt.Fprintf(a.Out, a.tr("%d changed, %d added, %d removed.\n"), counts[compare.Changed], counts[compare.Added], counts[compare.Removed])
	return nil
}

// dash stands for no value.
func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/command"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/suite/scenario"
)

func newPolicyActivate(a *app) *cobra.Command {
	cl := a.client()
	var pairs []string
	c := &cobra.Command{
		Use: "activate [PACK|FOLDER]", Short: "Bring a pack into force: check, play, store; a second person decides",
		Long: `Takes two policy authors, each with a token of their own.

The first one names the pack. It is checked as lint does, its scenarios are played
here with every expected value changed once, then it is stored in the suite together
with what the run came to. Nothing is stored if anything is not in order.

The second one names the revision. The command shows who stored it, the run on record
and in what it differs from what is in force, and asks before it puts it in force.
Complaints keep the revision they began under.`,
		Example: `  redress policy activate ./ours --set days="7 days" --person author
  redress policy activate --revision packs/ours/revisions/8f14e45fceea167a5a36dedd4bea2543 --person admin`,
		Args: cobra.MaximumNArgs(1),
	}
	revision := c.Flags().String("revision", "", "put this stored `REVISION` in force, as the second person")
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.Flags().StringArrayVar(&pairs, "set", nil, "the value of a `PARAMETER=VALUE`; may be repeated")
	cl.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		values, err := parameters(pairs)
		switch {
		case err != nil:
			return err
		case len(args) == 1 && *revision != "":
			return usage("name a pack, to store and test it, or --revision, to put in force what another person stored")
		case *revision != "" && !isRevision(*revision):
			return usage("--revision %q: write packs/PACK/revisions/REVISION", *revision)
		case *revision != "":
			return a.enforce(c.Context(), cl, *revision, *yes)
		case len(args) == 0:
			return usage("name a pack or a folder, or --revision")
		}
		return a.submit(c.Context(), cl, args[0], values)
	}
	return c
}

// submit checks a pack, plays its scenarios and stores both.
func (a *app) submit(ctx context.Context, cl *client, name string, values map[string]string) error {
	if _, err := cl.bearer(); err != nil {
		return err // before the scenarios have been waited for
	}
	src, err := packSource(name)
	if err != nil {
		return err
	}
	// The suite includes shipped packs only.
	pack, findings := policy.Lint(src.file, src.text, policy.Shipped, policy.LintOptions{Year: clock.System().Now().Year(), Parameters: values})
	if err := a.showFindings(findings, 1); err != nil {
		return fmt.Errorf("%w; nothing was stored", err)
	}
	compiled, findings := policy.Compile(pack, policy.Options{Parameters: values})
	if compiled == nil {
		return a.showFindings(findings, 1)
	}
	summary, err := scenario.Run(ctx, scenario.Options{Packs: []string{name}, Parameters: values, Mutate: true, Out: a.Err})
	if err != nil {
		return err
	}
	if !summary.OK() {
		return fmt.Errorf("%d scenarios failed, %d mutants survived; nothing was stored", summary.Failed, len(summary.Survivors))
	}
	return cl.call(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		policies := policyv1.NewPolicyServiceClient(conn)
		stored, err := policies.CreateRevision(ctx, &policyv1.CreateRevisionRequest{Source: src.text, Parameters: values, RequestId: requestID()})
		if err != nil {
			return err
		}
		got, err := policies.RecordTestRun(ctx, &policyv1.RecordTestRunRequest{
			Name: stored.GetRevision().GetName(), RequestId: requestID(), TestRun: &policyv1.TestRun{
				Digest: compiled.Revision(), ScenariosDigest: summary.Scenarios, Passed: int32(summary.Passed), Failed: int32(summary.Failed),
				Mutants: int32(summary.Mutants), Survivors: int32(len(summary.Survivors)), Tool: "redress " + command.Version(),
			},
		})
		if err != nil {
			return err
		}
		r := got.GetRevision()
		if a.json() {
			return a.writeRevision(r)
		}
		fmt.Fprintf(a.Out, a.tr("%s is stored, with its test run.\n"), r.GetName())
		if r.GetState() == policyv1.Revision_STATE_ACTIVE {
			fmt.Fprintln(a.Out, a.tr("It is in force already."))
			return nil
		}
		fmt.Fprintf(a.Out, a.tr("Another policy author now reads it and puts it in force:\n  %s\n"), "redress policy activate --revision "+r.GetName())
		return nil
	})
}

// writeRevision writes a revision without the pack itself.
func (a *app) writeRevision(r *policyv1.Revision) error {
	r.Source, r.Resolved = nil, nil
	return a.writeProto(r)
}

// enforce shows a stored revision to a second person, asks, and puts it in force.
func (a *app) enforce(ctx context.Context, cl *client, name string, yes bool) error {
	var r *policyv1.Revision
	if err := cl.call(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		policies := policyv1.NewPolicyServiceClient(conn)
		got, err := policies.GetRevision(ctx, &policyv1.GetRevisionRequest{Name: name})
		if err != nil {
			return err
		}
		r = got.GetRevision()
		return a.showActivation(ctx, policies, r)
	}); err != nil {
		return err
	}
	if !yes {
		// The person may take their time, so no call waits for them.
		a.say(a.tr("Put %s in force for complaints registered from now on? y/N"), name)
		line, _ := bufio.NewReader(a.In).ReadString('\n') // no answer is no
		if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
			return errors.New("nothing was changed; answer y, or call with --yes")
		}
	}
	return cl.call(ctx, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		got, err := policyv1.NewPolicyServiceClient(conn).ActivateRevision(ctx, &policyv1.ActivateRevisionRequest{Name: name, Etag: r.GetEtag(), RequestId: requestID()})
		if err != nil {
			return err
		}
		if a.json() {
			return a.writeRevision(got.GetRevision())
		}
		fmt.Fprintf(a.Out, a.tr("%s is in force. Complaints that began before keep their revision.\n"), name)
		return nil
	})
}

// showActivation shows what a second person decides on; with -o json nothing, the result says it.
func (a *app) showActivation(ctx context.Context, policies policyv1.PolicyServiceClient, r *policyv1.Revision) error {
	if a.json() {
		return nil
	}
	fmt.Fprintf(a.Out, a.tr("%s, stored by %s, %s\n"), r.GetName(), r.GetAuthor(), local(r.GetCreateTime()))
	if t := r.GetTestRun(); t == nil {
		fmt.Fprintln(a.Out, a.tr("No run of its scenarios is on record."))
	} else {
		fmt.Fprintf(a.Out, a.tr("Scenarios: %d passed, %d failed; %d expected values changed, %d unnoticed. Recorded by %s, %s\n"),
			t.GetPassed(), t.GetFailed(), t.GetMutants(), t.GetSurvivors(), t.GetRecorder(), local(t.GetRecordTime()))
	}
	got, err := policies.CompareRevisions(ctx, &policyv1.CompareRevisionsRequest{After: r.GetName()})
	if err != nil && fault.ReasonOf(rpcerr.FromStatus(err)) == revisions.ReasonNoActive {
		fmt.Fprintln(a.Out, a.tr("Nothing is in force yet."))
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Out, a.tr("In force is %s. The new one differs:\n"), got.GetBefore())
	return a.showDifferences(got.GetDifferences())
}

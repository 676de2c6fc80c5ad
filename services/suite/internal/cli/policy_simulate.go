package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// simulated is how many complaints one call replays: small enough that progress is told and no call
// takes long.
const simulated = 200

func newPolicySimulate(a *app) *cobra.Command {
	cl := a.client()
	req := &policyv1.SimulateRevisionRequest{}
	var pairs []string
	var from, before string
	c := &cobra.Command{
		Use: "simulate PACK|FILE|REVISION", Short: "Replay stored complaints against a changed pack and list what would be otherwise",
		Long: `Replays the newest complaints of a running suite under a pack that is not in force:
a shipped one, a file or folder, or a stored packs/{pack}/revisions/{revision}. Each
is replayed from the same record under the revision it began under too, and what
differs is listed: grades, owners, deadlines, approvers, amounts, notices, duties and
what else follows. Nothing is stored. What a file includes must be shipped.

Drift is where the revision a complaint began under, replayed, does not give what was
recorded: people decided otherwise, or facts came later.`,
		Example: `  redress policy simulate ./packs/ours --person admin
  redress policy simulate ./packs/ours --last 1000 --set first_answer="8 working hours" --token "$T"
  redress policy simulate packs/ours/revisions/0af3 --from 2026-04-01T00:00:00+08:00 -o json`,
		Args: cobra.ExactArgs(1),
	}
	last := c.Flags().Int("last", simulated, "how many complaints, the newest first")
	c.Flags().StringVar(&from, "from", "", "only those received at this `INSTANT` or later")
	c.Flags().StringVar(&before, "before", "", "only those received before this `INSTANT`")
	c.Flags().StringVar(&req.Baseline, "baseline", "", "compare with this `REVISION`, not with the one of each complaint")
	c.Flags().StringArrayVar(&pairs, "set", nil, "the value of a `PARAMETER=VALUE`; may be repeated")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *last < 1 {
			return usage("--last must be at least 1")
		}
		var err error
		if req.ReceivedFrom, err = instantOf("--from", from); err != nil {
			return err
		}
		if req.ReceivedBefore, err = instantOf("--before", before); err != nil {
			return err
		}
		if strings.HasPrefix(args[0], "packs/") && strings.Contains(args[0], "/revisions/") {
			req.Revision = args[0]
		} else {
			src, err := packSource(args[0])
			if err != nil {
				return err
			}
			req.Source = src.text
		}
		if req.Parameters, err = parameters(pairs); err != nil {
			return err
		}
		return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
			all, err := a.simulate(ctx, conn, req, *last)
			if err != nil {
				return err
			}
			if a.json() {
				return a.writeProto(all)
			}
			return a.showSimulation(all)
		})
	}
	cl.flags(c)
	return c
}

// instantOf reads a flag; absent for an empty one.
func instantOf(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, usage("%s %q is not an instant like 2026-04-08T17:20:00+08:00", flag, text)
	}
	return timestamppb.New(t), nil
}

// simulate asks page after page and adds the answers up.
func (a *app) simulate(ctx context.Context, conn grpc.ClientConnInterface, req *policyv1.SimulateRevisionRequest, last int) (*policyv1.SimulateRevisionResponse, error) {
	out := &policyv1.SimulateRevisionResponse{}
	told := a.progress("simulate")
	done := 0
	err := every(last, func(size int32, token string) (int, string, error) {
		req.PageSize, req.PageToken = min(size, simulated), token
		got, err := policyv1.NewPolicyServiceClient(conn).SimulateRevision(ctx, req)
		if err != nil {
			return 0, "", err
		}
		n := int(got.GetReplayed() + got.GetNotReplayed())
		done += n
		told.tell(int64(done), int64(last), "complaints")
		out.Digest, out.Cases = got.GetDigest(), append(out.GetCases(), got.GetCases()...)
		out.Replayed, out.Changed = out.GetReplayed()+got.GetReplayed(), out.GetChanged()+got.GetChanged()
		out.Drifted, out.NotReplayed = out.GetDrifted()+got.GetDrifted(), out.GetNotReplayed()+got.GetNotReplayed()
		out.Summary = addUp(out.GetSummary(), got.GetSummary())
		return n, got.GetNextPageToken(), nil
	})
	return out, err
}

// addUp adds the counts of a further page, in the order of the kinds.
func addUp(sum, more []*policyv1.SimulationSummary) []*policyv1.SimulationSummary {
	of := map[policyv1.OutcomeKind]*policyv1.SimulationSummary{}
	for _, s := range append(sum, more...) {
		if of[s.GetKind()] == nil {
			of[s.GetKind()] = &policyv1.SimulationSummary{Kind: s.GetKind()}
		}
		of[s.GetKind()].Cases += s.GetCases()
		of[s.GetKind()].Changes += s.GetChanges()
	}
	var out []*policyv1.SimulationSummary
	for kind := range len(policyv1.OutcomeKind_name) {
		if s := of[policyv1.OutcomeKind(kind)]; s != nil {
			out = append(out, s)
		}
	}
	return out
}

func (a *app) showSimulation(all *policyv1.SimulateRevisionResponse) error {
	t := a.table("COMPLAINT", "KIND", "WHAT", "BEFORE", "AFTER", "RULE")
	kind := func(k policyv1.OutcomeKind) string { return a.tr(enum(k, "OUTCOME_KIND_")) }
	for _, c := range all.GetCases() {
		if c.GetReason() != "" {
			t.row(c.GetNumber(), a.tr("not replayed"), c.GetReason(), "", "", "")
		}
		for _, ch := range c.GetChanges() {
			t.row(c.GetNumber(), kind(ch.GetKind()), ch.GetSubject(), legible(ch.GetBefore()), legible(ch.GetAfter()), decidedBy(ch))
		}
		for _, ch := range c.GetDrift() {
			t.row(c.GetNumber(), a.tr("drift")+" "+kind(ch.GetKind()), ch.GetSubject(), legible(ch.GetBefore()), legible(ch.GetAfter()), decidedBy(ch))
		}
	}
	if len(all.GetCases()) > 0 {
		if err := t.flush(); err != nil {
			return err
		}
	}
	a.say(a.tr("%d complaints replayed, %d would change, %d drift, %d not replayed."), all.GetReplayed(), all.GetChanged(), all.GetDrifted(), all.GetNotReplayed())
	for _, s := range all.GetSummary() {
		a.say(a.tr("%s: %d complaints, %d changes"), kind(s.GetKind()), s.GetCases(), s.GetChanges())
	}
	return nil
}

// decidedBy quotes the rule that decides now, or that did.
func decidedBy(c *policyv1.OutcomeChange) string {
	id, clause := c.GetAfterRule(), c.GetAfterClause()
	if id == "" {
		id, clause = c.GetBeforeRule(), c.GetBeforeClause()
	}
	if clause == "" {
		return id
	}
	return id + " (" + clause + ")"
}

// legible writes an instant in the time of this machine, anything else as it is.
func legible(value string) string {
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return local(timestamppb.New(t))
	}
	return value
}

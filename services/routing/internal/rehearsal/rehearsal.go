// Package rehearsal answers what another pack would have done: it replays stored cases under it, and
// explains what the present one did.
//
// A case is read as it stands with its history ([Record]) and run through the live engine of package
// domain under a pack ([Replay]); two packs are compared by what the same record gives under each. Nothing is
// stored. Start reading at [Replay].
//
// Source: docs/rehearsing.md; PACK-SKETCH 2.7.
package rehearsal

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/rehearse"
	"example.com/redress/services/routing/internal/app"
	policyservice "example.com/redress/services/routing/internal/policy"
)

// Sizes of one answer.
const (
	defaultSize = 200
	maxSize     = 1000
	// maxScanned bounds how many cases are looked through for those of a time range; the answer then has
	// fewer, and a token that goes on.
	maxScanned = 10_000
	pageOfRows = 200
)

// Rehearsal implements the two methods of PolicyService. Safe for concurrent use.
type Rehearsal struct {
	desk *app.Desk
	host *host.Host
}

// New returns the handlers; [Rehearsal.Bind] gives them their host before the first call.
func New(desk *app.Desk) *Rehearsal { return &Rehearsal{desk: desk} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Rehearsal) Bind(h *host.Host) { s.host = h }

// SimulateRevision implements PolicyService. Cost: some milliseconds a case on each processor; one query
// for every kind of thing that a case has.
func (s *Rehearsal) SimulateRevision(ctx context.Context, req *policyv1.SimulateRevisionRequest) (*policyv1.SimulateRevisionResponse, error) {
	organization := host.Caller(ctx).Organization
	size, err := sizeOf(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	changed, err := s.tried(ctx, organization, req)
	if err != nil {
		return nil, err
	}
	var baseline *policy.Policy
	if req.GetBaseline() != "" {
		if baseline, err = s.stored(ctx, organization, req.GetBaseline()); err != nil {
			return nil, err
		}
	}
	cases, next, err := s.cases(ctx, organization, req, after, size)
	if err != nil {
		return nil, err
	}
	all, err := each(ctx, cases, func(ctx context.Context, k *routingv1.Case) (*policyv1.SimulatedCase, error) {
		return s.simulate(ctx, organization, k, req.GetBaseline(), baseline, changed)
	})
	if err != nil {
		return nil, err
	}
	out := summed(all)
	out.Digest, out.NextPageToken = changed.Revision(), page.Token(next, req, organization)
	return out, nil
}

func sizeOf(wish int32) (int, error) {
	if _, err := page.Size(wish); err != nil {
		return 0, err
	}
	if wish == 0 {
		return defaultSize, nil
	}
	return min(int(wish), maxSize), nil
}

// tried returns the pack that the request wants to try.
func (s *Rehearsal) tried(ctx context.Context, organization string, req *policyv1.SimulateRevisionRequest) (*policy.Policy, error) {
	if (req.GetRevision() == "") == (len(req.GetSource()) == 0) {
		return nil, fault.New(fault.Invalid, ReasonPack).WithViolations(fault.Violation{Field: "revision", Reason: ReasonPack}, fault.Violation{Field: "source", Reason: ReasonPack})
	}
	if req.GetRevision() != "" {
		return s.stored(ctx, organization, req.GetRevision())
	}
	return policyservice.Draft(req.GetSource(), req.GetParameters())
}

// stored returns a revision of the organisation, compiled. Faults: RESOURCE_NOT_FOUND, and
// PARAMETER_UNSET for a draft that nobody has completed.
func (s *Rehearsal) stored(ctx context.Context, organization, name string) (*policy.Policy, error) {
	r := &policyv1.Revision{}
	if _, err := s.host.Journal.Get(ctx, organization, name, r); err != nil {
		return nil, err
	}
	if len(r.GetUnsetParameters()) > 0 {
		return policyservice.Draft(r.GetSource(), r.GetParameters())
	}
	return s.desk.Policy(ctx, s.host.Journal, organization, name)
}

// cases returns the cases that the request is about, the newest first, and where the next page begins.
func (s *Rehearsal) cases(ctx context.Context, organization string, req *policyv1.SimulateRevisionRequest, after string, size int) ([]*routingv1.Case, string, error) {
	var out []*routingv1.Case
	for scanned := 0; scanned < maxScanned; {
		found, err := s.host.Journal.List(ctx, journal.Query{
			Organization: organization, Kind: app.Cases, Descending: true, After: after, Limit: min(pageOfRows, size-len(out)),
		})
		if err != nil {
			return nil, "", err
		}
		for _, row := range found.Rows {
			k := &routingv1.Case{}
			if err := proto.Unmarshal(row.State, k); err != nil {
				return nil, "", err
			}
			received := k.GetReceiveTime().AsTime()
			if from := req.GetReceivedFrom(); from != nil && received.Before(from.AsTime()) {
				continue
			}
			if before := req.GetReceivedBefore(); before != nil && !received.Before(before.AsTime()) {
				continue
			}
			out = append(out, k)
		}
		scanned += len(found.Rows)
		after = found.Next
		if after == "" || len(out) >= size {
			return out, after, nil
		}
	}
	return out, after, nil
}

// each does something for every case, as many at once as there are processors, and keeps the order.
func each(ctx context.Context, cases []*routingv1.Case, do func(context.Context, *routingv1.Case) (*policyv1.SimulatedCase, error)) ([]*policyv1.SimulatedCase, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := make([]*policyv1.SimulatedCase, len(cases))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(cases)) {
		group.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(cases) && ctx.Err() == nil; i = next.Add(1) - 1 {
				one, err := do(ctx, cases[i])
				if err != nil {
					stop(err)
					return
				}
				out[i] = one
			}
		})
	}
	group.Wait()
	return out, context.Cause(ctx)
}

// simulate replays one case under two packs.
func (s *Rehearsal) simulate(ctx context.Context, organization string, k *routingv1.Case, name string, baseline, changed *policy.Policy) (*policyv1.SimulatedCase, error) {
	out := &policyv1.SimulatedCase{Name: k.GetName(), Number: k.GetNumber(), Baseline: name}
	own, err := s.desk.Policy(ctx, s.host.Journal, organization, k.GetPolicyRevision())
	if err != nil {
		return nil, err
	}
	if baseline == nil {
		baseline, out.Baseline = own, k.GetPolicyRevision()
	}
	r, err := reader{s.host.Journal, organization}.record(ctx, k)
	if err != nil {
		return nil, err
	}
	r.Policy, r.Until = own, s.host.Clock.Now()
	before, err := Replay(baseline, r)
	if err == nil {
		var after *rehearse.Outcome
		if after, err = Replay(changed, r); err == nil {
			out.Changes = changes(rehearse.Compare(before, after))
			if baseline.Revision() == own.Revision() {
				out.Drift = changes(drift(r, before))
			}
			return out, nil
		}
	}
	out.Reason = reasonOf(err)
	return out, ctx.Err()
}

// reasonOf is why a case was not replayed: a reason of ours, or of the fault that stopped the engine.
func reasonOf(err error) string {
	if reason, ok := notReplayed(err); ok {
		return reason
	}
	if reason := fault.ReasonOf(err); reason != "" {
		return reason
	}
	return "ENGINE"
}

func changes(all []rehearse.Difference) []*policyv1.OutcomeChange {
	out := make([]*policyv1.OutcomeChange, len(all))
	for i, d := range all {
		c := &policyv1.OutcomeChange{Kind: kindOf(d.Kind), Subject: d.Subject}
		if d.Before != nil {
			c.Before, c.BeforeRule, c.BeforeClause = valueOf(d.Before), d.Before.Rule.GetRule(), d.Before.Rule.GetClause()
		}
		if d.After != nil {
			c.After, c.AfterRule, c.AfterClause = valueOf(d.After), d.After.Rule.GetRule(), d.After.Rule.GetClause()
		}
		out[i] = c
	}
	return out
}

// valueOf is the value of an entry; "-" for one that is there without any, such as a step that nobody in
// particular owes.
func valueOf(e *rehearse.Entry) string {
	if e.Value == "" {
		return "-"
	}
	return e.Value
}

func kindOf(k rehearse.Kind) policyv1.OutcomeKind {
	return policyv1.OutcomeKind(policyv1.OutcomeKind_value["OUTCOME_KIND_"+string(k)])
}

// summed counts and leaves out the cases of which there is nothing to say.
func summed(all []*policyv1.SimulatedCase) *policyv1.SimulateRevisionResponse {
	out := &policyv1.SimulateRevisionResponse{}
	count := map[policyv1.OutcomeKind]*policyv1.SimulationSummary{}
	for _, c := range all {
		if c.GetReason() != "" {
			out.NotReplayed++
			out.Cases = append(out.Cases, c)
			continue
		}
		out.Replayed++
		seen := map[policyv1.OutcomeKind]bool{}
		for _, change := range c.GetChanges() {
			sum := count[change.GetKind()]
			if sum == nil {
				sum = &policyv1.SimulationSummary{Kind: change.GetKind()}
				count[change.GetKind()] = sum
			}
			sum.Changes++
			if !seen[change.GetKind()] {
				sum.Cases++
			}
			seen[change.GetKind()] = true
		}
		if len(c.GetChanges()) > 0 {
			out.Changed++
		}
		if len(c.GetDrift()) > 0 {
			out.Drifted++
		}
		if len(c.GetChanges())+len(c.GetDrift()) > 0 {
			out.Cases = append(out.Cases, c)
		}
	}
	for _, kind := range rehearse.Kinds() {
		if sum := count[kindOf(kind)]; sum != nil {
			out.Summary = append(out.Summary, sum)
		}
	}
	return out
}

package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
)

// activates tells whether the row puts its pack in force itself.
func (p *play) activates() bool {
	return slices.ContainsFunc(p.moves, func(m *move) bool { return m.GetActivate() != nil })
}

// force puts the pack in force with these values: one person stores it, another
// activates it.
func (w *world) force(ctx context.Context, values map[string]string) error {
	policies := policyv1.NewPolicyServiceClient(w.suite.Conn("routing"))
	made, err := policies.CreateRevision(w.by(ctx, "people/"+author), &policyv1.CreateRevisionRequest{
		Source: w.play.pack.yaml, Parameters: values, RequestId: uuid.NewString(),
	})
	if err != nil {
		return err
	}
	// This suite is where the pack is being tested, so the run that activation asks for is
	// written down beforehand; nobody but this row ever sees it.
	digest := made.GetRevision().GetDigest()
	ready, err := policies.RecordTestRun(w.by(ctx, "people/"+author), &policyv1.RecordTestRunRequest{
		Name: made.GetRevision().GetName(), RequestId: uuid.NewString(),
		TestRun: &policyv1.TestRun{Digest: digest, ScenariosDigest: digest, Passed: 1, Tool: "redress policy test"},
	})
	if err != nil {
		return err
	}
	_, err = policies.ActivateRevision(w.by(ctx, "people/"+reviewer), &policyv1.ActivateRevisionRequest{
		Name: made.GetRevision().GetName(), Etag: ready.GetRevision().GetEtag(), RequestId: uuid.NewString(),
	})
	return err
}

// activate makes a move that puts the pack in force, or has that refused. What is in
// force is the same before and after a refusal.
func (w *world) activate(ctx context.Context, m *move) (*sighting, error) {
	values := maps.Clone(w.play.scenario.GetParameters())
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, m.GetActivate().GetParameters())
	maps.DeleteFunc(values, func(_, v string) bool { return v == "" })
	before, err := w.inForce(ctx)
	if err != nil {
		return nil, err
	}
	err = w.force(ctx, values)
	if m.GetRefused() == nil {
		if err != nil {
			return nil, fmt.Errorf("activate: %w", err)
		}
		return nil, w.suite.Settle(ctx)
	}
	if err == nil {
		return nil, errors.New("the pack is in force; that must be refused")
	}
	f, ok := fault.As(err)
	if !ok {
		return nil, fmt.Errorf("activate: %w", err)
	}
	now, err := w.inForce(ctx)
	if err != nil {
		return nil, err
	}
	if now != before {
		return nil, fmt.Errorf("activate was refused, but %q is in force, where %q was", now, before)
	}
	return unfit(m, f), nil
}

// inForce is the name of the revision in force; empty if there is none.
func (w *world) inForce(ctx context.Context) (string, error) {
	got, err := policyv1.NewPolicyServiceClient(w.suite.Conn("routing")).GetActiveRevision(w.by(ctx, "people/"+reviewer), &policyv1.GetActiveRevisionRequest{})
	if f, ok := fault.As(err); ok && f.Reason == "NO_ACTIVE_POLICY" {
		return "", nil
	}
	return got.GetRevision().GetName(), err
}

// unfit is what was seen of a pack that is refused: the parameters without a value, or
// the rules of lint that it breaks.
func unfit(m *move, f *fault.Error) *sighting {
	r := m.GetRefused()
	want := map[string]any{"because": word(r.GetBecause()), "rule": r.GetRule(), "missing": anys(slices.Sorted(slices.Values(r.GetMissing())))}
	seen := map[string]any{"because": because(f), "rule": "", "missing": []any{}}
	if f.Reason == packInvalid {
		var rules []string
		for _, v := range f.Violations {
			rules = append(rules, v.Reason)
		}
		seen["rule"] = strings.Join(rules, ", ")
	} else {
		blank := slices.Sorted(strings.SplitSeq(f.Facts["parameters"], ", "))
		seen["missing"] = anys(blank)
	}
	return &sighting{want: want, seen: seen, at: m.spot.at("refused")}
}

// packInvalid is the reason of a pack with a fault.
const packInvalid = "PACK_INVALID"

// designate has who acts name a designee for one of their roles, from now on.
func (w *world) designate(ctx context.Context, m *move) error {
	d := m.GetDesignate()
	_, err := directoryv1.NewDirectoryServiceClient(w.conn("routing")).CreateDelegation(w.acting(ctx), &directoryv1.CreateDelegationRequest{
		Parent: "people/" + personID(w.actor), RequestId: uuid.NewString(),
		Delegation: &directoryv1.Delegation{
			Delegate: "people/" + personID(d.GetTo()), Role: d.GetRole(), StartTime: timestamppb.New(w.suite.Now()), Designation: true, Reason: stand,
		},
	})
	if err != nil {
		return fmt.Errorf("designate: %w", err)
	}
	return w.suite.Settle(ctx)
}

package policyservice_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	policyservice "example.com/redress/services/routing/internal/policy"
)

func TestActivationNeedsAGreenRunOfExactlyThisContent(t *testing.T) {
	b := setup(t)
	r := b.store("people/li", 3)
	_, err := b.activate("people/wang", r)
	f := requireFault(t, policyservice.ReasonNotTested, err)
	require.Equal(t, r.GetName(), f.Facts["name"])

	other := b.store("people/li", 4)
	_, err = b.record("people/li", r, &policyv1.TestRun{Digest: other.GetDigest(), Passed: 3})
	f = requireFault(t, policyservice.ReasonTestedElsewhere, err)
	require.Equal(t, other.GetDigest(), f.Facts["played"])
	require.Equal(t, r.GetDigest(), f.Facts["digest"])

	for _, red := range []*policyv1.TestRun{{}, {Failed: 1, Passed: 8}, {Passed: 8, Mutants: 30, Survivors: 1}} {
		seen, err := b.record("people/li", r, red)
		require.NoError(t, err)
		_, err = b.activate("people/wang", seen)
		f = requireFault(t, policyservice.ReasonTestsFailed, err)
		require.Equal(t, r.GetName(), f.Facts["name"])
	}
	require.Equal(t, "8", f.Facts["passed"])
	require.Equal(t, "1", f.Facts["survivors"])

	require.NoError(t, b.clock.Advance(b.clock.Now().Add(time.Hour)))
	stale := b.get(r.GetName())
	green := b.tested(r)
	require.Equal(t, "people/li", green.GetTestRun().GetRecorder())
	require.Equal(t, b.clock.Now(), green.GetTestRun().GetRecordTime().AsTime())
	require.Equal(t, []int32{3, 0, 9, 0}, []int32{green.GetTestRun().GetPassed(), green.GetTestRun().GetFailed(), green.GetTestRun().GetMutants(), green.GetTestRun().GetSurvivors()})
	_, err = b.activate("people/wang", stale)
	requireReason(t, journal.ReasonEtagMismatch, err)
	on, err := b.activate("people/wang", green)
	require.NoError(t, err)
	require.Equal(t, int32(3), on.GetTestRun().GetPassed(), "what was vouched for stays on record")
	_, err = b.activate("people/wang", other)
	requireReason(t, policyservice.ReasonNotTested, err)
}

func TestARevisionThatWasInForceComesBackUnlessItsNewestRunIsRed(t *testing.T) {
	b := setup(t)
	suite := authn.With(t.Context(), authn.For("services/suite", ""))
	got, err := b.server.InstallPack(suite, &policyv1.InstallPackRequest{Organization: acme, Pack: "demo", RequestId: id()})
	require.NoError(t, err)
	shipped := got.GetRevision().GetName()
	_, err = b.activate("people/wang", b.tested(b.store("people/li", 3)))
	require.NoError(t, err)

	red, err := b.record("people/li", b.get(shipped), &policyv1.TestRun{Failed: 2})
	require.NoError(t, err)
	_, err = b.activate("people/wang", red)
	requireReason(t, policyservice.ReasonTestsFailed, err)

	again, err := b.record("people/li", red, &policyv1.TestRun{Passed: 2})
	require.NoError(t, err)
	_, err = b.activate("people/wang", again)
	require.NoError(t, err)
}

func TestWhatHasBlankParametersCannotHaveBeenPlayed(t *testing.T) {
	b := setup(t)
	got, err := b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(sound), RequestId: id()})
	require.NoError(t, err)
	_, err = b.record("people/li", got.GetRevision(), &policyv1.TestRun{Passed: 1})
	f := requireFault(t, policyservice.ReasonParameterUnset, err)
	require.Equal(t, "days", f.Facts["parameters"])
	_, err = b.record("people/li", &policyv1.Revision{Name: "packs/sample/revisions/none"}, &policyv1.TestRun{Passed: 1, Digest: strings.Repeat("0", 64)})
	requireReason(t, journal.ReasonNotFound, err)
}

func TestRevisionsAreComparedInTheCallersLanguage(t *testing.T) {
	b := setup(t)
	old, next := b.tested(b.store("people/li", 3)), b.store("people/li", 4)
	_, err := b.server.CompareRevisions(b.as("people/any"), &policyv1.CompareRevisionsRequest{After: next.GetName()})
	requireReason(t, revisions.ReasonNoActive, err)
	_, err = b.activate("people/wang", old)
	require.NoError(t, err)
	_, err = b.server.CompareRevisions(b.as("people/any"), &policyv1.CompareRevisionsRequest{After: "packs/sample/revisions/none"})
	requireReason(t, journal.ReasonNotFound, err)

	got, err := b.server.CompareRevisions(b.as("people/any"), &policyv1.CompareRevisionsRequest{After: next.GetName()})
	require.NoError(t, err)
	require.Equal(t, old.GetName(), got.GetBefore())
	require.Len(t, got.GetDifferences(), 1)
	d := got.GetDifferences()[0]
	require.Equal(t, "parameters.days", d.GetPath())
	require.Equal(t, []string{"value", "3 days", "4 days"}, []string{d.GetFields()[0].GetField(), d.GetFields()[0].GetBefore(), d.GetFields()[0].GetAfter()})

	chinese := authn.With(t.Context(), authn.For("people/li", acme))
	got, err = b.server.CompareRevisions(chinese, &policyv1.CompareRevisionsRequest{Before: next.GetName(), After: old.GetName()})
	require.NoError(t, err)
	require.Equal(t, "3 天", got.GetDifferences()[0].GetFields()[0].GetAfter())
}

func TestADraftComesFromTheServerToo(t *testing.T) {
	b := setup(t)
	got, err := b.server.DraftPack(b.as("people/li"), &policyv1.DraftPackRequest{Pack: "refunds", Title: &typev1.Text{Zh: "退款程序", En: "Refunds"}})
	require.NoError(t, err)
	require.Equal(t, "pack.yaml", got.GetFiles()[0].GetPath())
	valid, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: got.GetFiles()[0].GetContent()})
	require.NoError(t, err)
	require.Empty(t, valid.GetFindings())
	require.NotEmpty(t, valid.GetDigest())
	_, err = b.server.DraftPack(b.as("people/li"), &policyv1.DraftPackRequest{Pack: "refunds", Include: []string{"nowhere"}})
	f := requireFault(t, policyservice.ReasonPackInvalid, err)
	require.Equal(t, "include", f.Violations[0].Field)
}

func TestValidateFindsWhatOnlyLintDoes(t *testing.T) {
	b := setup(t)
	year := b.clock.Now().Year()
	require.NoError(t, b.clock.Advance(time.Date(year+50, 1, 1, 0, 0, 0, 0, time.UTC)))
	source, err := policy.Shipped("generic-template", "")
	require.NoError(t, err)
	got, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: source})
	require.NoError(t, err)
	require.Len(t, got.GetFindings(), 1)
	require.Equal(t, "L26", got.GetFindings()[0].GetRule())
	require.Equal(t, policyv1.Finding_SEVERITY_WARNING, got.GetFindings()[0].GetSeverity())
	require.NotEmpty(t, got.GetDigest(), "a warning keeps nothing from being stored")
}

package policyservice_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	policyservice "example.com/redress/services/routing/internal/policy"
)

const acme = "acme"

// sound is a pack without findings; what it is asked for depends on a parameter.
const sound = `pack: sample
title: {zh: 样例, en: Sample}
source: Sample, 1-5
parameters:
- {id: days, clause: "5", type: LIMIT, text: {zh: 期限, en: limit}}
clocks:
- {id: answer, clause: "5", text: {zh: 答复, en: answer}, from: [COMPLAINT_RECEIVED], limit: $days, met_by: [REPLY_SENT]}
`

// broken has two mistakes in line 4.
const broken = `pack: sample
title: {zh: 样例, en: Sample}
clocks:
- {id: answer, clause: "5", text: {zh: 答复, en: answer}, from: [COMPLAINT_RECEIVED], limit: 3 workdays, met_by: [REPLY_SEND]}
`

type bundle struct {
	t      *testing.T
	server *policyservice.Server
	host   *host.Host
	clock  *clock.Virtual
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, server: policyservice.New(), clock: clock.NewVirtual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))}
	var err error
	b.host, err = host.New(t.Context(), host.Definition{
		Name: "routing", Kinds: policyservice.Kinds(), Directory: true, Register: b.server.Register, Reasons: policyservice.Reasons(),
	}, host.Deps{
		DB: kittest.SQLite(t), Clock: b.clock, Keys: &sealtest.Keys{}, DigestKey: make([]byte, 32),
		Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
	})
	require.NoError(t, err)
	b.server.Bind(b.host)
	t.Cleanup(func() { require.NoError(t, b.host.Stop(context.WithoutCancel(t.Context()))) })
	return b
}

func (b *bundle) as(principal string) context.Context {
	c := authn.For(principal, acme)
	c.Locale = fault.English
	return authn.With(b.t.Context(), c)
}

func id() string { return uuid.NewString() }

func days(n int) map[string]string { return map[string]string{"days": fmt.Sprintf("%d days", n)} }

// store stores the sound pack for n days.
func (b *bundle) store(author string, n int) *policyv1.Revision {
	b.t.Helper()
	got, err := b.server.CreateRevision(b.as(author), &policyv1.CreateRevisionRequest{Source: []byte(sound), Parameters: days(n), RequestId: id()})
	require.NoError(b.t, err)
	return got.GetRevision()
}

func (b *bundle) activate(who string, r *policyv1.Revision) (*policyv1.Revision, error) {
	got, err := b.server.ActivateRevision(b.as(who), &policyv1.ActivateRevisionRequest{Name: r.GetName(), Etag: r.GetEtag(), RequestId: id()})
	return got.GetRevision(), err
}

// tested records a green run for the revision.
func (b *bundle) tested(r *policyv1.Revision) *policyv1.Revision {
	b.t.Helper()
	got, err := b.record("people/li", r, &policyv1.TestRun{Passed: 3, Mutants: 9})
	require.NoError(b.t, err)
	return got
}

// record records a run of the revision's content.
func (b *bundle) record(who string, r *policyv1.Revision, run *policyv1.TestRun) (*policyv1.Revision, error) {
	if run.GetDigest() == "" {
		run.Digest = r.GetDigest()
	}
	run.ScenariosDigest, run.Tool = strings.Repeat("0", 64), "test"
	got, err := b.server.RecordTestRun(b.as(who), &policyv1.RecordTestRunRequest{Name: r.GetName(), TestRun: run, RequestId: id()})
	return got.GetRevision(), err
}

func (b *bundle) get(name string) *policyv1.Revision {
	b.t.Helper()
	got, err := b.server.GetRevision(b.as("people/any"), &policyv1.GetRevisionRequest{Name: name})
	require.NoError(b.t, err)
	return got.GetRevision()
}

func (b *bundle) active() *policyv1.Revision {
	b.t.Helper()
	got, err := b.server.GetActiveRevision(b.as("people/any"), &policyv1.GetActiveRevisionRequest{})
	require.NoError(b.t, err)
	return got.GetRevision()
}

func requireReason(t *testing.T, reason string, err error) {
	t.Helper()
	require.NotNil(t, requireFault(t, reason, err))
}

func requireFault(t *testing.T, reason string, err error) *fault.Error {
	t.Helper()
	f, ok := fault.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, reason, f.Reason, "%v", err)
	return f
}

func TestValidateTellsEveryFindingInTheCallersLanguage(t *testing.T) {
	b := setup(t)
	got, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: []byte(broken)})
	require.NoError(t, err)
	require.Empty(t, got.GetDigest())
	var rules []string
	for _, f := range got.GetFindings() {
		require.Equal(t, "pack.yaml", f.GetFile())
		require.NotEmpty(t, f.GetMessage())
		if f.GetLine() == 4 {
			rules = append(rules, f.GetRule())
		}
	}
	require.Equal(t, []string{"L03", "L02"}, rules)

	ctx := authn.With(t.Context(), authn.For("people/li", acme))
	chinese, err := b.server.ValidatePack(ctx, &policyv1.ValidatePackRequest{Source: []byte(broken)})
	require.NoError(t, err)
	require.Len(t, chinese.GetFindings(), len(got.GetFindings()))
	require.NotEqual(t, got.GetFindings()[0].GetMessage(), chinese.GetFindings()[0].GetMessage())
}

func TestValidateListsParametersThatAreBlank(t *testing.T) {
	b := setup(t)
	got, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: []byte(sound)})
	require.NoError(t, err)
	require.Empty(t, got.GetFindings())
	require.Equal(t, []string{"days"}, got.GetUnsetParameters())
	require.Regexp(t, `^[0-9a-f]{64}$`, got.GetDigest())

	set, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: []byte(sound), Parameters: days(3)})
	require.NoError(t, err)
	require.Empty(t, set.GetUnsetParameters())
	require.NotEqual(t, got.GetDigest(), set.GetDigest())
	page, err := b.server.ListRevisions(b.as("people/li"), &policyv1.ListRevisionsRequest{})
	require.NoError(t, err)
	require.Empty(t, page.GetRevisions(), "nothing was stored")

	unknown, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: []byte(sound), Parameters: map[string]string{"dais": "1"}})
	require.NoError(t, err)
	require.Len(t, unknown.GetFindings(), 1)
	require.Equal(t, "L06", unknown.GetFindings()[0].GetRule())
	require.True(t, strings.HasPrefix(unknown.GetFindings()[0].GetMessage(), "parameters.dais: "))
	require.Empty(t, unknown.GetDigest())
}

func TestShippedPacksValidate(t *testing.T) {
	b := setup(t)
	for _, name := range policy.ShippedNames() {
		source, err := policy.Shipped(name, "")
		require.NoError(t, err)
		got, err := b.server.ValidatePack(b.as("people/li"), &policyv1.ValidatePackRequest{Source: source})
		require.NoError(t, err)
		require.Empty(t, got.GetFindings(), name)
		require.NotEmpty(t, got.GetDigest())
	}
}

func TestStoringKeepsTextAndResolvedWhole(t *testing.T) {
	b := setup(t)
	r := b.store("people/li", 3)
	require.Equal(t, policyv1.Revision_STATE_DRAFT, r.GetState())
	require.Equal(t, "packs/sample/revisions/"+r.GetDigest()[:32], r.GetName())
	require.Equal(t, "1", r.GetEtag())
	require.Equal(t, "people/li", r.GetAuthor())
	require.Equal(t, b.clock.Now(), r.GetCreateTime().AsTime())
	require.Equal(t, sound, string(r.GetSource()))
	require.Equal(t, days(3), r.GetParameters())

	var pack policyv1.Pack
	require.NoError(t, proto.Unmarshal(r.GetResolved(), &pack))
	p, _ := policy.Compile(&pack, policy.Options{})
	require.Equal(t, r.GetDigest(), p.Revision(), "the resolved whole has the parameters in it")
}

func TestTheSameTextIsOneRevision(t *testing.T) {
	b := setup(t)
	first := b.store("people/li", 3)
	again := b.store("people/wang", 3)
	require.Equal(t, first.GetName(), again.GetName())
	require.Equal(t, "people/li", again.GetAuthor())
	require.Equal(t, "1", again.GetEtag())
	require.NotEqual(t, first.GetName(), b.store("people/li", 4).GetName())

	// A repeated request gets the first answer.
	req := &policyv1.CreateRevisionRequest{Source: []byte(sound), Parameters: days(9), RequestId: id()}
	a, err := b.server.CreateRevision(b.as("people/li"), req)
	require.NoError(t, err)
	again2, err := b.server.CreateRevision(b.as("people/li"), req)
	require.NoError(t, err)
	require.True(t, proto.Equal(a, again2))
	req.Parameters = days(8)
	_, err = b.server.CreateRevision(b.as("people/li"), req)
	requireReason(t, journal.ReasonRequestReused, err)
}

func TestAPackThatDoesNotLoadIsRefusedWithEveryPlace(t *testing.T) {
	b := setup(t)
	_, err := b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(broken), RequestId: id()})
	f := requireFault(t, policyservice.ReasonPackInvalid, err)
	require.Equal(t, fault.Invalid, f.Kind)
	fields := map[string]string{}
	for _, v := range f.Violations {
		fields[v.Reason] = v.Field
		require.NotEmpty(t, v.Text.GetZh())
		require.NotEmpty(t, v.Text.GetEn())
	}
	require.Equal(t, "pack.yaml:4:92", fields["L03"])
	require.Regexp(t, `^pack\.yaml:4:\d+$`, fields["L02"])

	_, err = b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(sound), Parameters: map[string]string{"days": "x"}, RequestId: id()})
	f = requireFault(t, policyservice.ReasonPackInvalid, err)
	require.Equal(t, "parameters.days", f.Violations[0].Field, "no place in a file: the path")
}

func TestPacksIncludeShippedOnes(t *testing.T) {
	b := setup(t)
	demo, err := policy.Shipped("demo", "")
	require.NoError(t, err)
	own := strings.Replace(string(demo), "pack: demo", "pack: ours", 1)
	got, err := b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(own), RequestId: id()})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got.GetRevision().GetName(), "packs/ours/revisions/"))

	stale := strings.Replace(own, "revision: ", "revision: 0", 1)
	_, err = b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(stale), RequestId: id()})
	f := requireFault(t, policyservice.ReasonPackInvalid, err)
	require.Equal(t, "L40", f.Violations[0].Reason)
}

func TestADraftMayHaveBlankParametersAndIsNotActivated(t *testing.T) {
	b := setup(t)
	got, err := b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(sound), RequestId: id()})
	require.NoError(t, err)
	r := got.GetRevision()
	require.Equal(t, []string{"days"}, r.GetUnsetParameters())
	again, err := b.server.CreateRevision(b.as("people/wang"), &policyv1.CreateRevisionRequest{Source: []byte(sound), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, r.GetName(), again.GetRevision().GetName())

	_, err = b.activate("people/wang", r)
	f := requireFault(t, policyservice.ReasonParameterUnset, err)
	require.Equal(t, "days", f.Facts["parameters"])
	require.Equal(t, "parameters.days", f.Violations[0].Field)
	require.Equal(t, "limit", f.Violations[0].Text.GetEn())
}

func TestActivationNeedsASecondPersonAndTheNewestVersion(t *testing.T) {
	b := setup(t)
	r := b.tested(b.store("people/li", 3))
	_, err := b.activate("people/li", r)
	requireReason(t, policyservice.ReasonOwnRevision, err)
	stale := proto.CloneOf(r)
	stale.Etag = "7"
	_, err = b.activate("people/wang", stale)
	requireReason(t, journal.ReasonEtagMismatch, err)
	_, err = b.activate("people/wang", &policyv1.Revision{Name: "packs/sample/revisions/none", Etag: "1"})
	requireReason(t, journal.ReasonNotFound, err)

	require.NoError(t, b.clock.Advance(b.clock.Now().Add(time.Hour)))
	on, err := b.activate("people/wang", r)
	require.NoError(t, err)
	require.Equal(t, policyv1.Revision_STATE_ACTIVE, on.GetState())
	require.Equal(t, "people/wang", on.GetActivator())
	require.Equal(t, b.clock.Now(), on.GetActivateTime().AsTime())
	require.Equal(t, "3", on.GetEtag())

	_, err = b.activate("people/wang", on)
	requireReason(t, policyservice.ReasonRevisionActive, err)
}

func TestTheOneBeforeIsRetiredAndMayComeBack(t *testing.T) {
	b := setup(t)
	_, err := b.server.GetActiveRevision(b.as("people/any"), &policyv1.GetActiveRevisionRequest{})
	requireReason(t, revisions.ReasonNoActive, err)

	first, err := b.activate("people/wang", b.tested(b.store("people/li", 3)))
	require.NoError(t, err)
	second, err := b.activate("people/wang", b.tested(b.store("people/li", 4)))
	require.NoError(t, err)
	require.Equal(t, second.GetName(), b.active().GetName())
	require.NotEmpty(t, b.active().GetResolved())
	retired := b.get(first.GetName())
	require.Equal(t, policyv1.Revision_STATE_RETIRED, retired.GetState())

	events, err := b.host.Journal.History(t.Context(), acme, second.GetName(), 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	body, err := journal.Body(events[2])
	require.NoError(t, err)
	change := &policyv1.PolicyRevisionActivated{}
	require.NoError(t, body.GetChange().UnmarshalTo(change))
	require.Equal(t, first.GetName(), change.GetPrevious())
	state := &policyv1.Revision{}
	require.NoError(t, body.GetState().UnmarshalTo(state))
	require.NotEmpty(t, state.GetResolved(), "the event carries what services execute")
	require.Empty(t, state.GetEtag())

	back, err := b.activate("people/wang", retired)
	require.NoError(t, err)
	require.Equal(t, back.GetName(), b.active().GetName())
	require.Equal(t, policyv1.Revision_STATE_RETIRED, b.get(second.GetName()).GetState())
}

func TestABrokenPackLeavesTheOldRevisionInForce(t *testing.T) {
	b := setup(t)
	old, err := b.activate("people/wang", b.tested(b.store("people/li", 3)))
	require.NoError(t, err)

	// It does not get in.
	_, err = b.server.CreateRevision(b.as("people/li"), &policyv1.CreateRevisionRequest{Source: []byte(broken), RequestId: id()})
	requireReason(t, policyservice.ReasonPackInvalid, err)
	require.Equal(t, old.GetName(), b.active().GetName())

	// One that this binary cannot execute, stored by another one, is not put in force.
	pack := &policyv1.Pack{Pack: "newer", Guidance: []*policyv1.Card{{Id: "card"}}}
	resolved, err := proto.Marshal(pack)
	require.NoError(t, err)
	for name, bytes := range map[string][]byte{"packs/newer/revisions/1": resolved, "packs/newer/revisions/2": []byte("\xff")} {
		_, err = b.host.Journal.Write(t.Context(), journal.Work{Organization: acme, Key: name, Actor: &eventv1.Actor{Principal: "people/li"}}, func(u *journal.Unit) error {
			return u.Create(name, &policyv1.Revision{Name: name, State: policyv1.Revision_STATE_DRAFT, Author: "people/li", Resolved: bytes}, &policyv1.RevisionStored{})
		})
		require.NoError(t, err)
		_, err = b.activate("people/wang", &policyv1.Revision{Name: name, Etag: "1"})
		f := requireFault(t, policyservice.ReasonPackInvalid, err)
		require.NotEmpty(t, f.Violations)
		require.Equal(t, old.GetName(), b.active().GetName())
		require.Equal(t, policyv1.Revision_STATE_ACTIVE, b.get(old.GetName()).GetState())
	}
}

func TestOneRevisionIsInForceHoweverManyActivate(t *testing.T) {
	b := setup(t)
	var drafts []*policyv1.Revision
	for n := range 6 {
		drafts = append(drafts, b.tested(b.store("people/li", n+2)))
	}
	var wait sync.WaitGroup
	for _, r := range drafts {
		wait.Go(func() {
			if _, err := b.activate("people/wang", r); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	in := 0
	for _, r := range drafts {
		if b.get(r.GetName()).GetState() == policyv1.Revision_STATE_ACTIVE {
			in++
		}
	}
	require.Equal(t, 1, in)
}

func TestListsPageByPageWithoutBytes(t *testing.T) {
	b := setup(t)
	for n := range 5 {
		b.store("people/li", n+2)
	}
	var names []string
	req := &policyv1.ListRevisionsRequest{PageSize: 2}
	for {
		got, err := b.server.ListRevisions(b.as("people/any"), req)
		require.NoError(t, err)
		for _, r := range got.GetRevisions() {
			require.Empty(t, r.GetSource())
			require.Empty(t, r.GetResolved())
			require.Equal(t, "1", r.GetEtag())
			names = append(names, r.GetName())
		}
		if req.PageToken = got.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	require.Len(t, names, 5)
	require.IsIncreasing(t, names)

	got, err := b.server.ListRevisions(b.as("people/any"), &policyv1.ListRevisionsRequest{PageSize: 2})
	require.NoError(t, err)
	_, err = b.server.ListRevisions(b.as("people/other"), &policyv1.ListRevisionsRequest{PageToken: got.GetNextPageToken()})
	requireReason(t, page.ReasonToken, err)
	_, err = b.server.ListRevisions(b.as("people/any"), &policyv1.ListRevisionsRequest{PageSize: -1})
	requireReason(t, page.ReasonSize, err)
}

func TestOrganisationsDoNotSeeEachOther(t *testing.T) {
	b := setup(t)
	r, err := b.activate("people/wang", b.tested(b.store("people/li", 3)))
	require.NoError(t, err)
	other := authn.With(t.Context(), authn.For("people/li", "other"))
	_, err = b.server.GetRevision(other, &policyv1.GetRevisionRequest{Name: r.GetName()})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.server.GetActiveRevision(other, &policyv1.GetActiveRevisionRequest{})
	requireReason(t, revisions.ReasonNoActive, err)

	// A service reads for the organisation it acts for.
	service := authn.With(t.Context(), authn.For("services/intake", acme))
	got, err := b.server.GetActiveRevision(service, &policyv1.GetActiveRevisionRequest{})
	require.NoError(t, err)
	require.Equal(t, r.GetName(), got.GetRevision().GetName())
}

func TestInstallPutsAShippedPackInForceOnce(t *testing.T) {
	b := setup(t)
	suite := authn.With(t.Context(), authn.For("services/suite", ""))
	req := &policyv1.InstallPackRequest{Organization: acme, Pack: "demo", RequestId: id()}
	got, err := b.server.InstallPack(suite, req)
	require.NoError(t, err)
	require.Equal(t, policyv1.Revision_STATE_ACTIVE, got.GetRevision().GetState())
	require.Equal(t, "2", got.GetRevision().GetEtag())
	require.Equal(t, "services/suite", got.GetRevision().GetAuthor())
	require.Equal(t, got.GetRevision().GetName(), b.active().GetName())
	p, _, err := revisions.New().Active(revisions.Journal{Context: t.Context(), J: b.host.Journal, Organization: acme, Own: true})
	require.NoError(t, err)
	require.Equal(t, got.GetRevision().GetDigest(), p.Revision())

	again, err := b.server.InstallPack(suite, req)
	require.NoError(t, err)
	require.True(t, proto.Equal(got, again), "the same request gets the same answer")
	_, err = b.server.InstallPack(suite, &policyv1.InstallPackRequest{Organization: acme, Pack: "generic-template", RequestId: id()})
	f := requireFault(t, policyservice.ReasonPolicyExists, err)
	require.Equal(t, got.GetRevision().GetName(), f.Facts["name"])
	_, err = b.server.InstallPack(suite, &policyv1.InstallPackRequest{Organization: "other", Pack: "no-such", RequestId: id()})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.server.InstallPack(suite, &policyv1.InstallPackRequest{Organization: "other", Pack: "demo", Parameters: map[string]string{"x": "1"}, RequestId: id()})
	requireReason(t, policyservice.ReasonPackInvalid, err)

	// A draft of the same text that somebody stored before is taken.
	demo, err := policy.Shipped("demo", "")
	require.NoError(t, err)
	ctx := authn.With(t.Context(), authn.For("people/li", "third"))
	draft, err := b.server.CreateRevision(ctx, &policyv1.CreateRevisionRequest{Source: demo, RequestId: id()})
	require.NoError(t, err)
	third, err := b.server.InstallPack(suite, &policyv1.InstallPackRequest{Organization: "third", Pack: "demo", RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, draft.GetRevision().GetName(), third.GetRevision().GetName())
	require.Equal(t, policyv1.Revision_STATE_ACTIVE, third.GetRevision().GetState())
}

func TestReasonsAreACatalogueAndTheServiceIsComplete(t *testing.T) {
	_, err := fault.NewCatalogue(append(policyservice.Reasons(), revisions.Reasons()...)...)
	require.NoError(t, err)
	server := grpc.NewServer()
	policyservice.New().Register(server)
	require.Contains(t, server.GetServiceInfo(), "redress.policy.v1.PolicyService")
}

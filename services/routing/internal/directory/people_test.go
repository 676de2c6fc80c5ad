package directory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	routingdirectory "example.com/redress/services/routing/internal/directory"
)

func li() *directoryv1.Person {
	return &directoryv1.Person{
		Name: "people/li", DisplayName: "李娜Canary", Email: "canary@acme.example", Telephone: "13800138000", Locale: "en",
		Functions: []typev1.Function{typev1.Function_FUNCTION_HANDLER, typev1.Function_FUNCTION_AGENT},
	}
}

func TestAPersonIsCreatedOnce(t *testing.T) {
	b := setup(t)
	p := b.create(li())
	require.Equal(t, directoryv1.Person_STATE_ACTIVE, p.GetState())
	require.Equal(t, "李娜Canary", p.GetDisplayName())
	require.Equal(t, "canary@acme.example", p.GetEmail())
	require.Equal(t, "1", p.GetEtag())
	require.Equal(t, b.clock.Now(), p.GetCreateTime().AsTime())
	require.Equal(t, []typev1.Function{typev1.Function_FUNCTION_AGENT, typev1.Function_FUNCTION_HANDLER}, p.GetFunctions())

	_, err := b.server.CreatePerson(b.admin(), &directoryv1.CreatePersonRequest{Person: li(), RequestId: id()})
	requireReason(t, journal.ReasonExists, err)

	functions, err := b.host.Functions(t.Context(), acme, "people/li")
	require.NoError(t, err)
	require.Len(t, functions, 2, "the directory is read anew after a change")
}

func TestARepeatedRequestGetsTheFirstAnswer(t *testing.T) {
	b := setup(t)
	req := &directoryv1.CreatePersonRequest{Person: li(), RequestId: id()}
	first, err := b.server.CreatePerson(b.admin(), req)
	require.NoError(t, err)
	again, err := b.server.CreatePerson(b.admin(), req)
	require.NoError(t, err)
	require.True(t, proto.Equal(first, again))
	req.Person.DisplayName = "another"
	_, err = b.server.CreatePerson(b.admin(), req)
	requireReason(t, journal.ReasonRequestReused, err)
}

func TestNamesOfPeopleFitTheirDataSubject(t *testing.T) {
	b := setup(t)
	for _, name := range []string{"", "people/", "people/-", "people/Li", "people/a/b", "customers/x", "people/" + strings.Repeat("a", 57)} {
		_, err := b.server.CreatePerson(b.admin(), &directoryv1.CreatePersonRequest{Person: &directoryv1.Person{Name: name, DisplayName: "x"}, RequestId: id()})
		f := requireFault(t, fault.ReasonInvalidRequest, err)
		require.Equal(t, "person.name", f.Violations[0].Field)
		_, err = b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: &directoryv1.Person{Name: name}, Etag: "1", RequestId: id()})
		requireReason(t, fault.ReasonInvalidRequest, err)
	}
	longest := "people/" + strings.Repeat("a", 56)
	b.create(&directoryv1.Person{Name: longest, DisplayName: "x"})
	require.Equal(t, "x", b.get(b.admin(), longest).GetDisplayName())
}

func TestContactIsShownToAdministratorsAndToThePersonOnly(t *testing.T) {
	b := setup(t)
	b.create(li())
	for _, test := range []struct {
		who       string
		functions []typev1.Function
		shown     bool
	}{
		{"people/admin", []typev1.Function{typev1.Function_FUNCTION_DIRECTORY_ADMIN}, true},
		{"people/li", nil, true},
		{"people/wang", []typev1.Function{typev1.Function_FUNCTION_AUDITOR, typev1.Function_FUNCTION_PRIVACY_OFFICER}, false},
	} {
		p := b.get(b.as(test.who, test.functions...), "people/li")
		require.Equal(t, "李娜Canary", p.GetDisplayName(), test.who)
		listed, err := b.server.ListPeople(b.as(test.who, test.functions...), &directoryv1.ListPeopleRequest{})
		require.NoError(t, err)
		require.True(t, proto.Equal(p, listed.GetPeople()[0]), "a list shows the same")
		if test.shown {
			require.Equal(t, "canary@acme.example", p.GetEmail())
			require.Equal(t, "13800138000", p.GetTelephone())
		} else {
			require.Equal(t, seal.Masked, p.GetEmail())
			require.Equal(t, seal.Masked, p.GetTelephone())
		}
	}
	_, err := b.server.GetPerson(b.as("people/li"), &directoryv1.GetPersonRequest{Name: "people/nobody"})
	requireReason(t, journal.ReasonNotFound, err)
	other := authn.With(t.Context(), authn.For("people/li", "other"))
	_, err = b.server.GetPerson(other, &directoryv1.GetPersonRequest{Name: "people/li"})
	requireReason(t, journal.ReasonNotFound, err)
}

func TestNoClearTextOfAPersonIsStored(t *testing.T) {
	b := setup(t)
	p := b.create(li())
	b.people("wang")
	p.DisplayName, p.Email = "李娜Sparrow", "sparrow@acme.example"
	_, err := b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: p, Etag: p.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	d := b.delegation("li", "wang", 3)
	d.Delegation.Reason = "Wagtail, who is ill"
	_, err = b.server.CreateDelegation(b.as("people/li"), d)
	require.NoError(t, err)
	_, err = b.server.ImportDirectory(b.admin(), &directoryv1.ImportDirectoryRequest{
		Csv: []byte("record,id,zh,email,telephone\nperson,zhao,赵Magpie,magpie@acme.example,13900139001\n"), RequestId: id(),
	})
	require.NoError(t, err)
	b.requireAbsent("Canary", "canary@acme", "13800138000", "Sparrow", "sparrow@acme", "Wagtail", "Magpie", "magpie@acme", "13900139001", "李娜", "赵")

	// Each person has a key of their own.
	require.NoError(t, b.keys.Destroy(t.Context(), acme, "people-li"))
	require.Equal(t, seal.Erased, b.get(b.admin(), "people/li").GetDisplayName())
	require.Equal(t, "赵Magpie", b.get(b.admin(), "people/zhao").GetDisplayName())
	listed, err := b.server.ListDelegations(b.as("people/wang"), &directoryv1.ListDelegationsRequest{Parent: "people/li"})
	require.NoError(t, err)
	require.Equal(t, seal.Erased, listed.GetDelegations()[0].GetReason(), "the reason is about who is represented")
}

func TestUpdateReplacesWhatMayChange(t *testing.T) {
	b := setup(t)
	b.people("wang")
	p := b.create(li())
	require.NoError(t, b.clock.Advance(b.clock.Now().Add(time.Hour)))
	next := &directoryv1.Person{
		Name: p.GetName(), DisplayName: "李娜", Superior: "people/wang", Locale: "zh-CN",
		State: directoryv1.Person_STATE_INACTIVE, Functions: []typev1.Function{typev1.Function_FUNCTION_AUDITOR},
	}
	got, err := b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: next, Etag: "1", RequestId: id()})
	require.NoError(t, err)
	q := got.GetPerson()
	require.Equal(t, "李娜", q.GetDisplayName())
	require.Empty(t, q.GetEmail())
	require.Equal(t, "people/wang", q.GetSuperior())
	require.Equal(t, "zh-CN", q.GetLocale())
	require.Equal(t, next.GetFunctions(), q.GetFunctions())
	require.Equal(t, directoryv1.Person_STATE_ACTIVE, q.GetState(), "the state is not the caller's to set")
	require.Equal(t, p.GetCreateTime().AsTime(), q.GetCreateTime().AsTime())
	require.Equal(t, b.clock.Now(), q.GetUpdateTime().AsTime())
	require.Equal(t, "2", q.GetEtag())

	_, err = b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: next, Etag: "1", RequestId: id()})
	requireReason(t, journal.ReasonEtagMismatch, err)
	next.Name = "people/nobody"
	_, err = b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: next, Etag: "1", RequestId: id()})
	requireReason(t, journal.ReasonNotFound, err)
}

func TestAMaskSentBackChangesNothing(t *testing.T) {
	b := setup(t)
	b.create(li())
	b.keys.Fail(fault.New(fault.Unavailable, fault.ReasonUnavailable))
	masked := b.get(b.admin(), "people/li")
	require.Equal(t, seal.Masked, masked.GetDisplayName(), "a key that is away does not fail the read")
	b.keys.Fail(nil)
	_, err := b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: masked, Etag: masked.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	after := b.get(b.admin(), "people/li")
	require.Equal(t, "李娜Canary", after.GetDisplayName())
	require.Equal(t, "canary@acme.example", after.GetEmail())
}

func TestNobodyChangesTheirOwnFunctions(t *testing.T) {
	b := setup(t)
	admin := b.create(&directoryv1.Person{Name: "people/admin", DisplayName: "a", Functions: []typev1.Function{typev1.Function_FUNCTION_DIRECTORY_ADMIN}})
	for _, functions := range [][]typev1.Function{nil, {typev1.Function_FUNCTION_DIRECTORY_ADMIN, typev1.Function_FUNCTION_FINANCE}} {
		p := proto.CloneOf(admin)
		p.Functions = functions
		_, err := b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: p, Etag: p.GetEtag(), RequestId: id()})
		requireReason(t, routingdirectory.ReasonOwnFunctions, err)
	}
	admin.Email = "a@acme.example"
	_, err := b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: admin, Etag: admin.GetEtag(), RequestId: id()})
	require.NoError(t, err, "the rest of oneself may be changed")
}

func TestSuperiorsFormNoLoop(t *testing.T) {
	b := setup(t)
	_, err := b.server.CreatePerson(b.admin(), &directoryv1.CreatePersonRequest{Person: &directoryv1.Person{Name: "people/a", DisplayName: "a", Superior: "people/a"}, RequestId: id()})
	requireReason(t, kit.ReasonSuperiorLoop, err)
	_, err = b.server.CreatePerson(b.admin(), &directoryv1.CreatePersonRequest{Person: &directoryv1.Person{Name: "people/a", DisplayName: "a", Superior: "people/b"}, RequestId: id()})
	f := requireFault(t, journal.ReasonNotFound, err)
	require.Equal(t, "people/b", f.Facts["name"])

	a := b.create(&directoryv1.Person{Name: "people/a", DisplayName: "a"})
	b.create(&directoryv1.Person{Name: "people/b", DisplayName: "b", Superior: "people/a"})
	b.create(&directoryv1.Person{Name: "people/c", DisplayName: "c", Superior: "people/b"})
	a.Superior = "people/c"
	_, err = b.server.UpdatePerson(b.admin(), &directoryv1.UpdatePersonRequest{Person: a, Etag: a.GetEtag(), RequestId: id()})
	f = requireFault(t, kit.ReasonSuperiorLoop, err)
	require.Equal(t, "people/a → people/c → people/b → people/a", f.Facts["chain"])
}

func TestDeactivationEndsTheRightToAct(t *testing.T) {
	b := setup(t)
	p := b.create(li())
	_, err := b.server.DeactivatePerson(b.admin(), &directoryv1.DeactivatePersonRequest{Name: "people/nobody", Etag: "1", RequestId: id()})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.server.DeactivatePerson(b.admin(), &directoryv1.DeactivatePersonRequest{Name: p.GetName(), Etag: "9", RequestId: id()})
	requireReason(t, journal.ReasonEtagMismatch, err)
	got, err := b.server.DeactivatePerson(b.admin(), &directoryv1.DeactivatePersonRequest{Name: p.GetName(), Etag: "1", RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, directoryv1.Person_STATE_INACTIVE, got.GetPerson().GetState())
	_, err = b.host.Functions(t.Context(), acme, p.GetName())
	requireReason(t, journal.ReasonNotFound, err)
	again, err := b.server.DeactivatePerson(b.admin(), &directoryv1.DeactivatePersonRequest{Name: p.GetName(), Etag: "2", RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, "2", again.GetPerson().GetEtag(), "saying it again is no event")
}

func TestListsOfPeopleComeInPages(t *testing.T) {
	b := setup(t)
	b.people("a", "b", "c", "d", "e")
	var names []string
	req := &directoryv1.ListPeopleRequest{PageSize: 2}
	for {
		got, err := b.server.ListPeople(b.as("people/a"), req)
		require.NoError(t, err)
		for _, p := range got.GetPeople() {
			names = append(names, p.GetName())
		}
		if req.PageToken = got.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"people/a", "people/b", "people/c", "people/d", "people/e"}, names)
	got, err := b.server.ListPeople(b.as("people/a"), &directoryv1.ListPeopleRequest{PageSize: 2})
	require.NoError(t, err)
	_, err = b.server.ListDepartments(b.as("people/a"), &directoryv1.ListDepartmentsRequest{PageToken: got.GetNextPageToken()})
	requireReason(t, page.ReasonToken, err)
	_, err = b.server.ListPeople(b.as("people/a"), &directoryv1.ListPeopleRequest{PageSize: -1})
	requireReason(t, page.ReasonSize, err)
}

func TestReasonsAreACatalogueAndTheServiceIsComplete(t *testing.T) {
	_, err := fault.NewCatalogue(append(routingdirectory.Reasons(), kit.Reasons()...)...)
	require.NoError(t, err)
	server := grpc.NewServer()
	routingdirectory.New().Register(server)
	require.Contains(t, server.GetServiceInfo(), "redress.directory.v1.DirectoryService")
}

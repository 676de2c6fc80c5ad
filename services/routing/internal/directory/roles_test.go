package directory_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	routingdirectory "example.com/redress/services/routing/internal/directory"
)

func TestDepartmentsAreCreatedReadAndListed(t *testing.T) {
	b := setup(t)
	create := func(name, parent string) (*directoryv1.CreateDepartmentResponse, error) {
		return b.server.CreateDepartment(b.admin(), &directoryv1.CreateDepartmentRequest{
			Department: &directoryv1.Department{Name: name, Parent: parent, Title: &typev1.Text{Zh: "工程部", En: "Engineering"}}, RequestId: id(),
		})
	}
	got, err := create("departments/engineering", "")
	require.NoError(t, err)
	require.Equal(t, "1", got.GetDepartment().GetEtag())
	require.Equal(t, b.clock.Now(), got.GetDepartment().GetCreateTime().AsTime())
	_, err = create("departments/engineering", "")
	requireReason(t, journal.ReasonExists, err)
	_, err = create("departments/site_1", "departments/none")
	requireReason(t, journal.ReasonNotFound, err)
	_, err = create("departments/site_1", "departments/site_1")
	requireReason(t, journal.ReasonNotFound, err)
	_, err = create("departments/site_1", "departments/engineering")
	require.NoError(t, err)
	_, err = create("departments/Site", "")
	requireReason(t, fault.ReasonInvalidRequest, err)
	_, err = b.server.CreateDepartment(b.admin(), &directoryv1.CreateDepartmentRequest{
		Department: &directoryv1.Department{Name: "departments/x", Title: &typev1.Text{En: strings.Repeat("x", 201)}}, RequestId: id(),
	})
	requireReason(t, fault.ReasonInvalidRequest, err)

	one, err := b.server.GetDepartment(b.as("people/li"), &directoryv1.GetDepartmentRequest{Name: "departments/site_1"})
	require.NoError(t, err)
	require.Equal(t, "departments/engineering", one.GetDepartment().GetParent())
	_, err = b.server.GetDepartment(b.as("people/li"), &directoryv1.GetDepartmentRequest{Name: "departments/none"})
	requireReason(t, journal.ReasonNotFound, err)
	all, err := b.server.ListDepartments(b.as("people/li"), &directoryv1.ListDepartmentsRequest{PageSize: 1})
	require.NoError(t, err)
	require.Equal(t, "departments/engineering", all.GetDepartments()[0].GetName())
	require.NotEmpty(t, all.GetNextPageToken())
}

func TestChannelsHaveOneOwner(t *testing.T) {
	b := setup(t)
	b.people("li", "wang")
	own := func(channel, owner string) (*directoryv1.Channel, error) {
		got, err := b.server.SetChannelOwner(b.admin(), &directoryv1.SetChannelOwnerRequest{Channel: &directoryv1.Channel{Name: channel, Owner: owner}, RequestId: id()})
		return got.GetChannel(), err
	}
	c, err := own("channels/hotline", "people/li")
	require.NoError(t, err)
	require.Equal(t, "1", c.GetEtag())
	c, err = own("channels/hotline", "people/li")
	require.NoError(t, err)
	require.Equal(t, "1", c.GetEtag(), "the same owner is no change")
	c, err = own("channels/hotline", "people/wang")
	require.NoError(t, err)
	require.Equal(t, "2", c.GetEtag())
	_, err = own("channels/hotline", "people/nobody")
	requireReason(t, journal.ReasonNotFound, err)
	_, err = own("channels/Hot line", "people/li")
	requireReason(t, fault.ReasonInvalidRequest, err)

	got, err := b.server.GetChannel(b.as("people/li"), &directoryv1.GetChannelRequest{Name: "channels/hotline"})
	require.NoError(t, err)
	require.Equal(t, "people/wang", got.GetChannel().GetOwner())
	_, err = b.server.GetChannel(b.as("people/li"), &directoryv1.GetChannelRequest{Name: "channels/none"})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = own("channels/app", "people/li")
	require.NoError(t, err)
	all, err := b.server.ListChannels(b.as("people/li"), &directoryv1.ListChannelsRequest{})
	require.NoError(t, err)
	require.Len(t, all.GetChannels(), 2)
	require.Equal(t, "channels/app", all.GetChannels()[0].GetName())
}

func (b *bundle) assign(person string, a *directoryv1.Assignment) (*directoryv1.Assignment, error) {
	got, err := b.server.CreateAssignment(b.admin(), &directoryv1.CreateAssignmentRequest{Parent: "people/" + person, Assignment: a, RequestId: id()})
	return got.GetAssignment(), err
}

func (b *bundle) holds(person, who string) bool {
	b.t.Helper()
	d, err := b.host.Directory.At(b.t.Context(), acme)
	require.NoError(b.t, err)
	ok, _ := d.Match("people/"+person, who, b.clock.Now(), kit.Places{})
	return ok
}

func TestRolesAreGivenAndEnded(t *testing.T) {
	b := setup(t)
	b.people("li", "wang", "admin")
	b.department("engineering")
	a, err := b.assign("li", &directoryv1.Assignment{Role: "head", Department: "departments/engineering"})
	require.NoError(t, err)
	require.True(t, b.holds("li", "head@engineering"))

	_, err = b.assign("nobody", &directoryv1.Assignment{Role: "head"})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.assign("-", &directoryv1.Assignment{Role: "head"})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.assign("li", &directoryv1.Assignment{Role: "head", Department: "departments/none"})
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.assign("admin", &directoryv1.Assignment{Role: "chairman"})
	requireReason(t, routingdirectory.ReasonOwnFunctions, err)
	now := timestamppb.New(b.clock.Now())
	_, err = b.assign("li", &directoryv1.Assignment{Role: "chairman", StartTime: now, EndTime: now})
	requireReason(t, routingdirectory.ReasonPeriod, err)
	_, err = b.assign("li", &directoryv1.Assignment{Role: "chairman", StartTime: &timestamppb.Timestamp{Nanos: -1}})
	requireReason(t, routingdirectory.ReasonPeriod, err)

	end := func(name, etag string) (*directoryv1.Assignment, error) {
		got, err := b.server.EndAssignment(b.admin(), &directoryv1.EndAssignmentRequest{Name: name, Etag: etag, RequestId: id()})
		return got.GetAssignment(), err
	}
	_, err = end(a.GetName(), "5")
	requireReason(t, journal.ReasonEtagMismatch, err)
	_, err = end("people/li/assignments/none", "1")
	requireReason(t, journal.ReasonNotFound, err)
	over, err := end(a.GetName(), a.GetEtag())
	require.NoError(t, err)
	require.Equal(t, b.clock.Now(), over.GetEndTime().AsTime())
	require.False(t, b.holds("li", "head@engineering"), "the end is the first instant at which it no longer holds")
	again, err := end(a.GetName(), over.GetEtag())
	require.NoError(t, err)
	require.Equal(t, over.GetEtag(), again.GetEtag())

	later := timestamppb.New(b.clock.Now().Add(time.Hour))
	future, err := b.assign("li", &directoryv1.Assignment{Role: "chairman", StartTime: later})
	require.NoError(t, err)
	future, err = end(future.GetName(), future.GetEtag())
	require.NoError(t, err)
	require.Equal(t, later.AsTime(), future.GetEndTime().AsTime(), "what never began ends where it would have begun")

	_, err = b.assign("wang", &directoryv1.Assignment{Role: "member", Department: "departments/engineering"})
	require.NoError(t, err)
	own, err := b.server.ListAssignments(b.as("people/li"), &directoryv1.ListAssignmentsRequest{Parent: "people/li"})
	require.NoError(t, err)
	require.Len(t, own.GetAssignments(), 2)
	all, err := b.server.ListAssignments(b.as("people/li"), &directoryv1.ListAssignmentsRequest{Parent: "people/-", PageSize: 2})
	require.NoError(t, err)
	rest, err := b.server.ListAssignments(b.as("people/li"), &directoryv1.ListAssignmentsRequest{Parent: "people/-", PageToken: all.GetNextPageToken()})
	require.NoError(t, err)
	require.Len(t, rest.GetAssignments(), 1)
	require.Equal(t, "member", rest.GetAssignments()[0].GetRole())
}

func TestADelegationIsGivenByThePersonOrAnAdministrator(t *testing.T) {
	b := setup(t)
	b.people("li", "wang", "admin")
	_, err := b.assign("li", &directoryv1.Assignment{Role: "chairman"})
	require.NoError(t, err)

	req := b.delegation("li", "wang", 3)
	req.Delegation.Reason = "on leave"
	got, err := b.server.CreateDelegation(b.as("people/li"), req)
	require.NoError(t, err)
	d := got.GetDelegation()
	require.Equal(t, "on leave", d.GetReason())
	require.True(t, b.holds("wang", "chairman"))

	_, err = b.server.CreateDelegation(b.as("people/wang"), b.delegation("li", "wang", 3))
	f := requireFault(t, routingdirectory.ReasonNotOwn, err)
	require.Equal(t, "people/li", f.Facts["person"])
	_, err = b.server.CreateDelegation(b.admin(), b.delegation("li", "wang", 9))
	require.NoError(t, err)
	_, err = b.server.CreateDelegation(b.admin(), b.delegation("li", "admin", 9))
	requireReason(t, routingdirectory.ReasonNotOwn, err)
	_, err = b.server.CreateDelegation(b.admin(), b.delegation("li", "nobody", 3))
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.server.CreateDelegation(b.admin(), b.delegation("nobody", "li", 3))
	requireReason(t, journal.ReasonNotFound, err)
	_, err = b.server.CreateDelegation(b.admin(), b.delegation("-", "li", 3))
	requireReason(t, fault.ReasonInvalidRequest, err)

	end := func(who string, functions ...typev1.Function) (*directoryv1.Delegation, error) {
		got, err := b.server.EndDelegation(b.as(who, functions...), &directoryv1.EndDelegationRequest{Name: d.GetName(), Etag: d.GetEtag(), RequestId: id()})
		return got.GetDelegation(), err
	}
	_, err = end("people/wang")
	requireReason(t, routingdirectory.ReasonNotOwn, err)
	_, err = b.server.EndDelegation(b.as("people/li"), &directoryv1.EndDelegationRequest{Name: d.GetName(), Etag: "9", RequestId: id()})
	requireReason(t, journal.ReasonEtagMismatch, err)
	_, err = b.server.EndDelegation(b.as("people/li"), &directoryv1.EndDelegationRequest{Name: "people/li/delegations/none", Etag: "9", RequestId: id()})
	requireReason(t, journal.ReasonNotFound, err)
	over, err := end("people/li")
	require.NoError(t, err)
	require.Equal(t, b.clock.Now(), over.GetEndTime().AsTime())
	d = over
	again, err := end("people/admin", typev1.Function_FUNCTION_DIRECTORY_ADMIN)
	require.NoError(t, err)
	require.Equal(t, over.GetEtag(), again.GetEtag())

	listed, err := b.server.ListDelegations(b.as("people/wang"), &directoryv1.ListDelegationsRequest{Parent: "people/-"})
	require.NoError(t, err)
	require.Len(t, listed.GetDelegations(), 2)
	require.Equal(t, "on leave", listed.GetDelegations()[0].GetReason())
	none, err := b.server.ListDelegations(b.as("people/wang"), &directoryv1.ListDelegationsRequest{Parent: "people/wang"})
	require.NoError(t, err)
	require.Empty(t, none.GetDelegations())
}

func TestDelegationsHavePeriods(t *testing.T) {
	b := setup(t)
	b.people("li", "wang")
	for _, change := range map[string]func(*directoryv1.Delegation){
		"without end":       func(d *directoryv1.Delegation) { d.EndTime = nil },
		"without start":     func(d *directoryv1.Delegation) { d.StartTime = nil },
		"ends at its start": func(d *directoryv1.Delegation) { d.EndTime = d.GetStartTime() },
	} {
		req := b.delegation("li", "wang", 1)
		change(req.Delegation)
		_, err := b.server.CreateDelegation(b.as("people/li"), req)
		requireReason(t, routingdirectory.ReasonPeriod, err)
	}
	req := b.delegation("li", "wang", 1)
	req.Delegation.Designation, req.Delegation.EndTime, req.Delegation.Role = true, nil, "chairman"
	_, err := b.server.CreateDelegation(b.as("people/li"), req)
	require.NoError(t, err, "a designation may be without end")
}

func TestDelegationsFormNoLoop(t *testing.T) {
	b := setup(t)
	b.people("a", "b", "c")
	_, err := b.server.CreateDelegation(b.as("people/a"), b.delegation("a", "a", 1))
	requireReason(t, kit.ReasonDelegationLoop, err)
	_, err = b.server.CreateDelegation(b.as("people/a"), b.delegation("a", "b", 5))
	require.NoError(t, err)
	_, err = b.server.CreateDelegation(b.as("people/b"), b.delegation("b", "c", 5))
	require.NoError(t, err)
	_, err = b.server.CreateDelegation(b.as("people/c"), b.delegation("c", "a", 5))
	f := requireFault(t, kit.ReasonDelegationLoop, err)
	require.Contains(t, f.Facts["chain"], "people/a")
}

func TestOfTwoDelegationsThatCloseALoopOneIsRefused(t *testing.T) {
	b := setup(t)
	b.people("a", "b")
	var wait sync.WaitGroup
	errs := make([]error, 2)
	for i, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
		wait.Go(func() {
			_, errs[i] = b.server.CreateDelegation(b.as("people/"+pair[0]), b.delegation(pair[0], pair[1], 5))
		})
	}
	wait.Wait()
	refused := 0
	for _, err := range errs {
		if err != nil {
			requireReason(t, kit.ReasonDelegationLoop, err)
			refused++
		}
	}
	require.Equal(t, 1, refused)
}

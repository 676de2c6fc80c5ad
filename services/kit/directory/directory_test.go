package directory_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
)

// at is the instant of all tests: a Wednesday morning.
var at = time.Date(2026, 4, 8, 2, 0, 0, 0, time.UTC)

func day(n int) *timestamppb.Timestamp { return timestamppb.New(at.AddDate(0, 0, n)) }

func person(id string, functions ...typev1.Function) *directoryv1.Person {
	return &directoryv1.Person{Name: "people/" + id, State: directoryv1.Person_STATE_ACTIVE, Functions: functions}
}

func inactive(id string) *directoryv1.Person {
	return &directoryv1.Person{Name: "people/" + id, State: directoryv1.Person_STATE_INACTIVE, Functions: []typev1.Function{typev1.Function_FUNCTION_AGENT}}
}

func assigned(who, role, department string) *directoryv1.Assignment {
	if department != "" {
		department = "departments/" + department
	}
	return &directoryv1.Assignment{Name: fmt.Sprintf("people/%s/assignments/%s-%s", who, role, department), Role: role, Department: department}
}

func delegated(id, from, to, role string, first, end int) *directoryv1.Delegation {
	return &directoryv1.Delegation{
		Name: "people/" + from + "/delegations/" + id, Delegate: "people/" + to, Role: role,
		StartTime: day(first), EndTime: day(end),
	}
}

func designated(id, from, to, role string) *directoryv1.Delegation {
	return &directoryv1.Delegation{
		Name: "people/" + from + "/delegations/" + id, Delegate: "people/" + to, Role: role,
		StartTime: day(-1), Designation: true,
	}
}

// states is an organisation in which everybody is named after what they do.
func states() directory.States {
	return directory.States{
		People: []*directoryv1.Person{
			person("gm", typev1.Function_FUNCTION_APPROVER), person("qm"), person("qa"), person("eng-head"), person("eng"),
			person("sales-head"), person("deputy"), person("second"), person("owner"), inactive("left"),
		},
		Departments: []*directoryv1.Department{
			{Name: "departments/engineering"}, {Name: "departments/sales"}, {Name: "departments/quality"},
		},
		Assignments: []*directoryv1.Assignment{
			assigned("gm", "general_manager", ""),
			assigned("qm", "quality_manager", "quality"),
			assigned("qa", "member", "quality"),
			assigned("eng-head", "head", "engineering"),
			assigned("eng", "member", "engineering"),
			assigned("sales-head", "head", "sales"),
			assigned("left", "general_manager", ""),
		},
		Channels: []*directoryv1.Channel{{Name: "channels/hotline", Owner: "people/qa"}},
	}
}

func TestMatchReadsTheGrammarOfWho(t *testing.T) {
	t.Parallel()
	d := directory.New(states())
	places := directory.Places{
		Responsible: []string{"departments/engineering", "quality"}, Respondent: "sales", Receiving: "quality",
		Owner: "people/owner", Persons: map[string][]string{"person_responsible": {"people/eng"}},
	}
	for _, c := range []struct {
		who  string
		want []string
	}{
		{"general_manager", []string{"people/gm"}},
		{"quality_manager", []string{"people/qm"}},
		{"quality_manager@quality", []string{"people/qm"}},
		{"quality_manager@engineering", nil},
		{"general_manager@quality", nil},
		{"anyone@quality", []string{"people/qa", "people/qm"}},
		{"anyone@departments/quality", []string{"people/qa", "people/qm"}},
		{"department@quality", []string{"people/qa", "people/qm"}},
		{"anyone@responsible", []string{"people/eng", "people/eng-head", "people/qa", "people/qm"}},
		{"department@responsible", []string{"people/eng", "people/eng-head", "people/qa", "people/qm"}},
		{"department", []string{"people/eng", "people/eng-head", "people/qa", "people/qm"}},
		{"head@engineering", []string{"people/eng-head"}},
		{"head@responsible", []string{"people/eng-head"}},
		{"head", []string{"people/eng-head"}},
		{"head@respondent", []string{"people/sales-head"}},
		{"anyone@receiving", []string{"people/qa", "people/qm"}},
		{"head@disputing", nil},
		{"head@counted", nil},
		{"owner", []string{"people/owner"}},
		{"person_responsible", []string{"people/eng"}},
		{"customer", nil},
		{"nobody_has_this", nil},
		{"anyone@nowhere", nil},
		{"", nil},
		{"@quality", []string{"people/qa", "people/qm"}},
	} {
		t.Run(c.who, func(t *testing.T) {
			t.Parallel()
			if c.who == "" {
				return // the empty who is refused by the pack's check
			}
			require.Equal(t, c.want, d.Holders(c.who, at, places))
			for _, p := range d.People() {
				ok, behalf := d.Match(p, c.who, at, places)
				require.Equal(t, contains(c.want, p), ok, p)
				require.Empty(t, behalf)
			}
		})
	}
}

func contains(list []string, s string) bool {
	return slices.Contains(list, s)
}

func TestAnyoneIsEveryActivePersonAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := directory.New(states())
	require.Len(t, d.Holders("anyone", at, directory.Places{}), 9)
	ok, _ := d.Match("people/left", "anyone", at, directory.Places{})
	require.False(t, ok)
	ok, _ = d.Match("customers/1", "anyone", at, directory.Places{})
	require.False(t, ok)
}

func TestTheCustomerIsNobodyOfTheDirectory(t *testing.T) {
	t.Parallel()
	d := directory.New(states())
	ok, _ := d.Match("customers/1", "customer", at, directory.Places{Customer: true})
	require.True(t, ok)
	ok, _ = d.Match("people/gm", "customer", at, directory.Places{})
	require.False(t, ok)
	ok, _ = d.Match("people/left", "owner", at, directory.Places{Owner: "people/left"})
	require.False(t, ok, "an owner who left")
}

func TestAssignmentsHoldFromTheirStartToBeforeTheirEnd(t *testing.T) {
	t.Parallel()
	s := states()
	a := assigned("qa", "chairman", "")
	a.StartTime, a.EndTime = day(0), day(1)
	s.Assignments = append(s.Assignments, a)
	d := directory.New(s)
	for _, c := range []struct {
		when time.Time
		want bool
	}{
		{at.Add(-time.Nanosecond), false}, {at, true}, {at.AddDate(0, 0, 1).Add(-time.Nanosecond), true}, {at.AddDate(0, 0, 1), false},
	} {
		ok, _ := d.Match("people/qa", "chairman", c.when, directory.Places{})
		require.Equal(t, c.want, ok, c.when)
	}
}

func TestDelegationsAreFollowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		delegations []*directoryv1.Delegation
		who         string
		places      directory.Places
		ok          bool
		behalf      string
	}{
		{name: "to the delegate of all roles", delegations: []*directoryv1.Delegation{delegated("1", "gm", "deputy", "", -1, 1)}, ok: true, behalf: "people/gm"},
		{name: "to the delegate of the role", delegations: []*directoryv1.Delegation{delegated("1", "gm", "deputy", "general_manager", -1, 1)}, ok: true, behalf: "people/gm"},
		{name: "not to the delegate of another role", delegations: []*directoryv1.Delegation{delegated("1", "gm", "deputy", "chairman", -1, 1)}},
		{name: "not before it begins", delegations: []*directoryv1.Delegation{delegated("1", "gm", "deputy", "", 1, 2)}},
		{name: "not from its end", delegations: []*directoryv1.Delegation{delegated("1", "gm", "deputy", "", -1, 0)}},
		{name: "not from somebody who left", delegations: []*directoryv1.Delegation{delegated("1", "left", "deputy", "", -1, 1)}},
		{name: "over two steps", delegations: []*directoryv1.Delegation{
			delegated("1", "gm", "second", "", -1, 1), delegated("1", "second", "deputy", "general_manager", -1, 1),
		}, ok: true, behalf: "people/gm"},
		{name: "not over two steps whose roles differ", delegations: []*directoryv1.Delegation{
			delegated("1", "gm", "second", "general_manager", -1, 1), delegated("1", "second", "deputy", "chairman", -1, 1),
		}},
		{name: "not over somebody who left", delegations: []*directoryv1.Delegation{
			delegated("1", "gm", "left", "", -1, 1), delegated("1", "left", "deputy", "", -1, 1),
		}},
		{name: "round a loop and out of it", delegations: []*directoryv1.Delegation{
			delegated("1", "second", "deputy", "", -1, 1), delegated("2", "deputy", "second", "", -1, 1), delegated("3", "gm", "second", "", -1, 1),
		}, ok: true, behalf: "people/gm"},
		{name: "to a designee of the role", delegations: []*directoryv1.Delegation{designated("1", "gm", "deputy", "general_manager")}, ok: true, behalf: "people/gm"},
		{
			name: "not to a designee where the role admits none", delegations: []*directoryv1.Delegation{designated("1", "gm", "deputy", "general_manager")},
			places: directory.Places{Designees: func(string) bool { return false }},
		},
		{name: "to who stands in for a designee", delegations: []*directoryv1.Delegation{
			designated("1", "gm", "second", "general_manager"), delegated("1", "second", "deputy", "", -1, 1),
		}, ok: true, behalf: "people/gm"},
		{name: "not to the designee of a delegate", delegations: []*directoryv1.Delegation{
			delegated("1", "gm", "second", "", -1, 1), designated("1", "second", "deputy", "general_manager"),
		}},
		{
			name: "for the owner", delegations: []*directoryv1.Delegation{delegated("1", "owner", "deputy", "", -1, 1)}, who: "owner",
			places: directory.Places{Owner: "people/owner"}, ok: true, behalf: "people/owner",
		},
		{
			name: "for a member of a department", delegations: []*directoryv1.Delegation{delegated("1", "eng", "deputy", "member", -1, 1)}, who: "anyone@engineering",
			ok: true, behalf: "people/eng",
		},
		{name: "not for the role at another place", delegations: []*directoryv1.Delegation{delegated("1", "sales-head", "deputy", "head", -1, 1)}, who: "head@engineering"},
		{name: "never without an end", delegations: []*directoryv1.Delegation{{
			Name: "people/gm/delegations/1", Delegate: "people/deputy", StartTime: day(-1),
		}}},
		{name: "for the nearest of several", delegations: []*directoryv1.Delegation{
			delegated("1", "second", "deputy", "", -1, 1), delegated("1", "eng-head", "second", "", -1, 1), delegated("2", "sales-head", "deputy", "", -1, 1),
		}, who: "head@responsible", places: directory.Places{Responsible: []string{"sales", "engineering"}}, ok: true, behalf: "people/sales-head"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := states()
			s.Delegations = c.delegations
			d := directory.New(s)
			who := c.who
			if who == "" {
				who = "general_manager"
			}
			ok, behalf := d.Match("people/deputy", who, at, c.places)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.behalf, behalf)
			require.Equal(t, c.ok, contains(d.Admitted(who, at, c.places), "people/deputy"))
			require.NotContains(t, d.Holders(who, at, c.places), "people/deputy")
		})
	}
}

func TestMatchAnyPrefersOnesOwnRole(t *testing.T) {
	t.Parallel()
	s := states()
	s.Delegations = []*directoryv1.Delegation{delegated("1", "gm", "qm", "", -1, 1)}
	d := directory.New(s)
	ok, who, behalf := d.MatchAny("people/qm", []string{"general_manager", "quality_manager"}, at, directory.Places{})
	require.True(t, ok)
	require.Equal(t, "quality_manager", who)
	require.Empty(t, behalf)
	ok, who, behalf = d.MatchAny("people/qm", []string{"general_manager", "chairman"}, at, directory.Places{})
	require.True(t, ok)
	require.Equal(t, "general_manager", who)
	require.Equal(t, "people/gm", behalf)
	ok, _, _ = d.MatchAny("people/qa", []string{"general_manager"}, at, directory.Places{})
	require.False(t, ok)
}

func TestTheSnapshotTellsWhoSomebodyIs(t *testing.T) {
	t.Parallel()
	d := directory.New(states())
	require.Equal(t, []typev1.Function{typev1.Function_FUNCTION_APPROVER}, d.Functions("people/gm", at))
	require.Empty(t, d.Functions("people/left", at), "functions are of active persons only")
	require.Empty(t, d.Functions("people/unknown", at))
	_, known := d.Person("people/left")
	require.True(t, known)
	require.False(t, d.Active("people/left"))
	require.False(t, d.Active("people/unknown"))
	owner, ok := d.ChannelOwner("hotline")
	require.True(t, ok)
	require.Equal(t, "people/qa", owner)
	_, ok = d.ChannelOwner("fax")
	require.False(t, ok)
	_, ok = d.Department("quality")
	require.True(t, ok)
	require.Equal(t, []string{"quality"}, d.DepartmentsOf("people/qm", at))
	require.Equal(t, []string{"quality_manager@quality"}, d.RolesOf("people/qm", at))
	require.Equal(t, []string{"general_manager"}, d.RolesOf("people/gm", at))
	require.Empty(t, d.RolesOf("people/left", at))
}

func TestLoopCheckFindsWhatComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		existing []*directoryv1.Delegation
		added    *directoryv1.Delegation
		chain    string
	}{
		{name: "to oneself", added: delegated("1", "a", "a", "", 0, 1), chain: "people/a → people/a"},
		{name: "designating oneself", added: designated("1", "a", "a", "head"), chain: "people/a → people/a"},
		{
			name: "there and back", existing: []*directoryv1.Delegation{delegated("1", "b", "a", "", 0, 9)}, added: delegated("1", "a", "b", "", 1, 2),
			chain: "people/a → people/b → people/a",
		},
		{
			name: "over three", existing: []*directoryv1.Delegation{delegated("1", "b", "c", "head", 0, 9), delegated("1", "c", "a", "", 1, 9)},
			added: delegated("1", "a", "b", "", 0, 3), chain: "people/a → people/b → people/c → people/a",
		},
		{name: "only where the periods overlap", existing: []*directoryv1.Delegation{delegated("1", "b", "a", "", 2, 9)}, added: delegated("1", "a", "b", "", 1, 2)},
		{
			name: "only where all periods overlap", existing: []*directoryv1.Delegation{delegated("1", "b", "c", "", 0, 2), delegated("1", "c", "a", "", 2, 9)},
			added: delegated("1", "a", "b", "", 0, 9),
		},
		{name: "only for one role", existing: []*directoryv1.Delegation{delegated("1", "b", "a", "head", 0, 9)}, added: delegated("1", "a", "b", "chairman", 1, 2)},
		{name: "not through designations", existing: []*directoryv1.Delegation{designated("1", "b", "a", "")}, added: delegated("1", "a", "b", "", 0, 2)},
		{name: "not with its own earlier state", existing: []*directoryv1.Delegation{delegated("1", "a", "b", "", 0, 9)}, added: delegated("1", "a", "c", "", 0, 9)},
		{
			name: "later than the first instant", existing: []*directoryv1.Delegation{delegated("1", "b", "a", "", 5, 9)}, added: delegated("1", "a", "b", "", 0, 9),
			chain: "people/a → people/b → people/a",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := directory.LoopCheck(c.existing, c.added)
			if c.chain == "" {
				require.NoError(t, err)
				return
			}
			f, ok := fault.As(err)
			require.True(t, ok)
			require.Equal(t, directory.ReasonDelegationLoop, f.Reason)
			require.Equal(t, c.chain, f.Facts["chain"])
		})
	}
}

func TestNobodyBecomesTheirOwnSuperior(t *testing.T) {
	t.Parallel()
	a, b := person("a"), person("b")
	b.Superior = "people/a"
	d := directory.New(directory.States{People: []*directoryv1.Person{a, b}})
	require.NoError(t, d.SuperiorCheck("people/b", "people/a"))
	require.NoError(t, d.SuperiorCheck("people/a", ""))
	require.Equal(t, directory.ReasonSuperiorLoop, fault.ReasonOf(d.SuperiorCheck("people/a", "people/b")))
	require.Equal(t, directory.ReasonSuperiorLoop, fault.ReasonOf(d.SuperiorCheck("people/a", "people/a")))
}

func TestTheReasonsAreACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(directory.Reasons()...)
	require.NoError(t, err)
}

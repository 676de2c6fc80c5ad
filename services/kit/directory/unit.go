package directory

import (
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	"example.com/redress/services/kit/journal"
)

// Units keeps the newest snapshot of every organisation for decisions: for events and
// timers, which have a [journal.Unit] and no caller. Safe for concurrent use.
type Units struct {
	mu  sync.Mutex
	all map[string]kept
}

// NewUnits returns an empty cache.
func NewUnits() *Units { return &Units{all: map[string]kept{}} }

// At returns the directory as projected in the unit's journal. It costs one reading of
// the version, and one of all states after a change. To a unit that looks ahead of
// its turn and does not know the version it is what was known last.
func (s *Units) At(u *journal.Unit) (*Directory, error) {
	count := &wrapperspb.Int64Value{}
	version, _, err := u.Projection(VersionRow, count)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	k := s.all[u.Organization()]
	s.mu.Unlock()
	if k.directory == nil {
		k.directory = New(States{})
	} else if k.version == version {
		return k.directory, nil
	}
	if !u.Certain() {
		return k.directory, nil
	}
	var st States
	for _, read := range []func() error{
		func() (err error) { st.People, err = projected[directoryv1.Person](u, PeoplePattern); return },
		func() (err error) {
			st.Departments, err = projected[directoryv1.Department](u, DepartmentsPattern)
			return
		},
		func() (err error) {
			st.Assignments, err = projected[directoryv1.Assignment](u, AssignmentsPattern)
			return
		},
		func() (err error) {
			st.Delegations, err = projected[directoryv1.Delegation](u, DelegationsPattern)
			return
		},
		func() (err error) { st.Channels, err = projected[directoryv1.Channel](u, ChannelsPattern); return },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	k = kept{version, New(st)}
	if !u.Certain() {
		return k.directory, nil
	}
	s.mu.Lock()
	s.all[u.Organization()] = k
	s.mu.Unlock()
	return k.directory, nil
}

func projected[T any, M interface {
	*T
	proto.Message
}](u *journal.Unit, pattern string) ([]M, error) {
	rows, err := u.Projections(pattern)
	if err != nil {
		return nil, err
	}
	out := make([]M, 0, len(rows))
	for _, row := range rows {
		m := M(new(T))
		if err := proto.Unmarshal(row.State, m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

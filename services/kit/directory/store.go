package directory

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/readgroup"
)

// Patterns of the collections a directory is built from.
const (
	PeoplePattern      = "people/*"
	DepartmentsPattern = "departments/*"
	AssignmentsPattern = "people/*/assignments/*"
	DelegationsPattern = "people/*/delegations/*"
	ChannelsPattern    = "channels/*"
)

// Source holds the states of directories.
type Source interface {
	// States returns all rows of one collection, named by its pattern, in any order.
	States(ctx context.Context, organization, pattern string) ([]journal.Row, error)

	// Version returns a number that is another one after any state of the
	// organisation changed. It is asked before every use, so it must be cheap.
	Version(ctx context.Context, organization string) (int64, error)
}

// Store keeps the newest snapshot of every organisation asked for. Safe for
// concurrent use.
type Store struct {
	source Source
	reads  readgroup.Group[string, *Directory]

	mu  sync.RWMutex
	all map[string]kept
}

// kept is one organisation's snapshot.
type kept struct {
	version   int64
	directory *Directory
}

// NewStore returns a store that builds its snapshots from the source.
func NewStore(source Source) *Store {
	return &Store{source: source, all: map[string]kept{}}
}

// At returns the organisation's directory as it is now. It costs one question for
// the version, and after a change one reading of all states, shared with who asks
// at the same time. An organisation nobody has heard of has an empty directory.
func (s *Store) At(ctx context.Context, organization string) (*Directory, error) {
	version, err := s.source.Version(ctx, organization)
	if err != nil {
		return nil, fmt.Errorf("version of the directory: %w", err)
	}
	if d := s.of(organization, version); d != nil {
		return d, nil
	}
	return s.reads.Do(ctx, organization, func(ctx context.Context) (*Directory, error) {
		// The version is read first: what changes while the states are read is read again next time.
		version, err := s.source.Version(ctx, organization)
		if err != nil {
			return nil, fmt.Errorf("version of the directory: %w", err)
		}
		if d := s.of(organization, version); d != nil {
			return d, nil
		}
		states, err := load(ctx, s.source, organization)
		if err != nil {
			return nil, err
		}
		k := kept{version, New(states)}
		s.mu.Lock()
		s.all[organization] = k
		s.mu.Unlock()
		return k.directory, nil
	})
}

// of returns the snapshot of the version; nil if it is not here.
func (s *Store) of(organization string, version int64) *Directory {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if k := s.all[organization]; k.version == version {
		return k.directory
	}
	return nil
}

func load(ctx context.Context, source Source, organization string) (States, error) {
	var s States
	for _, fetch := range []func() error{
		func() (err error) {
			s.People, err = states[directoryv1.Person](ctx, source, organization, PeoplePattern)
			return
		},
		func() (err error) {
			s.Departments, err = states[directoryv1.Department](ctx, source, organization, DepartmentsPattern)
			return
		},
		func() (err error) {
			s.Assignments, err = states[directoryv1.Assignment](ctx, source, organization, AssignmentsPattern)
			return
		},
		func() (err error) {
			s.Delegations, err = states[directoryv1.Delegation](ctx, source, organization, DelegationsPattern)
			return
		},
		func() (err error) {
			s.Channels, err = states[directoryv1.Channel](ctx, source, organization, ChannelsPattern)
			return
		},
	} {
		if err := fetch(); err != nil {
			return States{}, err
		}
	}
	return s, nil
}

// states reads one collection. The parameters say that *T is a message.
func states[T any, M interface {
	*T
	proto.Message
}](ctx context.Context, source Source, organization, pattern string) ([]M, error) {
	rows, err := source.States(ctx, organization, pattern)
	if err != nil {
		return nil, fmt.Errorf("directory, %s: %w", pattern, err)
	}
	out := make([]M, 0, len(rows))
	for _, row := range rows {
		m := M(new(T))
		if err := proto.Unmarshal(row.State, m); err != nil {
			return nil, fmt.Errorf("directory, %s: %w", row.Name, err)
		}
		out = append(out, m)
	}
	return out, nil
}

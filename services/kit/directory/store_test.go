package directory_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// newJournal opens a journal of its own; own says that it owns the directory.
func newJournal(t *testing.T, own bool) *journal.Journal {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{DSN: filepath.Join(t.TempDir(), "test.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	o := journal.Options{Service: "routing", Clock: clock.NewVirtual(at)}
	if own {
		o.Kinds = []journal.Kind{
			{Pattern: directory.PeoplePattern, New: func() proto.Message { return &directoryv1.Person{} }},
			{Pattern: directory.AssignmentsPattern, New: func() proto.Message { return &directoryv1.Assignment{} }},
		}
	}
	j, err := journal.Open(t.Context(), db, o)
	require.NoError(t, err)
	t.Cleanup(j.Close)
	return j
}

func write(t *testing.T, j *journal.Journal, organization string, fn func(u *journal.Unit) error) {
	t.Helper()
	_, err := j.Write(t.Context(), journal.Work{Organization: organization, Key: "people/x"}, func(u *journal.Unit) error {
		if err := fn(u); err != nil {
			return err
		}
		return directory.Touch(u)
	})
	require.NoError(t, err)
}

func TestStoreFollowsTheResources(t *testing.T) {
	t.Parallel()
	j := newJournal(t, true)
	s := directory.NewStore(directory.FromResources(j))
	empty, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	require.Empty(t, empty.People())

	write(t, j, "acme", func(u *journal.Unit) error {
		if err := u.Create("people/gm", person("gm"), &directoryv1.PersonChanged{}); err != nil {
			return err
		}
		a := assigned("gm", "general-manager", "")
		return u.Create(a.Name, a, &directoryv1.AssignmentChanged{})
	})
	d, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	ok, _ := d.Match("people/gm", "general-manager", at, directory.Places{})
	require.True(t, ok)
	require.Empty(t, empty.People(), "an older snapshot stays as it was")

	other, err := s.At(t.Context(), "other")
	require.NoError(t, err)
	require.Empty(t, other.People(), "organisations never see each other")
}

func TestStoreFollowsTheProjections(t *testing.T) {
	t.Parallel()
	j := newJournal(t, false)
	s := directory.NewStore(directory.FromProjections(j))
	write(t, j, "acme", func(u *journal.Unit) error {
		return u.SetProjection("people/gm", directory.PeoplePattern, 1, person("gm"))
	})
	first, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	require.True(t, first.Active("people/gm"))
	again, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	require.Same(t, first, again, "nothing changed, nothing is read")

	write(t, j, "acme", func(u *journal.Unit) error {
		return u.SetProjection("people/gm", directory.PeoplePattern, 2, inactive("gm"))
	})
	d, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	require.False(t, d.Active("people/gm"))
}

// source is a source that counts and fails on demand.
type source struct {
	mu      sync.Mutex
	version int64
	reads   int
	fail    error
}

func (s *source) States(_ context.Context, _, pattern string) ([]journal.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pattern != directory.PeoplePattern {
		return nil, nil
	}
	s.reads++
	state, err := proto.Marshal(person("gm"))
	return []journal.Row{{Name: "people/gm", State: state}}, errors.Join(err, s.fail)
}

func (s *source) Version(context.Context, string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, nil
}

func TestStoreBuildsOnceForAll(t *testing.T) {
	t.Parallel()
	src := &source{version: 7}
	s := directory.NewStore(src)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			d, err := s.At(context.Background(), "acme")
			if err == nil && !d.Active("people/gm") {
				panic("the person is missing")
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, src.reads)
}

func TestStoreKeepsNothingOfAFailedReading(t *testing.T) {
	t.Parallel()
	src := &source{version: 1, fail: errors.New("away")}
	s := directory.NewStore(src)
	_, err := s.At(t.Context(), "acme")
	require.ErrorIs(t, err, src.fail)
	src.fail = nil
	d, err := s.At(t.Context(), "acme")
	require.NoError(t, err)
	require.True(t, d.Active("people/gm"))
}

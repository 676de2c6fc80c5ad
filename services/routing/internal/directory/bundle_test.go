package directory_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/timerindex"
	routingdirectory "example.com/redress/services/routing/internal/directory"
)

const acme = "acme"

// bundle is a directory on a SQLite file with keys in memory.
type bundle struct {
	t      *testing.T
	server *routingdirectory.Server
	host   *host.Host
	clock  *clock.Virtual
	keys   *sealtest.Keys
	folder string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		t: t, server: routingdirectory.New(), keys: &sealtest.Keys{}, folder: t.TempDir(),
		clock: clock.NewVirtual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)),
	}
	db, err := sqldb.Open(t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(b.folder, "routing.db")})
	require.NoError(t, err)
	b.host, err = host.New(t.Context(), host.Definition{
		Name: "routing", Kinds: routingdirectory.Kinds(), Directory: true, Register: b.server.Register, Reasons: routingdirectory.Reasons(),
	}, host.Deps{
		DB: db, Clock: b.clock, Keys: b.keys, DigestKey: make([]byte, 32),
		Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
	})
	require.NoError(t, err)
	b.server.Bind(b.host)
	t.Cleanup(func() {
		require.NoError(t, b.host.Stop(context.WithoutCancel(t.Context())))
		require.NoError(t, db.Close())
	})
	return b
}

// as is a member of staff without functions, in English.
func (b *bundle) as(principal string, functions ...typev1.Function) context.Context {
	c := authn.For(principal, acme)
	c.Locale, c.Functions = fault.English, functions
	return authn.With(b.t.Context(), c)
}

// admin keeps the directory.
func (b *bundle) admin() context.Context {
	return b.as("people/admin", typev1.Function_FUNCTION_DIRECTORY_ADMIN)
}

func id() string { return uuid.NewString() }

func (b *bundle) create(p *directoryv1.Person) *directoryv1.Person {
	b.t.Helper()
	got, err := b.server.CreatePerson(b.admin(), &directoryv1.CreatePersonRequest{Person: p, RequestId: id()})
	require.NoError(b.t, err)
	return got.GetPerson()
}

// people makes people of these ids.
func (b *bundle) people(ids ...string) {
	b.t.Helper()
	for _, x := range ids {
		b.create(&directoryv1.Person{Name: "people/" + x, DisplayName: x})
	}
}

func (b *bundle) department(code string) {
	b.t.Helper()
	_, err := b.server.CreateDepartment(b.admin(), &directoryv1.CreateDepartmentRequest{
		Department: &directoryv1.Department{Name: "departments/" + code, Title: &typev1.Text{Zh: "部", En: "Dept"}}, RequestId: id(),
	})
	require.NoError(b.t, err)
}

func (b *bundle) get(ctx context.Context, person string) *directoryv1.Person {
	b.t.Helper()
	got, err := b.server.GetPerson(ctx, &directoryv1.GetPersonRequest{Name: person})
	require.NoError(b.t, err)
	return got.GetPerson()
}

// delegation is a request for so many days from now.
func (b *bundle) delegation(from, to string, days int) *directoryv1.CreateDelegationRequest {
	now := b.clock.Now()
	return &directoryv1.CreateDelegationRequest{
		Parent: "people/" + from, RequestId: id(),
		Delegation: &directoryv1.Delegation{
			Delegate: "people/" + to, StartTime: timestamppb.New(now), EndTime: timestamppb.New(now.AddDate(0, 0, days)),
		},
	}
}

// requireAbsent looks through everything the database has written.
func (b *bundle) requireAbsent(texts ...string) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.folder, "*"))
	require.NoError(b.t, err)
	require.NotEmpty(b.t, files)
	found := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(b.t, err)
		found += bytes.Count(raw, []byte("~s1.people-"))
		for _, text := range texts {
			require.False(b.t, bytes.Contains(raw, []byte(text)), "%s stands in %s", text, filepath.Base(file))
		}
	}
	require.Positive(b.t, found, "tokens are there, so the search sees what is stored")
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

package revisions_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

var noon = time.Date(2026, 4, 8, 4, 0, 0, 0, time.UTC)

// Routing puts a revision in force and retires the one before in one transaction, but
// they lie in two shards: what a service has heard in between, in either order, names
// one revision in force all the time.
func TestOneRevisionIsInForceWhileTheNextOneTakesItsPlace(t *testing.T) {
	t.Parallel()
	pack := packed(t)
	revision := func(id string, state policyv1.Revision_State, hour int) *policyv1.Revision {
		r := &policyv1.Revision{Name: "packs/generic-template/revisions/" + id, Pack: "generic-template", State: state, Digest: id, Resolved: pack}
		if state != policyv1.Revision_STATE_DRAFT {
			r.ActivateTime = timestamppb.New(noon.Add(time.Duration(hour) * time.Hour))
		}
		return r
	}
	const retired, active = policyv1.Revision_STATE_RETIRED, policyv1.Revision_STATE_ACTIVE
	first, second := revision("b1", retired, 1), revision("c2", active, 2)
	for _, c := range []struct {
		name  string
		heard []*policyv1.Revision
		want  string // "": none
	}{
		{"nothing", nil, ""},
		{"a draft", []*policyv1.Revision{revision("b1", policyv1.Revision_STATE_DRAFT, 0)}, ""},
		{"the first", []*policyv1.Revision{second}, "c2"},
		{"the old one not retired yet", []*policyv1.Revision{second, revision("d3", active, 1)}, "c2"},
		{"the same, names the other way round", []*policyv1.Revision{second, revision("a0", active, 3)}, "a0"},
		{"the new one not in force yet", []*policyv1.Revision{first, revision("c2", policyv1.Revision_STATE_DRAFT, 0)}, "b1"},
		{"the same, with older ones", []*policyv1.Revision{revision("a0", retired, 0), first, revision("d3", retired, -5)}, "b1"},
		{"all", []*policyv1.Revision{first, second}, "c2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j, err := journal.Open(t.Context(), kittest.SQLite(t), journal.Options{Service: "intake", Clock: clock.NewVirtual(noon)})
			require.NoError(t, err)
			t.Cleanup(j.Close)
			work := journal.Work{Organization: "acme", Key: "x"}
			_, err = j.Write(t.Context(), work, func(u *journal.Unit) error {
				for _, r := range c.heard {
					if err := u.SetProjection(r.GetName(), revisions.Pattern, 1, r, host.RevisionIndex(r)...); err != nil {
						return err
					}
				}
				return nil
			})
			require.NoError(t, err)
			check := func(r *policyv1.Revision, err error) {
				if c.want == "" {
					require.Equal(t, revisions.ReasonNoActive, fault.ReasonOf(err))
					return
				}
				require.NoError(t, err)
				require.Equal(t, c.want, r.GetDigest())
			}
			all := revisions.New()
			_, got, err := all.Active(revisions.Journal{Context: t.Context(), J: j, Organization: "acme"})
			check(got, err)
			var refused error
			_, err = j.Write(t.Context(), work, func(u *journal.Unit) error {
				_, got, refused = all.Active(revisions.Unit{U: u})
				return nil
			})
			require.NoError(t, err)
			check(got, refused)
		})
	}
}

// packed returns a shipped pack as routing resolves it.
func packed(t *testing.T) []byte {
	t.Helper()
	pack, findings, err := policy.LoadShipped("generic-template")
	require.NoError(t, err)
	require.NotNil(t, pack, findings)
	data, err := proto.Marshal(pack)
	require.NoError(t, err)
	return data
}

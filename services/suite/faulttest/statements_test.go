package faulttest_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// striker fails one statement of a service's store.
type striker struct {
	mu     sync.Mutex
	armed  bool
	left   int    // statements before the one to fail
	only   string // the name of the one to fail; empty for any in its turn
	struck string // the one that failed
}

func (s *striker) hook(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op == "commit" && s.struck == "" && s.only == "" && s.left > 0 {
		s.armed = false // what comes behind the registration is of who follows it
	}
	// positions and events are of who reads the feed and asks whether all of it was
	// read; projections are read only when what was read before no longer stands.
	standing := op == "projections.get" || op == "projections.list"
	if !s.armed || s.struck != "" || op == "positions.read" || op == "events.read" || s.only != "" && op != s.only || s.only == "" && standing {
		return nil
	}
	if s.left--; s.left >= 0 {
		return nil
	}
	s.struck = op
	return sqldb.NewError(sqldb.Unavailable, op, "the disk is gone")
}

func (s *striker) arm(n int, only string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.left, s.only, s.struck = true, n, only, ""
}

// disarm returns the statement that failed, empty if none did.
func (s *striker) disarm() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	return s.struck
}

// TestARegistrationFailsWholeWhereverSQLFails fails every statement of one
// registration in turn: the caller hears of it, nothing is left behind, and the same
// request succeeds afterwards, once.
func TestARegistrationFailsWholeWhereverSQLFails(t *testing.T) {
	t.Parallel()
	strike := &striker{}
	s := suitetest.New(t, func(c *suite.Config) {
		c.Faults = func(service string) journal.FaultHook {
			if service != "intake" {
				return nil
			}
			return strike.hook
		}
	})
	intake := intakev1.NewIntakeServiceClient(s.Conn)
	db := store(t, s.Folder, "intake")
	by := as(s)
	register := func(id string) (*intakev1.Complaint, error) {
		got, err := intake.CreateComplaint(by(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: id})
		return got.GetComplaint(), err
	}
	s.Register()
	// one fails the first statement of the name in some registration.
	one := func(op string) {
		t.Helper()
		for struck := ""; struck == ""; {
			s.Settled()
			before := rows(t, db)
			strike.arm(0, op)
			_, err := register(suitetest.ID())
			if struck = strike.disarm(); struck != "" && err == nil {
				struck = "" // that of somebody else
			}
			if struck != "" {
				require.Equal(t, codes.Unavailable, status.Code(err), "%s: %v", struck, err)
				require.Equal(t, before, rows(t, db), "after %s failed", struck)
			}
		}
	}
	one("projections.get")  // of the directory
	one("projections.list") // of the policy
	var failed, elsewhere []string
	for n := 0; ; n++ {
		require.Less(t, n, 200)
		s.Settled()
		before := rows(t, db)
		id := suitetest.ID()
		strike.arm(n, "")
		c, err := register(id)
		struck := strike.disarm()
		if struck == "" {
			require.NoError(t, err)
			break
		}
		if err == nil { // a statement of somebody who reads beside it
			elsewhere = append(elsewhere, struck)
			require.NotEmpty(t, c.GetName())
			require.Less(t, len(elsewhere), 40, "%v", elsewhere)
			n--
			continue
		}
		failed = append(failed, struck)
		require.Equal(t, codes.Unavailable, status.Code(err), "%s: %v", struck, err)
		require.Equal(t, before, rows(t, db), "after %s failed", struck)
		first, err := register(id)
		require.NoError(t, err, "again after %s failed", struck)
		again, err := register(id)
		require.NoError(t, err)
		require.Equal(t, first.GetName(), again.GetName())
		require.Equal(t, before["resources"]+1, rows(t, db)["resources"], "again after %s failed", struck)
	}
	t.Logf("%d statements failed: %v; beside it %v", len(failed), failed, elsewhere)
	for _, op := range []string{
		"begin", "requests.read", "tallies.read", "requests.insert", "resources.insert", "resource_index.insert", "tallies.upsert", "shard_heads.raise", "events.insert", "commit",
	} {
		if !slices.Contains(failed, op) { // somebody's statements before ours shifted the count
			one(op)
		}
	}
}

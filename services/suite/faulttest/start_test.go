package faulttest_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// TestASuiteStartsBesideWorkThatIsNotAtRest leaves something behind for a service to
// follow, as other processes under load always do, and starts anew while that cannot
// be followed: calls are answered, and what was left is followed as soon as it can be.
func TestASuiteStartsBesideWorkThatIsNotAtRest(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	t.Run("before", func(t *testing.T) { //nolint:paralleltest // the second start comes after it
		s := suitetest.In(t, folder)
		require.NoError(t, s.StopService(t.Context(), "reporting"))
		register(t, s)
	})
	var full atomic.Bool
	full.Store(true)
	s := suitetest.In(t, folder, func(c *suite.Config) {
		c.Faults = func(service string) journal.FaultHook {
			return func(op string) error {
				if service == "reporting" && op == "feed_positions.upsert" && full.Load() {
					return sqldb.NewError(sqldb.Unavailable, op, "the disk is full")
				}
				return nil
			}
		}
	})
	register(t, s)
	full.Store(false)
	s.Settled()
}

// register registers a complaint and does not wait for what follows.
func register(t *testing.T, s *suitetest.Suite) {
	t.Helper()
	_, err := intakev1.NewIntakeServiceClient(s.Conn).CreateComplaint(s.As(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()})
	require.NoError(t, err)
}

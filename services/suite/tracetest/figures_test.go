package tracetest_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// broken fails one kind of statement of one service while it is switched on.
type broken struct {
	service, op string
	class       sqldb.Class
	on          atomic.Bool
}

func (b *broken) into(c *suite.Config) {
	c.Faults = func(service string) journal.FaultHook {
		if service != b.service {
			return nil
		}
		return func(op string) error {
			if op == b.op && b.on.Load() {
				return sqldb.NewError(b.class, op, "the disk is gone")
			}
			return nil
		}
	}
}

// register registers a complaint and does not wait for what follows.
func register(t testing.TB, s *suitetest.Suite) {
	t.Helper()
	_, err := intakev1.NewIntakeServiceClient(s.Conn).CreateComplaint(s.As(agent),
		&intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()})
	require.NoError(t, err)
}

func positive(v float64) bool { return v > 0 }
func zero(v float64) bool     { return v == 0 }

func TestAParkedEventShowsOnThePage(t *testing.T) {
	t.Parallel()
	b := &broken{service: "routing", op: "resources.insert", class: sqldb.Other}
	s := suitetest.New(t, measured, b.into)
	const series = `redress_parked_events{service="routing",source="intake"}`
	require.Zero(t, must(t, page(t, s), series))
	b.on.Store(true)
	register(t, s)
	until(t, s, series, positive)
	require.Zero(t, must(t, page(t, s), `redress_parked_events{service="notification",source="intake"}`), "nobody else's")
}

func TestTheLagOfAFeedGrowsUntilItIsAppliedAndIsGoneThen(t *testing.T) {
	t.Parallel()
	b := &broken{service: "notification", op: "feed_positions.upsert", class: sqldb.Unavailable}
	s := suitetest.New(t, measured, b.into)
	const events, seconds = `redress_feed_lag_events{service="notification",source="intake"}`, `redress_feed_lag_seconds{service="notification",source="intake"}`
	require.Zero(t, must(t, page(t, s), events))
	b.on.Store(true)
	register(t, s)
	until(t, s, events, positive)
	until(t, s, seconds, func(v float64) bool { return v > 0.1 })
	b.on.Store(false)
	s.Settled()
	until(t, s, events, zero)
	require.Zero(t, must(t, page(t, s), seconds))
	until(t, s, `redress_feed_connected{service="notification",source="intake"}`, positive)
}

func TestAServiceThatIsAwayShowsAsFeedsNotConnected(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t, measured)
	const series = `redress_feed_connected{service="notification",source="routing"}`
	until(t, s, series, positive)
	require.NoError(t, s.StopService(t.Context(), "routing"))
	until(t, s, series, zero)
	_, ok := value(t, page(t, s), `redress_collect_failed{service="routing"}`)
	require.False(t, ok, "what is away says nothing")
	require.NoError(t, s.StartService(t.Context(), "routing"))
	until(t, s, series, positive)
}

func TestClocksThatFireLateShowHowLate(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t, measured)
	s.Register()
	text := page(t, s)
	require.Positive(t, must(t, text, `redress_timers_armed{kind="cases/*/clocks/*",service="routing"}`))
	late := func(text string) float64 {
		return must(t, text, `redress_timer_lateness_seconds_count{service="routing"}`) - must(t, text, `redress_timer_lateness_seconds_bucket{service="routing",le="3600"}`)
	}
	require.Zero(t, late(text))
	require.NoError(t, s.StopService(t.Context(), "routing"))
	s.Pass(60 * 24 * time.Hour)
	require.NoError(t, s.StartService(t.Context(), "routing"))
	s.Pass(0)
	text = page(t, s)
	require.Positive(t, late(text), "they fired more than an hour late")
	require.Zero(t, must(t, text, `redress_timers_overdue_seconds{service="routing"}`))
}

func TestClocksThatCannotFireShowAsOverdue(t *testing.T) {
	t.Parallel()
	b := &broken{service: "routing", op: "resources.upsert", class: sqldb.Unavailable}
	s := suitetest.New(t, measured, b.into)
	s.Register()
	require.NoError(t, s.StopService(t.Context(), "routing"))
	s.Pass(60 * 24 * time.Hour)
	b.on.Store(true)
	require.NoError(t, s.StartService(t.Context(), "routing"))
	until(t, s, `redress_timer_failures_total{service="routing"}`, positive)
	require.Greater(t, must(t, page(t, s), `redress_timers_overdue_seconds{service="routing"}`), (24 * time.Hour).Seconds())
	b.on.Store(false)
	s.Pass(0)
	require.Zero(t, must(t, page(t, s), `redress_timers_overdue_seconds{service="routing"}`))
}

func TestNoticesThatNobodyTakesShowByStateAndAttempts(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t, measured, func(c *suite.Config) {
		c.Notification.SMTP.Host, c.Notification.SMTP.Port, c.Notification.SMTP.From = "127.0.0.1", 1, "service@redress.example"
	})
	register(t, s)
	until(t, s, `redress_notices{service="notification",state="pending"}`, positive)
	until(t, s, `redress_delivery_duration_seconds_count{media="email",outcome="again",service="notification"}`, positive)
	require.Positive(t, must(t, page(t, s), `redress_timers_armed{kind="notices/*",service="notification"}`))
	s.Pass(30 * 24 * time.Hour)
	text := page(t, s)
	require.Zero(t, must(t, text, `redress_notices{service="notification",state="pending"}`))
	ended := must(t, text, `redress_notice_attempts_count{media="email",service="notification",state="failed"}`) +
		must(t, text, `redress_notice_attempts_count{media="email",service="notification",state="expired"}`)
	require.Positive(t, ended)
	require.InDelta(t, ended, must(t, text, `redress_notices{service="notification",state="failed"}`)+must(t, text, `redress_notices{service="notification",state="expired"}`), 0)
}

func TestRequestsAndTransactionsAreCounted(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t, measured)
	before := page(t, s)
	s.Register()
	require.Equal(t, http.StatusNotFound, s.JSON(agent, http.MethodGet, "/v1/complaints/00000000-0000-7000-8000-000000000000", nil).Code)
	text := page(t, s)
	require.InDelta(t, 1, must(t, text, `rpc_server_call_duration_seconds_count{rpc_method="redress.intake.v1.IntakeService/CreateComplaint",rpc_response_status_code="OK",rpc_system_name="grpc"}`), 0)
	require.InDelta(t, 1, must(t, text, `rpc_server_call_duration_seconds_count{rpc_method="redress.intake.v1.IntakeService/GetComplaint",rpc_response_status_code="NOT_FOUND",rpc_system_name="grpc"}`), 0)
	require.InDelta(t, 1, must(t, text, `http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="404",http_route="/v1/{name=complaints/*}"}`), 0)
	for _, series := range []string{`redress_journal_group_size_count{service="intake"}`, `redress_journal_commit_duration_seconds_count{service="intake"}`} {
		require.Greater(t, must(t, text, series), must(t, before, series), series)
	}
	for _, kind := range []string{"compensation", "corrective_action", "follow_up"} {
		require.Zero(t, must(t, text, `redress_obligations_open{kind="`+kind+`",service="routing"}`), "it is there before there is one")
	}
}

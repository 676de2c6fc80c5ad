// Package journaltest is the conformance suite of the journal: what every
// database must do. It is for tests only.
package journaltest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// Run runs the suite; open returns an empty database, closed when its test ends.
func Run(t *testing.T, open func(t testing.TB) *sqldb.DB) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, b *bundle)
	}{
		{"StoresStateAndEvent", storesStateAndEvent},
		{"RefusalLeavesNothing", refusalLeavesNothing},
		{"PanicIsAnErrorOfItsWriteOnly", panicIsItsOwn},
		{"UpdateNeedsGet", updateNeedsGet},
		{"AnswersFromTheResourceNamed", answersFromTheResourceNamed},
		{"ListsInPages", listsInPages},
		{"FindsByAttributes", findsByAttributes},
		{"FindSeesItsOwnGroup", findSeesItsOwnGroup},
		{"ReadsAheadForItsGroup", readsAhead},
		{"WhatIsForeseenIsReadOnce", readsForeseen},
		{"WhatLookupsFindIsReadAndWhatIsMadeIsNot", readsFound},
		{"ChildrenComeWithTheirParent", findsChildren},
		{"TimersFollowTheState", timersFollowTheState},
		{"FiresOnlyTheTimerThatIsWantedAndAtItsInstant", firesWhatIsWanted},
		{"DepthIsLimited", depthIsLimited},
		{"GivenUpBeforeItsTurnIsNotRun", givenUpIsNotRun},
		{"ClosedRefusesAndWaits", closedRefuses},
		{"ReopensAsItWas", reopensAsItWas},
		{"CommitsWakeReaders", commitsWakeReaders},
		{"LastEventsAreRemembered", lastEventsAreRemembered},
		{"OrganisationsAreApart", organisationsAreApart},

		{"RequestRepeatedAnswersTheFirstTime", requestRepeated},
		{"RequestIDWithOtherContentIsRefused", requestReused},
		{"RequestRefusedLeavesItsIDFree", requestRefusedLeavesFree},
		{"RequestInParallelRunsOnce", requestInParallel},
		{"RequestAfterReopening", requestAfterReopening},
		{"RequestExpires", requestExpires},

		{"EveryStatementMayFail", everyStatementMayFail},
		{"OnlyTheCulpritIsRefused", onlyTheCulprit},
		{"ConnectionLostInCommit", connectionLostInCommit},
		{"VersionConflictRunsAgain", versionConflict},
		{"SequencesHaveNoGaps", sequencesHaveNoGaps},
		{"TalliesAndSerialsCountEveryone", talliesAndSerials},
		{"TwoReplicasNeverDeadlock", twoReplicasNeverDeadlock},

		{"AdvanceComparesThePosition", advanceCompares},
		{"AdvanceIsAppliedOnceByTwoConsumers", advanceOnce},
		{"ProjectionsIgnoreOlderVersions", projectionsIgnoreOlder},
		{"ProjectionsAreFoundAndDeleted", projectionsFoundAndDeleted},
		{"ParkedEventsHoldBackTheirComplaint", parkedEvents},
		{"LeasesHaveOneHolder", leases},
		{"FiguresCountWhatWaits", figuresCount},

		{"SearchFindsTheYoungestWithAllTerms", searchFinds},
		{"SearchReachesBackOverYears", searchReachesBack},
		{"SearchFollowsVersionsAndForgetsForGood", searchFollowsVersions},
		{"SearchHasEverybodyOfOneInstant", searchOrdersWhatIsAsOld},

		{"VerifyFindsNothingWrong", verifyFindsNothing},
		{"VerifyFindsTampering", verifyFindsTampering},
		{"VerifyFollowsCauses", verifyFollowsCauses},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newBundle(t, open(t)))
		})
	}
}

// start is where the virtual clock of every test stands at first.
func start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// bundle is what a test works with.
type bundle struct {
	t     testing.TB
	ctx   context.Context
	db    *sqldb.DB
	clock *clock.Virtual

	mu     sync.Mutex
	faults sqldb.Hook
	timers []journal.Timer
}

func newBundle(t testing.TB, db *sqldb.DB) *bundle {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return &bundle{t: t, ctx: ctx, db: db, clock: clock.NewVirtual(start())}
}

// open opens a journal on the bundle's database; more change its options.
func (b *bundle) open(more ...func(*journal.Options)) *journal.Journal {
	b.t.Helper()
	o := journal.Options{
		Service: "test", Kinds: testKinds(), Clock: b.clock, Faults: b.strike,
		OnTimers: func(timers []journal.Timer) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.timers = append(b.timers, timers...)
		},
	}
	for _, m := range more {
		m(&o)
	}
	j, err := journal.Open(b.ctx, b.db, o)
	require.NoError(b.t, err)
	b.t.Cleanup(j.Close)
	return j
}

// oneLane puts all writes into one queue, so that those held back share a group.
func oneLane(o *journal.Options) { o.Lanes = 1 }

func (b *bundle) strike(op string) error {
	b.mu.Lock()
	faults := b.faults
	b.mu.Unlock()
	if faults == nil {
		return nil
	}
	return faults(op)
}

func (b *bundle) setFaults(h sqldb.Hook) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = h
}

// testKinds are complaints and their clocks, both with a Clock as state.
func testKinds() []journal.Kind {
	index := func(m proto.Message) []journal.Attr {
		c := m.(*clockv1.Clock)
		attrs := []journal.Attr{{Name: "state", Value: c.State.String()}}
		for _, o := range c.OwedBy {
			attrs = append(attrs, journal.Attr{Name: "owed_by", Value: o})
		}
		return attrs
	}
	newClock := func() proto.Message { return &clockv1.Clock{} }
	return []journal.Kind{
		{Pattern: "complaints/*", New: newClock, Index: index, Complaint: func(name string, _ proto.Message) string { return name }},
		{
			Pattern: "complaints/*/clocks/*", New: newClock, Index: index, WithParent: true,
			Complaint: func(_ string, m proto.Message) string { return m.(*clockv1.Clock).Complaint },
			Timer: func(m proto.Message) (time.Time, int64, bool) {
				c := m.(*clockv1.Clock)
				return c.NextFireTime.AsTime(), c.Generation, c.NextFireTime != nil
			},
		},
		{Pattern: "people/*", New: newClock},
	}
}

func work(name string) journal.Work {
	return journal.Work{
		Organization: "acme", Key: name, Reads: []string{name},
		Actor: &eventv1.Actor{Principal: "people/li"},
	}
}

func request(w journal.Work, id, content string) journal.Work {
	w.Request = &journal.Request{Principal: "people/li", Method: "Test", ID: id, Digest: []byte(content)}
	return w
}

func running(owedBy ...string) *clockv1.Clock {
	return &clockv1.Clock{State: clockv1.Clock_STATE_RUNNING, OwedBy: owedBy}
}

func changed() *clockv1.ClockChanged {
	return &clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_STARTED}
}

// create returns a closure that creates the resource.
func create(name string, state *clockv1.Clock) func(*journal.Unit) error {
	return func(u *journal.Unit) error { return u.Create(name, state, changed()) }
}

// raise returns a closure that adds one to the resource's late count, making it if need be.
func raise(name string) func(*journal.Unit) error {
	return func(u *journal.Unit) error {
		c := &clockv1.Clock{}
		if _, err := u.Get(name, c); err != nil {
			return u.Create(name, &clockv1.Clock{Late: 1}, changed())
		}
		c.Late++
		return u.Update(name, c, changed())
	}
}

func (b *bundle) write(j *journal.Journal, w journal.Work, fn func(*journal.Unit) error) journal.Receipt {
	b.t.Helper()
	r, err := j.Write(b.ctx, w, fn)
	require.NoError(b.t, err)
	return r
}

func (b *bundle) get(j *journal.Journal, name string) (*clockv1.Clock, int64) {
	b.t.Helper()
	c := &clockv1.Clock{}
	version, err := j.Get(b.ctx, "acme", name, c)
	require.NoError(b.t, err)
	return c, version
}

func (b *bundle) verified(j *journal.Journal) journal.VerifyReport {
	b.t.Helper()
	report, err := j.Verify(b.ctx, journal.VerifyOptions{})
	require.NoError(b.t, err)
	require.Empty(b.t, report.Problems)
	return report
}

// hold submits a write that waits until the function returned is called, so
// that what is submitted meanwhile to its lane forms one group.
func (b *bundle) hold(j *journal.Journal) (release func()) {
	b.t.Helper()
	began, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	result := j.Submit(b.ctx, work("people/holder"), func(*journal.Unit) error {
		once.Do(func() { close(began) })
		<-done
		return nil
	})
	select {
	case <-began:
	case r := <-result:
		require.NoError(b.t, r.Err)
	}
	return func() {
		close(done)
		require.NoError(b.t, (<-result).Err)
	}
}

func name(kind string, n int) string { return fmt.Sprintf("%s/%06d", kind, n) }

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(start().Add(d)) }

func itoa(n int) string { return strconv.Itoa(n) }

package intake_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

func telephone(n int) func(*intakev1.Complaint) {
	return func(c *intakev1.Complaint) { c.Complainant.Telephone = fmt.Sprintf("138001%05d", n) }
}

func service(id string) func(*intakev1.Complaint) {
	return func(c *intakev1.Complaint) { c.Service = id }
}

func category(id string) func(*intakev1.Complaint) {
	return func(c *intakev1.Complaint) { c.Category = id }
}

func TestTheEleventhCustomerOfAServiceMakesACrowdOnce(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-01 09:00:00")
	for i := range 10 {
		require.Empty(t, b.register("02-01 08:00:00", telephone(i), service("lift")).GetCountersReached())
	}
	require.Empty(t, b.register("02-01 08:00:00", telephone(3), service("lift")).GetCountersReached(), "the same customer counts once")
	require.Empty(t, b.register("02-01 08:00:00", telephone(10), service("gate")).GetCountersReached(), "another service has a count of its own")
	c := b.register("02-01 08:00:00", telephone(11), service("lift"))
	require.Equal(t, []string{"crowd"}, c.GetCountersReached())
	require.Contains(t, b.told(c.GetName()), "CounterReached")
	require.Empty(t, b.register("02-01 08:00:00", telephone(12), service("lift")).GetCountersReached(), "beyond the threshold is not passing it")
}

// Source: GROWTH (each crossing once, safe under concurrency).
func TestSixtyFourRegistrationsAtOncePassEachThresholdOnce(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		b := newBedOn(t, open(t), "02-01 09:00:00")
		var passed atomic.Int64
		var all sync.WaitGroup
		errs := make(chan error, 64)
		for i := range 64 {
			all.Go(func() {
				got, err := b.CreateComplaint(b.as("agent"), asked(t, "02-01 08:00:00", telephone(i), service("lift")))
				if err != nil {
					errs <- err
					return
				}
				passed.Add(int64(len(got.GetComplaint().GetCountersReached())))
			})
		}
		all.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, passed.Load())
	})
}

func TestACounterThatLooksBackPassesAgainAfterItFell(t *testing.T) {
	t.Parallel()
	b := newBed(t, "03-01 09:00:00")
	for i, x := range []struct {
		day    string
		passes bool
	}{
		{"02-01", false},
		{"02-05", false},
		{"02-11", true},  // the first is ten days back: it still counts
		{"02-12", true},  // the first has left, so the count had fallen to two
		{"02-25", false}, // alone
		{"02-26", false},
		{"02-27", true},
		{"02-28", false}, // a fourth is beyond the threshold
	} {
		c := b.register(x.day+" 08:00:00", telephone(i), func(c *intakev1.Complaint) { c.Business = "parcels" })
		require.Equal(t, x.passes, slices.Contains(c.GetCountersReached(), "often"), x.day)
	}
}

func TestTheSameCustomerWithTheSameCategoryRepeats(t *testing.T) {
	t.Parallel()
	b := newBed(t, "03-20 09:00:00")
	first := b.register("02-01 08:00:00")
	b.register("02-02 08:00:00", telephone(7))
	b.register("02-02 08:00:00", category("manner"))
	again := b.register("03-03 23:00:00", func(c *intakev1.Complaint) { c.Complainant.Telephone = "+86 138-0013-8000" })
	require.Equal(t, first.GetName(), again.GetRepeatOf())
	known := b.get(first.GetName(), "agent")
	require.Equal(t, []string{again.GetName()}, known.GetRepeats())
	require.Equal(t, "ComplaintRepeated", b.told(first.GetName())[1])
	late := b.register("03-05 08:00:00")
	require.Equal(t, again.GetName(), late.GetRepeatOf(), "the first has left the window; the second has not")
}

func TestARepeatIsFoundWhenItsFieldIsRecordedLater(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-05 09:00:00")
	first := b.register("02-01 08:00:00")
	again := b.register("02-02 08:00:00", category(""))
	require.Empty(t, again.GetRepeatOf())
	got, err := b.UpdateComplaint(b.as("agent"), &intakev1.UpdateComplaintRequest{
		Complaint: &intakev1.Complaint{Name: again.GetName(), Channel: "hotline", Description: "…", Complainant: &intakev1.Complainant{}, Category: "quality"}, Etag: again.GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.Equal(t, first.GetName(), got.GetComplaint().GetRepeatOf())
}

func TestErasingAPersonMakesTheirNextComplaintSomebodyElses(t *testing.T) {
	t.Parallel()
	b := newBed(t, "02-05 09:00:00")
	first := b.register("02-01 08:00:00")
	_, err := b.ErasePerson(b.as("agent"), &intakev1.ErasePersonRequest{Name: first.GetName(), Reason: "本人要求", RequestId: uuid.NewString()})
	require.NoError(t, err)
	require.Empty(t, b.register("02-02 08:00:00").GetRepeatOf())
}

func TestPraiseIsCountedByEmployeeAndMonth(t *testing.T) {
	t.Parallel()
	b := newBed(t, "03-05 09:00:00")
	record := func(who, received string) *intakev1.Praise {
		p := asked(t, received).GetComplaint()
		got, err := b.RecordPraise(b.as("agent"), &intakev1.RecordPraiseRequest{
			Praise: &intakev1.Praise{Employee: who, Note: "服务好", ReceiveTime: p.GetReceiveTime()}, RequestId: uuid.NewString(),
		})
		require.NoError(t, err)
		return got.GetPraise()
	}
	require.Empty(t, record("people/employee", "02-28 23:00:00").GetCountersReached())
	require.Empty(t, record("people/employee", "03-01 08:00:00").GetCountersReached(), "a new month")
	require.Empty(t, record("people/other", "03-01 08:00:00").GetCountersReached())
	second := record("people/employee", "03-02 08:00:00")
	require.Equal(t, []string{"praised"}, second.GetCountersReached())
	require.Equal(t, []string{"PraiseRecorded", "CounterReached"}, b.told(second.GetName()))
	listed, err := b.ListPraises(b.as("agent"), &intakev1.ListPraisesRequest{Employee: "people/employee"})
	require.NoError(t, err)
	require.Len(t, listed.GetPraises(), 3)
	got, err := b.GetPraise(b.as("agent"), &intakev1.GetPraiseRequest{Name: second.GetName()})
	require.NoError(t, err)
	require.Equal(t, "服务好", got.GetPraise().GetNote())
	_, err = b.RecordPraise(b.as("agent"), &intakev1.RecordPraiseRequest{Praise: &intakev1.Praise{Employee: "people/ghost"}, RequestId: uuid.NewString()})
	require.Equal(t, "PRAISE_OF_UNKNOWN", reason(err))
}

package domain

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

// Count adds a thing to a counter's tally and returns how many it counted before
// and counts now. from is the first instant that counts, zero without bound;
// distinct is the keyed digest of what counts once, nil if every thing counts.
//
// A counter without bound keeps a number only: what counts once is the caller's to
// tell apart before. One that looks back keeps what is within its bound, so its
// tally grows with the things of one window and no further.
//
// Source: PACK-SKETCH 2.2 Counter; PROCEDURES P19 6, 8, 10.
func Count(t *intakev1.CounterTally, at, from time.Time, distinct []byte) (before, after int64) {
	if from.IsZero() {
		before = t.GetCount()
		t.Count++
		return before, t.GetCount()
	}
	t.Things = slices.DeleteFunc(t.Things, func(x *intakev1.CountedThing) bool { return x.GetReceiveTime().AsTime().Before(from) })
	before = within(t, at)
	i, _ := slices.BinarySearchFunc(t.Things, at, func(x *intakev1.CountedThing, at time.Time) int { return x.GetReceiveTime().AsTime().Compare(at) })
	t.Things = slices.Insert(t.Things, i, &intakev1.CountedThing{ReceiveTime: timestamppb.New(at), Distinct: distinct})
	return before, within(t, at)
}

// within counts the things up to an instant, those that count once once.
func within(t *intakev1.CounterTally, at time.Time) int64 {
	var n int64
	var seen [][]byte
	for _, x := range t.GetThings() {
		if x.GetReceiveTime().AsTime().After(at) {
			continue
		}
		if d := x.GetDistinct(); len(d) > 0 {
			if slices.ContainsFunc(seen, func(s []byte) bool { return bytes.Equal(s, d) }) {
				continue
			}
			seen = append(seen, d)
		}
		n++
	}
	return n
}

// Earliest takes the complaints out of the tally that lie before from and returns
// the first of those received no later than at; empty if there is none. Then it
// adds the complaint itself.
func Earliest(t *intakev1.RepeatTally, complaint string, at, from time.Time) string {
	if !from.IsZero() {
		t.Complaints = slices.DeleteFunc(t.Complaints, func(x *intakev1.SeenComplaint) bool { return x.GetReceiveTime().AsTime().Before(from) })
	}
	found := ""
	for _, x := range t.GetComplaints() {
		if x.GetComplaint() != complaint && !x.GetReceiveTime().AsTime().After(at) {
			found = x.GetComplaint()
			break
		}
	}
	i, _ := slices.BinarySearchFunc(t.Complaints, at, func(x *intakev1.SeenComplaint, at time.Time) int { return x.GetReceiveTime().AsTime().Compare(at) })
	for i < len(t.Complaints) && !t.Complaints[i].GetReceiveTime().AsTime().After(at) {
		i++ // of the same second: in the order they came
	}
	// Without a bound the first one is all that later ones are compared with.
	if from.IsZero() && found != "" {
		return found
	}
	t.Complaints = slices.Insert(t.Complaints, i, &intakev1.SeenComplaint{Complaint: complaint, ReceiveTime: timestamppb.New(at)})
	return found
}

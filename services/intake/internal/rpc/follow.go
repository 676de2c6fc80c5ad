package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// follow lets follow what the pack finds in a complaint as it now stands: that it
// is none of the procedure's, repeats an earlier one, or makes a counter pass its
// threshold. It costs nothing where the pack has no such section; else a tally or
// two for each rule that applies for the first time.
//
// A counter counts a complaint once, when its condition first holds.
func follow(u *journal.Unit, p *policy.Policy, c *intakev1.Complaint, k *routingv1.Case, prints prints) error {
	a := p.Rules().GetAcceptance()
	if len(a.GetOutside())+len(a.GetRepeat().GetSame())+len(p.Rules().GetCounters()) == 0 {
		return nil
	}
	next, change, err := domain.Outside(c, k, p, u.Time(), false)
	if err != nil {
		return err
	}
	if next != nil {
		u.Because(next.GetOutside())
		return u.Update(next.GetName(), next, change)
	}
	given, err := prints.given(u, c.GetName())
	if err != nil {
		return err
	}
	if c, err = findRepeat(u, p, c, k, given); err != nil {
		return err
	}
	s := sheet.Of(c, k)
	for _, counter := range p.Counters(policyv1.Of_OF_COMPLAINTS) {
		reached, err := count(u, p, counter, s, given, c.GetName(), c.GetReceiveTime().AsTime())
		if err != nil {
			return err
		}
		if reached == nil {
			continue
		}
		next := proto.CloneOf(c)
		next.CountersReached = append(next.CountersReached, counter.GetId())
		u.Because(p.Rule(counter.GetId()))
		if err := u.Update(c.GetName(), next, reached); err != nil {
			return err
		}
		c = next
	}
	return nil
}

func countedKey(rule, name string) string { return "counted/" + rule + "/" + name }

// count lets one counter count a thing that it has not counted yet. It returns
// what is to be told if that made it pass its threshold, else nil.
func count(u *journal.Unit, p *policy.Policy, c *policyv1.Counter, s *policy.Sheet, given map[string]string, name string, at time.Time) (*intakev1.CounterReached, error) {
	if t, _ := p.Counts(c, s); t != policy.True {
		return nil, nil
	}
	keys, missing := p.Keys(c, s, given)
	if len(missing) > 0 {
		return nil, nil
	}
	before, mark := &wrapperspb.BoolValue{}, countedKey(c.GetId(), name)
	if err := u.Tally(mark, before); err != nil || before.GetValue() {
		return nil, err
	}
	if err := u.SetTally(mark, wrapperspb.Bool(true)); err != nil {
		return nil, err
	}
	once := ""
	if c.GetDistinct() != "" {
		if once = p.Key(c.GetDistinct(), s, given); once == "" {
			once = name // of nobody known: each counts
		}
	}
	from, bounded := p.Since(c, at)
	period := c.GetPeriod() != policyv1.Every_EVERY_UNSPECIFIED
	key := "counter/" + c.GetId() + "/" + digest(keys...)
	var n [2]int64
	var err error
	if bounded && !period {
		n, err = countSince(u, key, at, from, once)
	} else {
		if period {
			key += "/" + from.UTC().Format(time.RFC3339)
		}
		n, err = countOn(u, key, once)
	}
	if err != nil || !p.Reached(c, n[0], n[1]) {
		return nil, err
	}
	reached := &intakev1.CounterReached{Counter: c.GetId(), Key: map[string]string{}, Count: n[1]}
	for i, field := range c.GetPer() {
		reached.Key[field] = keys[i]
	}
	if period {
		reached.PeriodStart = timestamppb.New(from)
	}
	return reached, nil
}

// countSince counts in a tally that looks back.
func countSince(u *journal.Unit, key string, at, from time.Time, once string) (n [2]int64, err error) {
	t := &intakev1.CounterTally{}
	if err := u.Tally(key, t); err != nil {
		return n, err
	}
	var distinct []byte
	if once != "" {
		sum := sha256.Sum256([]byte(once))
		distinct = sum[:12]
	}
	n[0], n[1] = domain.Count(t, at, from, distinct)
	return n, u.SetTally(key, t)
}

// countOn counts in a tally without bound, what counts once by a row of its own.
func countOn(u *journal.Unit, key, once string) (n [2]int64, err error) {
	t := &intakev1.CounterTally{}
	if err := u.Tally(key, t); err != nil {
		return n, err
	}
	if once != "" {
		row, seen := key+"/"+digest(once), &wrapperspb.BoolValue{}
		if err := u.Tally(row, seen); err != nil {
			return n, err
		}
		if seen.GetValue() {
			return [2]int64{t.GetCount(), t.GetCount()}, nil
		}
		if err := u.SetTally(row, wrapperspb.Bool(true)); err != nil {
			return n, err
		}
	}
	n[0], n[1] = domain.Count(t, time.Time{}, time.Time{}, nil)
	return n, u.SetTally(key, t)
}

// digest names a list of values in a key of bounded length.
func digest(values ...string) string {
	h := sha256.New()
	for _, v := range values {
		fmt.Fprintf(h, "%d:%s", len(v), v)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// findRepeat links a complaint that repeats an earlier one, and lets the earlier
// one know. It is looked for once, as soon as the fields that must be the same are
// known; a complaint whose registrar named the original is not looked at.
func findRepeat(u *journal.Unit, p *policy.Policy, c *intakev1.Complaint, k *routingv1.Case, given map[string]string) (*intakev1.Complaint, error) {
	rule := p.Rules().GetAcceptance().GetRepeat()
	if len(rule.GetSame()) == 0 {
		return c, nil
	}
	done, mark := &wrapperspb.BoolValue{}, countedKey(rule.GetId(), c.GetName())
	if err := u.Tally(mark, done); err != nil || done.GetValue() {
		return c, err
	}
	original := c.GetRepeatOf()
	values := make([]string, 0, len(rule.GetSame()))
	s := sheet.Of(c, k)
	for _, field := range rule.GetSame() {
		v := p.Key(strings.TrimPrefix(field, "complaint."), s, given)
		if v == "" {
			return c, linked(u, p, c, original, mark) // not known yet: looked for when it is
		}
		values = append(values, v)
	}
	at := c.GetReceiveTime().AsTime()
	from, _ := p.Back(rule.GetWithin(), at)
	t := &intakev1.RepeatTally{}
	key := "repeat/" + digest(values...)
	if err := u.Tally(key, t); err != nil {
		return c, err
	}
	found := domain.Earliest(t, c.GetName(), at, from)
	if err := u.SetTally(key, t); err != nil {
		return c, err
	}
	if err := u.SetTally(mark, wrapperspb.Bool(true)); err != nil {
		return c, err
	}
	if original == "" {
		original = found
	}
	return tellOriginal(u, p, c, original)
}

// linked lets the original know of a complaint whose registrar named it.
func linked(u *journal.Unit, p *policy.Policy, c *intakev1.Complaint, original, mark string) error {
	if original == "" {
		return nil
	}
	if err := u.SetTally(mark, wrapperspb.Bool(true)); err != nil {
		return err
	}
	_, err := tellOriginal(u, p, c, original)
	return err
}

func tellOriginal(u *journal.Unit, p *policy.Policy, c *intakev1.Complaint, original string) (*intakev1.Complaint, error) {
	if original == "" {
		return c, nil
	}
	earlier := &intakev1.Complaint{}
	if _, err := u.Get(original, earlier); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return c, nil
		}
		return c, err
	}
	next, known, change := domain.Repeats(c, earlier, u.Time())
	next.Marks = p.Marks(sheet.Of(next, nil))
	u.Because(p.Rule(p.Rules().GetAcceptance().GetRepeat().GetId()))
	if c.GetRepeatOf() == "" {
		if err := u.Update(next.GetName(), next, &intakev1.ComplaintUpdated{}); err != nil {
			return c, err
		}
		c = next
	}
	return c, u.Update(known.GetName(), known, change)
}

package domain

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// MaxAttempts is how many attempts a notice keeps; the oldest go first.
const MaxAttempts = 50

// Draft is a notice before it is issued. Address, Title and Body hold sealed
// texts where they are personal: nothing here opens them.
type Draft struct {
	Name, Complaint, Kind string
	Rule                  *typev1.RuleRef
	Media                 notificationv1.Notice_Media
	Recipient             string
	Address, Title, Body  string
	Locale                string
	// Subject is the data subject whose key seals the texts.
	Subject string
	// Obligation it discharges, Cause the event it was issued for; either may be empty.
	Obligation, Cause string
	// Time is when it was issued, Expire until when it is worth sending; zero for always.
	Time, Expire time.Time
	// Hours says when it may be sent.
	Hours Hours
	// Choices are what the receiver may answer.
	Choices []*notificationv1.NoticeChoice
	// IssuedBy is the person who issued it, empty for an event; Deviates says that the pack names
	// another as normal.
	IssuedBy string
	Deviates bool
}

// NoticeName returns the name of a notice that is issued at an instant: the same
// parts give the same name, whoever issues it and however often, and names sort by
// time. The last segment is a UUID of version 8: 48 bits of milliseconds, the rest
// a digest of the parts.
func NoticeName(at time.Time, parts ...string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(parts, "\x00")))
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x80
	return "notices/" + id.String()
}

// Issue returns the notice: PENDING, NO_ADDRESS if nobody can be reached by its
// medium, or EXPIRED if its hours begin only after it is worth sending.
//
// Source: DESIGN section 6 (a notice states until when it is worth sending and in
// which hours).
func Issue(d Draft) *notificationv1.Notice {
	_, id, _ := strings.Cut(d.Name, "/")
	n := &notificationv1.Notice{
		Name: d.Name, Key: id, Complaint: d.Complaint, Kind: d.Kind, Rule: d.Rule, Media: d.Media, Recipient: d.Recipient,
		Address: d.Address, Title: d.Title, Body: d.Body, Locale: d.Locale, Subject: d.Subject, Obligation: d.Obligation, Cause: d.Cause,
		CreateTime: timestamppb.New(d.Time), Generation: 1, State: notificationv1.Notice_STATE_PENDING,
		Choices: d.Choices, IssuedBy: d.IssuedBy, Deviates: d.Deviates,
	}
	if !d.Expire.IsZero() {
		n.ExpireTime = timestamppb.New(d.Expire)
	}
	if d.Media == notificationv1.Notice_MEDIA_UNSPECIFIED {
		n.State = notificationv1.Notice_STATE_NO_ADDRESS
		return n
	}
	at := d.Hours.Next(d.Time)
	if !d.Expire.IsZero() && at.After(d.Expire) {
		n.State = notificationv1.Notice_STATE_EXPIRED
		return n
	}
	n.NextAttemptTime = timestamppb.New(at)
	return n
}

// Outcome is how one attempt ended.
type Outcome struct {
	// Delivered: a receiver confirmed it.
	Delivered bool
	// Reason of the catalogue when it was not.
	Reason string
	// Wait is how long to wait for the next attempt, Again whether there is one.
	Wait  time.Duration
	Again bool
}

// Attempted returns the notice after an attempt and what happened to it: delivered,
// tried again within its hours, or given up. nil if it does not wait for one.
func Attempted(n *notificationv1.Notice, o Outcome, hours Hours, now time.Time) (*notificationv1.Notice, proto.Message) {
	if n.GetState() != notificationv1.Notice_STATE_PENDING {
		return nil, nil
	}
	next := proto.CloneOf(n)
	next.NextAttemptTime = nil
	next.Generation++
	attempt := &notificationv1.Attempt{AttemptTime: timestamppb.New(now), Delivered: o.Delivered}
	next.Attempts = append(next.Attempts, attempt)
	if over := len(next.Attempts) - MaxAttempts; over > 0 {
		next.Attempts = next.Attempts[over:]
	}
	if o.Delivered {
		next.State, next.DeliverTime = notificationv1.Notice_STATE_DELIVERED, timestamppb.New(now)
		return next, &notificationv1.NoticeDelivered{}
	}
	attempt.Reason = o.Reason
	if !o.Again {
		attempt.Final = true
		next.State = notificationv1.Notice_STATE_FAILED
		return next, &notificationv1.NoticeFailed{}
	}
	at := hours.Next(now.Add(o.Wait))
	if isOver(n, at) {
		attempt.Final = true
		next.State = notificationv1.Notice_STATE_EXPIRED
		return next, &notificationv1.NoticeExpired{}
	}
	next.NextAttemptTime = timestamppb.New(at)
	return next, &notificationv1.NoticeAttempted{}
}

// Postpone returns the notice planned anew, without an attempt: its recipient has
// had enough for now, or it is outside its hours. It expires if that is too late.
// nil if it does not wait for an attempt.
func Postpone(n *notificationv1.Notice, to time.Time, hours Hours) (*notificationv1.Notice, proto.Message) {
	if n.GetState() != notificationv1.Notice_STATE_PENDING {
		return nil, nil
	}
	at := hours.Next(to)
	if isOver(n, at) {
		return Expire(n)
	}
	next := proto.CloneOf(n)
	next.Generation++
	next.NextAttemptTime = timestamppb.New(at)
	return next, &notificationv1.NoticeAttempted{}
}

// Expire returns the notice as no longer worth sending; nil if it does not wait.
func Expire(n *notificationv1.Notice) (*notificationv1.Notice, proto.Message) {
	if n.GetState() != notificationv1.Notice_STATE_PENDING {
		return nil, nil
	}
	next := proto.CloneOf(n)
	next.Generation++
	next.NextAttemptTime = nil
	next.State = notificationv1.Notice_STATE_EXPIRED
	if k := len(next.GetAttempts()); k > 0 {
		next.Attempts[k-1].Final = true
	}
	return next, &notificationv1.NoticeExpired{}
}

// IsOver reports that the notice is no longer worth sending at the instant.
func IsOver(n *notificationv1.Notice, now time.Time) bool { return isOver(n, now) }

func isOver(n *notificationv1.Notice, at time.Time) bool {
	return n.GetExpireTime() != nil && at.After(n.GetExpireTime().AsTime())
}

// Resend returns a notice that was given up or expired as one to be tried at once,
// under the same key. Somebody wants it sent, so it no longer expires.
// Faults: NOTICE_STATE.
func Resend(n *notificationv1.Notice, now time.Time) (*notificationv1.Notice, error) {
	if s := n.GetState(); s != notificationv1.Notice_STATE_FAILED && s != notificationv1.Notice_STATE_EXPIRED || n.GetMedia() == notificationv1.Notice_MEDIA_UNSPECIFIED {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoticeState, "state", word(s.String()), "wanted", "FAILED, EXPIRED")
	}
	next := proto.CloneOf(n)
	next.State = notificationv1.Notice_STATE_PENDING
	next.ExpireTime = nil
	next.NextAttemptTime = timestamppb.New(now)
	next.Generation++
	return next, nil
}

// Tries returns how many attempts were made since the notice was issued or sent again.
func Tries(n *notificationv1.Notice) int {
	count := 0
	for _, a := range n.GetAttempts() {
		if count++; a.GetFinal() {
			count = 0
		}
	}
	return count
}

// word returns an enum's value without its prefix.
func word(s string) string {
	_, after, ok := strings.Cut(s, "STATE_")
	if !ok {
		return s
	}
	return after
}

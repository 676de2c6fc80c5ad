package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
)

// Choices returns the boxes of a notice of the pack, none of them ticked.
func Choices(def *policyv1.Notice) []*notificationv1.NoticeChoice {
	var out []*notificationv1.NoticeChoice
	for _, c := range def.GetChoices() {
		out = append(out, &notificationv1.NoticeChoice{Id: c.GetId(), Text: c.GetText()})
	}
	return out
}

// box stands before a choice that nobody has made yet.
const box = "□ "

// WithChoices adds the boxes to the words of a notice.
//
// Source: PROCEDURES P09 letter.
func WithChoices(w Words, choices []*notificationv1.NoticeChoice, locale string) Words {
	if len(choices) == 0 {
		return w
	}
	lines := []string{w.Body, "", pick(locale, "请选择其中一项并告知我们：", "Please choose one and tell us:")}
	for _, c := range choices {
		lines = append(lines, box+In(locale, c.GetText()))
	}
	w.Body = strings.Join(lines, "\n")
	return w
}

// Ticks are the boxes that came back on a notice.
type Ticks struct {
	// Choices are the boxes that were ticked.
	Choices []string
	// By is people/{person}, customers/{customer} or "customer".
	By   string
	Time time.Time
}

// Tick records the receiver's answer. Anything but exactly one choice is no answer: it is counted
// as unclear and the notice goes out again. The change says which it was.
//
// Faults: NOTICE_STATE if the notice asks nothing or was answered, NOTICE_CHOICE for an unknown box.
//
// Source: PROCEDURES P09-A1.
func Tick(n *notificationv1.Notice, a Ticks) (*notificationv1.Notice, proto.Message, error) {
	switch {
	case len(n.GetChoices()) == 0:
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonNoticeState, "state", "WITHOUT_CHOICES", "wanted", "AWAITING_ANSWER").With(n.GetRule())
	case n.GetChosen() != "":
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonNoticeState, "state", "ANSWERED", "wanted", "AWAITING_ANSWER").With(n.GetRule())
	}
	var known []string
	for _, c := range n.GetChoices() {
		known = append(known, c.GetId())
	}
	for _, id := range a.Choices {
		if !slices.Contains(known, id) {
			return nil, nil, fault.New(fault.Invalid, ReasonNoticeChoice, "choice", id, "allowed", strings.Join(known, ", ")).
				With(n.GetRule()).WithViolations(fault.Violation{Field: "choices", Reason: ReasonNoticeChoice})
		}
	}
	next := proto.CloneOf(n)
	if len(a.Choices) != 1 {
		next.UnclearAnswers++
		again(next, a.Time)
		return next, &notificationv1.NoticeAnswerUnclear{}, nil
	}
	next.Chosen, next.AnsweredBy, next.AnswerTime = a.Choices[0], a.By, timestamppb.New(a.Time)
	for _, c := range next.GetChoices() {
		c.Ticked = c.GetId() == next.GetChosen()
	}
	if next.GetState() == notificationv1.Notice_STATE_PENDING { // nothing is left to ask
		next.State, next.NextAttemptTime = notificationv1.Notice_STATE_EXPIRED, nil
	}
	return next, &notificationv1.NoticeAnswered{Choice: next.GetChosen()}, nil
}

// again plans another delivery, unless one is planned or nobody can be reached.
func again(n *notificationv1.Notice, at time.Time) {
	switch n.GetState() {
	case notificationv1.Notice_STATE_DELIVERED, notificationv1.Notice_STATE_FAILED, notificationv1.Notice_STATE_EXPIRED:
		n.State, n.NextAttemptTime, n.ExpireTime = notificationv1.Notice_STATE_PENDING, timestamppb.New(at), nil
		n.Generation++
	}
}

// Package delivery hands one message to one receiver: by mail ([Mail]), to a
// machine as a signed webhook ([Webhook]) or as a text message through a
// provider's HTTP interface ([SMS]).
//
// A [Sender] tries once. It keeps no queue and no log: whoever calls it records
// the attempt, and on a [Failure] of class [Retry] asks [Backoff] when to try
// again. Every attempt of one message carries the same key to the receiver
// (Message-ID, webhook-id, Idempotency-Key), so that one who was reached but
// could not say so sees one message twice, not two messages.
//
// What may go into a header, an address or a template is checked here, whoever
// wrote it. Start reading at [Sender] and [Failure].
//
// Source: RELIABILITY 3.5 (webhook SSRF, header and SMS injection).
package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"example.com/redress/services/kit/fault"
)

// Message is what is delivered.
type Message struct {
	// Key names the message for its receiver, the same at every attempt: 1 to
	// 128 letters, digits, hyphens, underscores and dots, no dot at either end.
	Key string
	// To is the e-mail address or telephone number; a webhook has its receiver's URL and ignores it.
	To string
	// Subject is one line of at most 500 characters.
	Subject string
	// Text is the message in plain text.
	Text string
	// HTML is the message as a page; empty sends the text alone.
	HTML string
	// Locale is zh-CN or en; empty says nothing about the language.
	Locale string
	// Type says what happened, for machines: "notice.issued".
	Type string
	// Time is when it happened, for machines.
	Time time.Time
	// Data is the content for machines, a JSON value; empty sends subject and text.
	Data []byte
	// Variables fill the text-message template.
	Variables map[string]string
}

// Result is a delivery that the receiver confirmed.
type Result struct {
	// Answer is the receiver's confirmation: an SMTP reply or an HTTP status. It
	// holds nothing of the message.
	Answer string
}

// Sender delivers messages to one kind of receiver. It is safe for concurrent use.
type Sender interface {
	// Send tries once and returns when the receiver has answered, ctx has ended,
	// or its own time limit is over. Its errors are *[Failure].
	Send(ctx context.Context, m Message) (Result, error)
}

// Class says what a failure means for the next attempt.
type Class int

// The classes.
const (
	// Retry: the receiver may take the message later.
	Retry Class = iota + 1
	// Final: the same message will not be taken.
	Final
)

// Reasons of failures, for the delivery log.
const (
	// ReasonMalformed: the message cannot be sent as it is (final).
	ReasonMalformed = "DELIVERY_MALFORMED"
	// ReasonAddress: the receiver's address may not be called (final).
	ReasonAddress = "DELIVERY_ADDRESS_REFUSED"
	// ReasonUnreachable: no connection, or it broke (retry).
	ReasonUnreachable = "DELIVERY_UNREACHABLE"
	// ReasonSetup: log-in or encryption failed; the operator must act (retry).
	ReasonSetup = "DELIVERY_SETUP"
	// ReasonBusy: the receiver asks to come back later (retry).
	ReasonBusy = "DELIVERY_BUSY"
	// ReasonRefused: the receiver does not take it (final).
	ReasonRefused = "DELIVERY_REFUSED"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonMalformed, Kind: fault.Invalid, ZH: "消息内容不符合发送要求。", EN: "The message cannot be sent as it is."},
		{Reason: ReasonAddress, Kind: fault.FailedPrecondition, ZH: "接收地址不允许访问。", EN: "The receiver's address may not be called."},
		{Reason: ReasonUnreachable, Kind: fault.Unavailable, ZH: "暂时无法连接接收方。", EN: "The receiver cannot be reached now."},
		{Reason: ReasonSetup, Kind: fault.Unavailable, ZH: "发送通道的登录或加密设置有误。", EN: "The channel's log-in or encryption does not work."},
		{Reason: ReasonBusy, Kind: fault.Unavailable, ZH: "接收方要求稍后再发。", EN: "The receiver asks to come back later."},
		{Reason: ReasonRefused, Kind: fault.FailedPrecondition, ZH: "接收方拒收。", EN: "The receiver does not take the message."},
	}
}

// Failure is an attempt that was not confirmed.
type Failure struct { //nolint:errname // it reads as what it is: delivery.Failure
	// Class says whether to try again.
	Class Class
	// Reason is one of the reasons of this package.
	Reason string
	// After is the wait the receiver asked for; zero if none.
	After time.Duration
	// Status is the HTTP status the receiver answered; zero if it did not, or by mail.
	Status int

	err error
}

// Error is for logs: it holds the receiver's answer but nothing of the message.
func (f *Failure) Error() string {
	if f.err == nil {
		return f.Reason
	}
	return f.Reason + ": " + f.err.Error()
}

// Unwrap returns the cause, or nil.
func (f *Failure) Unwrap() error { return f.err }

func retry(reason string, err error) *Failure {
	return &Failure{Class: Retry, Reason: reason, err: err}
}

func final(reason string, err error) *Failure {
	return &Failure{Class: Final, Reason: reason, err: err}
}

// ClassOf returns the class of a Sender's error; an error that is no Failure may be tried again.
func ClassOf(err error) Class {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Class
	}
	return Retry
}

var keys = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// ValidKey reports whether s may be the key of a message; see [Message].
func ValidKey(s string) bool {
	return keys.MatchString(s) && len(s) <= 128
}

// checkKey refuses a malformed key.
func (m Message) checkKey() error {
	if !ValidKey(m.Key) {
		return final(ReasonMalformed, errors.New("key"))
	}
	return nil
}

// line refuses a text that is not one plain line of at most limit characters:
// no line breaks, no other control characters, valid UTF-8.
//
// Source: RELIABILITY 3.5 (refuse CR and LF).
func line(name, s string, limit int) error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, isControl) || utf8.RuneCountInString(s) > limit {
		return final(ReasonMalformed, fmt.Errorf("%s: not one line of at most %d characters", name, limit))
	}
	return nil
}

// isControl reports control characters and the separators that some programs
// take for line breaks.
func isControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// checkLocale takes the two languages of the suite and none.
func checkLocale(s string) error {
	if s != "" && s != fault.Chinese && s != fault.English {
		return final(ReasonMalformed, fmt.Errorf("locale %q", s))
	}
	return nil
}

// checkAddress takes one bare e-mail address, without a name and without a second address.
func checkAddress(s string) error {
	if err := line("address", s, 254); err != nil {
		return err
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || strings.ContainsAny(s, " ,;<>\"") {
		return final(ReasonMalformed, errors.New("address: not one e-mail address"))
	}
	return nil
}

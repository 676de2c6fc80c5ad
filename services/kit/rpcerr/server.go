package rpcerr

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"example.com/redress/services/kit/fault"
)

const (
	// maxViolations bounds the details: a status travels in headers, and
	// intermediaries cut those off. The rest is told as a number.
	maxViolations = 100

	// retryUnavailable is said when a fault of that kind does not know better.
	retryUnavailable = time.Second
)

// Keys of ErrorInfo metadata that quote the rule which refused. A fact of the
// same name gives way.
const (
	keyRule     = "rule"
	keyClause   = "clause"
	keyReadings = "readings"
	keyMore     = "more_violations"
)

// Table puts errors on the wire with messages from its catalogue. It is
// immutable and safe for concurrent use.
type Table struct {
	catalogue *fault.Catalogue
}

// New returns the table that speaks with the catalogue's messages.
func New(catalogue *fault.Catalogue) *Table { return &Table{catalogue: catalogue} }

// Status returns what a caller who reads the language of locale is told of err.
//
// A fault keeps its reason and facts; its cause stays here. Errors of a context
// keep their codes. A status that came from another server of the suite is read
// as the fault it was. All the rest, and every fault of kind Internal, is
// masked: logging it is the business of whoever calls. nil gives OK.
func (t *Table) Status(locale string, err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	f := Fault(err)
	if f.Kind == fault.Internal {
		f = fault.New(fault.Internal, fault.ReasonInternal)
	}
	s := status.New(Code(f.Kind, f.Reason), t.catalogue.Message(fault.English, f))
	with, failed := s.WithDetails(t.details(locale, f)...)
	if failed != nil {
		return s
	}
	return with
}

// Fault returns the fault that err is to a caller: the first in its chain, the
// one behind a context's error or a status, else one of kind Internal that
// wraps err.
func Fault(err error) *fault.Error {
	if f, ok := fault.As(err); ok {
		return f
	}
	if s, ok := status.FromError(err); ok {
		return fromStatus(s, err)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, fault.ReasonDeadline).Wrap(err)
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Unavailable, fault.ReasonCancelled).Wrap(err)
	default:
		return fault.New(fault.Internal, fault.ReasonInternal).Wrap(err)
	}
}

func (t *Table) details(locale string, f *fault.Error) []protoadapt.MessageV1 {
	if locale != fault.English {
		locale = fault.Chinese
	}
	message := t.catalogue.Message(locale, f)
	info := &errdetails.ErrorInfo{Reason: f.Reason, Domain: Domain, Metadata: maps.Clone(f.Facts)}
	details := []protoadapt.MessageV1{info}
	violations := f.Violations
	if len(violations) > maxViolations {
		setMeta(info, keyMore, strconv.Itoa(len(violations)-maxViolations))
		violations = violations[:maxViolations]
	}
	if f.Rule != nil {
		setMeta(info, keyRule, f.Rule.GetRule())
		setMeta(info, keyClause, f.Rule.GetClause())
		setMeta(info, keyReadings, strings.Join(f.Rule.GetReadings(), ","))
		details = append(details, protoadapt.MessageV1Of(f.Rule))
	}
	switch f.Kind {
	case fault.Invalid:
		details = append(details, badRequest(locale, violations))
	case fault.NotFound, fault.AlreadyExists:
		name := f.Facts["name"]
		details = append(details, &errdetails.ResourceInfo{ResourceType: collection(name), ResourceName: name, Description: message})
	case fault.Exhausted:
		details = append(details, &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
			{Subject: f.Facts["subject"], Description: message},
		}})
	case fault.FailedPrecondition:
		if len(violations) == 0 {
			violations = []fault.Violation{{Field: f.Facts["name"], Reason: f.Reason}}
		}
	}
	if f.Kind != fault.Invalid && len(violations) > 0 {
		details = append(details, preconditions(locale, violations))
	}
	if retry := retryAfter(f); retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retry)})
	}
	return append(details, &errdetails.LocalizedMessage{Locale: locale, Message: message})
}

func retryAfter(f *fault.Error) time.Duration {
	if f.RetryAfter == 0 && Code(f.Kind, f.Reason) == codes.Unavailable {
		return retryUnavailable
	}
	return f.RetryAfter
}

// badRequest tells all violations at once. The description is English, the
// localized message speaks the caller's language.
func badRequest(locale string, violations []fault.Violation) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	for _, v := range violations {
		fv := &errdetails.BadRequest_FieldViolation{Field: v.Field, Reason: v.Reason, Description: v.Text.GetEn()}
		if text := words(locale, v); text != "" {
			fv.LocalizedMessage = &errdetails.LocalizedMessage{Locale: locale, Message: text}
		}
		out.FieldViolations = append(out.FieldViolations, fv)
	}
	return out
}

// preconditions tells all unmet needs at once: the type is the kind of need,
// the subject the id of what is missing.
func preconditions(locale string, violations []fault.Violation) *errdetails.PreconditionFailure {
	out := &errdetails.PreconditionFailure{}
	for _, v := range violations {
		out.Violations = append(out.Violations, &errdetails.PreconditionFailure_Violation{
			Type: v.Reason, Subject: v.Field, Description: words(locale, v),
		})
	}
	return out
}

func words(locale string, v fault.Violation) string {
	if locale == fault.English || v.Text.GetZh() == "" {
		return v.Text.GetEn()
	}
	return v.Text.GetZh()
}

// collection returns the innermost collection of a resource name.
func collection(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2+len(parts)%2]
}

func setMeta(info *errdetails.ErrorInfo, key, value string) {
	if value == "" {
		return
	}
	if info.Metadata == nil {
		info.Metadata = map[string]string{}
	}
	info.Metadata[key] = value
}

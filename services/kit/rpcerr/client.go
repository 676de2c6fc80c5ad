package rpcerr

import (
	"context"
	"errors"
	"io"
	"maps"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// FromStatus turns the error of a gRPC call back into the fault it was; the
// status stays in its chain. nil, io.EOF and errors that hold no status come
// back as they are.
func FromStatus(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	s, ok := status.FromError(err)
	if !ok {
		return err
	}
	return fromStatus(s, err)
}

func fromStatus(s *status.Status, cause error) *fault.Error {
	kind, reason := plain(s.Code())
	f := fault.New(kind, reason)
	f.Facts = map[string]string{}
	inEnglish := false
	var info *errdetails.ErrorInfo
	details := s.Details()
	for _, d := range details {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == Domain {
				info = d
			}
		case *errdetails.LocalizedMessage:
			inEnglish = d.GetLocale() == fault.English
		case *typev1.RuleRef:
			f.Rule = d
		}
	}
	if info != nil {
		f.Reason = info.GetReason()
		maps.Copy(f.Facts, info.GetMetadata())
		delete(f.Facts, keyMore)
		takeRule(f)
	}
	for _, d := range details {
		take(f, d, inEnglish)
	}
	switch s.Code() {
	case codes.DeadlineExceeded:
		cause = errors.Join(context.DeadlineExceeded, cause)
	case codes.Canceled:
		cause = errors.Join(context.Canceled, cause)
	}
	return f.Wrap(cause)
}

// takeRule moves the quoted rule from the facts to where it belongs; a peer
// that sends no RuleRef beside the metadata still names rule and clause.
func takeRule(f *fault.Error) {
	if f.Facts[keyRule] == "" {
		return
	}
	if f.Rule == nil {
		f.Rule = &typev1.RuleRef{Rule: f.Facts[keyRule], Clause: f.Facts[keyClause]}
		if readings := f.Facts[keyReadings]; readings != "" {
			f.Rule.Readings = strings.Split(readings, ",")
		}
	}
	for _, key := range []string{keyRule, keyClause, keyReadings} {
		delete(f.Facts, key)
	}
}

func take(f *fault.Error, detail any, inEnglish bool) {
	switch d := detail.(type) {
	case *errdetails.BadRequest:
		for _, v := range d.GetFieldViolations() {
			text := &typev1.Text{En: v.GetDescription()}
			if v.GetLocalizedMessage().GetLocale() == fault.Chinese {
				text.Zh = v.GetLocalizedMessage().GetMessage()
			}
			f.Violations = append(f.Violations, fault.Violation{Field: v.GetField(), Reason: v.GetReason(), Text: known(text)})
		}
	case *errdetails.PreconditionFailure:
		for _, v := range d.GetViolations() {
			if v.GetType() == f.Reason {
				continue // stands for the fault itself
			}
			text := &typev1.Text{Zh: v.GetDescription()}
			if inEnglish {
				text = &typev1.Text{En: v.GetDescription()}
			}
			f.Violations = append(f.Violations, fault.Violation{Field: v.GetSubject(), Reason: v.GetType(), Text: known(text)})
		}
	case *errdetails.RetryInfo:
		f.RetryAfter = d.GetRetryDelay().AsDuration()
	}
}

func known(t *typev1.Text) *typev1.Text {
	if t.GetZh() == "" && t.GetEn() == "" {
		return nil
	}
	return t
}

// UnaryClient returns an interceptor whose calls fail with faults.
func UnaryClient() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return FromStatus(invoke(ctx, method, req, reply, cc, opts...))
	}
}

// StreamClient returns an interceptor whose streams fail with faults.
func StreamClient() grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := open(ctx, desc, cc, method, opts...)
		if err != nil {
			return nil, FromStatus(err)
		}
		return stream{s}, nil
	}
}

type stream struct{ grpc.ClientStream }

// RecvMsg implements grpc.ClientStream.
func (s stream) RecvMsg(m any) error { return FromStatus(s.ClientStream.RecvMsg(m)) }

// SendMsg implements grpc.ClientStream.
func (s stream) SendMsg(m any) error { return FromStatus(s.ClientStream.SendMsg(m)) }

package rpcserver

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/rpcerr"
)

// chain returns the interceptors, the outermost first.
//
// Observing comes before recovery because it maps errors: a panic and a refusal
// of any interceptor then leave by the one table, and every call has its line.
func (s *Server) chain() ([]grpc.UnaryServerInterceptor, []grpc.StreamServerInterceptor) {
	authenticator := authn.New(authn.Options{Tokens: s.options.Tokens, Clients: s.config.Clients, Forwarders: s.config.Forwarders})
	unary := append([]grpc.UnaryServerInterceptor{
		s.observeUnary, recoverUnary, s.deadline, authenticator.Unary(), s.authz.Unary(), noteUnary, s.validateUnary,
	}, s.options.Unary...)
	stream := append([]grpc.StreamServerInterceptor{
		s.observeStream, recoverStream, s.endStream, authenticator.Stream(), s.authz.Stream(), noteStream, s.validateStream,
	}, s.options.Stream...)
	return unary, stream
}

// record is what the line of a call says that only inner interceptors know.
type record struct{ principal, organization string }

type recordKey struct{}

func note(ctx context.Context) {
	r, ok := ctx.Value(recordKey{}).(*record)
	if c, known := authn.From(ctx); ok && known {
		r.principal, r.organization = c.Principal, c.Organization
	}
}

func noteUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	note(ctx)
	return next(ctx, req)
}

func noteStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	note(ss.Context())
	return next(srv, ss)
}

// observeUnary maps the error and writes the call's one line.
func (s *Server) observeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	began, r := s.clock.Now(), &record{}
	reply, err := next(context.WithValue(ctx, recordKey{}, r), req)
	if err = s.conclude(ctx, info.FullMethod, began, r, err); err != nil {
		return nil, err
	}
	return reply, nil
}

func (s *Server) observeStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	began, r, ctx := s.clock.Now(), &record{}, ss.Context()
	err := next(srv, &stream{ss, context.WithValue(ctx, recordKey{}, r)})
	return s.conclude(ctx, info.FullMethod, began, r, err)
}

// conclude returns the status of err as the caller is told it. The cause of what
// is masked is in the log, under the same trace id; payloads never are.
func (s *Server) conclude(ctx context.Context, method string, began time.Time, r *record, err error) error {
	var f *fault.Error
	if err != nil {
		if f = rpcerr.Fault(err); f.Reason == fault.ReasonMethodUnknown && f.Facts["method"] == "" {
			f = f.WithFacts("method", method)
			err = f
		}
	}
	status := s.table.Status(authn.Locale(ctx), err)
	level := slog.LevelInfo
	if err == nil && strings.HasPrefix(r.principal, "services/") {
		level = slog.LevelDebug // services talk to each other all the time
	}
	attrs := []slog.Attr{
		slog.String("method", method), slog.String("code", status.Code().String()),
		slog.Float64("duration_ms", float64(s.clock.Since(began).Microseconds())/1000),
		slog.String("principal", r.principal), slog.String("organization", r.organization), slog.String("peer", peerName(ctx)),
	}
	if f != nil {
		attrs = append(attrs, slog.String("reason", f.Reason))
		if f.Kind == fault.Internal || f.Kind == fault.DataLoss {
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", err.Error()))
			if p, ok := errors.AsType[*lifecycle.PanicError](err); ok {
				attrs = append(attrs, slog.String("stack", string(p.Stack)))
			}
		}
	}
	s.logger.LogAttrs(ctx, level, "rpc", attrs...)
	return status.Err()
}

func peerName(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

func recoverUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (reply any, err error) {
	err = lifecycle.Catch(info.FullMethod, func() error {
		reply, err = next(ctx, req)
		return err
	})
	return reply, err
}

func recoverStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return lifecycle.Catch(info.FullMethod, func() error { return next(srv, ss) })
}

// deadline gives a unary call the default if it names none and caps what it
// names, so that no handler runs for a caller who has long given up.
func (s *Server) deadline(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	limit := s.config.Deadline.Std()
	if _, ok := ctx.Deadline(); ok {
		limit = s.config.MaxDeadline.Std()
	}
	ctx, cancel := s.clock.WithTimeout(ctx, limit)
	defer cancel()
	return next(ctx, req)
}

// endStream ends a stream without end when the server stops: its client
// subscribes again elsewhere.
func (s *Server) endStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if !s.endless[info.FullMethod] {
		return next(srv, ss)
	}
	stopped := fault.New(fault.Unavailable, ReasonStopping)
	ctx, cancel := context.WithCancelCause(ss.Context())
	defer cancel(nil)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-s.stopping:
			cancel(stopped)
		case <-over:
		}
	}()
	err := next(srv, &stream{&endingStream{ss, ctx}, ctx})
	if err != nil && errors.Is(context.Cause(ctx), error(stopped)) {
		return stopped
	}
	return err
}

// endingStream returns from a receive when its context ends, which the stream
// below does not know.
type endingStream struct {
	grpc.ServerStream
	ctx context.Context
}

// RecvMsg implements grpc.ServerStream. The receive that was begun ends with the
// call; its message is not looked at any more.
func (s *endingStream) RecvMsg(m any) error {
	if s.ctx.Done() == nil {
		return s.ServerStream.RecvMsg(m)
	}
	got := make(chan error, 1)
	go func() { got <- s.ServerStream.RecvMsg(m) }()
	select {
	case err := <-got:
		return err
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

// stream is a server stream with another context.
type stream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

// Package front lets one gRPC port stand for all services of a process: it takes
// a call, passes it with its metadata to the service that serves it, and passes
// back what that service answers. It decides nothing and knows nobody: the
// service's own interceptors run on every call.
//
// RPCs that every service serves (clocks, parked events) go to the service that
// owns the resource they name. Feeds and keys are for services only and are not
// passed on. Start reading at [Register].
package front

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"example.com/redress/services/kit/telemetry"
)

// Choose returns the connection for a call: its full method, and its request
// where the choice depends on it; nil m means that the first message is not known yet.
type Choose func(fullMethod string, m proto.Message) (grpc.ClientConnInterface, error)

// Register adds a forwarding implementation of the services, by full name, to r.
func Register(r grpc.ServiceRegistrar, choose Choose, services ...string) error {
	for _, name := range services {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return fmt.Errorf("front: %s: %w", name, err)
		}
		service, ok := d.(protoreflect.ServiceDescriptor)
		if !ok {
			return fmt.Errorf("front: %s is not a service", name)
		}
		desc, err := describe(service, choose)
		if err != nil {
			return err
		}
		r.RegisterService(desc, struct{}{})
	}
	return nil
}

func describe(service protoreflect.ServiceDescriptor, choose Choose) (*grpc.ServiceDesc, error) {
	desc := &grpc.ServiceDesc{
		ServiceName: string(service.FullName()), HandlerType: (*any)(nil), Metadata: service.ParentFile().Path(),
	}
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		in, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
		if err != nil {
			return nil, fmt.Errorf("front: %s: %w", m.FullName(), err)
		}
		out, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
		if err != nil {
			return nil, fmt.Errorf("front: %s: %w", m.FullName(), err)
		}
		f := forward{full: "/" + string(service.FullName()) + "/" + string(m.Name()), in: in, out: out, choose: choose}
		if !m.IsStreamingClient() && !m.IsStreamingServer() {
			desc.Methods = append(desc.Methods, grpc.MethodDesc{MethodName: string(m.Name()), Handler: f.unary})
			continue
		}
		f.desc = &grpc.StreamDesc{StreamName: string(m.Name()), ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient()}
		desc.Streams = append(desc.Streams, grpc.StreamDesc{
			StreamName: string(m.Name()), Handler: f.stream, ServerStreams: m.IsStreamingServer(), ClientStreams: m.IsStreamingClient(),
		})
	}
	return desc, nil
}

// forward passes on the calls of one method.
type forward struct {
	full    string
	in, out protoreflect.MessageType
	desc    *grpc.StreamDesc
	choose  Choose
}

func (f forward) unary(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // the signature is grpc's
	in := f.in.New().Interface()
	if err := decode(in); err != nil {
		return nil, err
	}
	handler := func(ctx context.Context, req any) (any, error) {
		m, ok := req.(proto.Message)
		if !ok {
			return nil, status.Error(codes.Internal, "not a message")
		}
		conn, err := f.choose(f.full, m)
		if err != nil {
			return nil, err
		}
		out := f.out.New().Interface()
		var header, trailer metadata.MD
		err = conn.Invoke(outgoing(ctx), f.full, m, out, grpc.Header(&header), grpc.Trailer(&trailer))
		// A stream that is gone takes no header; the answer says so by itself.
		_ = grpc.SetHeader(ctx, header)
		_ = grpc.SetTrailer(ctx, trailer)
		if err != nil {
			return nil, err
		}
		return out, nil
	}
	if interceptor == nil {
		return handler(ctx, in)
	}
	return interceptor(ctx, in, &grpc.UnaryServerInfo{FullMethod: f.full}, handler)
}

func (f forward) stream(_ any, down grpc.ServerStream) error {
	conn, err := f.choose(f.full, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(outgoing(down.Context()))
	defer cancel()
	up, err := conn.NewStream(ctx, f.desc, f.full)
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() { sent <- f.passUp(down, up) }()
	err = f.passDown(up, down)
	if err == nil {
		return nil
	}
	select {
	case broken := <-sent:
		// What the caller did wrong explains the end better than the end does.
		if broken != nil && !errors.Is(broken, io.EOF) && status.Code(err) == codes.Canceled {
			return broken
		}
	default:
	}
	return err
}

func (f forward) passUp(down grpc.ServerStream, up grpc.ClientStream) error {
	for {
		m := f.in.New().Interface()
		err := down.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			return up.CloseSend()
		}
		if err != nil {
			return err
		}
		if err := up.SendMsg(m); err != nil {
			return err
		}
	}
}

func (f forward) passDown(up grpc.ClientStream, down grpc.ServerStream) error {
	for {
		m := f.out.New().Interface()
		err := up.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			down.SetTrailer(up.Trailer())
			return nil
		}
		if err != nil {
			down.SetTrailer(up.Trailer())
			return err
		}
		if err := down.SendMsg(m); err != nil {
			return err
		}
	}
}

// outgoing passes the caller's metadata on, and the call into the caller's trace.
func outgoing(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	if parent := md.Get("traceparent"); len(parent) > 0 {
		ctx = telemetry.Continue(ctx, parent[0])
	}
	return metadata.NewOutgoingContext(ctx, md.Copy())
}

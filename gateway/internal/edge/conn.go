package edge

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// filling is a connection that puts what HTTP carries in headers into the
// request fields the protos have for it: Idempotency-Key into request_id and
// If-Match into etag. A field that the body already sets stays.
type filling struct{ grpc.ClientConnInterface }

// Invoke implements grpc.ClientConnInterface.
func (c filling) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if m, ok := args.(proto.Message); ok {
		h := headersOf(ctx)
		fill(m, "request_id", h.idempotencyKey)
		fill(m, "etag", h.ifMatch)
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

func fill(m proto.Message, field protoreflect.Name, value string) {
	if value == "" {
		return
	}
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName(field)
	if f != nil && f.Kind() == protoreflect.StringKind && r.Get(f).String() == "" {
		r.Set(f, protoreflect.ValueOfString(value))
	}
}

type headersKey struct{}

type headers struct{ idempotencyKey, ifMatch string }

func headersOf(ctx context.Context) headers {
	h, _ := ctx.Value(headersKey{}).(headers)
	return h
}

// byName is a connection that leads a call to the service that owns the
// resource it names, for RPCs that every service serves.
type byName struct {
	dial   Dial
	choose func(m proto.Message) (service string, ok bool)
}

// Invoke implements grpc.ClientConnInterface.
func (c byName) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	m, _ := args.(proto.Message)
	service, ok := c.choose(m)
	if !ok {
		return notFound(stringField(m, "name") + stringField(m, "parent") + stringField(m, "service"))
	}
	return c.dial(service).Invoke(ctx, method, args, reply, opts...)
}

// NewStream implements grpc.ClientConnInterface; none of these RPCs streams.
func (c byName) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, notFound("stream")
}

// clockOwner returns the service that owns the clocks of a collection.
func clockOwner(m proto.Message) (string, bool) {
	collection, _, _ := strings.Cut(stringField(m, "name")+stringField(m, "parent"), "/")
	service, ok := map[string]string{"cases": "routing", "claims": "compensation", "actions": "corrective-action", "entries": "corrective-action", "duties": "corrective-action"}[collection]
	return service, ok
}

// namedService returns the service a request names in its field "service".
func namedService(m proto.Message) (string, bool) {
	service := stringField(m, "service")
	if slices.Contains(Services(), service) {
		return service, true
	}
	return "", false
}

func stringField(m proto.Message, field protoreflect.Name) string {
	if m == nil {
		return ""
	}
	r := m.ProtoReflect()
	if f := r.Descriptor().Fields().ByName(field); f != nil && f.Kind() == protoreflect.StringKind {
		return r.Get(f).String()
	}
	return ""
}

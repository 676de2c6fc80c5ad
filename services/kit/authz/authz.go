// Package authz decides whether a caller may call a method, from what the
// method declares in its proto option redress.type.v1.access and nothing else.
//
// It does not decide about objects: whether a caller may see this complaint is
// the handler's business, and its refusal is NOT_FOUND. Start reading at
// [Authorizer].
//
// Source: DESIGN section 9; redress/type/v1/access.proto.
package authz

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
)

// Reasons of this package.
const (
	// ReasonCaller: the method needs a caller and there is none.
	ReasonCaller = "CALLER_UNKNOWN"
	// ReasonDenied: the caller has no right to the method.
	ReasonDenied = "METHOD_DENIED"
	// ReasonDirectory: the caller's functions cannot be looked up at the moment.
	ReasonDirectory = "DIRECTORY_UNAVAILABLE"
	// ReasonRequestID: the method changes something and has no request_id.
	ReasonRequestID = "REQUEST_ID_REQUIRED"
	// ReasonEtag: the method must be told which version it changes.
	ReasonEtag = "ETAG_REQUIRED"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonCaller, Kind: fault.Unauthenticated, ZH: "请先登录。", EN: "Say who you are first."},
		{Reason: ReasonDenied, Kind: fault.PermissionDenied, ZH: "您没有执行此操作的权限。", EN: "You may not do this."},
		{Reason: ReasonDirectory, Kind: fault.Unavailable, ZH: "暂时无法核实您的权限，请稍后重试。", EN: "Your rights cannot be looked up at the moment; try again shortly."},
	}
}

// Functions returns what the directory lets a member of staff do, at the time
// of the call. person is people/x or apps/x. Nobody known by that name is a
// fault of kind NotFound.
type Functions func(ctx context.Context, organization, person string) ([]typev1.Function, error)

// Authorizer knows the declared access of every method of a server. It is safe
// for concurrent use after Check.
type Authorizer struct {
	functions Functions
	methods   map[string]*method
}

// method is what is known of one method.
type method struct {
	name      string // /package.Service/Method
	access    *typev1.Access
	requestID protoreflect.FieldDescriptor // nil unless the method changes something
	etag      protoreflect.FieldDescriptor // nil unless the method needs it
}

// New returns an authorizer that denies everything until Check has learned the
// methods. functions may be nil if no method is open to staff.
func New(functions Functions) *Authorizer {
	return &Authorizer{functions: functions, methods: map[string]*method{}}
}

// listed are the services whose protos are not ours and that answer nothing
// about anybody.
func listed() map[string]*typev1.Access {
	anyone := &typev1.Access{Anyone: true}
	return map[string]*typev1.Access{
		"grpc.health.v1.Health":                    anyone,
		"grpc.reflection.v1.ServerReflection":      anyone,
		"grpc.reflection.v1alpha.ServerReflection": anyone,
	}
}

// Check learns the registered services. A method that declares nothing, or
// something that contradicts its request, is an error, and all of them are
// named: a server with such a method must not start.
func (a *Authorizer) Check(services map[string]grpc.ServiceInfo) error {
	methods := map[string]*method{}
	var errs []error
	for _, service := range slices.Sorted(maps.Keys(services)) {
		for _, m := range services[service].Methods {
			full := "/" + service + "/" + m.Name
			if access := listed()[service]; access != nil {
				methods[full] = &method{name: full, access: access}
				continue
			}
			found, err := declared(service, m.Name)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", full, err))
				continue
			}
			found.name = full
			methods[full] = found
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.methods = methods
	return nil
}

// declared reads the option of one method and holds it against the request.
func declared(service, name string) (*method, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil, fmt.Errorf("no descriptor: %w", err)
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, errors.New("no service of that name")
	}
	md := sd.Methods().ByName(protoreflect.Name(name))
	if md == nil {
		return nil, errors.New("no method of that name in the descriptor")
	}
	if !proto.HasExtension(md.Options(), typev1.E_Access) {
		return nil, errors.New("declares no access")
	}
	m := &method{access: proto.GetExtension(md.Options(), typev1.E_Access).(*typev1.Access)}
	return m, m.hold(md.Input())
}

func (m *method) hold(request protoreflect.MessageDescriptor) error {
	a := m.access
	if !a.GetAnyone() && !a.GetCustomer() && !a.GetStaff() && len(a.GetFunctions()) == 0 && len(a.GetServices()) == 0 {
		return errors.New("lets nobody call")
	}
	if slices.Contains(a.GetFunctions(), typev1.Function_FUNCTION_UNSPECIFIED) {
		return errors.New("names FUNCTION_UNSPECIFIED")
	}
	if a.GetMutates() {
		if m.requestID = text(request, "request_id"); m.requestID == nil && !headed(request) {
			return errors.New("mutates and has no field request_id")
		}
	}
	if a.GetEtag() {
		if m.etag = text(request, "etag"); m.etag == nil {
			return errors.New("needs an etag and has no field for it")
		}
	}
	if path := a.GetObject(); path != "" && !has(request, path) {
		return fmt.Errorf("names an object %q that the request does not have", path)
	}
	return nil
}

func text(m protoreflect.MessageDescriptor, name protoreflect.Name) protoreflect.FieldDescriptor {
	f := m.Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return nil
	}
	return f
}

// headed reports whether the messages of an upload begin with a header that has
// the request_id; the header's own validation asks for it.
func headed(m protoreflect.MessageDescriptor) bool {
	header := m.Fields().ByName("header")
	return header != nil && header.Message() != nil && text(header.Message(), "request_id") != nil
}

func has(m protoreflect.MessageDescriptor, path string) bool {
	head, rest, more := strings.Cut(path, ".")
	f := m.Fields().ByName(protoreflect.Name(head))
	if f == nil || !more {
		return f != nil
	}
	return f.Message() != nil && has(f.Message(), rest)
}

// Authorize returns ctx, whose caller then has the functions of the directory,
// or why the caller may not call the method. It looks at nothing of the request.
func (a *Authorizer) Authorize(ctx context.Context, fullMethod string) (context.Context, error) {
	m := a.methods[fullMethod]
	c, known := authn.From(ctx)
	switch {
	case m == nil:
		return nil, fault.New(fault.PermissionDenied, ReasonDenied)
	case m.access.GetAnyone():
		return ctx, nil
	case !known:
		return nil, fault.New(fault.Unauthenticated, ReasonCaller)
	case c.Service:
		return ctx, denyUnless(slices.Contains(m.access.GetServices(), c.Name()))
	case c.Customer:
		return ctx, denyUnless(m.access.GetCustomer())
	case !c.Staff || !m.access.GetStaff() && len(m.access.GetFunctions()) == 0:
		return nil, denyUnless(false)
	}
	functions, err := a.lookUp(ctx, c)
	if err != nil {
		return nil, err
	}
	c.Functions = functions
	return authn.With(ctx, c), denyUnless(m.access.GetStaff() || slices.ContainsFunc(functions, func(f typev1.Function) bool {
		return f != typev1.Function_FUNCTION_UNSPECIFIED && slices.Contains(m.access.GetFunctions(), f)
	}))
}

// lookUp asks the directory. Somebody it does not know has a token and no rights.
func (a *Authorizer) lookUp(ctx context.Context, c authn.Caller) ([]typev1.Function, error) {
	if a.functions == nil {
		return nil, denyUnless(false)
	}
	functions, err := a.functions(ctx, c.Organization, c.Principal)
	switch {
	case err == nil:
		return functions, nil
	case fault.KindOf(err) == fault.NotFound:
		return nil, fault.New(fault.PermissionDenied, ReasonDenied).Wrap(err)
	default:
		return nil, fault.New(fault.Unavailable, ReasonDirectory).Wrap(err)
	}
}

func denyUnless(ok bool) error {
	if ok {
		return nil
	}
	return fault.New(fault.PermissionDenied, ReasonDenied)
}

// Missing returns what the request of a method lacks: its request_id, its etag.
// A message of another type, and every message but the first of a stream, lacks nothing.
func (a *Authorizer) Missing(fullMethod string, request proto.Message) []fault.Violation {
	m := a.methods[fullMethod]
	if m == nil || request == nil {
		return nil
	}
	var missing []fault.Violation
	r := request.ProtoReflect()
	if lacks(r, m.requestID) {
		missing = append(missing, fault.Violation{Field: "request_id", Reason: ReasonRequestID, Text: &typev1.Text{
			Zh: "必须提供 request_id（UUID），重复提交时保持不变", En: "is required: a UUID that stays the same when the call is repeated",
		}})
	}
	if lacks(r, m.etag) {
		missing = append(missing, fault.Violation{Field: "etag", Reason: ReasonEtag, Text: &typev1.Text{
			Zh: "必须提供 etag，即所读取的版本", En: "is required: the version that was read",
		}})
	}
	return missing
}

func lacks(m protoreflect.Message, f protoreflect.FieldDescriptor) bool {
	return f != nil && f.ContainingMessage().FullName() == m.Descriptor().FullName() && m.Get(f).String() == ""
}

// Unary returns the interceptor of unary calls.
func (a *Authorizer) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := a.Authorize(ctx, info.FullMethod)
		if err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// Stream returns the interceptor of streams; it decides before anything is received.
func (a *Authorizer) Stream() grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := a.Authorize(ss.Context(), info.FullMethod)
		if err != nil {
			return err
		}
		return next(srv, &stream{ss, ctx})
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }

package host

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// PositionHeader carries the position of a write in the answer's metadata, as
// "service/shard/sequence", so that a read elsewhere can ask to be as fresh.
const PositionHeader = "redress-position"

// Command says how a request that changes something is run.
type Command struct {
	// Organization is that of the caller unless set: only services act for others.
	Organization string
	// Key is the complaint, or the resource where there is none.
	Key string
	// Reads are names the decision will read.
	Reads []string
	// Creates are names made for this request that the decision will create.
	Creates []string
	// Serials are keys the decision will take a serial number of.
	Serials []string
	// Subject is the data subject whose key seals texts of the request; empty if
	// the request has no texts to seal.
	Subject string
	// Forever remembers the request without end, as money needs.
	Forever bool
}

// Run decides a request and stores what it leads to, once: a request_id that was
// answered before gives the first receipt again, another content under it is refused.
//
// decide gets the request with its texts sealed and may run again. The request
// is not changed. Faults of decide come back unchanged, and those of
// [journal.Journal.Write] and [seal.SealRequest].
//
// Cost: one commit shared with what waits beside it.
func Run[R proto.Message](ctx context.Context, h *Host, req R, c Command, decide func(*journal.Unit, R) error) (journal.Receipt, error) {
	caller := Caller(ctx)
	organization := caller.Organization
	if caller.Service && c.Organization != "" {
		organization = c.Organization
	}
	sealed := proto.CloneOf(req)
	id := takeRequestID(sealed)
	digest, err := seal.RequestDigest(h.digestKey, sealed)
	if err != nil {
		return journal.Receipt{}, err
	}
	giveRequestID(sealed, id)
	if c.Subject != "" {
		err = seal.SealRequest(ctx, h.Keys, organization, c.Subject, sealed)
	} else {
		err = seal.CheckRequest(sealed)
	}
	if err != nil {
		return journal.Receipt{}, err
	}
	method, _ := grpc.Method(ctx)
	receipt, err := h.Journal.Write(ctx, journal.Work{
		Organization: organization,
		Key:          c.Key,
		Reads:        c.Reads,
		Creates:      c.Creates,
		Serials:      c.Serials,
		Actor:        &eventv1.Actor{Principal: caller.Principal},
		Traceparent:  traceparent(ctx),
		Request:      &journal.Request{Principal: caller.Principal, Method: method, ID: id, Digest: digest, Forever: c.Forever},
	}, func(u *journal.Unit) error { return decide(u, proto.CloneOf(sealed)) }) // it may run again, and may keep parts of the request
	if err == nil && receipt.Position != nil {
		p := receipt.Position
		// Outside an RPC there is no header to set; the position is an offer, not a duty.
		_ = grpc.SetHeader(ctx, metadata.Pairs(PositionHeader, fmt.Sprintf("%s/%d/%d", p.GetService(), p.GetShard(), p.GetSequence())))
	}
	return receipt, err
}

// Answer puts the receipt's state into m, with etag and with its texts opened as far as v shows them.
func Answer[T proto.Message](ctx context.Context, h *Host, r journal.Receipt, m T, v seal.View) (T, error) {
	if err := proto.Unmarshal(r.State, m); err != nil {
		return m, fmt.Errorf("state of %s: %w", r.Resource, err)
	}
	SetEtag(m, r.Version)
	return m, seal.Open(ctx, h.Keys, Caller(ctx).Organization, m, v)
}

// Read puts a resource of the caller's organisation into m, with etag and texts
// opened as far as v shows them. NotFound if there is none; a resource of another
// organisation is as absent. Cost: one read.
func Read[T proto.Message](ctx context.Context, h *Host, name string, m T, v seal.View) (T, error) {
	organization := Caller(ctx).Organization
	version, err := h.Journal.Get(ctx, organization, name, m)
	if err != nil {
		return m, err
	}
	SetEtag(m, version)
	return m, seal.Open(ctx, h.Keys, organization, m, v)
}

// Rows decodes a page's rows with make, with etags and texts opened as far as v shows them.
func Rows[T proto.Message](ctx context.Context, h *Host, rows []journal.Row, empty func() T, v seal.View) ([]T, error) {
	out := make([]T, 0, len(rows))
	for _, row := range rows {
		m := empty()
		if err := proto.Unmarshal(row.State, m); err != nil {
			return nil, fmt.Errorf("state of %s: %w", row.Name, err)
		}
		SetEtag(m, row.Version)
		if err := seal.Open(ctx, h.Keys, row.Organization, m, v); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// Caller returns who calls; the zero value outside an RPC.
func Caller(ctx context.Context) authn.Caller {
	c, _ := authn.From(ctx)
	return c
}

// View returns what the caller may see of texts as a rule: customers and services
// both classes of what is theirs, staff free text only.
func View(ctx context.Context) seal.View {
	c := Caller(ctx)
	return seal.View{Personal: c.Customer || c.Service, FreeText: true, MaskUnavailable: true}
}

// SetEtag sets the etag field of m, where it has one, to the version's.
func SetEtag(m proto.Message, version int64) {
	r := m.ProtoReflect()
	if f := r.Descriptor().Fields().ByName("etag"); f != nil && f.Kind() == protoreflect.StringKind {
		r.Set(f, protoreflect.ValueOfString(journal.Etag(version)))
	}
}

// RequireCustomer returns the fault of an absent resource unless a customer who
// calls is the one given; for callers other than customers it returns nil.
func RequireCustomer(ctx context.Context, name, customer string) error {
	if c := Caller(ctx); c.Customer && c.Principal != customer {
		return NotFound(name)
	}
	return nil
}

// NotFound is the fault of an absent resource, the same as the journal's.
func NotFound(name string) error {
	return fault.New(fault.NotFound, journal.ReasonNotFound, "name", name)
}

// takeRequestID removes the request's id from m and returns it; "" if it has none.
func takeRequestID(m proto.Message) string {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields().ByName("request_id")
	if f == nil {
		return ""
	}
	id := r.Get(f).String()
	r.Clear(f)
	return id
}

// giveRequestID undoes takeRequestID.
func giveRequestID(m proto.Message, id string) {
	if id != "" {
		r := m.ProtoReflect()
		r.Set(r.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(id))
	}
}

// traceparent returns the W3C traceparent of the request, so that its events can
// be joined to its trace; empty outside a trace.
func traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

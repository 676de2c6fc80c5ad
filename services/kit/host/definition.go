package host

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// Definition is what one service is.
type Definition struct {
	// Name is the service's name, for example "corrective-action".
	Name string
	// Kinds are the collections it owns, those of its clocks included.
	Kinds []journal.Kind
	// Consumes names the services whose feeds it reads. Every service but
	// routing reads routing's, which brings directory and policy. A service may read
	// its own, for what shall follow from a change and not hold it up.
	Consumes []string
	// Project says which states of other services are kept and how they are
	// searched, by full name of the state's message. States of the directory and
	// of policy revisions are always kept.
	Project map[string]func(proto.Message) []journal.Attr
	// React decides what follows from an event of another service. It runs after
	// the state was projected, in the same transaction, and may find that facts
	// are still missing: then it keeps what it has and returns nil. nil: nothing follows.
	React func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error
	// Foresee adds what React will most likely read of an event, see
	// [feed.Options]. nil: nothing is known before.
	Foresee func(w *journal.Work, ev *eventv1.Event, body *eventv1.EventBody)
	// Fire decides what follows from a timer, by the pattern of its resource. It is
	// called with timers that their resources still want, see journal.Fire.
	Fire map[string]func(u *journal.Unit, t journal.Timer) error
	// Register adds the service's RPCs. The host adds feed, consumer, health and reflection.
	Register func(r grpc.ServiceRegistrar)
	// Background runs beside the server until ctx ends, for work that leaves the
	// process: deliveries, calls that are retried.
	Background []func(ctx context.Context) error
	// Quiet reports that no such work is in hand; nil means there never is any.
	Quiet func(ctx context.Context) (bool, error)
	// Directory says that the service owns the directory; the others project it.
	Directory bool
	// Reasons are the catalogue entries of the service.
	Reasons []fault.Entry
	// Tallies are what the metrics page counts among the service's own resources.
	Tallies []Tally
	// Forget takes away what can be read of an erased person without their key, by the
	// id of the data subject, in the transaction that hears of it. The host then drops the
	// key and confirms the erasure to intake. [OnlyTheKey] where there is nothing; nil for
	// intake, which keeps the keys. It may be told of a person again.
	Forget func(u *journal.Unit, subject string) error
}

// Pattern returns the shape of a resource name: cases/1/plans/2 is cases/*/plans/*.
func Pattern(name string) string {
	segments := strings.Split(name, "/")
	for i := 1; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	return strings.Join(segments, "/")
}

// kept returns the states of other services that are kept, with their search
// values: those the definition names, and what every service keeps.
func (d *Definition) kept() map[protoreflect.FullName]func(proto.Message) []journal.Attr {
	none := func(proto.Message) []journal.Attr { return nil }
	all := map[protoreflect.FullName]func(proto.Message) []journal.Attr{}
	for _, m := range []proto.Message{&directoryv1.Person{}, &directoryv1.Department{}, &directoryv1.Assignment{}, &directoryv1.Delegation{}, &directoryv1.Channel{}} {
		all[m.ProtoReflect().Descriptor().FullName()] = none
	}
	all[(&policyv1.Revision{}).ProtoReflect().Descriptor().FullName()] = RevisionIndex
	for name, index := range d.Project {
		if index == nil {
			index = none
		}
		all[protoreflect.FullName(name)] = index
	}
	return all
}

// RevisionIndex finds policy revisions by state and pack.
func RevisionIndex(m proto.Message) []journal.Attr {
	r, ok := m.(*policyv1.Revision)
	if !ok {
		return nil
	}
	return []journal.Attr{{Name: "state", Value: r.GetState().String()}, {Name: "pack", Value: r.GetPack()}}
}

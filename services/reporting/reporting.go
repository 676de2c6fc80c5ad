package reporting

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/feedline"
	"example.com/redress/services/reporting/internal/queue"
	"example.com/redress/services/reporting/internal/react"
	"example.com/redress/services/reporting/internal/rpc"
	"example.com/redress/services/reporting/internal/view"
)

// Name of the service.
const Name = "reporting"

// Config of the service; there is nothing to choose.
type Config struct{}

// New returns the service, ready to be registered and started.
func New(ctx context.Context, deps host.Deps, _ Config) (*host.Host, error) {
	// The consumers are given connections that can be cut, so that a rebuild makes
	// them begin anew.
	lines := feedline.New(deps.Dial)
	policies := revisions.New()
	server, work := rpc.New(lines, policies), queue.New(policies)
	deps.Dial = lines.Dial
	h, err := host.New(ctx, definition(server, work), deps)
	if err != nil {
		return nil, err
	}
	work.Bind(h)
	server.Bind(h, feedline.NewWatch(h.Journal, lines, h.Clock, sources()...))
	return h, nil
}

// sources are the services whose feeds are read: all others.
func sources() []string {
	return []string{"intake", "routing", "compensation", "corrective-action", "notification"}
}

func definition(server *rpc.Server, work *queue.Queue) host.Definition {
	return host.Definition{
		Name: Name,
		Kinds: []journal.Kind{
			{
				Pattern: rpc.Reports, New: func() proto.Message { return &reportingv1.Report{} },
				Index: func(m proto.Message) []journal.Attr {
					r, _ := m.(*reportingv1.Report)
					return []journal.Attr{{Name: rpc.AttrKind, Value: r.GetKind()}}
				},
			},
			{
				Pattern: rpc.Watched, New: func() proto.Message { return &reportingv1.Watched{} },
				Index: func(m proto.Message) []journal.Attr {
					w, _ := m.(*reportingv1.Watched)
					return []journal.Attr{{Name: rpc.AttrWatch, Value: w.GetWatch()}, {Name: rpc.AttrPer, Value: w.GetPer()}}
				},
			},
			{
				Pattern: rpc.WatchRuns, New: func() proto.Message { return &reportingv1.WatchRun{} }, Background: true,
				Timer: func(m proto.Message) (time.Time, int64, bool) {
					r, ok := m.(*reportingv1.WatchRun)
					return r.GetDueTime().AsTime(), r.GetGeneration(), ok && r.GetEndTime() == nil
				},
			},
		},
		Consumes:   sources(),
		Project:    view.Project(),
		React:      react.React(server.Open, work.Heard),
		Foresee:    react.Foresee,
		Forget:     host.OnlyTheKey,
		Register:   server.Register,
		Background: []func(context.Context) error{server.Watch, server.LookAtWatches, work.Run, work.Renew},
		Quiet:      quiet(server.Quiet, work.Quiet),
		Reasons:    Reasons(),
	}
}

// quiet reports that all are, asked in their order.
func quiet(all ...func(context.Context) (bool, error)) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		for _, is := range all {
			if ok, err := is(ctx); err != nil || !ok {
				return false, err
			}
		}
		return true, nil
	}
}

// Reasons returns the catalogue entries of the service.
func Reasons() []fault.Entry {
	return slices.Concat(domain.Reasons(), page.Reasons(), policy.Reasons(), revisions.Reasons())
}

// Package rpc answers ReportingService from the read model. It calls no other
// service but for the keys of data subjects, and masks what it has no key for.
//
// Start reading at [New], then file.go.
package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"

	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/reporting/internal/feedline"
	"example.com/redress/services/reporting/internal/view"
)

// Reports is the pattern of frozen reports.
const Reports = "reports/*"

// Server implements ReportingService. Safe for concurrent use.
type Server struct {
	reportingv1.UnimplementedReportingServiceServer
	lines    *feedline.Lines
	host     *host.Host
	watch    *feedline.Watch
	policies *revisions.Revisions
	wake     chan struct{} // somebody waits for the watches
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(lines *feedline.Lines, policies *revisions.Revisions) *Server {
	return &Server{lines: lines, policies: policies, wake: make(chan struct{}, 1)}
}

// Bind gives the handlers the host they run in and the watch over its feeds. It
// is called once, before Start.
func (s *Server) Bind(h *host.Host, w *feedline.Watch) { s.host, s.watch = h, w }

// Register adds the service to r.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	reportingv1.RegisterReportingServiceServer(r, s)
}

// Watch keeps an eye on the feeds until ctx ends.
func (s *Server) Watch(ctx context.Context) error { return s.watch.Run(ctx) }

// reader reads what the caller's organisation has.
func (s *Server) reader(ctx context.Context) view.Reader {
	return view.Reader{J: s.host.Journal, Organization: host.Caller(ctx).Organization}
}

func (s *Server) revisions(ctx context.Context) revisions.Journal {
	return revisions.Journal{Context: ctx, J: s.host.Journal, Organization: host.Caller(ctx).Organization}
}

// policyOf returns the policies of revisions, each read once; nil for one that has
// not arrived or that this binary cannot compile: the rest of an answer does not
// depend on it.
func (s *Server) policyOf(ctx context.Context) func(revision string) *policy.Policy {
	known := map[string]*policy.Policy{}
	return func(revision string) *policy.Policy {
		if revision == "" {
			return nil
		}
		p, ok := known[revision]
		if !ok {
			var err error
			if p, err = s.policies.Get(s.revisions(ctx), revision); err != nil {
				s.host.Logger.WarnContext(ctx, "policy not known", "revision", revision, "error", err)
				p = nil
			}
			known[revision] = p
		}
		return p
	}
}

// keyWait bounds how long an answer waits for a key that intake does not lend.
const keyWait = time.Second

// patient are keys that nobody waits for very long: what they would open is masked.
type patient struct{ seal.Keys }

// Key implements seal.Keys. That a person was erased is an answer; whatever else
// keeps a key away, the rest of a file is of more use than none.
func (p patient) Key(ctx context.Context, organization, subject string, create bool) ([]byte, error) {
	ctx, cancel := clock.System().WithTimeout(ctx, keyWait)
	defer cancel()
	key, err := p.Keys.Key(ctx, organization, subject, create)
	if err == nil || fault.ReasonOf(err) == seal.ReasonSubjectErased {
		return key, err
	}
	return nil, fault.New(fault.Unavailable, fault.ReasonUnavailable).Wrap(err)
}

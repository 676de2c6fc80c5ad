// Package policyservice answers PolicyService: it keeps the policy revisions of
// an organisation, checks packs on their way in and puts one revision in force.
//
// What a pack means is services/policy's. A revision never changes but for its
// state, and one that is in force stays so until another takes its place in the
// same transaction: whatever is wrong with a new pack, there is a policy.
//
// Start reading at [New], then resolve.go.
//
// Source: DESIGN section 6.
package policyservice

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/revisions"
)

// Server implements PolicyService. Safe for concurrent use.
type Server struct {
	policyv1.UnimplementedPolicyServiceServer
	host *host.Host
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New() *Server { return &Server{} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the service to r.
func (s *Server) Register(r grpc.ServiceRegistrar) { policyv1.RegisterPolicyServiceServer(r, s) }

// Kinds returns the collection of revisions.
func Kinds() []journal.Kind {
	return []journal.Kind{{
		Pattern: revisions.Pattern, New: func() proto.Message { return &policyv1.Revision{} }, Index: host.RevisionIndex,
	}}
}

// turnTally counts what was done with an organisation's revisions. At most one is
// in force, which spans several resources: every change reads and raises the
// count, so of two decided at once, in whatever processes, one is decided again.
const turnTally = "policy/turn"

// run decides one change of an organisation's revisions, one after the other.
func run[R proto.Message](ctx context.Context, s *Server, req R, organization string, reads []string, decide func(*journal.Unit, R) error) (*policyv1.Revision, error) {
	command := host.Command{Organization: organization, Key: "policy/" + organization, Reads: reads}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in R) error {
		turn := &wrapperspb.Int64Value{}
		if err := u.Tally(turnTally, turn); err != nil {
			return err
		}
		if err := u.SetTally(turnTally, wrapperspb.Int64(turn.GetValue()+1)); err != nil {
			return err
		}
		return decide(u, in)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, &policyv1.Revision{}, host.View(ctx))
}

// inForce returns the names of revisions in force: one, or none.
func inForce(u *journal.Unit) ([]string, error) {
	return revisions.Unit{U: u, Own: true}.Active()
}

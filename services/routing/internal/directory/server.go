// Package directory answers DirectoryService: people, departments, dated roles,
// delegations and channel owners of an organisation, and their import from a table.
//
// What a directory means to an act (who matches, whose delegation counts) is
// kit/directory's; this package keeps the resources that one is built from.
// Start reading at [New]; an import is read in the order table.go, plan.go, import.go.
//
// Source: DESIGN section 7.
package directory

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
)

// Server implements DirectoryService. Safe for concurrent use.
type Server struct {
	directoryv1.UnimplementedDirectoryServiceServer
	host *host.Host
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New() *Server { return &Server{} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the service to r.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	directoryv1.RegisterDirectoryServiceServer(r, s)
}

// Kinds returns the collections of the directory.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{Pattern: kit.PeoplePattern, New: func() proto.Message { return &directoryv1.Person{} }},
		{Pattern: kit.DepartmentsPattern, New: func() proto.Message { return &directoryv1.Department{} }},
		{Pattern: kit.AssignmentsPattern, New: func() proto.Message { return &directoryv1.Assignment{} }},
		{Pattern: kit.DelegationsPattern, New: func() proto.Message { return &directoryv1.Delegation{} }},
		{Pattern: kit.ChannelsPattern, New: func() proto.Message { return &directoryv1.Channel{} }},
	}
}

// turnTally counts the changes of a directory. Loops span many resources, so
// every change reads and raises it: of two changes decided at once, in whatever
// processes, one is decided again.
const turnTally = "directory/turn"

// key is the lane of an organisation's directory.
func key(organization string) string { return "directory/" + organization }

// run decides one change of the caller's directory.
func run[R proto.Message](ctx context.Context, s *Server, req R, subject string, reads []string, decide func(*journal.Unit, R) error) (journal.Receipt, error) {
	return runFor(ctx, s, req, host.Caller(ctx).Organization, subject, reads, func(u *journal.Unit, in R, _ int64) error { return decide(u, in) })
}

// runFor is run for an organisation; decide learns how many changes came before.
func runFor[R proto.Message](ctx context.Context, s *Server, req R, organization, subject string, reads []string, decide func(u *journal.Unit, in R, turn int64) error) (journal.Receipt, error) {
	command := host.Command{Organization: organization, Key: key(organization), Reads: reads, Subject: subject}
	return host.Run(ctx, s.host, req, command, func(u *journal.Unit, in R) error {
		turn := &wrapperspb.Int64Value{}
		if err := u.Tally(turnTally, turn); err != nil {
			return err
		}
		if err := u.SetTally(turnTally, wrapperspb.Int64(turn.GetValue()+1)); err != nil {
			return err
		}
		if err := decide(u, in, turn.GetValue()); err != nil {
			return err
		}
		return kit.Touch(u)
	})
}

// turn returns how many changes the directory has seen.
func (s *Server) turn(ctx context.Context, organization string) (int64, error) {
	turn := &wrapperspb.Int64Value{}
	_, err := s.host.Journal.Write(ctx, journal.Work{Organization: organization, Key: key(organization)}, func(u *journal.Unit) error {
		proto.Reset(turn)
		return u.Tally(turnTally, turn)
	})
	return turn.GetValue(), err
}

// listRequest is a request for a page.
type listRequest interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// list returns a page of one collection, below parent unless that is empty.
func list(ctx context.Context, s *Server, req listRequest, pattern, parent string) (journal.Page, string, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return journal.Page{}, "", err
	}
	scope := []string{caller.Organization, caller.Principal}
	after, err := page.After(req.GetPageToken(), req, scope...)
	if err != nil {
		return journal.Page{}, "", err
	}
	found, err := s.host.Journal.List(ctx, journal.Query{Organization: caller.Organization, Kind: pattern, Parent: parent, Limit: size, After: after})
	return found, page.Token(found.Next, req, scope...), err
}

// parentOf returns the parent to list below: people/- means everybody's.
func parentOf(parent string) string {
	if parent == everybody {
		return ""
	}
	return parent
}

// mayKeep reports whether the caller keeps the directory.
func mayKeep(c authn.Caller) bool {
	return slices.Contains(c.Functions, typev1.Function_FUNCTION_DIRECTORY_ADMIN)
}

// newName returns the name of a new child: names are in order of time.
func newName(parent, collection string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return parent + "/" + collection + "/" + id.String(), nil
}

// existing reads what a request refers to: RESOURCE_NOT_FOUND if there is none.
func existing(u *journal.Unit, name string, into proto.Message) error {
	_, err := u.Get(name, into)
	return err
}

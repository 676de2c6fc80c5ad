// Package rpc answers intake's RPCs: it takes a request, lets the domain decide,
// and shows the result. Nothing is decided here.
//
// Start reading at [New], then create.go.
package rpc

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/intake/internal/blob"
	"example.com/redress/services/intake/internal/search"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Patterns of intake's resources.
const (
	Complaints  = "complaints/*"
	Evidence    = "complaints/*/evidence/*"
	Disclosures = "complaints/*/disclosures/*"
	Subjects    = "subjects/*"
)

// Keys is intake's own key store: it makes, lends and destroys keys.
type Keys interface {
	seal.Keys
	// Reserve returns a new subject whose key is already durable.
	Reserve(ctx context.Context, organization string) (subject string, err error)
	Destroy(ctx context.Context, organization, subject string) error
}

// Config is what the handlers need besides the host.
type Config struct {
	// Keys is the key store.
	Keys Keys
	// Blobs keeps contents of evidence.
	Blobs *blob.Store
	// LinkKey signs status links, 32 bytes.
	LinkKey []byte
	// PrintKey keys the digests by which complaints are told apart, 32 bytes.
	PrintKey []byte
	// Index makes the terms by which texts are found.
	Index *search.Index
	// Dial returns the connection to another service.
	Dial func(service string) grpc.ClientConnInterface
}

// Server implements IntakeService and KeyService. Safe for concurrent use.
type Server struct {
	intakev1.UnimplementedIntakeServiceServer
	intakev1.UnimplementedKeyServiceServer
	cfg      Config
	host     *host.Host
	policies *revisions.Revisions
	uploads  chan struct{}
	hides    sync.Map // by revision: whether the pack hides fields
}

// maxUploads is how many files are taken at once: each is held in memory until sealed.
const maxUploads = 8

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(cfg Config) *Server {
	return &Server{cfg: cfg, policies: revisions.New(), uploads: make(chan struct{}, maxUploads)}
}

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the services to r.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	intakev1.RegisterIntakeServiceServer(r, s)
	intakev1.RegisterKeyServiceServer(r, s)
}

func (s *Server) policyOf(ctx context.Context, c *intakev1.Complaint) (*policy.Policy, error) {
	return s.policies.Get(s.revisionSource(ctx), c.GetPolicyRevision())
}

func (s *Server) revisionSource(ctx context.Context) revisions.Source {
	return revisions.Journal{Context: ctx, J: s.host.Journal, Organization: host.Caller(ctx).Organization}
}

// is returns whether the caller is meant by a who of the pack, as the directory says now.
// Of a complaint given, the department complained about and those responsible are known.
func (s *Server) is(ctx context.Context, about ...*intakev1.Complaint) (func(who string) bool, error) {
	caller := host.Caller(ctx)
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	places := directory.Places{Customer: caller.Customer}
	for _, c := range about {
		k := &routingv1.Case{}
		if _, _, err := s.host.Journal.Projection(ctx, caller.Organization, "cases/"+strings.TrimPrefix(c.GetName(), "complaints/"), k); err != nil {
			return nil, err
		}
		places.Respondent, places.Responsible, places.Owner = c.GetRespondent(), k.GetDepartments(), k.GetOwner()
	}
	now := s.host.Clock.Now()
	return func(who string) bool {
		ok, _ := d.Match(caller.Principal, who, now, places)
		return ok
	}, nil
}

// load returns a complaint the caller may see, as stored: texts sealed.
func (s *Server) load(ctx context.Context, name string) (*intakev1.Complaint, error) {
	c := &intakev1.Complaint{}
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, name, c); err != nil {
		return nil, err
	}
	return c, host.RequireCustomer(ctx, name, c.GetComplainant().GetCustomer())
}

// named is a request about one resource.
type named interface {
	proto.Message
	GetName() string
}

// change runs a request that changes one complaint. decide gets the complaint as
// it is, its policy, the sealed request and the instant, and says what follows.
func change[R named](ctx context.Context, s *Server, req R, etag string,
	decide func(c *intakev1.Complaint, p *policy.Policy, in R, now time.Time) (*intakev1.Complaint, proto.Message, error),
) (*intakev1.Complaint, error) {
	return changeNamed(ctx, s, req, req.GetName(), etag, decide)
}

func changeNamed[R proto.Message](ctx context.Context, s *Server, req R, name, etag string,
	decide func(c *intakev1.Complaint, p *policy.Policy, in R, now time.Time) (*intakev1.Complaint, proto.Message, error),
) (*intakev1.Complaint, error) {
	seen, err := s.load(ctx, name)
	if err != nil {
		return nil, err
	}
	p, err := s.policyOf(ctx, seen)
	if err != nil {
		return nil, err
	}
	prints := s.prints(host.Caller(ctx), p, req)
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: []string{name}, Subject: SubjectID(seen)}, func(u *journal.Unit, in R) error {
		c := &intakev1.Complaint{}
		version, err := u.Get(name, c)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, etag); err != nil {
			return err
		}
		next, change, err := decide(c, p, in, u.Time())
		if err != nil {
			return err
		}
		if err := u.Update(name, next, change); err != nil {
			return err
		}
		k, err := caseOf(u, p, name)
		if err != nil {
			return err
		}
		return follow(u, p, next, k, prints)
	})
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, receipt)
}

// SubjectID returns the id of the complaint's data subject.
func SubjectID(c *intakev1.Complaint) string { return lastSegment(c.GetSubject()) }

func lastSegment(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

// newID returns a UUIDv7: names in order of time.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

// holdClaims asks compensation to hold every claim of a complaint, or to release them.
func (s *Server) holdClaims(ctx context.Context, organization, complaint string, release bool) (held bool, err error) {
	use := "#withdrawal"
	if release {
		use = "#closed"
	}
	answer, err := compensationv1.NewCompensationServiceClient(s.cfg.Dial("compensation")).HoldClaims(
		authn.OnBehalf(ctx, organization),
		&compensationv1.HoldClaimsRequest{
			Organization: organization, Complaint: complaint, Reason: "withdrawal", Release: release,
			RequestId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(organization+"/"+complaint+use)).String(),
		})
	if err != nil {
		return false, err
	}
	return answer.GetResult() == compensationv1.HoldClaimsResponse_RESULT_HELD, nil
}

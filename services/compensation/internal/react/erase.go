package react

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// service is the name under which this service confirms.
const service = "compensation"

// keeper is the service that asks: the others tell of their own notes with the same change.
const keeper = "intake"

// erase notes that a person is to be forgotten; [Erasures] does it and tells intake.
// Texts need no work: their key is gone. A person erased twice, or confirmed already,
// is noted once.
//
// Source: docs/architecture.md, obligations (ErasePerson).
func erase(u *journal.Unit, s *intakev1.DataSubject) error {
	if slices.Contains(s.GetErasuresConfirmed(), service) {
		return nil
	}
	if err := forget(u, app.SubjectID(s.GetName())); err != nil {
		return err
	}
	name := "erasures/" + app.SubjectID(s.GetName())
	if _, err := u.Get(name, &intakev1.DataSubject{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	return u.Create(name, &intakev1.DataSubject{
		Name: s.GetName(), State: intakev1.DataSubject_STATE_ERASED, EraseTime: s.GetEraseTime(),
	}, &intakev1.PersonErased{})
}

// forget takes the digests of payees from the claims of an erased person: whoever has the
// organisation's look-up key could try accounts out.
//
// Source: package seal, Lookup.
func forget(u *journal.Unit, subject string) error {
	names, err := u.Find(app.Claims, journal.Attr{Name: app.AttrSubject, Value: subject})
	if err != nil {
		return err
	}
	for _, name := range names {
		c := &compensationv1.Claim{}
		if _, err := u.Get(name, c); err != nil {
			return err
		}
		if c.GetPayeeKey() == "" {
			continue
		}
		c.PayeeKey = ""
		if err := u.Update(name, c, &compensationv1.PayeeForgotten{}); err != nil {
			return err
		}
	}
	return nil
}

// Erasures forgets erased people and confirms it to intake.
type Erasures struct {
	host *host.Host
	dial func(service string) grpc.ClientConnInterface
}

// NewErasures returns the work; dial reaches intake.
func NewErasures(dial func(service string) grpc.ClientConnInterface) *Erasures {
	return &Erasures{dial: dial}
}

// Bind gives it the host it runs in. It is called once, before Start.
func (e *Erasures) Bind(h *host.Host) { e.host = h }

const (
	confirmEvery = time.Second
	confirmBatch = 100
)

// Run confirms erasures until ctx ends. While intake is away they wait.
func (e *Erasures) Run(ctx context.Context) error {
	for clock.System().Pause(ctx, confirmEvery) == nil {
		if err := e.Confirm(ctx); err != nil && ctx.Err() == nil {
			e.host.Logger.InfoContext(ctx, "an erasure waits for intake", "error", err)
		}
	}
	return nil
}

// Quiet reports that no erasure waits.
func (e *Erasures) Quiet(ctx context.Context) (bool, error) {
	due, err := e.host.Due(ctx, app.Erasures, 1)
	return len(due) == 0, err
}

// Confirm confirms what waits now.
func (e *Erasures) Confirm(ctx context.Context) error {
	due, err := e.host.Due(ctx, app.Erasures, confirmBatch)
	if err != nil {
		return err
	}
	for _, t := range due {
		if err := e.one(ctx, t.Organization, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func (e *Erasures) one(ctx context.Context, organization, name string) error {
	subject := strings.TrimPrefix(name, "erasures/")
	if cache, ok := e.host.Keys.(interface {
		Drop(organization, subject string)
	}); ok {
		cache.Drop(organization, subject)
	}
	if _, err := intakev1.NewKeyServiceClient(e.dial("intake")).ConfirmErasure(authn.OnBehalf(ctx, organization), &intakev1.ConfirmErasureRequest{
		Organization: organization, Subject: subject,
		RequestId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(organization+"/"+name+"#"+service)).String(),
	}); err != nil {
		return err
	}
	_, err := e.host.Journal.Write(ctx, journal.Work{
		Organization: organization, Key: name, Reads: []string{name}, Actor: &eventv1.Actor{Principal: "services/" + service},
	}, func(u *journal.Unit) error {
		s := &intakev1.DataSubject{}
		if _, err := u.Get(name, s); err != nil {
			return err
		}
		if len(s.GetErasuresConfirmed()) > 0 {
			return nil
		}
		next := proto.CloneOf(s)
		next.ErasuresConfirmed = []string{service}
		return u.Update(name, next, &intakev1.PersonErased{})
	})
	return err
}

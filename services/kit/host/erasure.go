package host

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// keeper is the service that keeps the keys of people, and that is told.
const keeper = "intake"

// erasures are the collection of what intake must still be told: erasures/{subject} for each
// person erased. They are no projections: a rebuild must not lose them.
const erasures = "erasures/*"

const (
	// confirmEvery is how often erasures are looked at that wait, in machine time.
	confirmEvery = time.Second
	// confirmBatch is how many of them at once.
	confirmBatch = 100
)

// OnlyTheKey is [Definition.Forget] of a service in which nothing can be read of a person
// whose key is gone.
func OnlyTheKey(*journal.Unit, string) error { return nil }

// erasureKind has a timer for what waits, so that it is found in all organisations.
func erasureKind() journal.Kind {
	return journal.Kind{
		Pattern: erasures, New: func() proto.Message { return &intakev1.DataSubject{} }, Background: true,
		Timer: func(m proto.Message) (time.Time, int64, bool) {
			s, ok := m.(*intakev1.DataSubject)
			return s.GetEraseTime().AsTime(), 1, ok && len(s.GetErasuresConfirmed()) == 0
		},
	}
}

// erase notes that a person is to be forgotten, in the transaction that hears of it; the
// background tells intake. Texts need no work: their key is gone. A person erased twice, or
// confirmed already, is noted once.
//
// Source: docs/architecture.md, obligations (ErasePerson).
func (h *Host) erase(u *journal.Unit, s *intakev1.DataSubject) error {
	subject := strings.TrimPrefix(s.GetName(), "subjects/")
	h.drop(u.Organization(), subject)
	if slices.Contains(s.GetErasuresConfirmed(), h.def.Name) {
		return nil
	}
	if err := h.def.Forget(u, subject); err != nil {
		return err
	}
	name := "erasures/" + subject
	if _, err := u.Get(name, &intakev1.DataSubject{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	return u.Create(name, &intakev1.DataSubject{Name: name, State: intakev1.DataSubject_STATE_ERASED, EraseTime: s.GetEraseTime()}, &intakev1.PersonErased{})
}

// drop forgets a key that was lent before.
func (h *Host) drop(organization, subject string) {
	if cache, ok := h.Keys.(interface {
		Drop(organization, subject string)
	}); ok {
		cache.Drop(organization, subject)
	}
}

// confirmErasures tells intake what waits until ctx ends. While intake is away it waits.
func (h *Host) confirmErasures(ctx context.Context) error {
	for clock.System().Pause(ctx, confirmEvery) == nil {
		if err := h.confirm(ctx); err != nil && ctx.Err() == nil {
			h.Logger.InfoContext(ctx, "an erasure waits for intake", "error", err)
		}
	}
	return nil
}

// confirm tells intake what waits now.
func (h *Host) confirm(ctx context.Context) error {
	due, err := h.Due(ctx, erasures, confirmBatch)
	if err != nil {
		return err
	}
	for _, t := range due {
		if err := h.confirmOne(ctx, t.Organization, t.Name); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	return nil
}

// confirmOne tells intake that nothing of the person can be read here any more, and
// remembers that it was told.
func (h *Host) confirmOne(ctx context.Context, organization, name string) error {
	subject := strings.TrimPrefix(name, "erasures/")
	h.drop(organization, subject)
	if _, err := intakev1.NewKeyServiceClient(h.dial(keeper)).ConfirmErasure(authn.OnBehalf(ctx, organization), &intakev1.ConfirmErasureRequest{
		Organization: organization, Subject: subject,
		RequestId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(organization+"/"+name+"#"+h.def.Name)).String(),
	}); err != nil {
		return err
	}
	_, err := h.Journal.Write(ctx, journal.Work{
		Organization: organization, Key: name, Reads: []string{name}, Actor: &eventv1.Actor{Principal: "services/" + h.def.Name},
	}, func(u *journal.Unit) error {
		s := &intakev1.DataSubject{}
		if _, err := u.Get(name, s); err != nil {
			return err
		}
		if len(s.GetErasuresConfirmed()) > 0 {
			return nil
		}
		next := proto.CloneOf(s)
		next.State, next.ErasuresConfirmed = intakev1.DataSubject_STATE_ERASED, []string{h.def.Name}
		return u.Update(name, next, &intakev1.PersonErased{})
	})
	return err
}

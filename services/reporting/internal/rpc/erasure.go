package rpc

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
)

// confirmEvery is how often erasures are looked at that intake has not heard
// about, in machine time; maxErasures how many at once.
const (
	confirmEvery = time.Second
	maxErasures  = 100
)

// dropper is a cache of keys that forgets one.
type dropper interface {
	Drop(organization, subject string)
}

// Applied drops the key of a person who was erased, so that it is not used until
// it would be asked for again.
func (s *Server) Applied(_ context.Context, ev *eventv1.Event) {
	if ev.GetType() == string((&intakev1.PersonErased{}).ProtoReflect().Descriptor().FullName()) {
		s.drop(ev.GetOrganization(), ev.GetResource())
	}
}

func (s *Server) drop(organization, name string) {
	if keys, ok := s.host.Keys.(dropper); ok {
		keys.Drop(organization, subjectOf(name))
	}
}

// subjectOf returns the last segment of subjects/{subject} and erasures/{subject}.
func subjectOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// ConfirmErasures tells intake about erasures it has not heard about, until ctx ends.
func (s *Server) ConfirmErasures(ctx context.Context) error {
	for clock.System().Pause(ctx, confirmEvery) == nil {
		owed, err := s.owed(ctx)
		if err != nil {
			s.host.Logger.WarnContext(ctx, "erasures cannot be listed", "error", err)
			continue
		}
		for _, t := range owed {
			if err := s.confirm(ctx, t.Organization, t.Name); err != nil && ctx.Err() == nil {
				s.host.Logger.InfoContext(ctx, "erasure waits for intake", "erasure", t.Name, "error", err)
				break
			}
		}
	}
	return nil
}

func (s *Server) owed(ctx context.Context) ([]journal.Timer, error) {
	return s.host.Due(ctx, domain.Erasures, maxErasures)
}

// confirm tells intake that nothing of the subject can be read here any more, and
// remembers that it was told.
func (s *Server) confirm(ctx context.Context, organization, name string) error {
	s.drop(organization, name)
	subject := subjectOf(name)
	_, err := intakev1.NewKeyServiceClient(s.dial("intake")).ConfirmErasure(authn.OnBehalf(ctx, organization), &intakev1.ConfirmErasureRequest{
		Organization: organization, Subject: subject,
		RequestId: uuid.NewSHA1(uuid.NameSpaceURL, []byte("reporting/"+organization+"/"+subject+"#erasure")).String(),
	})
	if err != nil {
		return err
	}
	_, err = s.host.Journal.Write(ctx, journal.Work{
		Organization: organization, Key: name, Reads: []string{name}, Actor: &eventv1.Actor{Principal: "services/" + s.host.Name()},
	}, func(u *journal.Unit) error {
		seen := &intakev1.DataSubject{}
		if _, err := u.Get(name, seen); err != nil {
			return err
		}
		if len(seen.GetErasuresConfirmed()) > 0 {
			return nil
		}
		next := proto.CloneOf(seen)
		next.ErasuresConfirmed = []string{s.host.Name()}
		return u.Update(name, next, &intakev1.PersonErased{})
	})
	return err
}

// Quiet reports that intake has heard about every erasure, and that every watch has
// looked at the periods that have ended.
func (s *Server) Quiet(ctx context.Context) (bool, error) {
	owed, err := s.owed(ctx)
	if err != nil || len(owed) > 0 {
		return false, err
	}
	due, err := s.host.Due(ctx, WatchRuns, 1)
	if len(due) > 0 {
		select {
		case s.wake <- struct{}{}:
		default: // told already
		}
	}
	return len(due) == 0, err
}

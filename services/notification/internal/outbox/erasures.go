package outbox

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/app"
)

// confirmEvery is how often intake is told again of erasures it has not answered for.
const confirmEvery = time.Second

// Confirm tells intake that erased persons are forgotten here, again until it has
// answered. Keys live in memory only and were dropped when the erasure was heard of,
// so there is nothing left to do.
//
// Source: DESIGN section 3 (an erasure is complete when every service has confirmed it).
func (b *Outbox) Confirm(ctx context.Context) error {
	for ctx.Err() == nil {
		committed := b.host.Journal.Committed()
		due, err := b.host.Due(ctx, app.Erasures, batch)
		for _, t := range due {
			if err = b.confirm(ctx, t); err != nil {
				break
			}
		}
		switch {
		case ctx.Err() != nil:
		case err != nil:
			b.host.Logger.InfoContext(ctx, "an erasure is not confirmed yet", slog.Any("error", err))
			_ = clock.System().Pause(ctx, confirmEvery) // ctx is looked at above
		case len(due) == 0:
			b.rest(ctx, committed)
		}
	}
	return nil
}

// rest returns at the next commit, or after a while, for those of other replicas.
func (b *Outbox) rest(ctx context.Context, committed <-chan struct{}) {
	timer := clock.System().NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-committed:
	case <-timer.C:
	}
}

func (b *Outbox) confirm(ctx context.Context, t journal.Timer) error {
	subject := strings.TrimPrefix(t.Name, "erasures/")
	_, err := intakev1.NewKeyServiceClient(b.o.Dial("intake")).ConfirmErasure(authn.OnBehalf(ctx, t.Organization), &intakev1.ConfirmErasureRequest{
		Organization: t.Organization, Subject: subject,
		RequestId: uuid.NewSHA1(uuid.NameSpaceURL, []byte(t.Organization+"/"+t.Name+"#notification")).String(),
	})
	if err != nil {
		return err
	}
	_, err = b.host.Journal.Write(ctx, journal.Work{
		Organization: t.Organization, Key: t.Name, Reads: []string{t.Name}, Actor: &eventv1.Actor{Principal: "services/notification"},
	}, func(u *journal.Unit) error {
		s := &intakev1.DataSubject{}
		if _, err := u.Get(t.Name, s); err != nil {
			return err
		}
		next := proto.CloneOf(s)
		next.State, next.ErasuresConfirmed = intakev1.DataSubject_STATE_ERASED, []string{"notification"}
		return u.Update(t.Name, next, &intakev1.PersonErased{})
	})
	return err
}

package ours

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/reporting"
	"example.com/redress/tools/bench/internal/world"
)

const (
	actions = "corrective-action"
	quality = "people/wu-di"
	others  = 9 // work of other people for each that is the caller's
	filling = 20 * time.Minute
	between = time.Second
)

// Reporting starts reporting alone on PostgreSQL beside n open complaints, each with a
// corrective action that somebody owes, one in ten of them the caller. The actions are
// written to the journal of the service they belong to, and reporting has followed its
// feed over gRPC and queued them.
func Reporting(ctx context.Context, w *world.World, o On, n int) (_ *Server, err error) {
	source, address, err := actionsAt(ctx, w, o)
	if err != nil {
		return nil, err
	}
	s, err := alone(ctx, w, o, solo{program: reporting.Program(), caller: quality, peers: map[string]string{actions: address}})
	if err != nil {
		return nil, errors.Join(err, source.close())
	}
	s.later(source.close)
	if err := errors.Join(source.fill(ctx, n), queued(ctx, o.Postgres, n)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// feeder is the store of a service that others follow, with nothing of the service but its feed.
type feeder struct {
	host    *host.Host
	closers []func() error
}

func (f *feeder) close() error {
	var errs []error
	for _, end := range slices.Backward(f.closers) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

func actionsAt(ctx context.Context, w *world.World, o On) (_ *feeder, address string, err error) {
	f := &feeder{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	var c process.Config
	config.SetDefaults(&c)
	c.Data = w.Folder
	o.apply(&c)
	shared, err := process.Open(ctx, actions, "bench", c, clock.NewHost(), io.Discard)
	if err != nil {
		return nil, "", err
	}
	f.closers = append(f.closers, func() error { return shared.Close(context.Background()) })
	deps, err := shared.Deps(ctx, actions, func(string) grpc.ClientConnInterface { return nil })
	if err != nil {
		return nil, "", err
	}
	if f.host, err = host.New(ctx, host.Definition{Name: actions, Kinds: []journal.Kind{{
		Pattern: "actions/*", New: func() proto.Message { return &correctiveactionv1.Action{} },
		Complaint: func(_ string, m proto.Message) string {
			a, _ := m.(*correctiveactionv1.Action)
			return a.GetComplaint()
		},
	}}}, deps); err != nil {
		return nil, "", err
	}
	server := grpc.NewServer()
	f.host.Register(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	go func() { _ = server.Serve(l) }() // ends with Stop
	f.closers = append(f.closers, func() error { server.Stop(); return nil })
	if err := f.host.Start(ctx); err != nil {
		return nil, "", err
	}
	f.closers = append(f.closers, stopping(f.host))
	return f, l.Addr().String(), nil
}

// fill writes n actions.
func (f *feeder) fill(ctx context.Context, n int) error {
	due := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	return flown(n, func(id int) <-chan journal.Result {
		owner := quality
		if id%(others+1) > 0 {
			owner = fmt.Sprintf("people/colleague-%d", id%997)
		}
		a := &correctiveactionv1.Action{
			Name: "actions/" + uuid(id), Complaint: complaintOf(id), State: correctiveactionv1.Action_STATE_OPEN, Owner: owner,
			CreateTime: timestamppb.New(due.Add(-48 * time.Hour)), DueTime: timestamppb.New(due.Add(time.Duration(id%100_000) * time.Second)),
			Rule: &typev1.RuleRef{Rule: "corrective_action", Clause: "6.1", Pack: "demo"},
		}
		work := journal.Work{Organization: organization, Key: a.GetComplaint(), Actor: &eventv1.Actor{Principal: "services/bench"}, Creates: []string{a.GetName()}}
		return f.host.Journal.Submit(ctx, work, func(u *journal.Unit) error {
			return u.Create(a.GetName(), a, &correctiveactionv1.ActionOpened{})
		})
	})
}

// queued waits until reporting has queued n items.
func queued(ctx context.Context, dsn string, n int) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for began, has := time.Now(), 0; ; {
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM redress_reporting.projections WHERE organization = $1 AND name >= 'work/' AND name < 'work0'", organization).Scan(&has); err != nil {
			return err
		}
		if has >= n {
			break
		}
		if time.Since(began) > filling {
			return fmt.Errorf("%d of %d items are queued after %s", has, n, filling)
		}
		if err := clock.System().Pause(ctx, between); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE redress_reporting.projections, redress_reporting.projection_index")
	return err
}

package suite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/sqldb"
)

// service is one service with its server. It stands in the suite's group, so that
// what is assembled can be replaced while the others run.
type service struct {
	conns *conns

	mu     sync.Mutex
	built  built
	server *rpcserver.Server
	db     *sqldb.DB
	away   bool          // stopped by StopService
	quit   chan struct{} // ends the watch over built
	ended  chan struct{} // closed when built has ended by itself
	once   sync.Once     // closes ended
	err    error
}

// built is an assembled service as the suite sees it.
type built interface {
	process.Built
	Heads(ctx context.Context) (map[int32]int64, error)
	StandsAt(ctx context.Context, heads map[string]map[int32]int64) (bool, error)
	FireDue(ctx context.Context) (time.Time, bool, error)
	NextInstant(ctx context.Context) (time.Time, bool, error)
	Lag() map[string]int64
}

// now returns what is assembled; ok is false while it is stopped.
func (s *service) now() (b built, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.built, !s.away
}

// Start implements lifecycle.Service; the server has been started by then.
func (s *service) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.built.Start(ctx); err != nil {
		return err
	}
	s.quit = make(chan struct{})
	if f, ok := s.built.(lifecycle.Failing); ok {
		go s.watch(f, s.quit)
	}
	return nil
}

func (s *service) watch(f lifecycle.Failing, quit <-chan struct{}) {
	select {
	case <-quit:
		return
	case <-f.Done():
	}
	select {
	case <-quit: // stopping, which is no failure
	default:
		s.once.Do(func() {
			s.err = f.Err()
			close(s.ended)
		})
	}
}

// Stop implements lifecycle.Service.
func (s *service) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(ctx)
}

func (s *service) stop(ctx context.Context) error {
	if s.quit != nil {
		close(s.quit)
		s.quit = nil
	}
	if s.away {
		return nil
	}
	return s.built.Stop(ctx)
}

// Done implements lifecycle.Failing.
func (s *service) Done() <-chan struct{} { return s.ended }

// Err implements lifecycle.Failing.
func (s *service) Err() error {
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// startServer and stopServer are members of the suite's group of their own: all
// servers start before what calls them, and stop after.
func (s *service) startServer(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.Start(ctx)
}

func (s *service) stopServer(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.Stop(ctx)
}

// StopService stops one service of a running suite, as if its process had ended:
// calls to it are refused as unavailable until StartService, and time passes
// without it. For drills and tests. Intake stays: it lends the keys of all others.
func (s *Suite) StopService(ctx context.Context, name string) error {
	svc := s.services[name]
	if svc == nil || name == "intake" {
		return fmt.Errorf("there is no service %q that can be stopped", name)
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if svc.away {
		return nil
	}
	if err := svc.stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", name, err)
	}
	svc.away = true
	if err := svc.server.Stop(ctx); err != nil {
		return fmt.Errorf("stop server of %s: %w", name, err)
	}
	return svc.db.Close()
}

// StartService starts a service that StopService stopped, on its data. It must not
// run beside another of the same service, Advance or Stop.
func (s *Suite) StartService(ctx context.Context, name string) error {
	svc := s.services[name]
	if svc == nil {
		return fmt.Errorf("there is no service %q", name)
	}
	if _, runs := svc.now(); runs {
		return nil
	}
	if err := s.build(ctx, name); err != nil {
		return err
	}
	err := svc.startServer(ctx)
	if err == nil {
		err = svc.Start(ctx)
	}
	svc.mu.Lock()
	defer svc.mu.Unlock()
	if err != nil {
		err = errors.Join(err, svc.built.Stop(ctx), svc.server.Stop(ctx), svc.db.Close())
		return fmt.Errorf("start %s: %w", name, err)
	}
	svc.away = false
	return nil
}

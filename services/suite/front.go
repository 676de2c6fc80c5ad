package suite

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"

	"example.com/redress/services/suite/internal/front"
)

// maxMessage is what one message to the port may have; the services have the
// same limit. Source: RELIABILITY 3.6.
const maxMessage = 4 << 20

// maxStreams limits the calls in flight on one connection. Source: RELIABILITY 3.5.
const maxStreams = 128

// owners says which service serves an RPC service of the one port.
func owners() map[string]string {
	return map[string]string{
		"redress.intake.v1.IntakeService":                     "intake",
		"redress.routing.v1.RoutingService":                   "routing",
		"redress.routing.v1.HandlingService":                  "routing",
		"redress.routing.v1.DiagnosisService":                 "routing",
		"redress.directory.v1.DirectoryService":               "routing",
		"redress.policy.v1.PolicyService":                     "routing",
		"redress.compensation.v1.CompensationService":         "compensation",
		"redress.correctiveaction.v1.CorrectiveActionService": "corrective-action",
		"redress.notification.v1.NotificationService":         "notification",
		"redress.reporting.v1.ReportingService":               "reporting",
		"redress.clock.v1.ClockService":                       "",
		"redress.event.v1.ConsumerService":                    "",
	}
}

func (s *Suite) openFront() error {
	s.front = grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.MaxConcurrentStreams(maxStreams))
	names := make([]string, 0, len(owners()))
	for name := range owners() {
		names = append(names, name)
	}
	if err := front.Register(s.front, s.choose, names...); err != nil {
		return err
	}
	s.health = health.NewServer()
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s.front, s.health)
	reflection.Register(s.front)
	return nil
}

// choose leads a call to the service that serves it.
func (s *Suite) choose(method string, m proto.Message) (grpc.ClientConnInterface, error) {
	service, _, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	owner := owners()[service]
	if owner == "" {
		owner = ownerOf(m)
	}
	return &conn{to: s.services[owner].conns, from: "gateway", raw: true}, nil
}

// ownerOf returns the service that owns what a request names; routing where
// that cannot be told, which answers that there is no such thing.
func ownerOf(m proto.Message) string {
	named, _ := m.(interface{ GetName() string })
	parent, _ := m.(interface{ GetParent() string })
	service, _ := m.(interface{ GetService() string })
	switch {
	case service != nil:
		for _, name := range Names() {
			if name == service.GetService() {
				return name
			}
		}
	case named != nil && strings.HasPrefix(named.GetName(), "claims/"), parent != nil && strings.HasPrefix(parent.GetParent(), "claims/"):
		return "compensation"
	case named != nil && strings.HasPrefix(named.GetName(), "actions/"), parent != nil && strings.HasPrefix(parent.GetParent(), "actions/"):
		return "corrective-action"
	}
	return "routing"
}

func (s *Suite) startFront(context.Context) error {
	go func() {
		// Serve ends when the server is stopped; anything else shows as connections refused.
		if err := s.front.Serve(s.listener); err != nil {
			s.shared.Logger().Error("rpc port", "error", err)
		}
	}()
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	return nil
}

func (s *Suite) stopFront(ctx context.Context) error {
	s.health.Shutdown()
	stopped := make(chan struct{})
	go func() {
		s.front.GracefulStop()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		s.front.Stop()
		<-stopped
		return ctx.Err()
	}
}

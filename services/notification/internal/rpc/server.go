// Package rpc answers notification's RPCs: it takes a request, lets the desk
// decide, and shows the result. Nothing is decided here.
//
// Start reading at [New], then followup.go.
package rpc

import (
	"context"

	"google.golang.org/grpc"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/app"
)

// Probe reaches receivers for whoever configures them.
type Probe interface {
	// Check refuses an address that could never be called.
	Check(r *notificationv1.Receiver) error
	// Test sends a test message now. status is 0 without an answer; reason is empty
	// if the receiver took it.
	Test(ctx context.Context, organization string, r *notificationv1.Receiver) (status int, reason string)
	// Say puts a reason into the words of a language.
	Say(locale, reason string) string
}

// Server implements NotificationService. Safe for concurrent use.
type Server struct {
	notificationv1.UnimplementedNotificationServiceServer
	desk    *app.Desk
	secrets app.Secrets
	probe   Probe
	host    *host.Host
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(desk *app.Desk, secrets app.Secrets, probe Probe) *Server {
	return &Server{desk: desk, secrets: secrets, probe: probe}
}

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the service to r.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	notificationv1.RegisterNotificationServiceServer(r, s)
}

func where(pairs ...string) []journal.Attr {
	var out []journal.Attr
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, journal.Attr{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

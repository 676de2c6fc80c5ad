package plain

import (
	"context"
	"net"
	"net/http"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

// complaints answers GetComplaint with one complaint that it holds, and has no
// other method, no interceptor and no store.
type complaints struct {
	intakev1.UnimplementedIntakeServiceServer

	one *intakev1.Complaint
}

// GetComplaint implements intakev1.IntakeServiceServer.
func (c complaints) GetComplaint(context.Context, *intakev1.GetComplaintRequest) (*intakev1.GetComplaintResponse, error) {
	return &intakev1.GetComplaintResponse{Complaint: c.one}, nil
}

// Edge is a bare gRPC server of one complaint with two bare edges.
type Edge struct {
	// Network are connections to the gRPC server.
	Network Network
	// Gateway is the URL of grpc-gateway, which dials the server; Hand that of
	// net/http with protojson, which calls it.
	Gateway, Hand string

	closers []func() error
}

// ServeEdge starts all three.
func ServeEdge(ctx context.Context, one *intakev1.Complaint) (*Edge, error) {
	e := &Edge{}
	server := grpc.NewServer()
	intakev1.RegisterIntakeServiceServer(server, complaints{one: one})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = server.Serve(l) }() // ends with Stop
	e.later(func() error { server.Stop(); return nil })
	if e.Network, err = Dial(l.Addr().String()); err != nil {
		return nil, err
	}
	e.later(e.Network.Close)

	mux := runtime.NewServeMux()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	e.later(conn.Close)
	if err := intakev1.RegisterIntakeServiceHandler(ctx, mux, conn); err != nil {
		return nil, err
	}
	if e.Gateway, err = e.serve(mux); err != nil {
		return nil, err
	}
	hand := http.NewServeMux()
	hand.HandleFunc("GET /v1/complaints/{complaint}", func(w http.ResponseWriter, r *http.Request) {
		got, err := complaints{one: one}.GetComplaint(r.Context(), &intakev1.GetComplaintRequest{Name: "complaints/" + r.PathValue("complaint")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body, err := protojson.Marshal(got.GetComplaint())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // a client that has gone
	})
	e.Hand, err = e.serve(hand)
	return e, err
}

func (e *Edge) later(end func() error) { e.closers = append(e.closers, end) }

func (e *Edge) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h}  // loopback, and the bar must not be slower than need be
	go func() { _ = server.Serve(l) }() // ends with Close
	e.later(server.Close)
	return "http://" + l.Addr().String(), nil
}

// Close ends everything.
func (e *Edge) Close() error {
	var err error
	for _, end := range slices.Backward(e.closers) {
		if cerr := end(); err == nil {
			err = cerr
		}
	}
	return err
}

package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"example.com/redress/services/kit/lifecycle"
)

// readMetrics bounds how long a scraper may take to ask.
const readMetrics = 5 * time.Second

// Metrics returns the page for Prometheus at /metrics and an answer at /healthz
// on host:port, which it binds now. An empty address gives one that does nothing.
func Metrics(address string, page http.Handler) (lifecycle.Service, error) {
	if address == "" {
		return lifecycle.Func(nil, nil), nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: readMetrics, ReadTimeout: readMetrics}
	served := make(chan error, 1)
	return lifecycle.Func(func(context.Context) error {
		go func() { served <- server.Serve(listener) }()
		return nil
	}, func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}), nil
}

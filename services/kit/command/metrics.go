package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// readMetrics bounds how long a scraper may take to ask.
const readMetrics = 5 * time.Second

// Metrics returns the page for Prometheus at /metrics and an answer at /healthz
// on host:port, which it binds now. An empty address gives one that does nothing.
func Metrics(address string, page http.Handler) (*MetricsPage, error) {
	if address == "" {
		return &MetricsPage{}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: readMetrics, ReadTimeout: readMetrics}
	return &MetricsPage{listener: listener, server: server, served: make(chan error, 1)}, nil
}

// MetricsPage serves the page. It is a lifecycle.Service that gives its port back
// even if it was never started.
type MetricsPage struct {
	listener net.Listener
	server   *http.Server
	served   chan error

	mu               sync.Mutex
	started, stopped bool
}

// Addr returns host:port of the page; "" if there is none.
func (m *MetricsPage) Addr() string {
	if m.listener == nil {
		return ""
	}
	return m.listener.Addr().String()
}

// Start implements lifecycle.Service.
func (m *MetricsPage) Start(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return errors.New("metrics: already stopped")
	}
	if !m.started && m.listener != nil {
		m.started = true
		go func() { m.served <- m.server.Serve(m.listener) }()
	}
	return nil
}

// Stop implements lifecycle.Service.
func (m *MetricsPage) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return nil
	}
	m.stopped = true
	switch {
	case m.listener == nil:
		return nil
	case !m.started:
		return m.listener.Close()
	}
	err := m.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, m.server.Close())
	}
	if ended := <-m.served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

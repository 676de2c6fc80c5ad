package telemetry

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/redress/services/kit/clock"
)

// Names of what is read when the page is asked for. The label is in the comment.
const (
	// FeedLagEvents is how many events of a source are known and not applied here (source).
	FeedLagEvents = "redress_feed_lag_events"
	// FeedLagSeconds is for how long the oldest of them has been known (source).
	FeedLagSeconds = "redress_feed_lag_seconds"
	// FeedConnected is 1 while the source's feed is read, 0 while it cannot be (source).
	FeedConnected = "redress_feed_connected"
	// ParkedEvents is how many events wait for an operator (source).
	ParkedEvents = "redress_parked_events"
	// ArmedTimers is how many resources want to be woken (kind).
	ArmedTimers = "redress_timers_armed"
	// TimersOverdue is for how long the earliest timer has been due (no label).
	TimersOverdue = "redress_timers_overdue_seconds"
	// OpenObligations is how much work other services still owe (kind).
	OpenObligations = "redress_obligations_open"
	// Notices is how many notices there are that no receiver has confirmed (state).
	Notices = "redress_notices"
	// CollectFailed is 1 if the figures of a service could not be read this time (no label).
	CollectFailed = "redress_collect_failed"
)

// Figure is one value at the moment the page is asked for.
type Figure struct {
	// Name is one of the names above.
	Name string
	// Label is the value of the name's label: a word of the suite's own, never a name of anybody.
	Label string
	// Value in the name's unit.
	Value float64
}

// figures says what a name means and what its label is called.
func figures() map[string][2]string {
	return map[string][2]string{
		FeedLagEvents:   {"Events of a source that are known and not applied.", "source"},
		FeedLagSeconds:  {"How long the oldest event that is not applied has been known.", "source"},
		FeedConnected:   {"1 while the feed of a source is read.", "source"},
		ParkedEvents:    {"Events that wait for an operator.", "source"},
		ArmedTimers:     {"Resources that want to be woken at some instant.", "kind"},
		TimersOverdue:   {"How long the earliest timer has been due in business time.", ""},
		OpenObligations: {"Work that other services still owe to cases.", "kind"},
		Notices:         {"Notices that no receiver has confirmed.", "state"},
		CollectFailed:   {"1 if the figures of a service could not be read for this page.", ""},
	}
}

// collecting bounds how long one service may take to tell its figures.
const collecting = 5 * time.Second

// business are the metrics of what the services do, for the whole process.
type business struct {
	late     *prometheus.HistogramVec
	failed   *prometheus.CounterVec
	writes   *prometheus.HistogramVec
	commit   *prometheus.HistogramVec
	attempt  *prometheus.HistogramVec
	attempts *prometheus.HistogramVec
	requests *prometheus.HistogramVec
	about    map[string]*prometheus.Desc

	mu      sync.Mutex
	sources map[string]func(context.Context) ([]Figure, error)
}

func newBusiness(registry *prometheus.Registry) (*business, error) {
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	b := &business{
		late: histogram("redress_timer_lateness_seconds", "Business time from the instant a timer fell due to the one at which it was fired.",
			[]float64{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600}, "service"),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "redress_timer_failures_total", Help: "Timers that could not be fired and are tried again."}, []string{"service"}),
		writes: histogram("redress_journal_group_size", "Writes that shared one transaction.", []float64{1, 2, 4, 8, 16, 32, 64, 128}, "service"),
		commit: histogram("redress_journal_commit_duration_seconds", "Time of one transaction of the journal, from its begin to its end.",
			[]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30}, "service"),
		attempt: histogram("redress_delivery_duration_seconds", "Time of one attempt to deliver a notice.",
			[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}, "service", "media", "outcome"),
		attempts: histogram("redress_notice_attempts", "Attempts a notice had taken when it ended.", []float64{0, 1, 2, 3, 5, 10, 20, 50}, "service", "media", "state"),
		requests: histogram("http_server_request_duration_seconds", "Duration of HTTP requests at the JSON edge.",
			[]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, "http_request_method", "http_route", "http_response_status_code"),
		about: map[string]*prometheus.Desc{}, sources: map[string]func(context.Context) ([]Figure, error){},
	}
	for name, f := range figures() {
		labels := []string{"service"}
		if f[1] != "" {
			labels = append(labels, f[1])
		}
		b.about[name] = prometheus.NewDesc(name, f[0], labels, nil)
	}
	for _, c := range []prometheus.Collector{b.late, b.failed, b.writes, b.commit, b.attempt, b.attempts, b.requests, b} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Describe implements prometheus.Collector.
func (b *business) Describe(to chan<- *prometheus.Desc) {
	for _, d := range b.about {
		to <- d
	}
}

// Collect implements prometheus.Collector: it asks every service at once.
func (b *business) Collect(to chan<- prometheus.Metric) {
	b.mu.Lock()
	sources := maps.Clone(b.sources)
	b.mu.Unlock()
	ctx, cancel := clock.System().WithTimeout(context.Background(), collecting)
	defer cancel()
	var all sync.WaitGroup
	for service, read := range sources {
		all.Go(func() {
			got, err := read(ctx)
			failed := 0.0
			if err != nil {
				failed = 1
			}
			for _, f := range append(got, Figure{Name: CollectFailed, Value: failed}) {
				labels := []string{service}
				if figures()[f.Name][1] != "" {
					labels = append(labels, f.Label)
				}
				if d := b.about[f.Name]; d != nil {
					to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, f.Value, labels...)
				}
			}
		})
	}
	all.Wait()
}

// Measures takes what one service measures. A nil one takes nothing. Safe for
// concurrent use.
type Measures struct {
	service              string
	b                    *business
	late, writes, commit prometheus.Observer
	failed               prometheus.Counter
}

// Measures returns where the named service measures. All its figures are on the
// page from now on, at zero until something happens.
func (t *Telemetry) Measures(service string) *Measures {
	b := t.business
	return &Measures{
		service: service, b: b, late: b.late.WithLabelValues(service), writes: b.writes.WithLabelValues(service),
		commit: b.commit.WithLabelValues(service), failed: b.failed.WithLabelValues(service),
	}
}

// Read has the figures asked from the function whenever the page is, until
// another one is given; nil ends it, but for a page being made. The function must
// end with its context, and may be called by several at once.
func (m *Measures) Read(figures func(context.Context) ([]Figure, error)) {
	if m == nil {
		return
	}
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	if figures == nil {
		delete(m.b.sources, m.service)
		return
	}
	m.b.sources[m.service] = figures
}

// Fired notes that a timer was fired that long after it fell due.
func (m *Measures) Fired(late time.Duration) {
	if m != nil {
		m.late.Observe(max(late, 0).Seconds())
	}
}

// FireFailed notes that a timer could not be fired.
func (m *Measures) FireFailed() {
	if m != nil {
		m.failed.Inc()
	}
}

// Committed notes a transaction of the journal.
func (m *Measures) Committed(writes int, took time.Duration) {
	if m != nil {
		m.writes.Observe(float64(writes))
		m.commit.Observe(took.Seconds())
	}
}

// Outcomes of an attempt, and states in which a notice ends.
const (
	OutcomeDelivered = "delivered"
	OutcomeAgain     = "again"
	OutcomeRefused   = "refused"

	EndDelivered = "delivered"
	EndFailed    = "failed"
	EndExpired   = "expired"
)

// Delivers puts the figures of deliveries by these media on the page.
func (m *Measures) Delivers(media ...string) {
	if m == nil {
		return
	}
	for _, medium := range media {
		for _, outcome := range []string{OutcomeDelivered, OutcomeAgain, OutcomeRefused} {
			m.b.attempt.WithLabelValues(m.service, medium, outcome)
		}
		for _, state := range []string{EndDelivered, EndFailed, EndExpired} {
			m.b.attempts.WithLabelValues(m.service, medium, state)
		}
	}
}

// Attempted notes one attempt to deliver a notice.
func (m *Measures) Attempted(medium, outcome string, took time.Duration) {
	if m != nil {
		m.b.attempt.WithLabelValues(m.service, medium, outcome).Observe(took.Seconds())
	}
}

// Ended notes that a notice needs no further attempt.
func (m *Measures) Ended(medium, state string, attempts int) {
	if m != nil {
		m.b.attempts.WithLabelValues(m.service, medium, state).Observe(float64(attempts))
	}
}

// ServesHTTP puts the figures of HTTP requests on the page before there is one.
func (t *Telemetry) ServesHTTP() {
	t.business.requests.WithLabelValues("GET", "/healthz", "204")
}

// Request notes one HTTP request. Route is the pattern, not the path; method and
// status are the protocol's words.
func (t *Telemetry) Request(method, route, status string, took time.Duration) {
	t.business.requests.WithLabelValues(method, route, status).Observe(took.Seconds())
}

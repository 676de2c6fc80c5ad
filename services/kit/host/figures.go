package host

import (
	"context"
	"errors"

	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/kit/timers"
)

// Tally is a figure of the metrics page: how many resources of a kind have each of
// some values of an attribute. Values that grow without end do not belong here.
type Tally struct {
	// Figure is one of package telemetry's names.
	Figure string
	// Kind and Attribute say what is counted.
	Kind, Attribute string
	// Values are counted, each under the label it maps to.
	Values map[string]string
}

// figures returns what the metrics page shows of the service, read now. What
// could be read is returned beside an error.
func (h *Host) figures(ctx context.Context) ([]telemetry.Figure, error) {
	var out []telemetry.Figure
	add := func(name, label string, value float64) {
		out = append(out, telemetry.Figure{Name: name, Label: label, Value: value})
	}
	stored, err := h.Journal.Figures(ctx)
	for source, c := range h.consumers {
		b := c.Behind()
		add(telemetry.FeedLagEvents, source, float64(b.Events))
		add(telemetry.FeedLagSeconds, source, b.Oldest.Seconds())
		connected := 0.0
		if b.Connected {
			connected = 1
		}
		add(telemetry.FeedConnected, source, connected)
		if err == nil {
			add(telemetry.ParkedEvents, source, float64(stored.Parked[source]))
		}
	}
	if err == nil {
		for kind, n := range stored.Armed {
			add(telemetry.ArmedTimers, kind, float64(n))
		}
		overdue := 0.0
		if !stored.First.IsZero() {
			overdue = max(h.Clock.Now().Sub(stored.First), 0).Seconds()
		}
		add(telemetry.TimersOverdue, "", overdue)
	}
	errs := []error{err}
	for _, t := range h.def.Tallies {
		values := make([]string, 0, len(t.Values))
		for v := range t.Values {
			values = append(values, v)
		}
		counts, err := h.Journal.CountIndexed(ctx, t.Kind, t.Attribute, values...)
		errs = append(errs, err)
		for v, n := range counts {
			add(t.Figure, t.Values[v], float64(n))
		}
	}
	return out, errors.Join(errs...)
}

// fired counts timers that could not be fired; those that were are counted where
// their own instant is known.
func (h *Host) fired(f timers.Fired) {
	if f.Err != nil {
		h.measures.FireFailed()
	}
}

package domain

import (
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/policy"
)

// Span is what a measure looks at in one period.
type Span struct {
	Period Period
	Rows   []Row
}

// Watch returns what a watch finds at the end of the last of its spans, which are in
// order: for each value of its key that had cases then, those below the share in so
// many periods in a row. A period without cases breaks the run, and the share is
// compared exactly: 90.0% is not below 90%.
//
// Source: PROCEDURES P15 R7, P15-A6.
func Watch(p *policy.Policy, w *policyv1.Watch, m *policyv1.Measure, spans []Span) []*reportingv1.Watched {
	if len(spans) == 0 || m == nil {
		return nil
	}
	last := spans[len(spans)-1]
	values := []string{""}
	if w.GetPer() != "" {
		values = Values(p, last.Rows, w.GetPer())
	}
	var out []*reportingv1.Watched
	for _, value := range values {
		var quotients []policy.Quotient
		var periods []*reportingv1.WatchedPeriod
		for _, s := range spans {
			rows := s.Rows
			if w.GetPer() != "" {
				rows, _ = Of(p, rows, w.GetPer(), value)
			}
			f := Figure(p, m, rows)
			quotients = append(quotients, policy.Quotient{Counts: f.GetCounts(), Among: f.GetAmong()})
			periods = append(periods, &reportingv1.WatchedPeriod{Period: s.Period.Name, Counts: f.GetCounts(), Among: f.GetAmong(), Share: f.GetShare()})
		}
		if !p.Tripped(w, quotients) {
			continue
		}
		per := ""
		if w.GetPer() != "" {
			per = At(w.GetPer(), value)
		}
		out = append(out, &reportingv1.Watched{
			Name: WatchedName(w.GetId(), last.Period, per), Watch: w.GetId(), Per: per, Period: last.Period.Name,
			Periods: periods[len(periods)-min(p.Run(w), len(periods)):], Rule: p.Rule(w.GetId()), CreateTime: timestamppb.New(last.Period.To),
		})
	}
	return out
}

// WatchedName returns the name of what a watch finds about somebody in a period: the
// same whenever it is looked for. Names sort by when the period ended: the id is a UUID
// of version 8, 48 bits of milliseconds and a digest of the rest.
func WatchedName(watch string, period Period, per string) string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(watch+"\x00"+period.Name+"\x00"+per))
	ms := period.To.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x80
	return "watched/" + id.String()
}

// RunName returns the name of where a watch of the pack stands.
func RunName(watch string) string {
	return "watchRuns/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(watch)).String()
}

// Stand returns where a watch stands that looks at the period next; from is where it
// stood before, or nil.
func Stand(from *reportingv1.WatchRun, watch string, next Period) *reportingv1.WatchRun {
	return &reportingv1.WatchRun{
		Name: RunName(watch), Watch: watch, Period: next.Name, DueTime: timestamppb.New(next.To), Generation: from.GetGeneration() + 1,
	}
}

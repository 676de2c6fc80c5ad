package rpc

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
)

// GenerateReport computes a report of the pack in force for one month and freezes
// it. The newest report of the same kind and period before is named as the one it
// restates.
func (s *Server) GenerateReport(ctx context.Context, req *reportingv1.GenerateReportRequest) (*reportingv1.GenerateReportResponse, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("new id: %w", err)
	}
	name := "reports/" + id.String()
	// A refusal is kept for the decision: a request that was answered before gets
	// its first answer again, whatever the pack says by now.
	made, refused := s.compute(ctx, req)
	series := "reports/" + req.GetReport() + "/" + req.GetPeriod()
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: []string{name}}, func(u *journal.Unit, _ *reportingv1.GenerateReportRequest) error {
		if refused != nil {
			return refused
		}
		newest := &wrapperspb.StringValue{}
		if err := u.Tally(series, newest); err != nil {
			return err
		}
		made.Name, made.Restates = name, newest.GetValue()
		made.GeneratedBy, made.GenerateTime = host.Caller(ctx).Principal, timestamppb.New(u.Time())
		if err := u.SetTally(series, wrapperspb.String(name)); err != nil {
			return err
		}
		u.Because(made.GetRule())
		return u.Create(name, made, &reportingv1.ReportGenerated{})
	})
	if err != nil {
		return nil, err
	}
	report, err := host.Answer(ctx, s.host, receipt, &reportingv1.Report{}, seal.All())
	if err != nil {
		return nil, err
	}
	return &reportingv1.GenerateReportResponse{Report: report}, nil
}

// compute returns the report of the pack in force without its name. Reasons
// NO_ACTIVE_POLICY, REPORT_UNKNOWN, PERIOD_NOT_OVER.
func (s *Server) compute(ctx context.Context, req *reportingv1.GenerateReportRequest) (*reportingv1.Report, error) {
	p, _, err := s.policies.Active(s.revisions(ctx))
	if err != nil {
		return nil, err
	}
	def, err := definitionOf(p, req.GetReport())
	if err != nil {
		return nil, err
	}
	period, err := domain.Month(req.GetPeriod(), p.Calendar().Location())
	if err != nil {
		return nil, err
	}
	if err := period.Over(s.host.Clock.Now()); err != nil {
		return nil, err
	}
	s.watch.Look(ctx) // so that data_time is of now wherever the sources answer
	out := &reportingv1.Report{
		Kind: def.GetId(), Period: period.Name, Title: def.GetText(), Rule: p.Rule(def.GetId()), TimeZone: p.Calendar().Zone(),
	}
	if fresh, ok := s.watch.Fresh(); ok {
		out.DataTime = timestamppb.New(fresh)
	}
	figures := &figures{server: s, policy: p, period: period, rows: map[source][]domain.Row{}}
	for _, id := range def.GetShows() {
		m, err := figures.of(ctx, id)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out.Measurements = append(out.Measurements, m)
		}
	}
	return out, nil
}

// definitionOf returns a report of the pack, or REPORT_UNKNOWN with those there are.
func definitionOf(p *policy.Policy, id string) (*policyv1.Report, error) {
	var allowed []string
	for _, r := range p.Rules().GetReports().GetReports() {
		if r.GetId() == id {
			return r, nil
		}
		allowed = append(allowed, r.GetId())
	}
	return nil, fault.New(fault.Invalid, domain.ReasonReportUnknown, "report", id, "allowed", strings.Join(allowed, ", "))
}

// source is what measures have in common that look at the same rows.
type source struct {
	of      policyv1.Of
	datedBy string
}

// figures computes the measures of one report; rows are read once for all of them.
type figures struct {
	server *Server
	policy *policy.Policy
	period domain.Period
	rows   map[source][]domain.Row
}

// of returns the figure of a measure; nil if the pack has none of that id.
func (f *figures) of(ctx context.Context, id string) (*reportingv1.Measurement, error) {
	for _, m := range f.policy.Rules().GetReports().GetMeasures() {
		if m.GetId() != id {
			continue
		}
		from := source{m.GetOf(), m.GetDatedBy()}
		rows, read := f.rows[from]
		if !read {
			var err error
			if rows, err = f.server.reader(ctx).Rows(ctx, from.of, from.datedBy, f.period); err != nil {
				return nil, err
			}
			f.rows[from] = rows
		}
		return domain.Figure(f.policy, m, rows), nil
	}
	return nil, nil
}

// GetReport returns a frozen report.
func (s *Server) GetReport(ctx context.Context, req *reportingv1.GetReportRequest) (*reportingv1.GetReportResponse, error) {
	report, err := host.Read(ctx, s.host, req.GetName(), &reportingv1.Report{}, seal.All())
	if err != nil {
		return nil, err
	}
	return &reportingv1.GetReportResponse{Report: report}, nil
}

// ListReports lists frozen reports, the newest first.
func (s *Server) ListReports(ctx context.Context, req *reportingv1.ListReportsRequest) (*reportingv1.ListReportsResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Organization: caller.Organization, Kind: Reports, Limit: size, After: after, Descending: true}
	if req.GetReport() != "" {
		q.Where = []journal.Attr{{Name: AttrKind, Value: req.GetReport()}}
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	reports, err := host.Rows(ctx, s.host, found.Rows, func() *reportingv1.Report { return &reportingv1.Report{} }, seal.All())
	if err != nil {
		return nil, err
	}
	return &reportingv1.ListReportsResponse{
		Reports: reports, NextPageToken: page.Token(found.Next, req, caller.Organization, caller.Principal),
	}, nil
}

// AttrKind is the attribute by which reports are found.
const AttrKind = "kind"

package rpc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/view"
)

// GenerateReport computes a report of the pack in force for one of its periods, about
// everything or one of those it is made for, and freezes it. The newest report of the
// same before is named as the one it restates.
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
	if req.GetPer() != "" {
		series += "/" + made.GetPer()
	}
	command := host.Command{Key: name, Reads: []string{name}}
	if req.GetWritten() != "" {
		command.Subject = subjectOfPerson(host.Caller(ctx).Principal)
	}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *reportingv1.GenerateReportRequest) error {
		if refused != nil {
			return refused
		}
		made.Written = in.GetWritten()
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
	report, err := host.Answer(ctx, s.host, receipt, &reportingv1.Report{}, words())
	if err != nil {
		return nil, err
	}
	return &reportingv1.GenerateReportResponse{Report: report}, nil
}

// words shows what people wrote into reports, as far as their keys can be had.
func words() seal.View { return seal.View{FreeText: true, MaskUnavailable: true} }

// subjectOfPerson returns the data subject of a member of staff, whose key seals what
// they write.
func subjectOfPerson(name string) string { return strings.ReplaceAll(name, "/", "-") }

// compute returns the report of the pack in force without its name and words. Reasons
// NO_ACTIVE_POLICY, REPORT_UNKNOWN, REPORT_PERIOD, REPORT_PER, REPORT_WORDS, RULE_ROLE,
// PERIOD_NOT_OVER.
func (s *Server) compute(ctx context.Context, req *reportingv1.GenerateReportRequest) (*reportingv1.Report, error) {
	p, _, err := s.policies.Active(s.revisions(ctx))
	if err != nil {
		return nil, err
	}
	def, err := definitionOf(p, req.GetReport())
	if err != nil {
		return nil, err
	}
	period, err := domain.PeriodOf(def.GetEvery(), req.GetPeriod(), p.Calendar().Location())
	if err != nil {
		return nil, err
	}
	if req.GetPer() != "" && def.GetPer() == "" {
		return nil, fault.New(fault.Invalid, domain.ReasonPer).With(p.Rule(def.GetId()))
	}
	if err := s.writes(ctx, p, def, req.GetWritten()); err != nil {
		return nil, err
	}
	if err := period.Over(s.host.Clock.Now(), p.Rule(def.GetId())); err != nil {
		return nil, err
	}
	s.watch.Look(ctx) // so that data_time is of now wherever the sources answer
	out := &reportingv1.Report{
		Kind: def.GetId(), Period: period.Name, Title: def.GetText(), Rule: p.Rule(def.GetId()), TimeZone: p.Calendar().Zone(),
		Recipients: def.GetTo(),
	}
	if req.GetPer() != "" {
		out.Per = domain.At(def.GetPer(), req.GetPer())
	}
	if fresh, ok := s.watch.Fresh(); ok {
		out.DataTime = timestamppb.New(fresh)
	}
	figures := &figures{reader: s.reader(ctx), policy: p, period: period, rows: map[source][]domain.Row{}, key: def.GetPer(), per: out.GetPer()}
	for _, id := range def.GetShows() {
		m, err := figures.of(ctx, id)
		if err != nil {
			return nil, err
		}
		if m != nil {
			out.Measurements = append(out.Measurements, m)
		}
	}
	out.Listed, err = figures.listed(ctx, def)
	return out, err
}

// writes refuses words that the pack does not want, and a written report without words
// or by another than the pack names: the words are theirs. Figures are the same whoever
// asks for them.
func (s *Server) writes(ctx context.Context, p *policy.Policy, def *policyv1.Report, written string) error {
	if !def.GetWritten() {
		if written != "" {
			return fault.New(fault.Invalid, domain.ReasonWords, "wanted", "no").With(p.Rule(def.GetId()))
		}
		return nil
	}
	caller := host.Caller(ctx)
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return err
	}
	if ok, _, _ := d.MatchAny(caller.Principal, def.GetBy(), s.host.Clock.Now(), directory.Places{}); !ok && len(def.GetBy()) > 0 {
		return fault.New(fault.FailedPrecondition, policy.ReasonRole, "because", "ROLE", "who", strings.Join(def.GetBy(), ", ")).With(p.Rule(def.GetId()))
	}
	if strings.TrimSpace(written) == "" {
		return fault.New(fault.Invalid, domain.ReasonWords, "because", "INCOMPLETE", "wanted", "yes").With(p.Rule(def.GetId())).
			WithViolations(fault.Violation{Field: "written", Reason: policy.FieldRequired})
	}
	return nil
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

// figures computes measures of one period; rows are read once for all of them.
type figures struct {
	reader view.Reader
	policy *policy.Policy
	period domain.Period
	rows   map[source][]domain.Row
	// key and per choose the rows of one department, person or value; per is empty for all.
	key, per string
}

// of returns the figure of a measure; nil if the pack has none of that id.
func (f *figures) of(ctx context.Context, id string) (*reportingv1.Measurement, error) {
	m := measureOf(f.policy, id)
	if m == nil {
		return nil, nil
	}
	rows, err := f.read(ctx, source{m.GetOf(), m.GetDatedBy()})
	if err != nil {
		return nil, err
	}
	var unknown []string
	if f.per != "" {
		rows, unknown = domain.Of(f.policy, rows, f.key, f.per)
	}
	out := domain.Figure(f.policy, m, rows)
	out.NotAssessable = append(out.NotAssessable, unknown...)
	slices.Sort(out.NotAssessable)
	return out, nil
}

func (f *figures) read(ctx context.Context, from source) ([]domain.Row, error) {
	if rows, read := f.rows[from]; read {
		return rows, nil
	}
	rows, err := f.reader.Rows(ctx, from.of, from.datedBy, f.period)
	if err == nil {
		f.rows[from] = rows
	}
	return rows, err
}

// listed returns the numbers of the complaints received in the period that the report lists.
func (f *figures) listed(ctx context.Context, def *policyv1.Report) ([]string, error) {
	if def.GetLists() == "" {
		return nil, nil
	}
	rows, err := f.read(ctx, source{policyv1.Of_OF_COMPLAINTS, domain.DatedReceived})
	if err != nil {
		return nil, err
	}
	if f.per != "" {
		rows, _ = domain.Of(f.policy, rows, f.key, f.per)
	}
	return domain.Listed(f.policy, def, rows)
}

// measureOf returns a measure of the pack, or nil.
func measureOf(p *policy.Policy, id string) *policyv1.Measure {
	for _, m := range p.Rules().GetReports().GetMeasures() {
		if m.GetId() == id {
			return m
		}
	}
	return nil
}

// GetReport returns a frozen report.
func (s *Server) GetReport(ctx context.Context, req *reportingv1.GetReportRequest) (*reportingv1.GetReportResponse, error) {
	report, err := host.Read(ctx, s.host, req.GetName(), &reportingv1.Report{}, words())
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
	reports, err := host.Rows(ctx, s.host, found.Rows, func() *reportingv1.Report { return &reportingv1.Report{} }, words())
	if err != nil {
		return nil, err
	}
	return &reportingv1.ListReportsResponse{
		Reports: reports, NextPageToken: page.Token(found.Next, req, caller.Organization, caller.Principal),
	}, nil
}

// AttrKind is the attribute by which reports are found.
const AttrKind = "kind"

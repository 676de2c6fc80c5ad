package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// tries is how often an import is planned anew because the directory changed under it.
const tries = 4

// errMoved says that the directory changed after the plan was drawn.
var errMoved = errors.New("the directory changed meanwhile")

// errRefused says that the plan has problems.
var errRefused = errors.New("the table has problems")

// importTally remembers the answer to an import, which is no resource.
func importTally(method, principal, request string) string {
	return "directory/" + method + "/" + principal + "/" + request
}

// prepared is a plan with the texts of its people sealed.
type prepared struct {
	plan

	turn   int64
	sealed map[string]*directoryv1.Person
	reads  []string
}

// ImportDirectory reads a table and makes the directory say the same: all of it
// or, with any violation, nothing. What the table does not speak of stays.
//
// Cost: the whole directory is read once, a key fetched for each person named in
// the table, one commit.
func (s *Server) ImportDirectory(ctx context.Context, req *directoryv1.ImportDirectoryRequest) (*directoryv1.ImportDirectoryResponse, error) {
	caller := host.Caller(ctx)
	if req.GetDryRun() {
		p, err := s.prepare(ctx, caller.Organization, req.GetCsv(), false)
		if err != nil {
			return nil, err
		}
		return report(&p.plan, caller.Locale)
	}
	p, answer, err := s.take(ctx, req, caller.Organization, req.GetCsv(), importTally("import", caller.Principal, req.GetRequestId()), nil)
	switch {
	case errors.Is(err, errRefused):
		return report(&p.plan, caller.Locale)
	case err != nil:
		return nil, err
	}
	return answer, nil
}

// BootstrapOrganization gives an organisation without people its first directory.
func (s *Server) BootstrapOrganization(ctx context.Context, req *directoryv1.BootstrapOrganizationRequest) (*directoryv1.BootstrapOrganizationResponse, error) {
	organization := req.GetOrganization()
	vacant := func(u *journal.Unit) error {
		names, err := u.Find(kit.PeoplePattern)
		if err == nil && len(names) > 0 {
			err = fault.New(fault.AlreadyExists, ReasonOrganizationExists, "name", organization)
		}
		return err
	}
	p, answer, err := s.take(ctx, req, organization, req.GetCsv(), importTally("bootstrap", host.Caller(ctx).Principal, req.GetRequestId()), vacant)
	switch {
	case errors.Is(err, errRefused):
		return nil, refusal(p.problems)
	case err != nil:
		return nil, err
	}
	return &directoryv1.BootstrapOrganizationResponse{Created: answer.GetCreated()}, nil
}

// take plans a table and carries it out, again if the directory changes between
// the two. first is asked before anything else; a request that was answered
// before gets that answer. errRefused comes with the plan that has problems.
func (s *Server) take(ctx context.Context, req proto.Message, organization string, table []byte, tally string, first func(*journal.Unit) error) (*prepared, *directoryv1.ImportDirectoryResponse, error) {
	for range tries {
		p, err := s.prepare(ctx, organization, table, first == nil || !s.inhabited(ctx, organization))
		if err != nil {
			return nil, nil, err
		}
		receipt, err := runFor(ctx, s, req, organization, "", p.reads, func(u *journal.Unit, _ proto.Message, turn int64) error {
			if first != nil {
				if err := first(u); err != nil {
					return err
				}
			}
			switch {
			case turn != p.turn:
				return errMoved
			case len(p.problems) > 0:
				return errRefused
			}
			if err := p.plan.take(u, p.sealed); err != nil {
				return err
			}
			return u.SetTally(tally, p.answer())
		})
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil:
			return p, nil, err
		case receipt.Replayed:
			answer, err := s.remembered(ctx, organization, tally)
			return p, answer, err
		}
		return p, p.answer(), nil
	}
	return nil, nil, fault.New(fault.Aborted, journal.ReasonConflict)
}

// inhabited reports whether the organisation has people: then the texts of a
// first directory need no sealing. A failure to read shows again later.
func (s *Server) inhabited(ctx context.Context, organization string) bool {
	n, err := s.host.Journal.Count(ctx, journal.Query{Organization: organization, Kind: kit.PeoplePattern})
	return err == nil && n > 0
}

func (p *plan) answer() *directoryv1.ImportDirectoryResponse {
	out := &directoryv1.ImportDirectoryResponse{}
	out.Created, out.Changed, out.Unchanged = p.counts()
	return out
}

// remembered returns the answer a request got the first time.
func (s *Server) remembered(ctx context.Context, organization, tally string) (*directoryv1.ImportDirectoryResponse, error) {
	out := &directoryv1.ImportDirectoryResponse{}
	_, err := s.host.Journal.Write(ctx, journal.Work{Organization: organization, Key: key(organization)}, func(u *journal.Unit) error {
		proto.Reset(out)
		return u.Tally(tally, out)
	})
	return out, err
}

// prepare draws the plan of a table. With sealing, the texts that it changes are
// sealed, each person's under their own key, unless there are problems anyway.
func (s *Server) prepare(ctx context.Context, organization string, table []byte, sealing bool) (*prepared, error) {
	rows, found := parse(table)
	out := &prepared{sealed: map[string]*directoryv1.Person{}}
	// The count is read before the directory: whatever changes in between shows in it.
	var err error
	if out.turn, err = s.turn(ctx, organization); err != nil {
		return nil, err
	}
	at, err := s.stands(ctx, organization, rows)
	if err != nil {
		return nil, err
	}
	out.plan = draw(rows, found, at, host.Caller(ctx).Principal, s.host.Clock.Now())
	for _, st := range out.steps {
		out.reads = append(out.reads, st.name)
	}
	if len(out.problems) > 0 || !sealing {
		return out, nil
	}
	for _, st := range out.steps {
		if !st.texts {
			continue
		}
		texts, err := s.sealTexts(ctx, organization, st.next.(*directoryv1.Person), at)
		switch f, _ := fault.As(err); {
		case f != nil && f.Reason == seal.ReasonSubjectErased:
			out.problems.fault(st.row.line, "id", f)
		case err != nil:
			return nil, err
		}
		out.sealed[st.name] = texts
	}
	return out, nil
}

// sealTexts returns the texts of a person as tokens; those that stand are kept.
func (s *Server) sealTexts(ctx context.Context, organization string, p *directoryv1.Person, at standing) (*directoryv1.Person, error) {
	out := &directoryv1.Person{DisplayName: p.GetDisplayName(), Email: p.GetEmail(), Telephone: p.GetTelephone()}
	if err := seal.SealRequest(ctx, s.host.Keys, organization, subjectOf(p.GetName()), out); err != nil {
		return nil, err
	}
	shown, old := at.opened[p.GetName()], at.people[p.GetName()]
	keep := func(field *string, now, before, token string) {
		if now == before && token != "" {
			*field = token
		}
	}
	keep(&out.DisplayName, p.GetDisplayName(), shown.GetDisplayName(), old.GetDisplayName())
	keep(&out.Email, p.GetEmail(), shown.GetEmail(), old.GetEmail())
	keep(&out.Telephone, p.GetTelephone(), shown.GetTelephone(), old.GetTelephone())
	return out, nil
}

// stands reads the directory, and opens the people that rows speak of.
func (s *Server) stands(ctx context.Context, organization string, rows []row) (standing, error) {
	at := standing{opened: map[string]*directoryv1.Person{}}
	source := kit.FromResources(s.host.Journal)
	err := cmp.Or(
		readAll(ctx, source, organization, kit.PeoplePattern, &at.people),
		readAll(ctx, source, organization, kit.DepartmentsPattern, &at.departments),
		readAll(ctx, source, organization, kit.AssignmentsPattern, &at.assignments),
		readAll(ctx, source, organization, kit.ChannelsPattern, &at.channels),
	)
	if err != nil {
		return at, err
	}
	for _, r := range rows {
		p, ok := at.people[r.name()]
		if !ok || r.record != recordPerson {
			continue
		}
		shown := proto.CloneOf(p)
		if err := seal.Open(ctx, s.host.Keys, organization, shown, seal.All()); err != nil {
			return at, err
		}
		at.opened[r.name()] = shown
	}
	return at, nil
}

// readAll puts a collection into all, by name.
func readAll[T any, M interface {
	*T
	proto.Message
}](ctx context.Context, source kit.Source, organization, pattern string, all *map[string]M) error {
	rows, err := source.States(ctx, organization, pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	*all = make(map[string]M, len(rows))
	for _, r := range rows {
		m := M(new(T))
		if err := proto.Unmarshal(r.State, m); err != nil {
			return fmt.Errorf("state of %s: %w", r.Name, err)
		}
		(*all)[r.Name] = m
	}
	return nil
}

// report says what a plan would do or, in a language, what is wrong with its
// table: then nothing would be done.
func report(p *plan, locale string) (*directoryv1.ImportDirectoryResponse, error) {
	if len(p.problems) == 0 {
		return p.answer(), nil
	}
	words, err := catalogue()
	if err != nil {
		return nil, err
	}
	out := &directoryv1.ImportDirectoryResponse{}
	for _, v := range p.problems {
		out.Violations = append(out.Violations, &directoryv1.RowViolation{
			Row: int32(v.row), Column: v.column, Reason: v.err.Reason, Message: words.Message(locale, v.err),
		})
	}
	return out, nil
}

// refusal is the fault of a first directory that has problems: csv[3].email is
// column email in line 3.
func refusal(found problems) error {
	words, err := catalogue()
	if err != nil {
		return err
	}
	f := fault.New(fault.Invalid, ReasonTable, "count", strconv.Itoa(len(found)))
	violations := make([]fault.Violation, len(found))
	for i, v := range found {
		field := "csv[" + strconv.Itoa(v.row) + "]"
		if v.column != "" {
			field += "." + v.column
		}
		violations[i] = fault.Violation{Field: field, Reason: v.err.Reason, Text: &typev1.Text{
			Zh: words.Message(fault.Chinese, v.err), En: words.Message(fault.English, v.err),
		}}
	}
	return f.WithViolations(violations...)
}

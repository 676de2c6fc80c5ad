package directory

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// GetPerson returns one person.
func (s *Server) GetPerson(ctx context.Context, req *directoryv1.GetPersonRequest) (*directoryv1.GetPersonResponse, error) {
	p := &directoryv1.Person{}
	version, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), p)
	if err != nil {
		return nil, err
	}
	if err := s.show(ctx, p, version); err != nil {
		return nil, err
	}
	return &directoryv1.GetPersonResponse{Person: p}, nil
}

// ListPeople lists people in order of name. Cost: a key for each person shown.
func (s *Server) ListPeople(ctx context.Context, req *directoryv1.ListPeopleRequest) (*directoryv1.ListPeopleResponse, error) {
	found, next, err := list(ctx, s, req, kit.PeoplePattern, "")
	if err != nil {
		return nil, err
	}
	out := &directoryv1.ListPeopleResponse{NextPageToken: next}
	for _, row := range found.Rows {
		p := &directoryv1.Person{}
		if err := proto.Unmarshal(row.State, p); err != nil {
			return nil, fmt.Errorf("state of %s: %w", row.Name, err)
		}
		if err := s.show(ctx, p, row.Version); err != nil {
			return nil, err
		}
		out.People = append(out.People, p)
	}
	return out, nil
}

// show turns a stored person into what the caller may see, in place.
//
// Names are opened for all staff: who signed, who owns a case and whom to ask is
// part of everybody's work. Ways to reach somebody are opened for who keeps the
// directory and for the person; for the others they are masked before anything
// is opened. A name whose key cannot be had now is masked, so that one key does
// not take the list away.
//
// Source: DESIGN section 9; DirectoryService.GetPerson.
func (s *Server) show(ctx context.Context, p *directoryv1.Person, version int64) error {
	caller := host.Caller(ctx)
	if !mayKeep(caller) && caller.Principal != p.GetName() {
		for _, text := range []*string{&p.Email, &p.Telephone} {
			if *text != "" {
				*text = seal.Masked
			}
		}
	}
	host.SetEtag(p, version)
	return seal.Open(ctx, s.host.Keys, caller.Organization, p, seal.View{Personal: true, MaskUnavailable: true})
}

// answer shows the person of a receipt.
func (s *Server) answer(ctx context.Context, r journal.Receipt) (*directoryv1.Person, error) {
	p := &directoryv1.Person{}
	if err := proto.Unmarshal(r.State, p); err != nil {
		return nil, fmt.Errorf("state of %s: %w", r.Resource, err)
	}
	return p, s.show(ctx, p, r.Version)
}

// CreatePerson adds a person.
func (s *Server) CreatePerson(ctx context.Context, req *directoryv1.CreatePersonRequest) (*directoryv1.CreatePersonResponse, error) {
	name := req.GetPerson().GetName()
	if err := checkName("person.name", name, people, isPerson); err != nil {
		return nil, err
	}
	reads := []string{name, req.GetPerson().GetSuperior()}
	receipt, err := run(ctx, s, req, subjectOf(name), reads, func(u *journal.Unit, in *directoryv1.CreatePersonRequest) error {
		p := in.GetPerson()
		if err := checkSuperior(u, name, p.GetSuperior()); err != nil {
			return err
		}
		now := timestamppb.New(u.Time())
		return u.Create(name, &directoryv1.Person{
			Name: name, State: directoryv1.Person_STATE_ACTIVE,
			DisplayName: p.GetDisplayName(), Email: p.GetEmail(), Telephone: p.GetTelephone(),
			Functions: sorted(p.GetFunctions()), Superior: p.GetSuperior(), Locale: p.GetLocale(),
			CreateTime: now, UpdateTime: now,
		}, &directoryv1.PersonChanged{})
	})
	if err != nil {
		return nil, err
	}
	p, err := s.answer(ctx, receipt)
	if err != nil {
		return nil, err
	}
	return &directoryv1.CreatePersonResponse{Person: p}, nil
}

// UpdatePerson replaces what may be changed of a person. A text that comes back
// as it was masked or erased on the way out stays as it is.
func (s *Server) UpdatePerson(ctx context.Context, req *directoryv1.UpdatePersonRequest) (*directoryv1.UpdatePersonResponse, error) {
	name := req.GetPerson().GetName()
	if err := checkName("person.name", name, people, isPerson); err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	seen := req.GetPerson() // its texts in clear; those of in are sealed
	reads := []string{name, req.GetPerson().GetSuperior()}
	receipt, err := run(ctx, s, req, subjectOf(name), reads, func(u *journal.Unit, in *directoryv1.UpdatePersonRequest) error {
		old := &directoryv1.Person{}
		version, err := u.Get(name, old)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		next, p := proto.CloneOf(old), in.GetPerson()
		next.Functions, next.Superior, next.Locale = sorted(p.GetFunctions()), p.GetSuperior(), p.GetLocale()
		next.DisplayName = unlessMasked(seen.GetDisplayName(), p.GetDisplayName(), old.GetDisplayName())
		next.Email = unlessMasked(seen.GetEmail(), p.GetEmail(), old.GetEmail())
		next.Telephone = unlessMasked(seen.GetTelephone(), p.GetTelephone(), old.GetTelephone())
		next.UpdateTime = timestamppb.New(u.Time())
		if name == caller.Principal && !slices.Equal(next.GetFunctions(), sorted(old.GetFunctions())) {
			return fault.New(fault.FailedPrecondition, ReasonOwnFunctions)
		}
		if err := checkSuperior(u, name, next.GetSuperior()); err != nil {
			return err
		}
		return u.Update(name, next, &directoryv1.PersonChanged{})
	})
	if err != nil {
		return nil, err
	}
	p, err := s.answer(ctx, receipt)
	if err != nil {
		return nil, err
	}
	return &directoryv1.UpdatePersonResponse{Person: p}, nil
}

// unlessMasked returns the sealed text, or the old one if the text given only
// repeats what stood in its place on the way out.
func unlessMasked(given, sealed, old string) string {
	if given == seal.Masked || given == seal.Erased {
		return old
	}
	return sealed
}

// DeactivatePerson ends the person's right to act; what ended before stays so.
func (s *Server) DeactivatePerson(ctx context.Context, req *directoryv1.DeactivatePersonRequest) (*directoryv1.DeactivatePersonResponse, error) {
	name := req.GetName()
	receipt, err := run(ctx, s, req, "", []string{name}, func(u *journal.Unit, in *directoryv1.DeactivatePersonRequest) error {
		p := &directoryv1.Person{}
		version, err := u.Get(name, p)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		if p.GetState() == directoryv1.Person_STATE_INACTIVE {
			u.Answer(name)
			return nil
		}
		next := proto.CloneOf(p)
		next.State, next.UpdateTime = directoryv1.Person_STATE_INACTIVE, timestamppb.New(u.Time())
		return u.Update(name, next, &directoryv1.PersonChanged{})
	})
	if err != nil {
		return nil, err
	}
	p, err := s.answer(ctx, receipt)
	if err != nil {
		return nil, err
	}
	return &directoryv1.DeactivatePersonResponse{Person: p}, nil
}

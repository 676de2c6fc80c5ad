package directory

import (
	"context"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/redress/services/kit/journal"
)

// VersionRow is the projection that counts the changes of an organisation's
// directory; it is its own kind, so no list of resources shows it.
const VersionRow = "directory/version"

// pageSize is how many rows a journal source reads at once.
const pageSize = 500

// Touch says that a state of the Unit's organisation changes in this Unit. Who
// writes a directory resource, or stores one as a projection, calls it in the
// same Unit; a [Store] over the journal then reads the states anew.
func Touch(u *journal.Unit) error {
	count := &wrapperspb.Int64Value{}
	version, _, err := u.Projection(VersionRow, count)
	if err != nil {
		return err
	}
	return u.SetProjection(VersionRow, VersionRow, version+1, wrapperspb.Int64(version+1))
}

// FromProjections returns the directories a service has heard of from routing,
// stored as projections whose kinds are the patterns.
func FromProjections(j *journal.Journal) Source { return newJournalSource(j, j.Projections) }

// FromResources returns the directories of the service that owns them.
func FromResources(j *journal.Journal) Source { return newJournalSource(j, j.List) }

type journalSource struct {
	j        *journal.Journal
	page     func(context.Context, journal.Query) (journal.Page, error)
	versions journal.Standing[string, int64]
}

func newJournalSource(j *journal.Journal, page func(context.Context, journal.Query) (journal.Page, error)) *journalSource {
	return &journalSource{j: j, page: page, versions: journal.Standing[string, int64]{Kind: VersionRow}}
}

// States implements [Source].
func (s *journalSource) States(ctx context.Context, organization, pattern string) ([]journal.Row, error) {
	q := journal.Query{Organization: organization, Kind: pattern, Limit: pageSize}
	var out []journal.Row
	for {
		p, err := s.page(ctx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Rows...)
		if p.Next == "" {
			return out, nil
		}
		q.After = p.Next
	}
}

// Version implements [Source]. The row is read again after each commit here that
// touched a directory, and for other processes' every [journal.ForeignAge].
func (s *journalSource) Version(ctx context.Context, organization string) (int64, error) {
	return s.versions.Get(ctx, s.j, organization, func(ctx context.Context) (int64, error) {
		version, _, err := s.j.Projection(ctx, organization, VersionRow, &wrapperspb.Int64Value{})
		return version, err
	})
}

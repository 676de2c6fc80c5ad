package view

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// message is a state as projections hold it.
type message = proto.Message

// Reader reads the projections of one organisation.
type Reader struct {
	J            *journal.Journal
	Organization string
}

// pageSize is how many rows are read at once.
const pageSize = 500

// all returns the projections of a kind that have the attributes, with etags, in
// order of their names. T is the message without its pointer.
func all[T any, M interface {
	*T
	message
}](ctx context.Context, r Reader, kind string, where ...journal.Attr) ([]M, error) {
	q := journal.Query{Organization: r.Organization, Kind: kind, Where: where, Limit: pageSize}
	var out []M
	for {
		page, err := r.J.Projections(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			m := M(new(T))
			if err := proto.Unmarshal(row.State, m); err != nil {
				return nil, fmt.Errorf("projection %s: %w", row.Name, err)
			}
			host.SetEtag(m, row.Version)
			out = append(out, m)
		}
		if page.Next == "" {
			return out, nil
		}
		q.After = page.Next
	}
}

// one returns the projection of that name, nil if nothing was heard of it.
func one[T any, M interface {
	*T
	message
}](ctx context.Context, r Reader, name string) (M, error) {
	if name == "" {
		return nil, nil
	}
	m := M(new(T))
	version, ok, err := r.J.Projection(ctx, r.Organization, name, m)
	if err != nil || !ok {
		return nil, err
	}
	host.SetEtag(m, version)
	return m, nil
}

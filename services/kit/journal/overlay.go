package journal

import (
	"maps"
	"slices"
	"strings"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// key names a row within its organisation.
type key struct{ organization, name string }

func compareKeys(a, b key) int {
	if c := strings.Compare(a.organization, b.organization); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

// resource is a row of resources as a group sees it; version 0 means absent.
type resource struct {
	kind      *kind
	shard     int32
	complaint string
	version   int64
	base      int64 // version found in the database
	state     []byte
	digest    []byte
	attrs     attrs
	stored    attrs // what the index holds
	created   int64
	updated   int64
	timer     *Timer // what the timer row shall be; nil for none
	dirty     bool
}

// tally is a row of tallies; revision 0 means absent.
type tally struct {
	revision int64
	value    []byte
	dirty    bool
}

// projection is a row of projections; revision 0 means absent from the
// database, gone that it is absent now.
type projection struct {
	kind     string
	version  int64
	revision int64
	state    []byte
	attrs    attrs
	stored   attrs
	storedIn string // kind under which the index holds them
	updated  int64
	gone     bool
	dirty    bool
}

// family is the resources of a kind under one parent.
type family struct {
	parent key
	kind   *kind
}

// place is a shard of a source.
type place struct {
	source string
	shard  int32
}

// position is how far a place has been applied.
type position struct {
	sequence int64
	base     int64
	digest   []byte
	dirty    bool
}

// spot is one event of a source.
type spot struct {
	place
	sequence int64
}

// parking is a row to be written to, or with a nil event removed from, parked_events.
type parking struct {
	key    key // organisation and complaint
	event  *eventv1.Event
	reason string
	waits  bool
	stored bool // of a removal: the database has the row
	dirty  bool
}

// requestKey identifies a call.
type requestKey struct{ organization, principal, method, id string }

// request is a remembered call. first is the member of this group that made it,
// nil if it was read.
type request struct {
	digest  []byte
	receipt Receipt
	first   *outcome
	forever bool
	dirty   bool
}

// collection is the resources or projections of a kind in an organisation.
type collection struct {
	tables       tables
	organization string
	kind         string
}

// overlay is what is known and changed in memory. Values are replaced, never
// changed in place, so that a refused member's overlay can simply be dropped.
type overlay struct {
	requests    map[requestKey]*request
	resources   map[key]*resource
	born        map[family][]string     // names of resources that the database has not yet
	written     map[collection][]string // names of resources and projections that were written, some twice
	tallies     map[key]*tally
	projections map[key]*projection
	positions   map[place]*position
	parkings    map[spot]*parking
	terms       map[key]*terms
	events      []*eventv1.Event
}

func newOverlay() overlay {
	return overlay{
		requests: map[requestKey]*request{}, resources: map[key]*resource{}, born: map[family][]string{}, written: map[collection][]string{}, tallies: map[key]*tally{},
		projections: map[key]*projection{}, positions: map[place]*position{}, parkings: map[spot]*parking{}, terms: map[key]*terms{},
	}
}

// knows reports whether a resource of the kind, or a projection if it is nil, is known.
func (o *overlay) knows(at key, k *kind) bool {
	if k == nil {
		return o.projections[at] != nil
	}
	return o.resources[at] != nil
}

// takeAsAbsent notes that a resource of the kind, or a projection if it is nil, is not
// there, unless more is known.
func (o *overlay) takeAsAbsent(at key, k *kind) {
	switch {
	case o.knows(at, k):
	case k == nil:
		o.projections[at] = &projection{gone: true}
	default:
		o.resources[at] = &resource{kind: k}
	}
}

// take adds what another overlay changed.
func (o *overlay) take(other *overlay) {
	maps.Copy(o.requests, other.requests)
	maps.Copy(o.resources, other.resources)
	for f, names := range other.born {
		o.born[f] = append(o.born[f], names...)
	}
	for c, names := range other.written {
		o.written[c] = append(o.written[c], names...)
	}
	maps.Copy(o.tallies, other.tallies)
	maps.Copy(o.projections, other.projections)
	maps.Copy(o.positions, other.positions)
	maps.Copy(o.parkings, other.parkings)
	maps.Copy(o.terms, other.terms)
	o.events = append(o.events, other.events...)
}

// changed returns the keys of the rows to be written, in order.
func changed[K comparable, V any](rows map[K]V, dirty func(V) bool, compare func(a, b K) int) []K {
	var keys []K
	for k, v := range rows {
		if dirty(v) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Projection reads another service's resource as last heard of; ok is false if
// nothing was.
func (u *Unit) Projection(name string, into proto.Message) (version int64, ok bool, err error) {
	p, err := u.projection(name)
	if err != nil || p.gone {
		return 0, false, err
	}
	if err := proto.Unmarshal(p.state, into); err != nil {
		return 0, false, u.fail(fmt.Errorf("projection %s: %w", name, err))
	}
	return p.version, true, nil
}

// SetProjection stores the resource as of the version; a version older than the
// one stored is ignored, so the order of arrival does not matter. kind is free,
// usually the pattern of the names.
func (u *Unit) SetProjection(name, kind string, version int64, state proto.Message, attrs ...Attr) error {
	body, err := deterministic.Marshal(state)
	if err != nil {
		return u.fail(fmt.Errorf("projection %s: %w", name, err))
	}
	return u.KeepProjection(name, kind, version, body, attrs...)
}

// KeepProjection is SetProjection of a state as it is serialized in an event; the bytes
// must not change afterwards.
func (u *Unit) KeepProjection(name, kind string, version int64, body []byte, attrs ...Attr) error {
	p, err := u.projection(name)
	if err != nil {
		return err
	}
	if !p.gone && p.version > version {
		return nil
	}
	next := *p
	next.kind, next.version, next.state, next.attrs = kind, version, body, tidy(attrs)
	next.updated, next.gone, next.dirty = u.g.now.UnixMicro(), false, true
	u.own.projections[u.key(name)] = &next
	u.wrote(projectionTables, kind, name)
	return nil
}

// DeleteProjection forgets the resource, its version included. Forgetting what
// is not there does nothing.
func (u *Unit) DeleteProjection(name string) error {
	p, err := u.projection(name)
	if err != nil || p.gone {
		return err
	}
	next := *p
	next.attrs, next.state, next.gone, next.dirty = nil, nil, true, true
	u.own.projections[u.key(name)] = &next
	return nil
}

// Projections returns the projections of the kind that have all attributes, in
// order of their names. All of them: for kinds that stay small.
func (u *Unit) Projections(kind string, where ...Attr) ([]Row, error) {
	names, err := u.search(projectionTables, kind, where)
	if err != nil {
		return nil, err
	}
	if err := u.g.projections(u.work.Organization, names); err != nil {
		return nil, err
	}
	u.addWritten(names, projectionTables, kind)
	out := make([]Row, 0, len(names))
	for name := range names {
		p := u.own.projections[u.key(name)]
		if p == nil {
			p = u.g.seen.projections[u.key(name)] // nil while looking ahead
		}
		if p == nil || p.gone || p.dirty && (p.kind != kind || !p.attrs.match(where)) {
			continue
		}
		out = append(out, Row{Organization: u.work.Organization, Name: name, Version: p.version, State: p.state, Time: instant(p.updated)})
	}
	slices.SortFunc(out, func(a, b Row) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// projections makes the named projections known, all at once.
func (g *group) projections(organization string, names map[string]bool) error {
	missing := map[key]bool{}
	for name := range names {
		if at := (key{organization, name}); g.seen.projections[at] == nil {
			missing[at] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return g.need(func(w *wanted) { maps.Copy(w.projections, missing) })
}

func (u *Unit) projection(name string) (*projection, error) {
	at := u.key(name)
	if p, ok := u.own.projections[at]; ok {
		return p, nil
	}
	return u.g.projection(at)
}

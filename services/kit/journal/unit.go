package journal

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
)

// Unit is what a decision may read and say. It sees what is committed and what
// the writes decided before it in the same group have changed, and of its own
// write what it has said so far; only rows of the write's organisation.
//
// An error of the database ends the whole group: a closure may return it, or go
// on, nothing of the group is stored either way. Not safe for concurrent use,
// and not to be kept after the closure.
type Unit struct {
	g      *group
	work   *Work
	now    time.Time
	own    overlay
	known  map[string]bool // resources whose version this unit has seen
	rules  []*typev1.RuleRef
	warned []*typev1.RuleRef
	answer string
	last   map[string]*eventv1.Event
	failed error
	over   bool
}

func newUnit(g *group, w *Work) *Unit {
	now := g.now
	if !w.Time.IsZero() {
		now = clock.Stamp(w.Time)
	}
	return &Unit{g: g, work: w, now: now, own: newOverlay(), known: map[string]bool{}, last: map[string]*eventv1.Event{}}
}

// Time returns when what is decided happened, in UTC and whole microseconds.
func (u *Unit) Time() time.Time { return u.now }

// Organization returns the write's organisation.
func (u *Unit) Organization() string { return u.work.Organization }

// Get reads the resource into the message and returns its version. Without it
// there is no Update. RESOURCE_NOT_FOUND leaves the message as it was.
func (u *Unit) Get(name string, into proto.Message) (int64, error) {
	r, err := u.resource(name)
	if err != nil {
		return 0, err
	}
	if r.version == 0 {
		return 0, notFound(name)
	}
	if err := proto.Unmarshal(r.state, into); err != nil {
		return 0, u.fail(fmt.Errorf("state of %s: %w", name, err))
	}
	u.known[name] = true
	return r.version, nil
}

// Create stores a new resource as version 1, with the event that says what
// happened. RESOURCE_EXISTS if there is one of that name; CAUSE_TOO_DEEP as Update.
func (u *Unit) Create(name string, state, change proto.Message) error {
	r, err := u.resource(name)
	if err != nil {
		return err
	}
	if r.version > 0 {
		return fault.New(fault.AlreadyExists, ReasonExists, "name", name)
	}
	k := u.g.j.kinds.of(name)
	if k == nil {
		return u.fail(fmt.Errorf("create %s: no kind of this journal has such names", name))
	}
	complaint := k.complaint(name, state)
	shardKey := complaint
	if shardKey == "" {
		shardKey = name
	}
	return u.put(name, &resource{
		kind: k, complaint: complaint, shard: int32(u.g.j.ShardOf(shardKey)),
		base: r.base, created: u.g.now.UnixMicro(),
	}, state, change)
}

// Update stores the next version of a resource this Unit has read or created,
// with the event that says what happened. Each Update is a version and an event
// of its own. CAUSE_TOO_DEEP if too many causes lie before the event.
func (u *Unit) Update(name string, state, change proto.Message) error {
	if !u.known[name] {
		return u.fail(fmt.Errorf("update %s: not read before in this unit", name))
	}
	r, err := u.resource(name)
	if err != nil {
		return err
	}
	next := *r
	return u.put(name, &next, state, change)
}

// put makes r the next version of the resource; r is a copy the unit may change.
func (u *Unit) put(name string, r *resource, state, change proto.Message) error {
	if u.over {
		return errors.New("journal: a unit was kept after its write")
	}
	if u.work.Depth > MaxDepth {
		return fault.New(fault.FailedPrecondition, ReasonTooDeep, "limit", strconv.Itoa(MaxDepth))
	}
	if state == nil || change == nil {
		return u.fail(fmt.Errorf("write %s: state and change must be given", name))
	}
	body, err := deterministic.Marshal(state)
	if err != nil {
		return u.fail(fmt.Errorf("state of %s: %w", name, err))
	}
	previous := r.digest
	if planted.Is("chain not linked") {
		previous = nil
	}
	r.state, r.version, r.dirty = body, r.version+1, true
	r.attrs = r.kind.attrs(state)
	r.updated = u.g.now.UnixMicro()
	r.timer = nil
	if r.kind.Timer != nil {
		if at, generation, ok := r.kind.Timer(state); ok {
			r.timer = &Timer{Organization: u.work.Organization, Name: name, Shard: r.shard, At: clock.Stamp(at), Generation: generation}
		}
	}
	event, err := u.event(name, r, previous, state, change)
	if err != nil {
		return u.fail(err)
	}
	if parent := parentOf(name); r.version == 1 && parent != "" {
		f := family{u.key(parent), r.kind}
		u.own.born[f] = append(u.own.born[f], name)
	}
	if !planted.Is("digest of the row not renewed") || r.version == 1 {
		r.digest = event.Digest
	}
	u.own.resources[u.key(name)] = r
	u.wrote(resourceTables, r.kind.Pattern, name)
	u.own.events = append(u.own.events, event)
	u.last[name] = event
	u.known[name] = true
	if u.answer == "" {
		u.answer = name
	}
	return nil
}

// event composes the event of r's new version; it gets its number when the group is written.
func (u *Unit) event(name string, r *resource, previous []byte, state, change proto.Message) (*eventv1.Event, error) {
	what := &anypb.Any{}
	if err := anypb.MarshalFrom(what, change, deterministic); err != nil {
		return nil, fmt.Errorf("change of %s: %w", name, err)
	}
	body, err := deterministic.Marshal(&eventv1.EventBody{
		OccurTime:   timestamppb.New(u.now),
		Actor:       u.work.Actor,
		Change:      what,
		State:       &anypb.Any{TypeUrl: typeURL(state), Value: r.state},
		Rules:       u.rules,
		Warnings:    u.warned,
		Traceparent: u.work.Traceparent,
	})
	if err != nil {
		return nil, fmt.Errorf("event of %s: %w", name, err)
	}
	event := &eventv1.Event{
		Service: u.g.j.o.Service, Shard: r.shard, Organization: u.work.Organization,
		Resource: name, Version: r.version, Complaint: r.complaint,
		Type:       string(change.ProtoReflect().Descriptor().FullName()),
		RecordTime: timestamppb.New(u.g.now), Body: body, PreviousDigest: previous,
		Cause: u.work.Cause, Depth: u.work.Depth,
	}
	event.Digest = Digest(event)
	return event, nil
}

// Because names the rules that lead to the events which follow in this Unit,
// until it is called again; no rules for none.
func (u *Unit) Because(rules ...*typev1.RuleRef) { u.rules = slices.Clone(rules) }

// Warn names a rule that warns of what this Unit does: the events that follow carry
// it, once. Source: PROCEDURES K13.
func (u *Unit) Warn(rule *typev1.RuleRef) {
	if !slices.ContainsFunc(u.warned, func(r *typev1.RuleRef) bool { return r.GetRule() == rule.GetRule() }) {
		u.warned = append(slices.Clip(u.warned), rule)
	}
}

// Answer names the resource the caller's answer is made from, now and when the
// request is repeated. It must have been read or written by the end of the Unit.
// Default: the first written.
func (u *Unit) Answer(name string) { u.answer = name }

// Children returns the names of the resources of the kind under the parent, in
// order. Cost: one statement that reads them all, so that Get costs none; nothing
// where the parent is new, or the kind is read with its parent, see [Kind].
func (u *Unit) Children(parent, kind string) ([]string, error) {
	k := u.g.j.kinds.byPattern(kind)
	if k == nil {
		return nil, u.fail(fmt.Errorf("children of %s: no kind %s", parent, kind))
	}
	f := family{u.key(parent), k}
	stored, err := u.g.family(f, u.own.resources[f.parent])
	if err != nil {
		return nil, err
	}
	names := slices.Concat(stored, u.g.seen.born[f], u.own.born[f])
	slices.Sort(names)
	return names, nil
}

// Find returns the names of the resources of the kind that have all attributes, in order.
func (u *Unit) Find(kind string, where ...Attr) ([]string, error) {
	k := u.g.j.kinds.byPattern(kind)
	if k == nil {
		return nil, u.fail(fmt.Errorf("find %s: no such kind", kind))
	}
	names, err := u.search(resourceTables, kind, where)
	if err != nil {
		return nil, err
	}
	u.addWritten(names, resourceTables, kind)
	for name := range names {
		r := u.own.resources[u.key(name)]
		if r == nil {
			r = u.g.seen.resources[u.key(name)]
		}
		if r != nil && r.dirty {
			names[name] = r.kind == k && r.attrs.match(where)
		}
	}
	return sortedTrue(names), nil
}

// wrote notes that the unit has written a resource or projection.
func (u *Unit) wrote(t tables, kind, name string) {
	c := collection{t, u.work.Organization, kind}
	u.own.written[c] = append(u.own.written[c], name)
}

// addWritten adds to names what the group and the unit have written of the kind.
func (u *Unit) addWritten(names map[string]bool, t tables, kind string) {
	c := collection{t, u.work.Organization, kind}
	for _, layer := range []*overlay{&u.g.seen, &u.own} {
		for _, name := range layer.written[c] {
			names[name] = true
		}
	}
}

// search returns the names that the database has. Those of a kind, or with one
// attribute, are looked up for the members behind this one too; several attributes
// are a statement of their own.
func (u *Unit) search(t tables, kind string, where []Attr) (map[string]bool, error) {
	names := map[string]bool{}
	if len(where) <= 1 {
		s := search{collection: collection{t, u.work.Organization, kind}}
		if len(where) == 1 {
			s.where = where[0]
		}
		found, err := u.g.find(s)
		for _, name := range found {
			names[name] = true
		}
		return names, err
	}
	if u.g.ahead != nil {
		u.g.guessed = true
		return names, nil
	}
	err := find(u.g.ctx, u.g.tx, t, u.work.Organization, kind, where, func(name string) { names[name] = true })
	if err != nil {
		return nil, u.g.fail(err)
	}
	return names, nil
}

func sortedTrue(names map[string]bool) []string {
	var out []string
	for name, in := range names {
		if in {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// outcome sums the unit up after its closure has returned.
func (u *Unit) outcome() *outcome {
	o := &outcome{}
	if u.answer == "" {
		if n := len(u.own.events); n > 0 {
			o.event = u.own.events[n-1]
		}
		return o
	}
	r, err := u.resource(u.answer)
	switch {
	case err != nil:
		return &outcome{err: err}
	case r.version == 0:
		return &outcome{err: fault.New(fault.Internal, fault.ReasonInternal).Wrap(fmt.Errorf("answer with %s: there is none", u.answer))}
	}
	o.receipt = Receipt{Resource: u.answer, Version: r.version, State: r.state, Digest: r.digest}
	o.event = u.last[u.answer]
	if n := len(u.own.events); o.event == nil && n > 0 {
		o.event = u.own.events[n-1]
	}
	return o
}

// Creates says of names that only the decision knows what [Work.Creates] says of
// others: they were made for this write, and need not be looked for.
func (u *Unit) Creates(names ...string) {
	if u.g.careful {
		return
	}
	for _, name := range names {
		at, k := u.key(name), u.g.j.kinds.of(name)
		if !u.g.seen.knows(at, k) {
			u.own.takeAsAbsent(at, k)
		}
	}
}

// resource returns the row as this unit sees it; it is not to be changed.
func (u *Unit) resource(name string) (*resource, error) {
	at := u.key(name)
	if r, ok := u.own.resources[at]; ok {
		return r, nil
	}
	if r, ok := u.g.seen.resources[at]; ok {
		return r, nil
	}
	if !u.g.careful && u.isNew(u.key(parentOf(name))) {
		return &resource{kind: u.g.j.kinds.of(name)}, nil
	}
	return u.g.resource(at)
}

// isNew reports that this unit, or one before it in the group, creates the resource.
// Under what is new there is nothing that this group has not made.
func (u *Unit) isNew(at key) bool {
	r := u.own.resources[at]
	if r == nil {
		r = u.g.seen.resources[at]
	}
	return r != nil && r.base == 0 && r.version > 0
}

func (u *Unit) key(name string) key { return key{u.work.Organization, name} }

// fail records a defect of the closure, so that the write is refused even if the closure ignores it.
func (u *Unit) fail(err error) error {
	f := fault.New(fault.Internal, fault.ReasonInternal).Wrap(err)
	if u.failed == nil {
		u.failed = f
	}
	return f
}

func notFound(name string) error { return fault.New(fault.NotFound, ReasonNotFound, "name", name) }

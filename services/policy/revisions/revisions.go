// Package revisions gives services their compiled policies, by the name of the
// revision a resource began under.
//
// A revision arrives over routing's feed with its resolved bytes and is stored in
// each service's own database before use, so no decision needs another service.
// Compiling takes milliseconds and happens on first use; what was compiled is
// kept by digest, shared by all organisations.
//
// Start reading at [Revisions.Get]; [Unit] and [Journal] are where revisions are read from.
//
// Source: DESIGN section 6.
package revisions

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
)

// Pattern is the shape of the names of revisions.
const Pattern = "packs/*/revisions/*"

// ReasonNoActive says that the organisation has no policy in force.
const ReasonNoActive = "NO_ACTIVE_POLICY"

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{{
		Reason: ReasonNoActive, Kind: fault.FailedPrecondition,
		ZH: "本组织尚未启用投诉处理政策，请先启用一个政策包。",
		EN: "No complaint policy is in force in this organisation; activate a policy pack first.",
	}}
}

// keep is how many compiled policies stay in memory; one takes some hundred kilobytes.
const keep = 64

// mostHeard bounds what is known to be in the store, which is read again.
const mostHeard = 10_000

// Source is where a service has its revisions.
type Source interface {
	// Revision puts the named revision into r; the fault RESOURCE_NOT_FOUND if there is none.
	Revision(name string, r *policyv1.Revision) error
	// Active returns the names of revisions in force: one, or none.
	Active() ([]string, error)
}

// Revisions compiles and keeps policies. Safe for concurrent use.
type Revisions struct {
	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List

	active journal.Standing[organization, inForce]
	named  journal.Standing[named, *policy.Policy]
	known  map[organization]inForce // as last read; under mu
	heard  map[named]string         // digests of revisions that are in the store; under mu
}

// organization is whose policy is read, and where from.
type organization struct {
	name string
	own  bool
}

// named is one revision of theirs.
type named struct {
	organization
	revision string
}

// inForce is the revision in force in an organisation. version is that of its row.
type inForce struct {
	version  int64
	policy   *policy.Policy
	revision *policyv1.Revision
}

type compiled struct {
	digest string
	policy *policy.Policy
}

// New returns an empty cache.
func New() *Revisions {
	return &Revisions{
		byKey: map[string]*list.Element{}, order: list.New(), known: map[organization]inForce{}, heard: map[named]string{},
		active: journal.Standing[organization, inForce]{Kind: Pattern}, named: journal.Standing[named, *policy.Policy]{Kind: Pattern},
	}
}

// Get returns the policy of the named revision.
// Faults: RESOURCE_NOT_FOUND. Cost: one read, which from a [Journal] is shared
// ([journal.Standing]), and a compilation on first use; in a decision nothing once it
// was read: a revision is named by its content and never deleted.
func (r *Revisions) Get(source Source, name string) (*policy.Policy, error) {
	switch from := source.(type) {
	case Journal:
		return r.named.Get(from.Context, from.J, named{organization{from.Organization, from.Own}, name}, func(ctx context.Context) (*policy.Policy, error) {
			p, _, err := r.get(Journal{Context: ctx, J: from.J, Organization: from.Organization, Own: from.Own}, name)
			return p, err
		})
	case Unit:
		of := named{organization{from.U.Organization(), from.Own}, name}
		if p, ok := r.cached(r.digestOf(of)); ok {
			return p, nil
		}
		p, digest, err := r.get(from, name)
		if err == nil {
			r.remember(of, digest)
		}
		return p, err
	}
	p, _, err := r.get(source, name)
	return p, err
}

func (r *Revisions) get(source Source, name string) (p *policy.Policy, digest string, err error) {
	var revision policyv1.Revision
	if err := source.Revision(name, &revision); err != nil {
		return nil, "", err
	}
	p, err = r.compile(&revision)
	return p, revision.GetDigest(), err
}

// digestOf returns the digest of a revision that is known to be in the store.
func (r *Revisions) digestOf(of named) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard[of]
}

func (r *Revisions) remember(of named, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heard) >= mostHeard {
		clear(r.heard)
	}
	r.heard[of] = digest
}

// Active returns the policy in force and its revision, which is shared: do not
// change it. Faults: NO_ACTIVE_POLICY. Cost: one read, which from a [Journal] is
// shared ([journal.Standing]).
func (r *Revisions) Active(source Source) (*policy.Policy, *policyv1.Revision, error) {
	if j, ok := source.(Journal); ok {
		f, err := r.active.Get(j.Context, j.J, organization{j.Organization, j.Own}, func(ctx context.Context) (inForce, error) {
			return r.read(Journal{Context: ctx, J: j.J, Organization: j.Organization, Own: j.Own})
		})
		return f.policy, f.revision, err
	}
	names, err := source.Active()
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonNoActive)
	}
	var revision policyv1.Revision
	if err := source.Revision(names[0], &revision); err != nil {
		return nil, nil, err
	}
	p, err := r.compile(&revision)
	return p, &revision, err
}

// read returns what is in force, decoded anew only when its row has changed: a
// pack with its source has some ten kilobytes.
func (r *Revisions) read(j Journal) (inForce, error) {
	rows, err := j.active()
	if err != nil {
		return inForce{}, err
	}
	if len(rows) == 0 {
		return inForce{}, fault.New(fault.FailedPrecondition, ReasonNoActive)
	}
	row, of := rows[0], organization{j.Organization, j.Own}
	r.mu.Lock()
	f, ok := r.known[of]
	r.mu.Unlock()
	if ok && f.revision.GetName() == row.Name && f.version == row.Version {
		return f, nil
	}
	f = inForce{version: row.Version, revision: &policyv1.Revision{}}
	if err := proto.Unmarshal(row.State, f.revision); err != nil {
		return inForce{}, fmt.Errorf("state of %s: %w", row.Name, err)
	}
	if f.policy, err = r.compile(f.revision); err != nil {
		return inForce{}, err
	}
	r.mu.Lock()
	r.known[of] = f
	r.mu.Unlock()
	return f, nil
}

func (r *Revisions) compile(revision *policyv1.Revision) (*policy.Policy, error) {
	if p, ok := r.cached(revision.GetDigest()); ok {
		return p, nil
	}
	var pack policyv1.Pack
	if err := proto.Unmarshal(revision.GetResolved(), &pack); err != nil {
		return nil, fmt.Errorf("pack of %s: %w", revision.GetName(), err)
	}
	p, findings := policy.Compile(&pack, policy.Options{Parameters: revision.GetParameters()})
	if p == nil {
		errs := []error{fmt.Errorf("pack of %s does not compile", revision.GetName())}
		for _, f := range findings {
			errs = append(errs, errors.New(f.String()))
		}
		return nil, errors.Join(errs...)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.byKey[revision.GetDigest()]; ok {
		return e.Value.(compiled).policy, nil
	}
	r.byKey[revision.GetDigest()] = r.order.PushFront(compiled{revision.GetDigest(), p})
	if r.order.Len() > keep {
		last := r.order.Back()
		delete(r.byKey, last.Value.(compiled).digest)
		r.order.Remove(last)
	}
	return p, nil
}

func (r *Revisions) cached(digest string) (*policy.Policy, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.byKey[digest]
	if !ok {
		return nil, false
	}
	r.order.MoveToFront(e)
	return e.Value.(compiled).policy, true
}

// inForceAmong returns the row of the revision in force, or none: of the active ones
// the one activated last, else of the retired ones. A revision is retired by the next
// one only, and a service that hears of both from routing's feed does so in any order,
// since they lie in two shards: for a moment both are active there, or neither is.
func inForceAmong(of func(where journal.Attr) ([]journal.Row, error)) ([]journal.Row, error) {
	for _, state := range []policyv1.Revision_State{policyv1.Revision_STATE_ACTIVE, policyv1.Revision_STATE_RETIRED} {
		rows, err := of(journal.Attr{Name: "state", Value: state.String()})
		if err != nil {
			return nil, err
		}
		if len(rows) < 2 {
			if len(rows) == 1 {
				return rows, nil
			}
			continue
		}
		var last journal.Row
		var at time.Time
		for _, row := range rows {
			var r policyv1.Revision
			if err := proto.Unmarshal(row.State, &r); err != nil {
				return nil, fmt.Errorf("state of %s: %w", row.Name, err)
			}
			if t := r.GetActivateTime().AsTime(); last.Name == "" || t.After(at) {
				last, at = row, t
			}
		}
		return []journal.Row{last}, nil
	}
	return nil, nil
}

// Unit reads revisions inside a decision: those received from routing, or the
// service's own where it is routing.
type Unit struct {
	// U is the unit of the decision.
	U *journal.Unit
	// Own says that the service owns revisions.
	Own bool
}

// Revision implements [Source].
func (s Unit) Revision(name string, r *policyv1.Revision) error {
	if s.Own {
		_, err := s.U.Get(name, r)
		return err
	}
	_, ok, err := s.U.Projection(name, r)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, journal.ReasonNotFound, "name", name)
	}
	return err
}

// Active implements [Source].
func (s Unit) Active() ([]string, error) {
	if s.Own { // both changes are one transaction there
		return s.U.Find(Pattern, journal.Attr{Name: "state", Value: policyv1.Revision_STATE_ACTIVE.String()})
	}
	rows, err := inForceAmong(func(where journal.Attr) ([]journal.Row, error) { return s.U.Projections(Pattern, where) })
	return names(rows), err
}

// Journal reads revisions outside a decision.
type Journal struct {
	// Context bounds the reads.
	Context context.Context
	// J is the service's journal.
	J *journal.Journal
	// Organization is whose revisions are read.
	Organization string
	// Own says that the service owns revisions.
	Own bool
}

// Revision implements [Source].
func (s Journal) Revision(name string, r *policyv1.Revision) error {
	if s.Own {
		_, err := s.J.Get(s.Context, s.Organization, name, r)
		return err
	}
	_, ok, err := s.J.Projection(s.Context, s.Organization, name, r)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, journal.ReasonNotFound, "name", name)
	}
	return err
}

// Active implements [Source].
func (s Journal) Active() ([]string, error) {
	rows, err := s.active()
	return names(rows), err
}

func (s Journal) active() ([]journal.Row, error) {
	list := s.J.Projections
	if s.Own {
		list = s.J.List
	}
	return inForceAmong(func(where journal.Attr) (rows []journal.Row, err error) {
		q := journal.Query{Organization: s.Organization, Kind: Pattern, Where: []journal.Attr{where}, Limit: 100}
		for {
			page, err := list(s.Context, q)
			rows = append(rows, page.Rows...)
			if err != nil || page.Next == "" {
				return rows, err
			}
			q.After = page.Next
		}
	})
}

func names(rows []journal.Row) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Name
	}
	return out
}

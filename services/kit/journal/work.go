package journal

import (
	"context"
	"strconv"
	"time"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
)

// Work is everything about a write except the decision itself. What it points to
// must not change until the write has answered.
type Work struct {
	// Organization is the boundary of everything the write reads and changes.
	Organization string
	// Key is the complaint, or the resource where there is none. Writes of one
	// key run in the order they came.
	Key string
	// Request makes the write repeatable; nil or without an id: it is not.
	Request *Request
	// Cause is the event reacted to; nil for a caller's or timer's act.
	Cause *eventv1.Cause
	// Depth is how many causes lie before the events of this write, 0 for a caller's act.
	Depth int32
	// Actor is who acts.
	Actor *eventv1.Actor
	// Time is when it happened; zero means when it is decided.
	Time time.Time
	// Reads are names the decision will Get or project. They are fetched for the
	// whole group at once; others are fetched one by one.
	Reads []string
	// Creates are names of resources and projections made for this write, which
	// nobody else can have chosen: they are taken as absent, and compared when the
	// group is written. What only the decision knows is said by [Unit.Creates].
	Creates []string
	// Serials are keys the decision will take a Serial of; fetched like Reads.
	Serials []string
	// Tallies are keys the decision will take a Tally of; fetched like Reads.
	Tallies []string
	// Lookups are what the decision will search for; made like Reads, and what they
	// find is read as well, in one more round trip for the group.
	Lookups []Lookup
	// Advance moves the position of a feed in the same transaction; nil for none.
	Advance *Advance
	// Traceparent joins the events to the trace of their request.
	Traceparent string
}

// Lookup searches the resources, or the projections, of a kind for an attribute, as
// [Unit.Find] and [Unit.Projections] do.
type Lookup struct {
	// Kind is the pattern of resources of this service, else the kind of projections.
	Kind string
	// Where is the attribute; the zero value finds all of the kind.
	Where Attr
}

// Request identifies a call that may be repeated.
type Request struct {
	// Principal, Method and ID are the key, beside the organisation.
	Principal, Method, ID string
	// Digest of the content, keyed if that is personal. A repetition with another one is refused.
	Digest []byte
	// Forever remembers the call without end, as money needs; else 30 days.
	Forever bool
}

// RequestRetention is how long an answered request is remembered. Source: DESIGN section 3.
const RequestRetention = 30 * 24 * time.Hour

// MaxDepth is how many causes may lie before an event. Source: DESIGN section 4.
const MaxDepth = 16

// Advance moves the position of a feed from the one that was read.
type Advance struct {
	// Source is the service whose events are applied, Shard the shard there.
	Source string
	Shard  int32
	// From is the position read, 0 for none; it is compared. To is the position after.
	From, To int64
	// FromDigest is the digest that was read with From; compared too unless empty.
	FromDigest []byte
	// Digest is that of the event at To.
	Digest []byte
}

// Receipt says what a write did.
type Receipt struct {
	// Replayed: nothing was done now; the receipt is of the first time.
	Replayed bool
	// Resource is the one the answer is made from: the first written, or that of
	// [Unit.Answer]; "" if none was.
	Resource string
	// Version of that resource after the write.
	Version int64
	// State is its serialized state in that version.
	State []byte
	// Position is that of its event, or of the write's last one if the resource
	// was only read; nil if there is none.
	Position *eventv1.Position
	// Digest is that of the same event.
	Digest []byte
}

// Result is a receipt or what prevented it.
type Result struct {
	Receipt Receipt
	Err     error
}

// Write decides and stores. It returns when the result stands.
//
// fn may run again, with nothing left of the time before, and must therefore set
// all it sets outside anew; it must not keep the Unit, and must not write to the
// journal. It runs after everything that was committed or decided before it for
// the same key. If it returns an error, nothing is stored and the error is
// returned unchanged; if it panics, that is an error of this write only.
//
// A write whose ctx ends before it is taken up is not run: CANCELLED or
// DEADLINE_EXCEEDED. Once taken up it is waited for: what is committed stands.
//
// Other reasons: REQUEST_ID_REUSED, FEED_POSITION_MOVED, WRITE_CONFLICT (lost
// repeatedly to other processes), STORE_UNAVAILABLE (nothing was stored),
// STORE_OUTCOME_UNKNOWN (the connection broke during the commit; a request with
// an id can safely be repeated).
//
// Source: DESIGN section 3.
func (j *Journal) Write(ctx context.Context, w Work, fn func(*Unit) error) (Receipt, error) {
	return j.wait(ctx, j.submit(ctx, j.ShardOf(w.Key), w, fn))
}

func (j *Journal) wait(ctx context.Context, m *member) (Receipt, error) {
	select {
	case r := <-m.result:
		return r.Receipt, r.Err
	case <-ctx.Done():
		if m.state.CompareAndSwap(memberWaits, memberGone) {
			return Receipt{}, givenUp(ctx)
		}
		r := <-m.result
		return r.Receipt, r.Err
	}
}

// Submit is Write without waiting: writes of one key take effect in the order of
// their Submits. The channel gets exactly one result.
func (j *Journal) Submit(ctx context.Context, w Work, fn func(*Unit) error) <-chan Result {
	return j.submit(ctx, j.ShardOf(w.Key), w, fn).result
}

func givenUp(ctx context.Context) error {
	if ctx.Err() == context.DeadlineExceeded {
		return fault.New(fault.Unavailable, fault.ReasonDeadline).Wrap(ctx.Err())
	}
	return fault.New(fault.Unavailable, fault.ReasonCancelled).Wrap(ctx.Err())
}

// Etag returns the etag of a version.
func Etag(version int64) string { return strconv.FormatInt(version, 10) }

// CheckEtag returns ETAG_MISMATCH unless etag is that of the version.
func CheckEtag(version int64, etag string) error {
	if etag != Etag(version) {
		return fault.New(fault.Aborted, ReasonEtagMismatch, "etag", etag, "current", Etag(version))
	}
	return nil
}

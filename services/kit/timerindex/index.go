package timerindex

import (
	"context"
	"errors"
	"time"
)

// Entry is a member and when it falls due.
type Entry struct {
	Member
	// At is when it falls due; the index keeps whole milliseconds, rounded up, so
	// that it is never early.
	At time.Time
}

// Claim asks for members that are due.
type Claim struct {
	// Now is the business instant; members due at it or before are taken.
	Now time.Time
	// Limit is the most that are taken, at least 1.
	Limit int
	// Until is when the lease on them ends, by the clock that Now is of.
	Until time.Time
}

// Claimed is what a claim took.
type Claimed struct {
	// Entries in the order in which they fell due. At of one whose lease had ended
	// before may be the end of that lease.
	Entries []Entry
	// Next is when the earliest of the rest falls due, not after Now if the limit
	// left some behind; zero if nothing is armed.
	Next time.Time
}

// Heartbeat is what a shard of the index knows of its own past.
type Heartbeat struct {
	// Number is raised by every beat; 0 means none.
	Number int64 `json:"number"`
	// Incarnation names the server and its history (run id and replication id, or
	// a token of the process); empty if it cannot be told.
	Incarnation string `json:"incarnation"`
}

// Index holds the timers of the shards of one store.
//
// Every call is atomic for the shard it names and safe for concurrent use by many
// processes. Errors are those of the transport: a call that failed may or may not
// have had its effect, and every call may be repeated.
type Index interface {
	// Arm sets when members fall due, replacing what was set for the same member,
	// and forgets the generation before each. Leases are not touched.
	Arm(ctx context.Context, shard int32, entries ...Entry) error

	// Drop forgets members that have not been claimed.
	Drop(ctx context.Context, shard int32, members ...Member) error

	// Claim takes the earliest members that are due, at most so many, and leases
	// them: until the lease ends nobody else gets them.
	Claim(ctx context.Context, shard int32, claim Claim) (Claimed, error)

	// Ack ends leases for good: the members are done with.
	Ack(ctx context.Context, shard int32, members ...Member) error

	// Return makes members due again whose leases have ended at now, at most limit
	// of them, and returns how many they were.
	Return(ctx context.Context, shard int32, now time.Time, limit int) (int, error)

	// Beat raises the heartbeat of a shard and returns it. The shard is lost if it
	// has no heartbeat, a lower one than the one remembered, or another
	// incarnation; then nothing is raised, and the shard must be rebuilt.
	Beat(ctx context.Context, shard int32, remembered Heartbeat) (beat Heartbeat, lost bool, err error)

	// Rebuild lets fill arm everything anew and then gives the shard a heartbeat
	// above the one remembered. What is armed already stays, so firing goes on
	// meanwhile. It fails with ErrLostAgain if the index forgot while being filled,
	// and with the error of fill; either way the shard stays lost.
	Rebuild(ctx context.Context, shard int32, remembered Heartbeat, fill func() error) (Heartbeat, error)
}

// ErrLostAgain says that a shard was lost while it was being rebuilt.
var ErrLostAgain = errors.New("timer index: the shard was lost while it was rebuilt")

// milliseconds rounds an instant up.
func milliseconds(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.After(time.UnixMilli(ms)) {
		ms++
	}
	return ms
}

// instant is the other way.
func instant(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

package journal

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
)

// placeRun is how many new things of a lane are put into one shard before the
// next one's turn: about two groups of a busy journal.
const placeRun = 32

// NewID returns an id for a new resource of the collection, such as "complaints":
// a UUIDv7, so that names sort by time, whose last digits put the resource into
// the shard that has its turn. What many callers create at the same time then
// raises one head and one serial number in a group, not one for each of them; each
// lane has a shard of its own, and every shard gets the same share in the end.
// Another process begins with other shards. Cost: some hundred nanoseconds.
func (j *Journal) NewID(collection string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	const digits = 4 // of the last two bytes
	name := []byte(collection + "/" + id.String())
	before := fnv1a(fnvOffset, name[:len(name)-digits])
	want := j.turn(j.placing.Add(1))
	for range 1 << 12 {
		if j.shard(fnv1a(before, name[len(name)-digits:])) == want {
			break
		}
		last := id[len(id)-digits/2:]
		binary.BigEndian.PutUint16(last, binary.BigEndian.Uint16(last)+1)
		hex.Encode(name[len(name)-digits:], last)
	}
	return id.String(), nil
}

// turn returns the shard of the n-th new thing: lanes take turns, and so do the
// shards of each.
func (j *Journal) turn(n uint64) int {
	lanes, shards := uint64(len(j.lanes)), uint64(j.o.Shards)
	if shards < lanes {
		return int(n % shards)
	}
	lane, run := n%lanes, n/lanes/placeRun
	of := (shards - lane + lanes - 1) / lanes // how many shards the lane has
	return int(lane + run%of*lanes)
}

// anyTurn returns where a process begins, so that two of one store do not go the
// same way at the same time.
func anyTurn() uint64 { return rand.Uint64N(1 << 40) } //nolint:gosec // spreads work; guards nothing

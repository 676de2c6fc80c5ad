// Package ledger keeps, outside everything that may be killed, what the suite has
// acknowledged: an append-only file of one line of JSON each, synced to disk.
package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// The acts.
const (
	// Create is a complaint registered; ID, Mark, Name and Number are known.
	Create = "create"
	// Repeat is a request sent again under the same id; Name and Number as answered.
	Repeat = "repeat"
	// Refused is other content under an id in use, and Code what was answered.
	Refused = "refused"
	// Unknown is a request that was never answered, after all repetitions.
	Unknown = "unknown"
	// Step is one answered step of a claim's way; Mark says which.
	Step = "step"
	// Paid is an order to pay that was answered; Number is the order, Mark the amount.
	Paid = "paid"
	// Withdrawn is a withdrawal that was answered; Name is the complaint.
	Withdrawn = "withdrawn"
	// Paused and Resumed are clocks; Name is the clock, Mark the due time answered.
	Paused  = "paused"
	Resumed = "resumed"
)

// Entry is one line.
type Entry struct {
	// Time is when the answer was there, in microseconds of the Unix epoch.
	Time int64 `json:"time"`
	// Act is one of the above.
	Act string `json:"act"`
	// ID is the request's.
	ID string `json:"id"`
	// Name and Number of the resource that was answered.
	Name   string `json:"name,omitempty"`
	Number string `json:"number,omitempty"`
	// Mark is what the content is known by.
	Mark string `json:"mark,omitempty"`
	// Code is the status, if it is no success.
	Code string `json:"code,omitempty"`
}

// Ledger is the file. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	file    *os.File
	waiting []line
	busy    bool
	done    *sync.Cond
	counts  map[string]int
}

type line struct {
	raw []byte
	ok  chan error
}

// Open begins a ledger; the file must not exist.
func Open(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Ledger{file: f, counts: map[string]int{}}
	l.done = sync.NewCond(&l.mu)
	return l, nil
}

// Add appends an entry and returns once it is on disk; who waits at the same time shares a sync.
func (l *Ledger) Add(e Entry) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	mine := line{append(raw, '\n'), make(chan error, 1)}
	l.mu.Lock()
	if e.Code == "" && e.Act != Unknown {
		l.counts[e.Act]++
	} else {
		l.counts[notAcknowledged]++
	}
	l.waiting = append(l.waiting, mine)
	lead := !l.busy
	l.busy = true
	l.mu.Unlock()
	if lead {
		l.write()
	}
	return <-mine.ok
}

// write writes what waits until nothing does.
func (l *Ledger) write() {
	for {
		l.mu.Lock()
		group := l.waiting
		l.waiting = nil
		if len(group) == 0 {
			l.busy = false
			l.done.Broadcast()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		var all []byte
		for _, g := range group {
			all = append(all, g.raw...)
		}
		_, err := l.file.Write(all)
		if err == nil {
			err = l.file.Sync()
		}
		for _, g := range group {
			g.ok <- err
		}
	}
}

// notAcknowledged counts refusals and what was never answered.
const notAcknowledged = "not acknowledged"

// Count returns how many successes of an act there are; of any act for "".
func (l *Ledger) Count(act string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if act != "" {
		return l.counts[act]
	}
	n := 0
	for a, c := range l.counts {
		if a != notAcknowledged {
			n += c
		}
	}
	return n
}

// Close ends the ledger.
func (l *Ledger) Close() error {
	l.mu.Lock()
	for l.busy {
		l.done.Wait()
	}
	l.mu.Unlock()
	return l.file.Close()
}

// Read returns every entry of a file.
func Read(path string) (_ []Entry, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var out []Entry
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, len(out)+1, err)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

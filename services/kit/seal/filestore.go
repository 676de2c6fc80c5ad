package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"example.com/redress/services/kit/fault"
)

// FileStore keeps the keys of data subjects in one file that only grows, in a
// folder of its own: apart from the database and never in the same backup, or
// an erasure would come back with it. Only intake opens one. Keys of new subjects
// are made ahead, see [FileStore.Reserve].
//
//	<folder>/keys.log    slots of 128 bytes, see slot.go; mode 0600
//
// A key is on the disk before it is lent: those who ask for new keys at the
// same time share one sync. Destroying a key first appends that it is gone and
// then overwrites its slot in place, so the log holds no key of an erased
// subject and what is lost in a crash between the two is done at the next
// opening.
//
// The file is longer than what is used, and zeros follow: writing where there is
// room already makes a sync half as dear.
//
// Several processes of one machine may share the folder, or of several where
// the file system locks across them (flock). A slot behind the last one known
// tells them that another one wrote. In memory a subject costs about 60 bytes; unwrapped
// keys are not kept. Methods are safe for concurrent use.
//
// Source: docs/adr/0012.
type FileStore struct {
	file *os.File
	wrap *box

	turn sync.Mutex        // one goroutine at a time holds the file's lock
	read bool              // whether all of the log was read once; under turn
	left map[uint32]slotID // slots still to be overwritten; under turn

	mu      sync.RWMutex
	index   map[slotID]uint32 // where a subject's key is, or gone
	end     int64             // of what is known and durable
	writing int64             // end of what is being written by this process
	waiting []*maker
	busy    bool                // whether a goroutine makes keys
	reserve map[string]*reserve // by organisation
	closed  bool
	makers  sync.WaitGroup
}

var (
	_ Keys      = (*FileStore)(nil)
	_ Destroyer = (*FileStore)(nil)
)

const (
	logFile    = "keys.log"
	fileMode   = 0o600
	folderMode = 0o700
)

// gone marks a subject in the index whose key was destroyed.
const gone = ^uint32(0)

// maker waits for a new key.
type maker struct {
	id   slotID
	key  []byte
	err  error
	done chan struct{}
}

// OpenFileStore opens the folder, made if absent, under a master key of
// [KeySize] bytes. It fails if the folder was made under another master key, and
// if a slot is damaged so that nobody can tell whose key it held. Cost: one
// sequential read of the log.
func OpenFileStore(folder string, master []byte) (_ *FileStore, err error) {
	wrap, err := newBox(master, "", "master")
	if err != nil {
		return nil, fmt.Errorf("key store: master key: %w", err)
	}
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	name := filepath.Join(folder, logFile)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	s := &FileStore{file: f, wrap: wrap, left: map[uint32]slotID{}, index: map[slotID]uint32{}, reserve: map[string]*reserve{}}
	if err := s.locked(func() error { return s.prepare(folder) }); err != nil {
		return nil, errors.Join(fmt.Errorf("key store %s: %w", name, err), f.Close())
	}
	return s, nil
}

// prepare proves the master key and reads the log, or begins it.
func (s *FileStore) prepare(folder string) error {
	if err := s.catchUp(); err != nil {
		return err
	}
	if s.end > 0 {
		if _, err := s.unwrap(0, masterID()); err != nil {
			return fmt.Errorf("not made under this master key, or damaged: %w", err)
		}
		return nil
	}
	for _, made := range []string{folder, filepath.Dir(folder)} {
		if err := syncFolder(made); err != nil {
			return err
		}
	}
	return s.add(map[slotID][]byte{}, masterID())
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close waits for keys that are being made and closes the log. Later calls fail.
func (s *FileStore) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.makers.Wait()
	s.turn.Lock()
	defer s.turn.Unlock()
	return s.file.Close()
}

// Key implements [Keys]. Cost: one read of 128 bytes; for a new key one sync
// shared with who waits beside it.
func (s *FileStore) Key(_ context.Context, organization, subject string, create bool) ([]byte, error) {
	if !ValidSubject(subject) {
		return nil, invalidSubject(subject)
	}
	key, err := s.key(keyID(organization, subject), create)
	switch {
	case errors.Is(err, errGone):
		return nil, erased(subject)
	case errors.Is(err, errNone):
		return nil, fault.New(fault.NotFound, ReasonSubjectUnknown, "subject", subject)
	}
	return key, err
}

// LookupKey returns the organisation's key for [Lookup] and [RequestDigest], made if absent.
func (s *FileStore) LookupKey(_ context.Context, organization string) ([]byte, error) {
	return s.key(lookupID(organization), true)
}

func (s *FileStore) key(id slotID, create bool) ([]byte, error) {
	if err := s.refresh(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	at, known := s.index[id]
	s.mu.RUnlock()
	switch {
	case known && at == gone:
		return nil, errGone
	case known:
		return s.unwrap(at, id)
	case !create:
		return nil, errNone
	}
	return s.make(id)
}

// refresh reads what other processes have written since.
func (s *FileStore) refresh() error {
	s.mu.RLock()
	end, mine := s.end, s.writing > s.end
	s.mu.RUnlock()
	if mine { // who writes here keeps all others from writing
		return nil
	}
	if used, err := s.used(end); err != nil || !used {
		return err
	}
	return s.locked(s.catchUp)
}

// used reports whether there is a slot at the offset that is not empty.
func (s *FileStore) used(at int64) (bool, error) {
	var slot [slotSize]byte
	n, err := s.file.ReadAt(slot[:], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("key store: %w", err)
	}
	return n == slotSize && slot != [slotSize]byte{}, nil
}

// make queues for a new key and returns the one that became durable, which may
// be another caller's.
func (s *FileStore) make(id slotID) ([]byte, error) {
	m := &maker{id: id, done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, fmt.Errorf("key store: %w", fs.ErrClosed)
	}
	s.waiting = append(s.waiting, m)
	if !s.busy {
		s.busy = true
		s.makers.Go(s.makeAll)
	}
	s.mu.Unlock()
	<-m.done
	return m.key, m.err
}

// makeAll makes what is waited for, group after group: what arrives during a
// sync goes out with the next one.
func (s *FileStore) makeAll() {
	for {
		s.mu.Lock()
		group := s.waiting
		s.waiting = nil
		s.busy = len(group) > 0
		s.mu.Unlock()
		if len(group) == 0 {
			return
		}
		made := map[slotID][]byte{}
		err := s.locked(func() error {
			if err := s.catchUp(); err != nil {
				return err
			}
			ids := make([]slotID, len(group))
			for i, m := range group {
				ids[i] = m.id
			}
			return s.add(made, ids...)
		})
		for _, m := range group {
			if m.err = err; err == nil {
				m.key, m.err = s.made(made, m.id)
			}
			close(m.done)
		}
	}
}

// made returns a copy of the key, or the one another process made before.
func (s *FileStore) made(made map[slotID][]byte, id slotID) ([]byte, error) {
	if key, ok := made[id]; ok {
		return bytes.Clone(key), nil
	}
	return s.key(id, false)
}

// add appends new keys for those ids that are not known, puts them into made and
// makes them durable with one sync. The file is locked.
func (s *FileStore) add(made map[slotID][]byte, ids ...slotID) error {
	var slots []byte
	var order []slotID
	for _, id := range ids {
		if _, known := s.index[id]; known || made[id] != nil { // only who holds the lock changes the index
			continue
		}
		key := make([]byte, KeySize)
		rand.Read(key)
		made[id] = key
		order = append(order, id)
		slots = appendSlot(slots, slotKey, id, s.wrap.aead.Seal(nil, nil, key, s.wrap.bound(0, id.use()))) //nolint:gosec // G407: the AEAD draws the nonce itself (cipher.NewGCMWithRandomNonce)
	}
	at := uint32(s.end / slotSize)
	if err := s.append(slots); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, id := range order {
		s.index[id] = at + uint32(i)
	}
	return nil
}

// append writes slots behind the known end and syncs. If that fails nothing of
// them stays. The file is locked.
func (s *FileStore) append(slots []byte) error {
	if len(slots) == 0 {
		return nil
	}
	end := s.end
	s.mu.Lock()
	s.writing = end + int64(len(slots))
	s.mu.Unlock()
	err := s.makeRoom(s.writing)
	if err == nil {
		_, err = s.file.WriteAt(slots, end)
	}
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("key store: %w", errors.Join(err, s.file.Truncate(end)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.writing = end
		return err
	}
	s.end = s.writing
	return nil
}

// room is how many bytes of zeros are added when the log is full.
const room = 2048 * slotSize

// makeRoom makes the file as long as is needed, and more.
func (s *FileStore) makeRoom(needed int64) error {
	info, err := s.file.Stat()
	if err != nil || info.Size() >= needed {
		return err
	}
	from := info.Size() / slotSize * slotSize // the rest is what a torn copy has of a slot
	_, err = s.file.WriteAt(make([]byte, needed+room-from), from)
	return err
}

// Destroy implements [Destroyer]. That it is gone comes first: a crash in
// between leaves the subject erased, and the key is overwritten at the next
// opening. Overwriting may not reach the medium everywhere; the master key, kept
// elsewhere, is the second line. Cost: two syncs.
func (s *FileStore) Destroy(_ context.Context, organization, subject string) error {
	if !ValidSubject(subject) {
		return invalidSubject(subject)
	}
	id := keyID(organization, subject)
	return s.locked(func() error {
		if err := s.catchUp(); err != nil {
			return err
		}
		at, known := s.index[id]
		if !known || at != gone {
			if err := s.append(appendSlot(nil, slotGone, id, nil)); err != nil {
				return err
			}
			s.mu.Lock()
			s.index[id] = gone
			s.mu.Unlock()
			if known {
				s.left[at] = id
			}
		}
		return s.shred()
	})
}

// shred overwrites in place the slots of keys that are gone, which changes
// nothing beside them: a slot lies within one sector. The file is locked.
func (s *FileStore) shred() error {
	if len(s.left) == 0 {
		return nil
	}
	for at, id := range s.left {
		if _, err := s.file.WriteAt(appendSlot(nil, slotGone, id, nil), int64(at)*slotSize); err != nil {
			return fmt.Errorf("key store: %w", err)
		}
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	clear(s.left)
	return nil
}

// locked runs fn while no other process, and nobody else here, writes.
func (s *FileStore) locked(fn func() error) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.flock(syscall.LOCK_EX); err != nil {
		return err
	}
	return errors.Join(fn(), s.flock(syscall.LOCK_UN))
}

func (s *FileStore) flock(how int) error {
	raw, err := s.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	var locked error
	err = raw.Control(func(fd uintptr) {
		for {
			if locked = syscall.Flock(int(fd), how); !errors.Is(locked, syscall.EINTR) {
				return
			}
		}
	})
	if err := errors.Join(err, locked); err != nil {
		return fmt.Errorf("key store: lock: %w", err)
	}
	return nil
}

// readSlots is how many slots are read at once when catching up.
const readSlots = 4096

// catchUp reads the slots behind the known end and finishes what a crash left of
// an erasure. The file is locked: what is there was synced, or its writer died.
func (s *FileStore) catchUp() error {
	if used, err := s.used(s.end); err != nil || s.read && !used {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	size, end := info.Size(), s.end
	found := map[slotID]uint32{}
	buffer := make([]byte, min(readSlots*slotSize, max(size-end, slotSize)))
	for from := s.end; from < size; from += int64(len(buffer)) {
		n, err := s.file.ReadAt(buffer, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("key store: %w", err)
		}
		for i := 0; i+slotSize <= n; i += slotSize {
			at := from + int64(i)
			used, err := s.note(found, buffer[i:i+slotSize], uint32(at/slotSize))
			if err != nil {
				return err
			}
			if used {
				end = at + slotSize
			}
		}
	}
	s.read = true
	s.mu.Lock()
	maps.Copy(s.index, found)
	s.end, s.writing = end, end
	s.mu.Unlock()
	return s.shred()
}

// note takes one slot that was read into what was found since the index.
func (s *FileStore) note(found map[slotID]uint32, slot []byte, at uint32) (used bool, err error) {
	kind, id, ok := parseSlot(slot)
	if !ok {
		return false, fmt.Errorf("slot %d is damaged: take the log from the backup of the keys: %w", at, fault.New(fault.DataLoss, ReasonBroken, "file", logFile))
	}
	before, known := found[id]
	if !known {
		before, known = s.index[id]
	}
	switch {
	case kind == slotEmpty: // space whose slot a crash kept from the disk
		return false, nil
	case kind == slotKey && known && before == gone:
		s.left[at] = id
	case kind == slotKey && !known:
		found[id] = at
	case kind == slotGone:
		if known && before != gone {
			s.left[before] = id
		}
		found[id] = gone
	}
	return true, nil
}

// unwrap reads the key of the slot.
func (s *FileStore) unwrap(at uint32, id slotID) ([]byte, error) {
	var slot [slotSize]byte
	if _, err := s.file.ReadAt(slot[:], int64(at)*slotSize); err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	kind, found, ok := parseSlot(slot[:])
	if ok && kind == slotGone && found == id {
		return nil, errGone // another process destroyed it this moment
	}
	key, err := s.wrap.aead.Open(make([]byte, 0, KeySize), nil, slot[slotHead:slotHead+wrappedSize], s.wrap.bound(0, id.use()))
	if err != nil || !ok || found != id {
		return nil, fault.New(fault.DataLoss, ReasonBroken, "file", logFile).Wrap(err)
	}
	return key, nil
}

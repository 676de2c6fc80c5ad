package seal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"example.com/redress/services/kit/fault"
)

// FileStore keeps the keys of data subjects, one file each, in a folder of its
// own: apart from the database and never in the same backup, or an erasure
// would come back with it. Only intake opens one.
//
//	<folder>/store                                       proves the master key
//	<folder>/<organization>/lookup.key                   the organisation's look-up key
//	<folder>/<organization>/<xx>/<subject>.key           a key, wrapped by the master key
//	<folder>/<organization>/<xx>/<subject>.erased        empty: the subject was erased
//
// xx are two hex digits of the subject's digest. Files have mode 0600. A key
// appears whole or not at all: it is written and synced under another name and
// then linked. Several processes may share the folder. Methods are safe for
// concurrent use.
type FileStore struct {
	root *os.Root
	wrap *box
	mu   sync.RWMutex // destroying excludes making and reading
}

var (
	_ Keys      = (*FileStore)(nil)
	_ Destroyer = (*FileStore)(nil)
)

const (
	storeFile   = "store"
	lookupFile  = "lookup.key"
	keySuffix   = ".key"
	tombSuffix  = ".erased"
	fileMode    = 0o600
	folderMode  = 0o700
	wrappedSize = KeySize + BlobOverhead
)

// OpenFileStore opens the folder, made if absent, under a master key of
// [KeySize] bytes. It fails if the folder was made under another master key.
func OpenFileStore(folder string, master []byte) (*FileStore, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	wrap, err := newBox(master, "", "master")
	if err != nil {
		return nil, fmt.Errorf("key store: master key: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	s := &FileStore{root: root, wrap: wrap}
	if _, err := s.obtain(storeFile, true); err != nil {
		return nil, errors.Join(fmt.Errorf("key store %s: not made under this master key, or damaged: %w", folder, err), root.Close())
	}
	return s, nil
}

// Close closes the folder. Later calls fail.
func (s *FileStore) Close() error { return s.root.Close() }

// Key implements [Keys].
func (s *FileStore) Key(_ context.Context, organization, subject string, create bool) ([]byte, error) {
	if !ValidSubject(subject) {
		return nil, invalidSubject(subject)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	base := base(organization, subject)
	key, err := s.obtain(base+keySuffix, false)
	if errors.Is(err, fs.ErrNotExist) {
		if gone, tombErr := s.exists(base + tombSuffix); tombErr != nil || gone {
			return nil, orErased(tombErr, subject)
		}
		if !create {
			return nil, fault.New(fault.NotFound, ReasonSubjectUnknown, "subject", subject)
		}
		key, err = s.obtain(base+keySuffix, true)
	}
	if err != nil {
		return nil, err
	}
	// Last, so that a key made or read while another process destroys it is not lent.
	if gone, err := s.exists(base + tombSuffix); err != nil || gone {
		return nil, orErased(err, subject)
	}
	return key, nil
}

// LookupKey returns the organisation's key for [Lookup] and [RequestDigest], made if absent.
func (s *FileStore) LookupKey(_ context.Context, organization string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.obtain(path.Join(folderOf(organization), lookupFile), true)
}

// Destroy implements [Destroyer]. The tombstone comes first: a crash in
// between leaves the subject erased, and repeating it removes what is left.
func (s *FileStore) Destroy(_ context.Context, organization, subject string) error {
	if !ValidSubject(subject) {
		return invalidSubject(subject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	base := base(organization, subject)
	if err := s.publish(base+tombSuffix, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder := path.Dir(base)
	names, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	for _, entry := range names {
		// Also what a crashed write left: it is a second link to the key.
		name := entry.Name()
		if !strings.HasPrefix(name, subject+keySuffix) {
			continue
		}
		if err := s.shred(path.Join(folder, name)); err != nil {
			return err
		}
	}
	return s.sync(folder)
}

// shred overwrites and removes a file. Overwriting may not reach the medium;
// the master key, kept elsewhere, is the second line.
func (s *FileStore) shred(name string) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	_, err = f.Write(make([]byte, wrappedSize))
	err = errors.Join(err, f.Sync(), f.Close())
	if removeErr := s.root.Remove(name); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	return nil
}

// obtain returns the key in the file, which create makes if absent; without
// create an absent file is fs.ErrNotExist.
func (s *FileStore) obtain(name string, create bool) ([]byte, error) {
	bound := s.wrap.bound(0, "key:"+name)
	for {
		wrapped, err := s.root.ReadFile(name)
		if err == nil {
			key, err := s.wrap.aead.Open(nil, nil, wrapped, bound)
			if err != nil || len(key) != KeySize {
				return nil, fault.New(fault.DataLoss, ReasonBroken, "file", name).Wrap(err)
			}
			return key, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("key store: %w", err)
		}
		if !create {
			return nil, err
		}
		key := make([]byte, KeySize)
		rand.Read(key)
		err = s.publish(name, s.wrap.aead.Seal(nil, nil, key, bound)) //nolint:gosec // G407: the AEAD draws the nonce itself (cipher.NewGCMWithRandomNonce)
		if errors.Is(err, fs.ErrExist) {
			continue // another caller was first: its key counts
		}
		if err != nil {
			return nil, err
		}
		return key, nil
	}
}

// publish makes the file with the content, durable and all at once; an existing one is fs.ErrExist.
func (s *FileStore) publish(name string, content []byte) error {
	folder := path.Dir(name)
	if err := s.makeFolders(folder); err != nil {
		return err
	}
	draft := name + "." + rand.Text() + ".tmp"
	f, err := s.root.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = s.root.Link(draft, name)
	}
	if err = errors.Join(err, s.root.Remove(draft)); err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	return s.sync(folder)
}

// makeFolders makes the folder and those above it, each durable in its parent.
func (s *FileStore) makeFolders(folder string) error {
	if folder == "." {
		return nil
	}
	if ok, err := s.exists(folder); ok || err != nil {
		return err
	}
	if err := s.makeFolders(path.Dir(folder)); err != nil {
		return err
	}
	if err := s.root.Mkdir(folder, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("key store: %w", err)
	}
	return s.sync(path.Dir(folder))
}

func (s *FileStore) sync(folder string) error {
	d, err := s.root.Open(folder)
	if err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("key store: %w", err)
	}
	return nil
}

func (s *FileStore) exists(name string) (bool, error) {
	_, err := s.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("key store: %w", err)
	}
	return true, nil
}

func orErased(err error, subject string) error {
	if err != nil {
		return err
	}
	return erased(subject)
}

// base is the path of the subject's files without their suffix.
func base(organization, subject string) string {
	digest := sha256.Sum256([]byte(subject))
	return path.Join(folderOf(organization), hex.EncodeToString(digest[:1]), subject)
}

// folderOf names the organisation's folder: its own name if that is plain,
// else a digest behind a dot, which no plain name has.
func folderOf(organization string) string {
	if ValidSubject(organization) && organization != storeFile {
		return organization
	}
	digest := sha256.Sum256([]byte(organization))
	return "x." + hex.EncodeToString(digest[:16])
}

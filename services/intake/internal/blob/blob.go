// Package blob keeps the contents of evidence, sealed, as files in one folder.
// Keys are chosen by the caller and are no paths: every access stays inside the
// folder. What is stored is ciphertext, so a copy of the folder is worth nothing
// without the keys.
package blob

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
)

// Store is a folder of blobs. Safe for concurrent use.
type Store struct{ root *os.Root }

// ErrKey says that a key is malformed.
var ErrKey = errors.New("blob: malformed key")

// key: organisation, complaint and evidence ids.
var keyPattern = regexp.MustCompile(`^[a-z0-9-]{1,64}/[a-z0-9-]{1,64}/[a-z0-9-]{1,64}$`)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Open opens the folder, made if absent.
func Open(folder string) (*Store, error) {
	if err := os.MkdirAll(folder, folderMode); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	return &Store{root: root}, nil
}

// Close closes the folder.
func (s *Store) Close() error { return s.root.Close() }

// Put stores the content under the key, whole and flushed to disk when it
// returns. Storing under a key again replaces the content.
func (s *Store) Put(key string, content []byte) (err error) {
	if !keyPattern.MatchString(key) {
		return ErrKey
	}
	if err := s.root.MkdirAll(path.Dir(key), folderMode); err != nil {
		return fmt.Errorf("blob store: %w", err)
	}
	// A name of its own: an upload that is repeated while it runs writes beside it.
	part := key + "." + rand.Text() + ".part"
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return fmt.Errorf("blob store: %w", err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = s.root.Rename(part, key)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("blob store: %w", err), ignoreAbsent(s.root.Remove(part)))
	}
	return s.syncFolder(path.Dir(key))
}

func (s *Store) syncFolder(folder string) error {
	d, err := s.root.Open(folder)
	if err != nil {
		return fmt.Errorf("blob store: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get returns the content; fs.ErrNotExist if there is none.
func (s *Store) Get(key string) ([]byte, error) {
	if !keyPattern.MatchString(key) {
		return nil, ErrKey
	}
	content, err := s.root.ReadFile(key)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	return content, nil
}

// Remove removes the content; what is not there is removed already.
func (s *Store) Remove(key string) error {
	if !keyPattern.MatchString(key) {
		return ErrKey
	}
	return ignoreAbsent(s.root.Remove(key))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

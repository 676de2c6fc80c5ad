package process

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SecretSize is the size of secrets made here, in bytes.
const SecretSize = 32

// Secret reads the secret in a file and makes one if there is none. A file that
// others than its owner may read is refused.
func Secret(path string) ([]byte, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSecret(path); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others (%v): it must be 0600", path, info.Mode().Perm())
	}
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) != SecretSize {
		err = fmt.Errorf("%s has %d bytes instead of %d", path, len(secret), SecretSize)
	}
	return secret, err
}

// makeSecret links a complete file into place, so that of two processes that
// start at once both read the same secret.
func makeSecret(path string) error {
	secret := make([]byte, SecretSize)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "secret-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // linked or useless by then
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	return nil
}

// slug returns a name as databases like it.
func slug(name string) string { return strings.ReplaceAll(name, "-", "_") }

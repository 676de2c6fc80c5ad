package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// manifestFile is the list of what a backup holds.
const manifestFile = "manifest.json"

// manifestFormat is raised when a restore must know more than this one does.
const manifestFormat = 1

// manifest says what is in a backup, so that a restore can tell whether it is whole.
type manifest struct {
	Format  int           `json:"format"`
	Time    string        `json:"time"`
	Version string        `json:"version"`
	Holds   []string      `json:"holds"` // of databases, evidence, keys
	Stores  []storeRecord `json:"stores,omitempty"`
	Files   []fileRecord  `json:"files"`
}

// storeRecord is one service's store at the instant of the backup.
type storeRecord struct {
	Service string `json:"service"`
	Store   string `json:"store"`
	Events  int64  `json:"events"`
}

type fileRecord struct {
	Path   string `json:"path"` // from the backup's folder, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m *manifest) holds(what string) bool { return slices.Contains(m.Holds, what) }

func (m *manifest) write(folder string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(folder, manifestFile), append(text, '\n'))
}

func writeWhole(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func readManifest(folder string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%s is no backup, or was not finished: it has no %s", folder, manifestFile)
	}
	if err != nil {
		return nil, err
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, manifestFile), err)
	}
	if m.Format != manifestFormat {
		return nil, usage("%s was made by a newer program (format %d): use that one to restore it", folder, m.Format)
	}
	return m, nil
}

// check compares the files of a backup with its manifest.
func (m *manifest) check(ctx context.Context, folder string, p *progress) error {
	var errs []error
	for i, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return fmt.Errorf("%s: %q leads out of the backup", manifestFile, f.Path)
		}
		found, err := record(folder, f.Path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case found != f:
			errs = append(errs, fmt.Errorf("%s is not what was written (%d bytes, digest %s)", f.Path, found.Size, found.SHA256))
		}
		p.tell(int64(i+1), int64(len(m.Files)), "files")
	}
	return errors.Join(errs...)
}

func record(folder, path string) (fileRecord, error) {
	f, err := os.Open(filepath.Join(folder, filepath.FromSlash(path)))
	if err != nil {
		return fileRecord{}, err
	}
	digest := sha256.New()
	n, err := io.Copy(digest, f)
	return fileRecord{Path: path, Size: n, SHA256: hex.EncodeToString(digest.Sum(nil))}, errors.Join(err, f.Close())
}

// list returns the regular files below a folder, with slashes; none if there is no such folder.
func list(folder string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if d.Type().IsRegular() {
			rel, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			out = append(out, filepath.ToSlash(rel))
		}
		return nil
	})
	return out, err
}

// unfinished ends the names of evidence that is being written.
const unfinished = ".part"

// copyFiles copies what is below a folder to another, private, and synced.
// Names that end in skip, unless it is empty, are left out.
func copyFiles(ctx context.Context, from, to, skip string, p *progress) error {
	names, err := list(from)
	if err != nil {
		return err
	}
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if skip != "" && strings.HasSuffix(name, skip) {
			continue
		}
		err := copyFile(filepath.Join(from, filepath.FromSlash(name)), filepath.Join(to, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) && skip != "" {
			continue // an upload that was given up since
		}
		if err != nil {
			return err
		}
		p.tell(int64(i+1), int64(len(names)), "files")
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// newFolder makes a folder that must not be there, or be empty.
func newFolder(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(path, 0o700)
	case err != nil:
		return err
	case len(entries) > 0:
		return usage("%s is not empty: nothing is overwritten; name a new folder", path)
	}
	return os.Chmod(path, 0o700) //nolint:gosec // a folder is entered
}

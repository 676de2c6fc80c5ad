package mailbox

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Folders and modes. As in a maildir a mail is written under tmp and appears
// under new when it is whole.
const (
	draftFolder = "tmp"
	mailFolder  = "new"
	folderMode  = 0o700
	fileMode    = 0o600
	fileSuffix  = ".eml"
)

// ErrNoMail is returned for a mail that is not, or no longer, in the mailbox.
var ErrNoMail = errors.New("no such mail")

// Entry is one mail in a list.
type Entry struct {
	// ID names the mail in this mailbox.
	ID string
	// Time is when it came.
	Time time.Time
	// From and To are the envelope's: who it truly came from and went to.
	From string
	To   []string
	// Subject is decoded.
	Subject string
	// MessageID is the sender's, with its brackets.
	MessageID string
}

func (b *Mailbox) openFolder() error {
	if err := os.MkdirAll(b.o.Folder, folderMode); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	root, err := os.OpenRoot(b.o.Folder)
	if err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	b.root = root
	for _, folder := range []string{draftFolder, mailFolder} {
		if err := root.Mkdir(folder, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return errors.Join(fmt.Errorf("mailbox: %w", err), root.Close())
		}
	}
	entries, err := fs.ReadDir(root.FS(), mailFolder) // sorted by name, which is by time
	if err != nil {
		return errors.Join(fmt.Errorf("mailbox: %w", err), root.Close())
	}
	for _, e := range entries {
		if name := e.Name(); isName(name) {
			b.names = append(b.names, name)
			b.known[digestIn(name)] = name
		}
	}
	return nil
}

// Names are <time in microseconds, 16 digits>-<digest of Message-ID, 16 hex digits>.eml.
var mailNames = regexp.MustCompile(`^[0-9]{16}-[0-9a-f]{16}\.eml$`)

func isName(s string) bool { return mailNames.MatchString(s) }

func digestIn(name string) string { return name[17:33] }

// store keeps the mail. One whose Message-ID is here already is the same mail
// sent again and is not kept twice.
func (b *Mailbox) store(from string, to []string, raw []byte) error {
	id := rand.Text()
	if m, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil && m.Header.Get("Message-Id") != "" {
		id = m.Header.Get("Message-Id")
	}
	sum := sha256.Sum256([]byte(id))
	digest := hex.EncodeToString(sum[:8])

	b.mu.Lock()
	defer b.mu.Unlock()
	if _, again := b.known[digest]; again {
		return nil
	}
	name := fmt.Sprintf("%016d-%s%s", b.o.Clock.Now().UnixMicro(), digest, fileSuffix)
	var file bytes.Buffer
	fmt.Fprintf(&file, "Return-Path: <%s>\r\n", plain(from))
	for _, t := range to {
		fmt.Fprintf(&file, "Delivered-To: %s\r\n", plain(t))
	}
	file.Write(raw)
	if err := b.write(name, file.Bytes()); err != nil {
		return err
	}
	b.names = append(b.names, name)
	slices.Sort(b.names)
	b.known[digest] = name
	for len(b.names) > b.o.Keep {
		oldest := b.names[0]
		if err := b.root.Remove(mailFolder + "/" + oldest); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		b.names = b.names[1:]
		delete(b.known, digestIn(oldest))
	}
	return nil
}

// plain keeps an envelope address from becoming a header of its own.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

func (b *Mailbox) write(name string, content []byte) error {
	draft := draftFolder + "/" + name
	f, err := b.root.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return b.root.Rename(draft, mailFolder+"/"+name)
}

// List returns up to limit mails, the newest first, older than the one named
// before ("" begins at the newest).
func (b *Mailbox) List(before string, limit int) ([]Entry, error) {
	b.mu.Lock()
	names := slices.Clone(b.names)
	b.mu.Unlock()
	slices.Reverse(names)
	var list []Entry
	for _, name := range names {
		id := strings.TrimSuffix(name, fileSuffix)
		if before != "" && id >= before {
			continue
		}
		if len(list) >= limit {
			break
		}
		m, err := b.Get(id)
		if errors.Is(err, ErrNoMail) {
			continue // the oldest went meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, m.Entry)
	}
	return list, nil
}

// Get returns one mail, or [ErrNoMail].
func (b *Mailbox) Get(id string) (*Mail, error) {
	name := id + fileSuffix
	if !isName(name) {
		return nil, ErrNoMail
	}
	raw, err := b.root.ReadFile(mailFolder + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoMail
	}
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("mailbox: %s: %w", id, err)
	}
	micros, err := strconv.ParseInt(id[:16], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %s: %w", id, err)
	}
	m := &Mail{Raw: raw, Entry: Entry{
		ID: id, Time: time.UnixMicro(micros).UTC(),
		From: strings.Trim(parsed.Header.Get("Return-Path"), "<>"), To: parsed.Header["Delivered-To"],
		Subject: decodeHeader(parsed.Header.Get("Subject")), MessageID: parsed.Header.Get("Message-Id"),
	}}
	m.read(parsed.Header, parsed.Body, 0)
	return m, nil
}

func decodeHeader(s string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}

// Package mailbox is the catch-all mail server of the first run: it takes every
// mail for whomever, keeps it in a folder and shows it on a page, and none
// leaves the machine. It listens on loopback addresses only and is not for
// production; there a [delivery.Mail] talks to a real server.
//
// Start reading at [Open]; [Mailbox.Handler] is the page.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"github.com/emersion/go-smtp"
)

// Defaults of [Options].
const (
	defaultKeep     = 1000
	defaultMaxBytes = 10 << 20
	ioTimeout       = 30 * time.Second
)

// Options configure a mailbox.
type Options struct {
	// Folder keeps the mails, made if absent.
	Folder string
	// Listen is a loopback address, "127.0.0.1:2525"; port 0 takes a free one.
	Listen string
	// Keep is how many mails are kept, default 1000; the oldest go first.
	Keep int
	// MaxBytes bounds one mail, default 10 MiB.
	MaxBytes int64
	// Clock says when a mail came; nil takes the machine's.
	Clock clock.Clock
}

// Mailbox is a running catch-all mail server.
type Mailbox struct {
	root     *os.Root
	o        Options
	listener net.Listener
	server   *smtp.Server
	serving  sync.WaitGroup

	start, stop sync.Once

	mu    sync.Mutex
	names []string          // files, oldest first
	known map[string]string // digest of Message-ID → file
}

// Open opens the folder and listens; Start serves. It refuses an address that
// is not loopback.
func Open(o Options) (*Mailbox, error) {
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	if err := checkLoopback(o.Listen); err != nil {
		return nil, err
	}
	b := &Mailbox{o: o, known: map[string]string{}}
	if err := b.openFolder(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mailbox: %w", err), b.root.Close())
	}
	b.listener = listener
	b.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{box: b}, nil }))
	b.server.Domain = "localhost"
	b.server.MaxMessageBytes = o.MaxBytes
	b.server.MaxRecipients = 100
	b.server.ReadTimeout, b.server.WriteTimeout = ioTimeout, ioTimeout
	b.server.EnableSMTPUTF8 = true
	return b, nil
}

func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("mailbox: listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("mailbox: listen %q: must be a loopback address", address)
	}
	return nil
}

// Addr returns the address it listens on.
func (b *Mailbox) Addr() string { return b.listener.Addr().String() }

// Start serves until Stop. It returns at once; repeating it does nothing.
func (b *Mailbox) Start() {
	b.start.Do(func() {
		b.serving.Go(func() { _ = b.server.Serve(b.listener) }) // ends when Stop closes the listener
	})
}

// Stop lets mails in hand arrive until ctx ends, then closes everything.
// Repeating it does nothing; a mailbox that was stopped does not start again.
func (b *Mailbox) Stop(ctx context.Context) error {
	var err error
	b.stop.Do(func() {
		b.start.Do(func() {})
		// The listener by ourselves: the server knows it only once it serves.
		if closeErr := b.listener.Close(); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
			err = closeErr
		}
		if shutErr := b.server.Shutdown(ctx); shutErr != nil && !errors.Is(shutErr, net.ErrClosed) {
			err = errors.Join(err, shutErr, b.server.Close())
		}
		b.serving.Wait()
		err = errors.Join(err, b.root.Close())
	})
	return err
}

// session is one connection; it takes everything.
type session struct {
	box  *Mailbox
	from string
	to   []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data stores the mail; what it answers decides whether the sender tries again.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if _, err := mail.ReadMessage(strings.NewReader(string(raw))); err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "malformed mail"}
	}
	if err := s.box.store(s.from, slices.Clone(s.to), raw); err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot store"}
	}
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }

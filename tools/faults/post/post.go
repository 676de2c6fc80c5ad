// Package post is a mail server that cannot be relied on: as drawn, it is dead,
// slow, busy, takes a mail and does not say so, or answers twice. It keeps what
// arrived, so that it can be compared with what the suite says it has sent.
//
// Start reading at [Listen].
package post

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"
)

// Mail is one that arrived.
type Mail struct{ Key, To, Subject string }

// Server is the mail server. Safe for concurrent use.
type Server struct {
	// Address is host:port.
	Address string

	listener net.Listener
	mu       sync.Mutex
	draw     *rand.Rand
	kind     bool
	mails    []Mail
	tricks   map[string]int
}

// The tricks, and what an honest server does.
const (
	honest = "taken"
	dead   = "connection closed at once"
	slow   = "answered after 2 s"
	mute   = "never answered"
	busy   = "refused for now, though kept"
	lost   = "kept, and the connection closed instead of an answer"
	twice  = "answered twice"
)

// Listen starts a server that draws its tricks from the seed.
func Listen(seed uint64) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{Address: l.Addr().String(), listener: l, draw: rand.New(rand.NewPCG(seed, 4)), tricks: map[string]int{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return s, nil
}

// BeKind ends the tricks.
func (s *Server) BeKind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kind = true
}

// Mails returns what arrived, in order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Tricks returns how often it did what.
func (s *Server) Tricks() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.tricks)
}

// Close ends it; connections end by themselves.
func (s *Server) Close() { _ = s.listener.Close() }

func (s *Server) trick() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := honest
	if all := []string{dead, slow, mute, busy, lost, twice}; !s.kind && s.draw.IntN(2) == 0 {
		t = all[s.draw.IntN(len(all))]
	}
	s.tricks["mail: "+t]++
	return t
}

// talk is one session. Source: RFC 5321.
func (s *Server) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }() // whoever is there is told
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	trick := s.trick()
	if trick == dead {
		return
	}
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	if trick == mute {
		_, _ = in.ReadString('\n') // until the client has had enough
		return
	}
	say("220 post")
	to := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch word := strings.ToUpper(strings.TrimSpace(line)); {
		case strings.HasPrefix(word, "RCPT TO:"):
			to = strings.TrimSpace(line)[len("RCPT TO:"):]
			say("250 ok")
		case word == "DATA":
			say("354 go on")
			if err := s.keep(in, to); err != nil {
				return
			}
			switch trick {
			case lost:
				return
			case busy:
				say("451 later")
			case twice:
				say("250 ok\r\n250 ok")
			case slow:
				time.Sleep(2 * time.Second)
				say("250 ok")
			default:
				say("250 ok")
			}
		case word == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// keep reads a mail up to its end.
func (s *Server) keep(in *bufio.Reader, to string) error {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	m, err := mail.ReadMessage(strings.NewReader(text.String()))
	if err != nil {
		return err
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(m.Header.Get("Message-ID"), "<"), "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, Mail{Key: key, To: strings.Trim(to, "<> "), Subject: m.Header.Get("Subject")})
	return nil
}

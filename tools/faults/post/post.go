// Package post is a mail server and a receiver of webhooks that cannot be relied on:
// as drawn, they are dead, slow, mute or busy, take a message and do not say so, say
// what nobody understands, or answer twice. They keep what arrived, so that it can be
// compared with what the suite says it has sent.
//
// Start reading at [Mail] and [Webhooks].
package post

import (
	"maps"
	"math/rand/v2"
	"net"
	"sync"
)

// Message is one that arrived.
type Message struct {
	// Key is what the sender calls it.
	Key string
	// Content is what must be the same whenever the key is.
	Content string
	// Notice of which it says it is; "" if it does not say.
	Notice string
	// Unsigned: it should have been signed and was not, or by another.
	Unsigned bool
}

// Server is one of the two. Safe for concurrent use.
type Server struct {
	// Address is host:port.
	Address string

	listener net.Listener
	name     string
	repertoire

	mu       sync.Mutex
	draw     *rand.Rand
	kind     bool
	secret   []byte // of signatures
	messages []Message
	tricks   map[string]int
	played   map[string]int // tricks by key
}

// repertoire is what a server may do instead of what it should.
type repertoire struct {
	tricks []string
	// one of so many gets a trick.
	one int
	// most tricks that are played on one message, where its key is known in time.
	most int
}

// The tricks, and what an honest server does.
const (
	honest   = "taken"
	dead     = "connection closed at once"
	slow     = "answered after 2 s"
	mute     = "never answered"
	busy     = "refused for now, though kept"
	lost     = "kept, and the connection closed instead of an answer"
	twice    = "answered twice"
	nonsense = "kept, and answered with nonsense"
)

// listen starts a server that draws its tricks from the seed and its stream.
func listen(name string, seed, stream uint64, what repertoire, talk func(*Server, net.Conn)) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		Address: l.Addr().String(), listener: l, name: name, repertoire: what,
		draw: rand.New(rand.NewPCG(seed, stream)), tricks: map[string]int{}, played: map[string]int{},
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				talk(s, conn)
				_ = conn.Close() // whoever is there is told
			}()
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

// Messages returns what arrived, in order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Tricks returns how often it did what.
func (s *Server) Tricks() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.tricks)
}

// Close ends it; connections end by themselves.
func (s *Server) Close() { _ = s.listener.Close() }

// trick draws what is done to a message, whose key is "" as long as it is not known.
func (s *Server) trick(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := honest
	if !s.kind && s.draw.IntN(s.one) == 0 && (key == "" || s.played[key] < s.most) {
		t = s.repertoire.tricks[s.draw.IntN(len(s.repertoire.tricks))]
		s.played[key]++
	}
	s.tricks[s.name+": "+t]++
	return t
}

func (s *Server) keep(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

package world

import (
	"net"
	"sync"
	"time"
)

// Mode is what a proxy does to the connections through it.
type Mode int

// The modes.
const (
	// Pass hands on what comes.
	Pass Mode = iota
	// Cut ends every connection and takes no new ones.
	Cut
	// Slow hands on each piece a fifth of a second later.
	Slow
	// HalfOpen keeps connections and hands nothing on: neither side is told.
	HalfOpen
)

// slowness is what Slow adds to each piece.
const slowness = 200 * time.Millisecond

// Proxy stands before the instances of a service or before a server.
type Proxy struct {
	// Address is where it listens.
	Address string

	listener net.Listener
	behind   func() []string

	mu      sync.Mutex
	mode    Mode
	changed chan struct{} // closed when mode changes
	conns   map[net.Conn]bool
	turn    int
}

// newProxy takes connections for whatever behind returns, by turns.
func newProxy(behind func() []string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Address: l.Addr().String(), listener: l, behind: behind, conns: map[net.Conn]bool{}, changed: make(chan struct{})}
	go p.accept()
	return p, nil
}

// Set changes what happens to connections, those that stand included.
func (p *Proxy) Set(m Mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
	if m == Cut {
		for c := range p.conns {
			_ = c.Close() // whoever reads it is told
		}
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close() // nothing is in flight that counts
	p.Set(Cut)
}

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.carry(in)
	}
}

// carry connects in with one of those behind.
func (p *Proxy) carry(in net.Conn) {
	defer p.forget(in)
	if !p.remember(in) {
		return
	}
	all := p.behind()
	p.mu.Lock()
	p.turn++
	turn := p.turn
	p.mu.Unlock()
	for i := range all {
		out, err := net.DialTimeout("tcp", all[(turn+i)%len(all)], time.Second)
		if err != nil {
			continue
		}
		if p.remember(out) {
			go p.copy(out, in)
			p.copy(in, out)
		}
		p.forget(out)
		return
	}
}

func (p *Proxy) remember(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == Cut {
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) forget(c net.Conn) {
	_ = c.Close() // perhaps closed already
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// copy hands on what comes from one to the other until either ends.
func (p *Proxy) copy(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			p.hold()
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			_, _ = from.Close(), to.Close() // ends the other direction too
			return
		}
	}
}

// hold waits as the mode says.
func (p *Proxy) hold() {
	for {
		p.mu.Lock()
		mode, changed := p.mode, p.changed
		p.mu.Unlock()
		switch mode {
		case HalfOpen:
			<-changed
		case Slow:
			time.Sleep(slowness)
			return
		default:
			return
		}
	}
}

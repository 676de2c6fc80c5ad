package world

import (
	"errors"
	"io"
	"net"
	"sync"
)

// Line carries connections to a server until it is cut.
type Line struct {
	listener net.Listener
	to       string
	ended    sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// NewLine listens for connections that it carries to the address.
func NewLine(to string) (*Line, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	line := &Line{listener: l, to: to, conns: map[net.Conn]bool{}}
	line.ended.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			line.ended.Go(func() { line.carry(from) })
		}
	})
	return line, nil
}

// Addr returns where it listens.
func (l *Line) Addr() string { return l.listener.Addr().String() }

// Cut ends all connections and refuses further ones.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.conns {
		_ = c.Close() // whoever waits for it learns so
	}
}

// Close ends everything.
func (l *Line) Close() error {
	l.Cut()
	err := l.listener.Close()
	l.ended.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// hold keeps a connection to be cut; false if the line is cut already.
func (l *Line) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Line) carry(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer to.Close()
	if !l.hold(from) || !l.hold(to) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(to, from) // ends with either connection
		_ = to.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
	both.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, from)
	delete(l.conns, to)
}

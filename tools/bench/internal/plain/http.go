package plain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Lines are HTTP/1.1 connections, one for each caller, used by a client that
// costs as little as can be: it writes the bytes of a request.
type Lines struct {
	host    string
	conns   []net.Conn
	answers []*bufio.Reader
}

// NewLines returns lines to an edge that are not connected yet.
func NewLines(to string, callers int) (*Lines, error) {
	at, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	return &Lines{host: at.Host, conns: make([]net.Conn, callers), answers: make([]*bufio.Reader, callers)}, nil
}

// Connect connects all of them anew: an edge closes connections that are quiet.
func (l *Lines) Connect() error {
	if err := l.Close(); err != nil {
		return err
	}
	for i := range l.conns {
		conn, err := net.Dial("tcp", l.host)
		if err != nil {
			return err
		}
		l.conns[i], l.answers[i] = conn, bufio.NewReader(conn)
	}
	return nil
}

// Request returns the bytes of a request; headers are whole lines.
func (l *Lines) Request(method, path, token string, body []byte, headers ...string) []byte {
	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, l.host, len(body))
	if token != "" {
		head.WriteString("Authorization: Bearer " + token + "\r\n")
	}
	for _, h := range headers {
		head.WriteString(h + "\r\n")
	}
	return append([]byte(head.String()+"\r\n"), body...)
}

// Call sends the bytes of a request and reads the answer, which must be 200.
func (l *Lines) Call(_ context.Context, caller int, request []byte) error {
	if l.conns[caller] == nil {
		return errors.New("not connected")
	}
	if _, err := l.conns[caller].Write(request); err != nil {
		return err
	}
	got, err := http.ReadResponse(l.answers[caller], nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		return err
	}
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("the edge answers %s: %s", got.Status, body)
	}
	return got.Body.Close()
}

// Close closes all connections.
func (l *Lines) Close() error {
	var err error
	for i, c := range l.conns {
		if c == nil {
			continue
		}
		l.conns[i] = nil
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

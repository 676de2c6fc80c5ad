package plain

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Lines are HTTP/1.1 connections, one for each caller, used by a client that
// costs as little as can be: it writes the bytes of a request.
type Lines struct {
	host    string
	conns   []net.Conn
	answers []*bufio.Reader
}

// Connect opens a connection for each caller.
func Connect(to string, callers int) (*Lines, error) {
	at, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	l := &Lines{host: at.Host}
	for range callers {
		conn, err := net.Dial("tcp", at.Host)
		if err != nil {
			return nil, err
		}
		l.conns = append(l.conns, conn)
		l.answers = append(l.answers, bufio.NewReader(conn))
	}
	return l, nil
}

// Request returns the bytes of a request.
func (l *Lines) Request(method, path, token string, body []byte) []byte {
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, l.host, len(body))
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	return append([]byte(head+"\r\n"), body...)
}

// Call sends the bytes of a request and reads the answer, which must be 200.
func (l *Lines) Call(_ context.Context, caller int, request []byte) error {
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
	for _, c := range l.conns {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

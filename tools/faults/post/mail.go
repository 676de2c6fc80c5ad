package post

import (
	"bufio"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"
)

// Mail starts a mail server, which plays a trick on every second mail.
func Mail(seed uint64) (*Server, error) {
	return listen("mail", seed, 4, repertoire{tricks: []string{dead, slow, mute, busy, lost, twice}, one: 2}, session)
}

// session is one conversation. Source: RFC 5321.
func session(s *Server, conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	trick := s.trick("")
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
			if err := s.read(in, to); err != nil {
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

// read reads a mail up to its end and keeps it.
func (s *Server) read(in *bufio.Reader, to string) error {
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
	s.keep(Message{Key: key, Content: strings.Trim(to, "<> ") + " " + m.Header.Get("Subject")})
	return nil
}

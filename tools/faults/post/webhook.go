package post

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Webhooks starts a receiver of webhooks, which plays a trick on one of twelve: there
// is one for each complaint, the suite sends eight at a time, and each that is never
// answered takes 10 s of one of those. The third attempt of a message meets no trick,
// for the suite waits twice as long after each.
func Webhooks(seed uint64) (*Server, error) {
	return listen("webhook", seed, 5, repertoire{tricks: []string{dead, slow, mute, busy, lost, twice, nonsense}, one: 12, most: 2}, call)
}

// Sign tells the secret, as the suite gave it, by which what arrives from now on is signed.
func (s *Server) Sign(secret string) error {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = raw
	return err
}

// patience is longer than that of any sender.
const patience = 30 * time.Second

// call is one connection, for one message. Source: Standard Webhooks.
func call(s *Server, conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	key := r.Header.Get("Webhook-Id")
	trick := s.trick(key)
	if trick == dead {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if trick == mute {
		_, _ = in.ReadByte() // until the client has had enough
		return
	}
	var said struct {
		Data struct {
			Notice string `json:"notice"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &said) // it is of no notice then
	s.keep(Message{Key: key, Content: string(body), Notice: said.Data.Notice, Unsigned: !s.signed(r.Header, body)})
	say := func(answer string) { fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", answer) }
	switch trick {
	case lost:
		return
	case busy:
		say("503 Service Unavailable\r\nRetry-After: 1")
		return
	case nonsense:
		fmt.Fprint(conn, "250 ok\r\n")
		return
	case twice:
		say("200 OK")
	case slow:
		time.Sleep(2 * time.Second)
	}
	say("200 OK")
}

// signed tells whether one of the signatures holds. How old it is does not count: the
// clocks of hosts may be off.
func (s *Server) signed(h http.Header, body []byte) bool {
	s.mu.Lock()
	mac := hmac.New(sha256.New, s.secret)
	s.mu.Unlock()
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for given := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
		if hmac.Equal([]byte(given), []byte(want)) {
			return true
		}
	}
	return false
}

package post

import (
	"net/http"
	"net/smtp"
	"strings"
	"testing"
)

func TestAMailArrivesOnceThereAreNoTricks(t *testing.T) {
	s, err := Mail(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.BeKind()
	text := "Message-ID: <key-1@here>\r\nSubject: hello\r\n\r\n..dot\r\n"
	if err := smtp.SendMail(s.Address, nil, "a@here.example", []string{"b@there.example"}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages(); len(got) != 1 || got[0] != (Message{Key: "key-1", Content: "b@there.example hello"}) {
		t.Fatalf("%+v", got)
	}
}

// The example of the specification: Standard Webhooks, section "Signature scheme".
const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	body      = `{"test": 2432232314}`
)

func send(t *testing.T, s *Server, key, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	r.Header.Set("Webhook-Id", key)
	r.Header.Set("Webhook-Timestamp", "1614265330")
	r.Header.Set("Webhook-Signature", "v1,AAAA "+signature)
	answer, err := http.DefaultClient.Do(r)
	if err == nil {
		_ = answer.Body.Close()
	}
	return answer, err
}

func TestAWebhookArrivesAndItsSignatureIsChecked(t *testing.T) {
	s, err := Webhooks(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.BeKind()
	if err := s.Sign(secret); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{body, `{"data": {"notice": "notices/1"}}`} {
		if answer, err := send(t, s, "msg_p5jXN8AQM9LWM0D4loKWxJek", body); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
	}
	got := s.Messages()
	if len(got) != 2 || got[0].Unsigned || !got[1].Unsigned || got[1].Notice != "notices/1" || got[0].Content != body {
		t.Fatalf("%+v", got)
	}
}

func TestEveryTrickIsPlayedAndNoMoreThanTwoOnOneMessage(t *testing.T) {
	for _, start := range []func(uint64) (*Server, error){Mail, Webhooks} {
		s, err := start(1)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for range 1000 {
			s.trick("")
		}
		if got := s.Tricks(); len(got) != 1+len(s.repertoire.tricks) {
			t.Fatalf("%v", got)
		}
	}
	s, err := Webhooks(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 1000 {
		s.trick("one")
	}
	if got := s.Tricks()["webhook: "+honest]; got != 998 {
		t.Fatal(got)
	}
}

package post

import (
	"net/smtp"
	"testing"
)

func TestAMailArrivesOnceThereAreNoTricks(t *testing.T) {
	s, err := Listen(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.BeKind()
	text := "Message-ID: <key-1@here>\r\nSubject: hello\r\n\r\n..dot\r\n"
	if err := smtp.SendMail(s.Address, nil, "a@here.example", []string{"b@there.example"}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if got := s.Mails(); len(got) != 1 || got[0] != (Mail{"key-1", "b@there.example", "hello"}) {
		t.Fatalf("%+v", got)
	}
}

func TestEveryTrickIsPlayed(t *testing.T) {
	s, err := Listen(1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 200 {
		s.trick()
	}
	if got := s.Tricks(); len(got) != 7 {
		t.Fatalf("%v", got)
	}
}

package delivery_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/delivery/mailbox"
	"github.com/stretchr/testify/require"
)

func startMailbox(t *testing.T, folder, listen string) *mailbox.Mailbox {
	t.Helper()
	b, err := mailbox.Open(mailbox.Options{Folder: folder, Listen: listen})
	require.NoError(t, err)
	b.Start()
	return b
}

func mailTo(t *testing.T, address string, way delivery.TLS) *delivery.Mail {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	require.NoError(t, err)
	s, err := delivery.NewMail(delivery.MailOptions{
		Host: at.IP.String(), Port: at.Port, TLS: way, From: "no-reply@redress.example", Name: "客户服务", Timeout: 5 * time.Second,
	})
	require.NoError(t, err)
	return s
}

func TestMailArrivesWholeAndUnderItsKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := startMailbox(t, t.TempDir(), "127.0.0.1:0")
	m := notice()
	m.HTML = "<p>第一行<br>第二行</p>"
	result, err := mailTo(t, b.Addr(), delivery.TLSNone).Send(ctx, m)
	require.NoError(t, err)
	require.NotEmpty(t, result.Answer)
	list, err := b.List("", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	got, err := b.Get(list[0].ID)
	require.NoError(t, err)
	require.Equal(t, "<"+m.Key+"@redress.example>", got.MessageID)
	require.Equal(t, m.Subject, got.Subject)
	require.Equal(t, []string{"wang@example.com"}, got.To)
	require.Equal(t, "no-reply@redress.example", got.From)
	require.Equal(t, m.Text, strings.TrimSpace(strings.ReplaceAll(got.Text, "\r\n", "\n")))
	require.Equal(t, m.HTML, strings.TrimSpace(got.HTML))
	require.Contains(t, string(got.Raw), "Auto-Submitted: auto-generated")
	require.Contains(t, string(got.Raw), "Content-Language: zh-CN")
	require.NoError(t, b.Stop(ctx))
}

// TestAMailServerThatWasAwayGetsTheMailOnce: away, back, and once more after
// the confirmation was lost.
func TestAMailServerThatWasAwayGetsTheMailOnce(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	b := startMailbox(t, folder, "127.0.0.1:0")
	address := b.Addr()
	require.NoError(t, b.Stop(ctx))
	s := mailTo(t, address, delivery.TLSNone)
	for range 3 {
		_, err := s.Send(ctx, notice())
		_ = requireFailure(t, err, delivery.Retry, delivery.ReasonUnreachable)
	}
	b = startMailbox(t, folder, address)
	for range 2 {
		_, err := s.Send(ctx, notice())
		require.NoError(t, err)
	}
	require.NoError(t, b.Stop(ctx))
	b = startMailbox(t, folder, address) // what was taken survives
	_, err := s.Send(ctx, notice())
	require.NoError(t, err)
	list, err := b.List("", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, b.Stop(ctx))
}

func TestAnUnencryptedServerIsNotUsedWhereTLSIsRequired(t *testing.T) {
	t.Parallel()
	b := startMailbox(t, t.TempDir(), "127.0.0.1:0")
	for _, way := range []delivery.TLS{delivery.TLSRequired, "", delivery.TLSImplicit} {
		_, err := mailTo(t, b.Addr(), way).Send(context.Background(), notice())
		require.Equal(t, delivery.Retry, delivery.ClassOf(err), "%s: %v", way, err)
	}
	_, err := mailTo(t, b.Addr(), delivery.TLSOffered).Send(context.Background(), notice())
	require.NoError(t, err)
	require.NoError(t, b.Stop(context.Background()))
}

func TestNothingBecomesAHeaderOfItsOwn(t *testing.T) {
	t.Parallel()
	s := mailTo(t, "127.0.0.1:1", delivery.TLSNone)
	for name, change := range map[string]func(*delivery.Message){
		"subject with CRLF":   func(m *delivery.Message) { m.Subject = "a\r\nBcc: x@example.com" },
		"subject with LF":     func(m *delivery.Message) { m.Subject = "a\nb" },
		"subject with NUL":    func(m *delivery.Message) { m.Subject = "a\x00b" },
		"subject with U+2028": func(m *delivery.Message) { m.Subject = "a\u2028b" },
		"subject too long":    func(m *delivery.Message) { m.Subject = strings.Repeat("a", 501) },
		"subject not UTF-8":   func(m *delivery.Message) { m.Subject = "\xff" },
		"address with CRLF":   func(m *delivery.Message) { m.To = "a@example.com\r\nBcc: x@example.com" },
		"two addresses":       func(m *delivery.Message) { m.To = "a@example.com, b@example.com" },
		"address with a name": func(m *delivery.Message) { m.To = "A <a@example.com>" },
		"no address":          func(m *delivery.Message) { m.To = "" },
		"key":                 func(m *delivery.Message) { m.Key = "a>\r\nX: y" },
		"locale":              func(m *delivery.Message) { m.Locale = "en\r\nX: y" },
	} {
		m := notice()
		change(&m)
		_, err := s.Send(context.Background(), m)
		require.NotNil(t, requireFailure(t, err, delivery.Final, delivery.ReasonMalformed), name)
	}
}

func TestMailOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, o := range []delivery.MailOptions{
		{Host: "h", From: ""}, {Host: "h", From: "a@b.c", Name: "x\ny"}, {Host: "h", From: "a@b.c", TLS: "some"}, {From: "a@b.c"}, {Host: "h", From: "a@b.c", Port: 70000},
	} {
		_, err := delivery.NewMail(o)
		require.Error(t, err)
	}
}

// TestRefusalsAreClassified talks to a server that answers RCPT as it is told.
func TestRefusalsAreClassified(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		class  delivery.Class
		reason string
	}{
		"550 5.1.1 no such user":       {delivery.Final, delivery.ReasonRefused},
		"552 5.2.2 full":               {delivery.Final, delivery.ReasonRefused},
		"450 4.2.1 greylisted":         {delivery.Retry, delivery.ReasonBusy},
		"451 4.3.0 try again":          {delivery.Retry, delivery.ReasonBusy},
		"421 4.3.2 going down":         {delivery.Retry, delivery.ReasonBusy},
		"the line breaks here, closed": {delivery.Retry, delivery.ReasonUnreachable},
	} {
		_, err := mailTo(t, surly(t, code), delivery.TLSNone).Send(context.Background(), notice())
		_ = requireFailure(t, err, want.class, want.reason)
		require.NotContains(t, err.Error(), notice().Text)
	}
}

// surly is a mail server that answers every RCPT with one line, and closes the
// connection if that is no reply.
func surly(t *testing.T, rcpt string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "220 surly\r\n")
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				verb, _, _ := strings.Cut(lines.Text(), " ")
				switch strings.ToUpper(verb) {
				case "QUIT":
					fmt.Fprint(conn, "221 bye\r\n")
				case "RCPT":
					if rcpt[0] < '0' || rcpt[0] > '9' {
						conn.Close()
						continue
					}
					fmt.Fprint(conn, rcpt+"\r\n")
				default:
					fmt.Fprint(conn, "250 fine\r\n")
				}
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return listener.Addr().String()
}

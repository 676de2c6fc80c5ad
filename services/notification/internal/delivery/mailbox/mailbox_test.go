package mailbox_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/notification/internal/delivery/mailbox"
	"github.com/stretchr/testify/require"
)

func start(t *testing.T, o mailbox.Options) *mailbox.Mailbox {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	o.Listen = "127.0.0.1:0"
	b, err := mailbox.Open(o)
	require.NoError(t, err)
	b.Start()
	t.Cleanup(func() { require.NoError(t, b.Stop(context.Background())) })
	return b
}

func send(t *testing.T, b *mailbox.Mailbox, mail string) error {
	t.Helper()
	return smtp.SendMail(b.Addr(), nil, "us@redress.example", []string{"a@example.com", "b@example.com"}, []byte(mail))
}

func simple(id, subject, body string) string {
	return "Message-ID: <" + id + ">\r\nSubject: " + subject + "\r\nContent-Type: text/html\r\n\r\n" + body + "\r\n"
}

func get(t *testing.T, b *mailbox.Mailbox, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	h, err := b.Handler()
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1234", "localhost:8080"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:25", "example.com:25", "nonsense"} {
		_, err := mailbox.Open(mailbox.Options{Folder: t.TempDir(), Listen: listen})
		require.Error(t, err, listen)
	}
}

func TestStartAndStopForgiveRepetition(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for range 50 {
		b, err := mailbox.Open(mailbox.Options{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
		require.NoError(t, err)
		b.Start()
		b.Start()
		require.NoError(t, b.Stop(ctx))
		require.NoError(t, b.Stop(ctx))
	}
	b, err := mailbox.Open(mailbox.Options{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	require.NoError(t, b.Stop(ctx), "never started")
	b.Start()
}

func TestMailsAreListedNewestFirstAndTheOldestGo(t *testing.T) {
	t.Parallel()
	now := clock.NewVirtual(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	folder := t.TempDir()
	b := start(t, mailbox.Options{Folder: folder, Keep: 3, Clock: now})
	for i := range 5 {
		require.NoError(t, now.Advance(now.Now().Add(time.Second)))
		require.NoError(t, send(t, b, simple(fmt.Sprint(i), fmt.Sprintf("mail %d", i), "x")))
	}
	list, err := b.List("", 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "mail 4", list[0].Subject)
	require.Equal(t, now.Now(), list[0].Time)
	require.Equal(t, []string{"a@example.com", "b@example.com"}, list[0].To)
	older, err := b.List(list[0].ID, 1)
	require.NoError(t, err)
	require.Equal(t, list[1:2], older)
	files, err := os.ReadDir(filepath.Join(folder, "new"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	drafts, err := os.ReadDir(filepath.Join(folder, "tmp"))
	require.NoError(t, err)
	require.Empty(t, drafts)
}

func TestThePageEscapesWhatMailsHold(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	require.Contains(t, get(t, b, "/").Body.String(), "No mail yet")
	require.NoError(t, send(t, b, simple("1", "<script>alert(1)</script>", `"><script>alert(2)</script>`)))
	list, err := b.List("", 1)
	require.NoError(t, err)
	for _, path := range []string{"/", "/" + list[0].ID} {
		w := get(t, b, path)
		require.Equal(t, http.StatusOK, w.Code)
		require.NotContains(t, w.Body.String(), "<script>")
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	}
	require.Contains(t, get(t, b, "/"+list[0].ID).Body.String(), `<iframe sandbox=""`)
	raw := get(t, b, "/"+list[0].ID+"/raw")
	require.Equal(t, "text/plain; charset=utf-8", raw.Header().Get("Content-Type"))
	require.Contains(t, raw.Body.String(), "Return-Path: <us@redress.example>")
	for _, path := range []string{"/0000000000000000-0000000000000000", "/..%2f..%2fetc%2fpasswd", "/x"} {
		require.Equal(t, http.StatusNotFound, get(t, b, path).Code, path)
	}
}

func TestThePageIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	for name, change := range map[string]func(*http.Request){
		"another machine":     func(r *http.Request) { r.RemoteAddr = "192.0.2.1:80" },
		"a name of the Web":   func(r *http.Request) { r.Host = "rebound.example.com" },
		"with a port":         func(r *http.Request) { r.Host = "rebound.example.com:8080" },
		"a network address":   func(r *http.Request) { r.Host = "10.0.0.1" },
		"localhost as prefix": func(r *http.Request) { r.Host = "localhost.example.com" },
	} {
		require.Equal(t, http.StatusForbidden, get(t, b, "/", change).Code, name)
	}
	for _, host := range []string{"127.0.0.1", "[::1]:80", "localhost", "127.0.0.2:8080"} {
		require.Equal(t, http.StatusOK, get(t, b, "/", func(r *http.Request) { r.Host = host }).Code, host)
	}
}

func TestTheListHasPages(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	for i := range 51 {
		require.NoError(t, send(t, b, simple(fmt.Sprint(i), "s", "x")))
	}
	first := get(t, b, "/").Body.String()
	require.Equal(t, 50, strings.Count(first, "a@example.com"))
	list, err := b.List("", 50)
	require.NoError(t, err)
	require.Contains(t, first, "?before="+list[49].ID)
	require.Equal(t, 1, strings.Count(get(t, b, "/?before="+list[49].ID).Body.String(), "a@example.com"))
}

func TestPartsWithinPartsAreRead(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{})
	require.NoError(t, send(t, b, strings.ReplaceAll(`Subject: =?utf-8?b?5L2g5aW9?=
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain
Content-Transfer-Encoding: quoted-printable

=E4=BD=A0=E5=A5=BD
--b
Content-Type: text/html
Content-Transfer-Encoding: base64

PHA+5L2g5aW9PC9wPg==
--b--
--a
Content-Type: text/plain
Content-Disposition: attachment; filename=x

secret
--a--
`, "\n", "\r\n")))
	list, err := b.List("", 1)
	require.NoError(t, err)
	m, err := b.Get(list[0].ID)
	require.NoError(t, err)
	require.Equal(t, "你好", m.Subject)
	require.Equal(t, "你好", strings.TrimSpace(m.Text))
	require.Equal(t, "<p>你好</p>", m.HTML)
}

func TestLargeAndMalformedMailsAreRefused(t *testing.T) {
	t.Parallel()
	b := start(t, mailbox.Options{MaxBytes: 1000})
	require.ErrorContains(t, send(t, b, simple("1", "s", strings.Repeat("xxxxxxxxx\r\n", 200))), "552")
	require.ErrorContains(t, send(t, b, "no header at all\r\n"), "554")
	list, err := b.List("", 10)
	require.NoError(t, err)
	require.Empty(t, list)
}

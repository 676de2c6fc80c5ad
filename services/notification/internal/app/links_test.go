package app_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/notification/internal/app"
)

func TestALinkSaysWhoseItIsAndCannotBeMade(t *testing.T) {
	t.Parallel()
	l := app.Links{Key: bytes.Repeat([]byte{1}, 32)}
	token := l.Token("acme", "followUps/f1")
	require.Regexp(t, `^[A-Za-z0-9_.-]{20,200}$`, token)
	require.Equal(t, token, l.Token("acme", "followUps/f1"), "it can be made again when the notice is sent")
	organization, name, ok := l.Read(token)
	require.True(t, ok)
	require.Equal(t, []string{"acme", "followUps/f1"}, []string{organization, name})
	longest := l.Token(strings.Repeat("o", 63), "followUps/"+strings.Repeat("f", 36))
	require.LessOrEqual(t, len(longest), 200)
	for _, forged := range []string{"", ".", token + "x", "x" + token, token[1:], app.Links{Key: bytes.Repeat([]byte{2}, 32)}.Token("acme", "followUps/f1")} {
		_, _, ok := l.Read(forged)
		require.False(t, ok, forged)
	}
}

func FuzzLinksRead(f *testing.F) {
	l := app.Links{Key: bytes.Repeat([]byte{1}, 32)}
	f.Add("YWNtZSBmMQ.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		organization, name, ok := l.Read(token)
		if ok && l.Token(organization, name) != token {
			t.Fatalf("%q is read and not made", token)
		}
	})
}

func TestSecretsOpenForTheirReceiverOnly(t *testing.T) {
	t.Parallel()
	s := app.Secrets{Key: app.Derive([]byte("secret"), "receivers")}
	secret, err := s.New()
	require.NoError(t, err)
	sealed, err := s.Seal("acme", "receivers/crm", secret)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), secret)
	opened, err := s.Open("acme", "receivers/crm", sealed)
	require.NoError(t, err)
	require.Equal(t, secret, opened)
	_, err = s.Open("acme", "receivers/other", sealed)
	require.Error(t, err)
	_, err = s.Open("other", "receivers/crm", sealed)
	require.Error(t, err)
	_, err = s.Open("acme", "receivers/crm", nil)
	require.Error(t, err)
}

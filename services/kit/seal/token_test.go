package seal

import (
	"strings"
	"testing"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"github.com/stretchr/testify/require"
)

func FuzzParse(f *testing.F) {
	b, err := newBox(make([]byte, KeySize), "demo", "a1")
	require.NoError(f, err)
	for _, s := range []string{
		"", "~s1.", "~s1.a1", "~s1.a1.", "~s1..AAAA", "~s1.a1.****", "~s1.a1.AAAA\n", "~s1.a.b.c", "~s2.a1.AAAA",
		b.text(typev1.DataClass_DATA_CLASS_PERSONAL, "x"), b.text(typev1.DataClass_DATA_CLASS_FREE_TEXT, ""),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tok, ok := parse(s)
		if !ok {
			return
		}
		require.True(t, strings.HasPrefix(s, Prefix))
		require.True(t, ValidSubject(tok.subject))
		require.True(t, sealable(tok.class))
		// One spelling: what parses is written the same way again.
		raw := append([]byte{byte(tok.class)}, tok.sealed...)
		require.Equal(t, s, Prefix+tok.subject+"."+encode(raw))
		if tok.subject == b.subject {
			if plain, err := b.open(tok); err == nil {
				require.Less(t, len(plain), len(s))
			}
		}
	})
}

func FuzzTextRoundTrip(f *testing.F) {
	b, err := newBox(make([]byte, KeySize), "demo", "a1")
	require.NoError(f, err)
	f.Add("王小明")
	f.Add("~s1.a1.AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		sealed := b.text(typev1.DataClass_DATA_CLASS_PERSONAL, s)
		tok, ok := parse(sealed)
		require.True(t, ok)
		plain, err := b.open(tok)
		require.NoError(t, err)
		require.Equal(t, s, plain)
		require.NotEqual(t, sealed, b.text(typev1.DataClass_DATA_CLASS_PERSONAL, s), "equal texts have different tokens")
	})
}

package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/page"
)

func request(parent string) *clockv1.ListClocksRequest {
	return &clockv1.ListClocksRequest{Parent: parent}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for wish, want := range map[int32]int{0: 50, 1: 1, 500: 500, 501: 500, 1 << 30: 500} {
		got, err := page.Size(wish)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := page.Size(-1)
	require.Equal(t, page.ReasonSize, fault.ReasonOf(err))
	f, _ := fault.As(err)
	require.Equal(t, "page_size", f.Violations[0].Field)
}

func TestTokenComesBackWhateverThePageSize(t *testing.T) {
	t.Parallel()
	first := request("cases/1")
	token := page.Token("cases/1/clocks/9", first, "org")
	second := request("cases/1")
	second.PageToken, second.PageSize = token, 7
	after, err := page.After(token, second, "org")
	require.NoError(t, err)
	require.Equal(t, "cases/1/clocks/9", after)
	require.Equal(t, token, second.GetPageToken(), "the request is not changed")
}

func TestFirstPageAndEndHaveNoToken(t *testing.T) {
	t.Parallel()
	require.Empty(t, page.Token("", request("cases/1")))
	after, err := page.After("", request("cases/1"))
	require.NoError(t, err)
	require.Empty(t, after)
}

func TestTokenIsRefusedElsewhere(t *testing.T) {
	t.Parallel()
	token := page.Token("k", request("cases/1"), "a", "bc")
	for name, try := range map[string]func() (string, error){
		"other argument": func() (string, error) { return page.After(token, request("cases/2"), "a", "bc") },
		"other scope":    func() (string, error) { return page.After(token, request("cases/1"), "ab", "c") },
		"other method":   func() (string, error) { return page.After(token, &clockv1.GetClockRequest{Name: "cases/1"}, "a", "bc") },
		"cut off":        func() (string, error) { return page.After(token[:8], request("cases/1"), "a", "bc") },
		"not ours":       func() (string, error) { return page.After("!!", request("cases/1"), "a", "bc") },
	} {
		_, err := try()
		require.Equal(t, page.ReasonToken, fault.ReasonOf(err), name)
	}
}

func FuzzAfterNeverAcceptsAnotherToken(f *testing.F) {
	f.Add("", "k")
	f.Add("AQ", "k")
	f.Fuzz(func(t *testing.T, token, key string) {
		if after, err := page.After(token, request("cases/1")); err == nil && token != "" {
			require.Equal(t, token, page.Token(after, request("cases/1")))
		}
		if key != "" {
			after, err := page.After(page.Token(key, request("cases/1")), request("cases/1"))
			require.NoError(t, err)
			require.Equal(t, key, after)
		}
	})
}

package tracetest_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// agent registers complaints.
const agent = "people/li-na"

// measured has the suite serve its metrics page.
func measured(c *suite.Config) { c.Process.Metrics = "127.0.0.1:0" }

// page returns the metrics page as Prometheus gets it.
func page(t testing.TB, s *suitetest.Suite) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.MetricsAddr()+"/metrics", nil)
	require.NoError(t, err)
	client := http.Client{Timeout: 20 * time.Second}
	got, err := client.Do(req)
	require.NoError(t, err)
	content, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	require.Equal(t, http.StatusOK, got.StatusCode)
	return string(content)
}

// value returns the value of a series, written as on the page; ok is false if it is not there.
func value(t testing.TB, text, series string) (v float64, ok bool) {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(strings.TrimSpace(line), series+" "); found {
			v, err := strconv.ParseFloat(rest, 64)
			require.NoError(t, err, line)
			return v, true
		}
	}
	return 0, false
}

// must returns the value of a series that is there.
func must(t testing.TB, text, series string) float64 {
	t.Helper()
	v, ok := value(t, text, series)
	require.True(t, ok, "%s is not on the page:\n%s", series, text)
	return v
}

// until asks for the page until the series is as wanted.
func until(t testing.TB, s *suitetest.Suite, series string, so func(float64) bool) {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		v := must(t, page(t, s), series)
		if so(v) {
			return
		}
		require.NoError(t, clock.System().Pause(ctx, 20*time.Millisecond), "%s stays %v", series, v)
	}
}

// names returns the names of all series of a page.
func names(text string) map[string]bool {
	out := map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		out[line[:strings.IndexAny(line, "{ ")]] = true
	}
	return out
}

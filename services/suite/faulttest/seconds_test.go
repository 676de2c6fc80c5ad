package faulttest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seconds returns the demo's pack of short limits, with one limit for all grades.
func seconds(t testing.TB, limit string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../demo/seconds.yaml")
	require.NoError(t, err)
	const all = "{general: 90 s, serious: 60 s, major: 45 s}"
	require.Contains(t, string(raw), all)
	return []byte(strings.ReplaceAll(string(raw), all, "{general: "+limit+", serious: "+limit+", major: "+limit+"}"))
}

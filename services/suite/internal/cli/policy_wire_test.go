package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
)

func TestAnExplanationSaysWhatWouldHaveToBeDifferent(t *testing.T) {
	t.Parallel()
	w := wire(t)
	c := w.verified()
	en := w.run("li-na", "policy", "explain", c.GetNumber())
	require.Contains(t, en, "GRADE severity = general")
	require.Contains(t, en, "→ serious: facts.agitated would have to be true (is not recorded)")
	require.Contains(t, w.run("li-na", "policy", "explain", c.GetNumber(), "--language", "zh-CN"), "facts.agitated 须为 是（现为 未记录）")
	var out struct {
		Explanations []struct{ Kind, Subject, Outcome string }
	}
	require.NoError(t, json.Unmarshal([]byte(w.run("li-na", "policy", "explain", c.GetNumber(), "-o", "json")), &out))
	require.NotEmpty(t, out.Explanations)
}

func TestAPackIsRehearsedOnStoredComplaints(t *testing.T) {
	t.Parallel()
	w := wire(t)
	c := w.verified()
	text, err := policy.Shipped("generic-template", "")
	require.NoError(t, err)
	folder := t.TempDir()
	shorter := strings.Replace(string(text), "by_grade: {general: 24 h,", "by_grade: {general: 6 h,", 1)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "pack.yaml"), []byte(shorter), 0o600))

	out := w.run("admin", "policy", "simulate", folder)
	cells(t, out, "COMPLAINT", "KIND", "WHAT", "BEFORE", "AFTER", "RULE")
	require.Contains(t, out, c.GetNumber())
	require.Contains(t, out, "DEADLINE")
	require.Contains(t, out, "response ((一))")
	require.NotContains(t, out, "drift")
	cells(t, w.run("admin", "policy", "simulate", folder, "--language", "zh-CN"), "投诉", "种类", "原结果", "新结果")

	var same struct{ Replayed, Changed int }
	require.NoError(t, json.Unmarshal([]byte(w.run("admin", "policy", "simulate", "demo", "-o", "json")), &same))
	require.Equal(t, 1, same.Replayed)
	require.Zero(t, same.Changed)
	require.Contains(t, refused(t, "policy", "simulate", "demo", "--from", "yesterday"), "is not an instant")
	require.Contains(t, refused(t, "policy", "simulate", "demo", "--last", "0"), "at least 1")
}

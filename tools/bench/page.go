package main

import (
	"fmt"
	"os"
	"strings"

	"example.com/redress/tools/bench/internal/measure"
)

// rewrite puts the result between the marks of the experiment in the page.
func rewrite(path, name string, r *measure.Result, settings []string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- bench:"+name+" -->\n", "<!-- /bench:"+name+" -->"
	head, rest, ok := strings.Cut(string(raw), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for %q: it needs a line %s and a line %s", path, name, strings.TrimSpace(begin), end)
	}
	body := fmt.Sprintf("%s\n*Measured %s in %s: %s*\n\n", "", r.Began.UTC().Format("2006-01-02 15:04"), r.Took.Round(1e9), strings.Join(settings, "; "))
	return os.WriteFile(path, []byte(head+begin+body+r.Markdown()+"\n"+end+tail), 0o644)
}

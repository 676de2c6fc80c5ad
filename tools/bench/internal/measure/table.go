package measure

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Short writes a figure with three digits that count.
func Short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 2, 64) + " M"
	case a >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + " k"
	case a >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', 2, 64) + " k"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1 || a == 0:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}

// Verdict is what became of a goal.
type Verdict struct {
	Goal Goal
	// Text says goal and figure, Pass whether it is reached.
	Text string
	Pass bool
}

// Verdicts holds the medians against the goals.
func (r *Result) Verdicts() []Verdict {
	var out []Verdict
	for _, g := range r.Experiment.Goals {
		out = append(out, r.verdict(g))
	}
	return out
}

func (r *Result) verdict(g Goal) Verdict {
	bar, sign := g.AtLeast, "≥"
	if g.AtLeast == 0 {
		bar, sign = g.AtMost, "≤"
	}
	title := g.Key
	for _, c := range r.Experiment.Columns {
		if c.Key == g.Key {
			title = c.Title
		}
	}
	want := fmt.Sprintf("%s: %s %s %s", g.Subject, title, sign, Short(bar))
	if g.Against != "" {
		want += " × " + g.Against
	}
	miss := func(why string) Verdict { return Verdict{g, want + " | – | missed: " + why, false} }
	if g.Missing != "" {
		return miss(g.Missing)
	}
	got, _, _, ok := r.Median(g.Subject, g.Key)
	if !ok {
		return miss("not measured" + because(r.Failed[g.Subject]))
	}
	if g.Against != "" {
		over := g.Over
		if over == "" {
			over = g.Key
		}
		reference, _, _, ok := r.Median(g.Against, over)
		if !ok || reference == 0 {
			return miss("the reference was not measured" + because(r.Failed[g.Against]))
		}
		got /= reference
	}
	pass := got >= bar
	if g.AtLeast == 0 {
		pass = got <= bar
	}
	text := fmt.Sprintf("%s | %s | ", want, Short(got))
	switch {
	case pass:
		text += "PASS"
	case g.AtLeast > 0:
		text += fmt.Sprintf("short by %s × (%.0f %% of the goal)", Short(bar/math.Max(got, 1e-9)), 100*got/bar)
	default:
		text += fmt.Sprintf("over by %s × the goal", Short(got/math.Max(bar, 1e-9)))
	}
	return Verdict{g, text, pass}
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + strings.ReplaceAll(why, "|", "/") + ")"
}

// Markdown returns the table and the goals of the experiment.
func (r *Result) Markdown() string {
	var b strings.Builder
	e := r.Experiment
	fmt.Fprintf(&b, "%s Median [fewest–most] of %d %s.\n\n", e.About, r.Rounds, plural(r.Rounds, "round"))
	b.WriteString("| subject |")
	for _, c := range e.Columns {
		b.WriteString(" " + c.Title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(e.Columns)) + "\n")
	for _, s := range e.Subjects {
		if why := r.Failed[s.Name]; why != "" && len(r.Turns[s.Name]) == 0 {
			fmt.Fprintf(&b, "| %s | failed%s |%s\n", s.Name, because(why), strings.Repeat(" |", len(e.Columns)-1))
			continue
		}
		if !slices.ContainsFunc(e.Columns, func(c Column) bool { _, _, _, ok := r.Median(s.Name, c.Key); return ok }) {
			continue
		}
		b.WriteString("| " + s.Name + " |")
		for _, c := range e.Columns {
			median, least, most, ok := r.Median(s.Name, c.Key)
			switch {
			case !ok:
				b.WriteString(" – |")
			case least == most:
				b.WriteString(" " + Short(median) + " |")
			default:
				fmt.Fprintf(&b, " %s [%s–%s] |", Short(median), Short(least), Short(most))
			}
		}
		b.WriteString("\n")
	}
	if len(e.Goals) > 0 {
		b.WriteString("\n| goal | reached | |\n|---|---|---|\n")
		for _, v := range r.Verdicts() {
			b.WriteString("| " + v.Text + " |\n")
		}
	}
	return b.String()
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

package policy

import (
	"fmt"
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// checkMatrix finds two rows of the matrix that hold for the same facts. A row that cites a reading
// has been confirmed by whoever decided that it is the first or the second choice.
func (c *checker) checkMatrix() {
	rows := slices.DeleteFunc(slices.Clone(c.pack.GetRouting().GetAssign()), func(a *policyv1.Assign) bool {
		return a.GetIf() == "" || len(a.GetReading()) > 0 || c.conds[a.GetIf()] == nil
	})
	for i, second := range rows {
		for _, first := range rows[:i] {
			w := c.words.together(c.conds[first.GetIf()], c.conds[second.GetIf()])
			if w == nil {
				continue
			}
			facts := describe(w)
			c.reportAt(second, "if", "routing.assign."+second.GetId(), "L33", Warning, 0, fmt.Sprintf("%s 与 %s 同时适用于：%s。", first.GetId(), second.GetId(), facts),
				fmt.Sprintf("Rows %s and %s both match %s.", first.GetId(), second.GetId(), facts), words("请缩小其一，或注明以前者为准的解读。", "Narrow one, or cite the reading by which the first is meant."))
			break
		}
	}
}

func describe(w world) string {
	var out []string
	for u, v := range w {
		if v != nil {
			out = append(out, u.field+" "+shown(v))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

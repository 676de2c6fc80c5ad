package scenario

import (
	"context"
	"slices"
)

// seeJudged adds which rules a complaint was judged by: the window that applied, and
// the papers or the check that stand against it.
func (w *world) seeJudged(ctx context.Context, complaint string, out map[string]any) error {
	if complaint == "" {
		return nil
	}
	c, err := w.getComplaint(ctx, complaint)
	if err != nil {
		return err
	}
	a := w.play.pack.words.pack.GetAcceptance()
	for _, r := range c.GetJudgement().GetApplied() {
		id := r.GetRule()
		switch {
		case slices.Contains(idsOf(a.GetWindows()), id):
			out["window"] = id
		case slices.Contains(idsOf(a.GetEvidence()), id):
			out["evidence"] = id
		case slices.Contains(idsOf(a.GetStands()), id):
			out["check"] = id
		}
	}
	return nil
}

func idsOf[T interface{ GetId() string }](items []T) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		out = append(out, i.GetId())
	}
	return out
}

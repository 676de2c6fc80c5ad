package scenario

import (
	"context"
)

// seeOtherClocks adds the clocks of entries that are to be paid and of duties outside
// any complaint, the newest of each id.
func (w *world) seeOtherClocks(ctx context.Context, out map[string]any) error {
	for _, pattern := range []string{"entries/*", "duties/*"} {
		m := lister(pattern)
		if m == nil {
			continue
		}
		items, err := w.list1(ctx, m, "", "")
		if err != nil {
			return err
		}
		for _, item := range items {
			if textIn(item, "clock") == "" {
				continue
			}
			clocks, err := w.clocks(ctx, textIn(item, "name"))
			if err != nil {
				return err
			}
			for _, c := range clocks {
				out[c.GetKind()] = w.seeClock(c)
			}
		}
	}
	return nil
}

package check

import (
	"context"
	"sync"

	"example.com/redress/tools/faults/ledger"
)

// complaints checks D1, that what was acknowledged is there, unchanged and once,
// and D2, that a request id has one answer.
func complaints(ctx context.Context, e *Evidence, f *Findings) error {
	first, unknown := map[string]ledger.Entry{}, map[string]bool{}
	byName, byNumber := map[string]string{}, map[string]string{}
	for _, l := range e.Ledger {
		switch l.Act {
		case ledger.Create:
			if other, ok := byName[l.Name]; ok && other != l.ID {
				f.wrong("D1", "%s was the answer to two requests, %s and %s", l.Name, other, l.ID)
			}
			if other, ok := byNumber[l.Number]; ok && other != l.Name {
				f.wrong("D1", "%s and %s were both acknowledged as %s", other, l.Name, l.Number)
			}
			first[l.ID], byName[l.Name], byNumber[l.Number] = l, l.ID, l.Name
		case ledger.Unknown:
			unknown[l.ID] = true
		case ledger.Repeat:
			f.count("repeated requests", 1)
			if was, ok := first[l.ID]; ok && (l.Code != "" || l.Name != was.Name || l.Number != was.Number || l.Mark != was.Mark) {
				f.wrong("D2", "request %s was answered %s %s, and when repeated %s %s %s", l.ID, was.Name, was.Number, l.Name, l.Number, l.Code)
			}
		case ledger.Refused:
			f.count("requests with other content", 1)
			if l.Code != "AlreadyExists" {
				f.wrong("D2", "other content under the id %s was answered %s %s", l.ID, l.Name, l.Code)
			}
		}
	}
	f.count("complaints acknowledged", len(first))
	f.count("requests never answered", len(unknown))
	if err := stored(ctx, e, f, first, unknown, byName); err != nil {
		return err
	}
	return readable(ctx, e, f, first)
}

// stored compares the tables: one complaint for each request, none besides.
func stored(ctx context.Context, e *Evidence, f *Findings, first map[string]ledger.Entry, unknown map[string]bool, byName map[string]string) error {
	kept := map[string]string{} // request id by complaint
	asked := map[string]bool{}
	if err := e.Rows(ctx, in("intake", `SELECT request_id, resource FROM @requests WHERE method LIKE '%CreateComplaint'`), func(row []string) error {
		if other, ok := kept[row[1]]; ok {
			f.wrong("D2", "%s stands for two requests, %s and %s", row[1], other, row[0])
		}
		kept[row[1]], asked[row[0]] = row[0], true
		if was, ok := first[row[0]]; ok && was.Name != row[1] {
			f.wrong("D2", "request %s was answered %s and is kept as %s", row[0], was.Name, row[1])
		}
		return nil
	}); err != nil {
		return err
	}
	for id, was := range first {
		if !asked[id] {
			f.wrong("D2", "request %s was answered %s and is not kept", id, was.Name)
		}
	}
	there := map[string]bool{}
	if err := e.Rows(ctx, in("intake", `SELECT name FROM @resources WHERE kind = 'complaints/*'`), func(row []string) error {
		there[row[0]] = true
		if _, ok := byName[row[0]]; ok || unknown[kept[row[0]]] {
			return nil
		}
		f.wrong("D1", "%s is there and was never acknowledged nor left open: it is one too many", row[0])
		return nil
	}); err != nil {
		return err
	}
	for name, id := range byName {
		if !there[name] {
			f.wrong("D1", "%s was acknowledged for request %s and is lost", name, id)
		}
	}
	f.count("complaints stored", len(there))
	return nil
}

// readers is how many complaints are asked for at once.
const readers = 16

// readable asks the API for every acknowledged complaint.
func readable(ctx context.Context, e *Evidence, f *Findings, first map[string]ledger.Entry) error {
	work := make(chan ledger.Entry)
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for l := range work {
				got, err := e.Complaint(ctx, l.Name)
				mu.Lock()
				switch {
				case err != nil:
					failed = err
				case got == nil:
					f.wrong("D1", "%s was acknowledged and cannot be read", l.Name)
				case got.GetNumber() != l.Number || got.GetComplaintObject() != l.Mark:
					f.wrong("D1", "%s was acknowledged as %s about %q and is %s about %q", l.Name, l.Number, l.Mark, got.GetNumber(), got.GetComplaintObject())
				}
				mu.Unlock()
			}
		})
	}
	for _, l := range first {
		work <- l
	}
	close(work)
	all.Wait()
	return failed
}

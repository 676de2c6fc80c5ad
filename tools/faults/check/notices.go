package check

import (
	"context"

	"google.golang.org/protobuf/proto"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
)

// notices checks N1: what is on record as delivered by mail has arrived at the
// mail server, under a key of its own; a mail may arrive twice, never another one
// under its key; and no mail arrived of which there is no notice.
func notices(ctx context.Context, e *Evidence, f *Findings) error {
	if !e.Mailed {
		return nil
	}
	arrived := map[string]Mail{}
	for _, m := range e.Mails {
		if was, ok := arrived[m.Key]; ok {
			f.count("mails that arrived again", 1)
			if was != m {
				f.wrong("N1", "two mails arrived under the key %s: %v and %v", m.Key, was, m)
			}
		}
		arrived[m.Key] = m
	}
	f.count("mails that arrived", len(arrived))
	known := map[string]bool{}
	if err := e.Rows(ctx, in("notification", `SELECT name, encode(state, 'hex') FROM @resources WHERE kind = 'notices/*'`), func(row []string) error {
		raw, err := unhex(row[1])
		if err != nil {
			return err
		}
		n := &notificationv1.Notice{}
		if err := proto.Unmarshal(raw, n); err != nil {
			return err
		}
		if n.GetMedia() != notificationv1.Notice_MEDIA_EMAIL {
			return nil
		}
		f.count("notices by mail", 1)
		if known[n.GetKey()] {
			f.wrong("N1", "%s has the key %s of another notice", row[0], n.GetKey())
		}
		known[n.GetKey()] = true
		_, there := arrived[n.GetKey()]
		switch n.GetState() {
		case notificationv1.Notice_STATE_DELIVERED:
			if !there {
				f.wrong("N1", "%s is on record as delivered and has not arrived", row[0])
			}
		case notificationv1.Notice_STATE_FAILED:
			f.wrong("N1", "%s was given up", row[0])
		}
		return nil
	}); err != nil {
		return err
	}
	for key, m := range arrived {
		if !known[key] {
			f.wrong("N1", "a mail arrived under the key %s to %s, of which there is no notice", key, m.To)
		}
	}
	return nil
}

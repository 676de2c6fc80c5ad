package check

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/tools/faults/ledger"
)

// notices checks N1: what is on record as delivered has arrived at its receiver,
// under a key of its own, signed if it is a webhook; a message may arrive twice,
// never another one under its key; no message arrived of which there is no notice;
// no notice was given up or forgotten; and a receiver of webhooks was told of every
// complaint.
func notices(ctx context.Context, e *Evidence, f *Findings) error {
	arrived, known, told := map[notificationv1.Notice_Media]map[string]Message{}, map[string]bool{}, map[string]bool{}
	for by, all := range e.Arrived {
		arrived[by] = messages(f, by, all)
	}
	if err := e.Rows(ctx, in("notification", `SELECT name, encode(state, 'hex') FROM @resources WHERE kind = 'notices/*'`), func(row []string) error {
		raw, err := unhex(row[1])
		if err != nil {
			return err
		}
		n := &notificationv1.Notice{}
		if err := proto.Unmarshal(raw, n); err != nil {
			return err
		}
		taken, judged := arrived[n.GetMedia()]
		if !judged {
			return nil
		}
		f.count("notices by "+medium(n.GetMedia()), 1)
		if known[n.GetKey()] {
			f.wrong("N1", "%s has the key %s of another notice", row[0], n.GetKey())
		}
		known[n.GetKey()] = true
		told[n.GetComplaint()] = told[n.GetComplaint()] || n.GetMedia() == notificationv1.Notice_MEDIA_WEBHOOK
		m, there := taken[n.GetKey()]
		if there && m.Notice != "" && m.Notice != row[0] {
			f.wrong("N1", "what arrived under the key of %s says that it is of %s", row[0], m.Notice)
		}
		delete(taken, n.GetKey())
		switch n.GetState() {
		case notificationv1.Notice_STATE_DELIVERED:
			if !there {
				f.wrong("N1", "%s is on record as delivered and has not arrived", row[0])
			}
		case notificationv1.Notice_STATE_FAILED:
			f.wrong("N1", "%s was given up", row[0])
		case notificationv1.Notice_STATE_PENDING:
			if next := n.GetNextAttemptTime(); next == nil || time.Since(next.AsTime()) > quiet {
				f.wrong("N1", "%s was to be sent at %s and was not", row[0], next.AsTime())
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for by, left := range arrived {
		for key := range left {
			f.wrong("N1", "a message arrived by %s under the key %s, of which there is no notice", medium(by), key)
		}
	}
	if _, judged := arrived[notificationv1.Notice_MEDIA_WEBHOOK]; judged {
		untold(e, f, told)
	}
	return nil
}

// untold finds acknowledged complaints of which no webhook tells. One that was taken
// back at once may have no limit any more that its acknowledgement could name.
func untold(e *Evidence, f *Findings, told map[string]bool) {
	withdrawn := map[string]bool{}
	for _, l := range e.Ledger {
		withdrawn[l.Name] = withdrawn[l.Name] || l.Act == ledger.Withdrawn
	}
	for _, l := range e.Ledger {
		if l.Act == ledger.Create && !told[l.Name] && !withdrawn[l.Name] {
			f.wrong("N1", "of %s no webhook tells", l.Name)
		}
	}
}

// messages are those that arrived, by key.
func messages(f *Findings, by notificationv1.Notice_Media, all []Message) map[string]Message {
	out := map[string]Message{}
	for _, m := range all {
		if was, ok := out[m.Key]; ok {
			f.count("arrived again by "+medium(by), 1)
			if was != m {
				f.wrong("N1", "two messages arrived by %s under the key %s", medium(by), m.Key)
			}
		}
		if m.Unsigned {
			f.wrong("N1", "what arrived by %s under the key %s is not signed by the suite", medium(by), m.Key)
		}
		out[m.Key] = m
	}
	f.count("arrived by "+medium(by), len(out))
	return out
}

// medium is how people call it.
func medium(m notificationv1.Notice_Media) string {
	return strings.ToLower(strings.TrimPrefix(m.String(), "MEDIA_"))
}

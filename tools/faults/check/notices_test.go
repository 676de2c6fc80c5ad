package check

import (
	"context"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/tools/faults/ledger"
)

const webhook, email = notificationv1.Notice_MEDIA_WEBHOOK, notificationv1.Notice_MEDIA_EMAIL

func TestWhatIsWrongWithNoticesIsFound(t *testing.T) {
	t.Parallel()
	const delivered = notificationv1.Notice_STATE_DELIVERED
	for name, c := range map[string]struct {
		// change spoils what is right.
		change func(n *notificationv1.Notice, m *Message, e *Evidence)
		found  []string
	}{
		"nothing": {func(*notificationv1.Notice, *Message, *Evidence) {}, nil},
		"arrived twice": {func(_ *notificationv1.Notice, m *Message, e *Evidence) {
			e.Arrived[webhook] = append(e.Arrived[webhook], *m)
		}, nil},
		"is still to be sent": {func(n *notificationv1.Notice, _ *Message, _ *Evidence) {
			n.State, n.NextAttemptTime = notificationv1.Notice_STATE_PENDING, timestamppb.New(time.Now().Add(time.Hour))
		}, nil},
		"under another key": {func(_ *notificationv1.Notice, m *Message, _ *Evidence) { m.Key = "other" }, []string{"N1: notices/1 is on record as delivered and has not arrived", "N1: a message arrived by webhook under the key other, of which there is no notice"}},
		"of another notice": {func(_ *notificationv1.Notice, m *Message, _ *Evidence) { m.Notice = "notices/2" }, []string{"N1: what arrived under the key of notices/1 says that it is of notices/2"}},
		"not signed":        {func(_ *notificationv1.Notice, m *Message, _ *Evidence) { m.Unsigned = true }, []string{"N1: what arrived by webhook under the key k1 is not signed by the suite"}},
		"given up":          {func(n *notificationv1.Notice, _ *Message, _ *Evidence) { n.State = notificationv1.Notice_STATE_FAILED }, []string{"N1: notices/1 was given up"}},
		"forgotten": {func(n *notificationv1.Notice, _ *Message, _ *Evidence) {
			n.State, n.NextAttemptTime = notificationv1.Notice_STATE_PENDING, timestamppb.New(time.Unix(0, 0))
		}, []string{"N1: notices/1 was to be sent at 1970-01-01 00:00:00 +0000 UTC and was not"}},
		"nothing arrived": {func(_ *notificationv1.Notice, _ *Message, e *Evidence) { e.Arrived[webhook] = nil }, []string{"N1: notices/1 is on record as delivered and has not arrived"}},
		"by mail only": {func(n *notificationv1.Notice, _ *Message, e *Evidence) {
			n.Media = email
			e.Arrived[email], e.Arrived[webhook] = e.Arrived[webhook], nil
		}, []string{"N1: of complaints/1 no webhook tells"}},
		"taken back, no notice": {func(_ *notificationv1.Notice, _ *Message, e *Evidence) {
			e.Ledger = append(e.Ledger, ledger.Entry{Act: ledger.Create, Name: "complaints/2"}, ledger.Entry{Act: ledger.Withdrawn, Name: "complaints/2"})
		}, nil},
		"another under its key": {func(_ *notificationv1.Notice, m *Message, e *Evidence) {
			other := *m
			other.Content = "other"
			e.Arrived[webhook] = append(e.Arrived[webhook], other)
		}, []string{"N1: two messages arrived by webhook under the key k1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &notificationv1.Notice{Media: webhook, Key: "k1", State: delivered, Complaint: "complaints/1"}
			e := &Evidence{Ledger: []ledger.Entry{{Act: ledger.Create, Name: "complaints/1"}}, Arrived: map[notificationv1.Notice_Media][]Message{webhook: {{Key: "k1", Content: "body", Notice: "notices/1"}}}}
			c.change(n, &e.Arrived[webhook][0], e)
			raw, err := proto.Marshal(n)
			require.NoError(t, err)
			e.Rows = func(_ context.Context, _ string, see func([]string) error) error {
				return see([]string{"notices/1", hex.EncodeToString(raw)})
			}
			f := &Findings{Figures: map[string]int64{}}
			require.NoError(t, notices(t.Context(), e, f))
			require.Equal(t, c.found, f.Wrong)
		})
	}
}

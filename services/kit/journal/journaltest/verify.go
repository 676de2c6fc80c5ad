package journaltest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

func verifyFindsNothing(t *testing.T, b *bundle) {
	j := b.open()
	report := b.verified(j)
	require.Zero(t, report)
	for n := range 30 {
		for range 20 { // more than a page
			b.write(j, work(name("people", n)), raise(name("people", n)))
		}
	}
	var done, total int64
	report, err := j.Verify(b.ctx, journal.VerifyOptions{Progress: func(d, of int64) { done, total = d, of }})
	require.NoError(t, err)
	require.True(t, report.OK())
	require.EqualValues(t, 600, report.Events)
	require.EqualValues(t, 30, report.Resources)
	require.EqualValues(t, 600, done)
	require.EqualValues(t, 600, total)
	heads, err := j.Heads(b.ctx)
	require.NoError(t, err)
	require.EqualValues(t, len(heads), report.Shards)
}

// tampering is a change behind the journal's back and what Verify says of it.
// complaints/1 has versions 1 to 4, alone in its shard; people/1 has version 1.
type tampering struct {
	name string
	sql  []string
	want []string // parts of problems, one each
}

func verifyFindsTampering(t *testing.T, b *bundle) {
	j := b.open()
	const chain = `organization = 'acme' AND resource = 'complaints/1'`
	here := "complaints/1 of acme, version "
	for _, c := range []tampering{
		{
			"a byte of the body",
			[]string{`UPDATE events SET body = (SELECT flipped FROM flipped) WHERE ` + chain + ` AND version = 2`},
			[]string{here + "2 (shard SHARD, event 2): content does not have its digest"},
		},
		{
			"the digest made to fit the body",
			[]string{`UPDATE events SET digest = (SELECT flipped FROM flipped) WHERE ` + chain + ` AND version = 4`},
			[]string{here + "4 (shard SHARD, event 4): content does not have its digest", here + "4 (shard SHARD, event 4): the row holds another digest", "shard SHARD, event 4: the head holds another digest"},
		},
		{
			"a row deleted",
			[]string{`DELETE FROM events WHERE ` + chain + ` AND version = 2`},
			[]string{here + "3 (shard SHARD, event 3): version 2 is missing", here + "3 (shard SHARD, event 3): does not continue", "shard SHARD, event 2: the event is missing"},
		},
		{
			"the first row deleted",
			[]string{`DELETE FROM events WHERE ` + chain + ` AND version = 1`},
			[]string{here + "2 (shard SHARD, event 2): version 1 is missing", "does not continue", "shard SHARD, event 1: the event is missing"},
		},
		{
			"the tail cut",
			[]string{`DELETE FROM events WHERE ` + chain + ` AND version > 2`},
			[]string{here + "2 (shard SHARD, event 2): the row is at version 4: the last events are missing", "shard SHARD, event 2: the head is at event 4"},
		},
		{
			"the tail cut and the head put back",
			[]string{`DELETE FROM events WHERE ` + chain + ` AND version > 2`, `UPDATE shard_heads SET sequence = 2, digest = (SELECT digest FROM events WHERE ` + chain + ` AND version = 2) WHERE shard = SHARD`},
			[]string{here + "2 (shard SHARD, event 2): the row is at version 4"},
		},
		{
			"the tail cut and the row put back",
			[]string{`DELETE FROM events WHERE ` + chain + ` AND version > 3`, `UPDATE resources SET version = 3, digest = (SELECT digest FROM events WHERE ` + chain + ` AND version = 3) WHERE name = 'complaints/1'`},
			[]string{here + "3 (shard SHARD, event 3): the row holds another state", "shard SHARD, event 3: the head is at event 4"},
		},
		{
			"versions swapped",
			[]string{`UPDATE events SET version = 99 WHERE ` + chain + ` AND version = 2`, `UPDATE events SET version = 2 WHERE ` + chain + ` AND version = 3`, `UPDATE events SET version = 3 WHERE ` + chain + ` AND version = 99`},
			[]string{here + "2 (shard SHARD, event 3): does not continue", "content does not have its digest", "does not come after version 2 (shard SHARD, event 3)"},
		},
		{
			"sequences swapped",
			[]string{`UPDATE events SET sequence = 99 WHERE ` + chain + ` AND version = 2`, `UPDATE events SET sequence = 2 WHERE ` + chain + ` AND version = 3`, `UPDATE events SET sequence = 3 WHERE ` + chain + ` AND version = 99`, `UPDATE events SET sequence = 3 WHERE ` + chain + ` AND version = 2`},
			[]string{here + "3 (shard SHARD, event 2): does not come after version 2 (shard SHARD, event 3)"},
		},
		{
			"the state changed",
			[]string{`UPDATE resources SET state = (SELECT flipped FROM flipped) WHERE name = 'complaints/1'`},
			[]string{here + "4 (shard SHARD, event 4): the row holds another state"},
		},
		{
			"the row deleted",
			[]string{`DELETE FROM resources WHERE name = 'complaints/1'`},
			[]string{here + "4 (shard SHARD, event 4): the resource has events and no row"},
		},
		{
			"all events deleted",
			[]string{`DELETE FROM events WHERE ` + chain},
			[]string{here + "4 (shard SHARD, event 0): the resource has a row and no events", "shard SHARD, event 4: the shard has a head and no events"},
		},
		{
			"the type changed",
			[]string{`UPDATE events SET type = 'other' WHERE ` + chain + ` AND version = 1`},
			[]string{here + "1 (shard SHARD, event 1): type other is not that of its content"},
		},
		{
			"the cause forgotten",
			[]string{`UPDATE events SET cause_digest = (SELECT flipped FROM flipped) WHERE ` + chain + ` AND version = 3`},
			[]string{here + "3 (shard SHARD, event 3): content does not have its digest", "its cause, event 1 in shard OTHER of test, is another event now"},
		},
		{
			"the cause deleted",
			[]string{`DELETE FROM events WHERE resource = 'people/1'`},
			[]string{"its cause, event 1 in shard OTHER of test, is missing", "people/1 of acme", "shard OTHER, event 1: the shard has a head and no events"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.reset()
			person := b.write(j, work("people/1"), raise("people/1"))
			for n := range 4 {
				w := work("complaints/1")
				if n == 2 {
					w.Cause = &eventv1.Cause{Service: "test", Shard: person.Position.Shard, Sequence: person.Position.Sequence, Digest: person.Digest}
				}
				b.write(j, w, raise("complaints/1"))
			}
			require.EqualValues(t, 1, b.verified(j).Causes)
			b.tamper(j, c.sql...)
			report, err := j.Verify(b.ctx, journal.VerifyOptions{})
			require.NoError(t, err)
			var said []string
			for _, p := range report.Problems {
				said = append(said, p.String())
			}
			for _, want := range c.want {
				require.Contains(t, strings.Join(said, "\n"), b.places(j, want))
			}
		})
	}
}

// places puts the shards of complaints/1 and people/1 into a text.
func (b *bundle) places(j *journal.Journal, text string) string {
	return strings.NewReplacer("SHARD", itoa(j.ShardOf("complaints/1")), "OTHER", itoa(j.ShardOf("people/1"))).Replace(text)
}

// tamper runs statements behind the journal's back. The table flipped holds some bytes that are wrong anywhere.
func (b *bundle) tamper(j *journal.Journal, statements ...string) {
	b.t.Helper()
	bytes := "x'0badbad0'"
	if b.db.Dialect() == sqldb.Postgres {
		bytes = `'\x0badbad0'::bytea`
	}
	for _, s := range statements {
		s = strings.ReplaceAll(s, "(SELECT flipped FROM flipped)", bytes)
		_, err := b.db.Exec(b.ctx, "tamper", b.places(j, s))
		require.NoError(b.t, err)
	}
}

// reset empties the journal's tables.
func (b *bundle) reset() {
	b.t.Helper()
	for _, table := range []string{"events", "resources", "resource_index", "shard_heads", "requests"} {
		_, err := b.db.Exec(b.ctx, "reset", "DELETE FROM "+table)
		require.NoError(b.t, err)
	}
}

func verifyFollowsCauses(t *testing.T, b *bundle) {
	j := b.open()
	for n, c := range []*eventv1.Cause{
		{Service: "intake", Shard: 1, Sequence: 5, Digest: []byte("right")},
		{Service: "intake", Shard: 1, Sequence: 6, Digest: []byte("wrong")},
		{Service: "intake", Shard: 1, Sequence: 7, Digest: []byte("missing")},
	} {
		w := work(name("people", n))
		w.Cause, w.Depth = c, 1
		b.write(j, w, raise(name("people", n)))
	}
	report := b.verified(j)
	require.EqualValues(t, 3, report.Unfollowed)
	require.Zero(t, report.Causes)
	report, err := j.Verify(b.ctx, journal.VerifyOptions{MaxProblems: 1, Cause: func(c *eventv1.Cause) ([]byte, error) {
		return map[int64][]byte{5: []byte("right"), 6: []byte("other")}[c.Sequence], nil
	}})
	require.NoError(t, err)
	require.EqualValues(t, 3, report.Causes)
	require.Len(t, report.Problems, 1)
	require.Equal(t, "people/000001", report.Problems[0].Resource)
	require.Contains(t, report.Problems[0].Text, "another event now")
	require.EqualValues(t, 1, report.More)
}

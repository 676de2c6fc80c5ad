package timerindextest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"example.com/redress/services/kit/timerindex"
)

// simple is the index as one would explain it: two maps from member to milliseconds.
type simple struct {
	due, leased map[timerindex.Member]int64
}

func (s *simple) take(from map[timerindex.Member]int64, now int64, limit int) []timerindex.Member {
	var out []timerindex.Member
	for m, at := range from {
		if at <= now {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b timerindex.Member) int {
		return cmp.Or(cmp.Compare(from[a], from[b]), cmp.Compare(a.String(), b.String()))
	})
	return out[:min(limit, len(out))]
}

// model plays random calls on the index and on the simple model of it.
func model(b *bundle) {
	shard := int32(0)
	rapid.Check(b.T, func(t *rapid.T) {
		shard++ // a fresh shard for every run
		ctx := b.Context()
		s := &simple{due: map[timerindex.Member]int64{}, leased: map[timerindex.Member]int64{}}
		now := base()
		member := func() timerindex.Member {
			return timerindex.Member{Organization: "org", Name: fmt.Sprint("t", rapid.IntRange(0, 5).Draw(t, "name")), Generation: int64(rapid.IntRange(1, 4).Draw(t, "generation"))}
		}
		t.Repeat(map[string]func(*rapid.T){
			"arm": func(t *rapid.T) {
				m, ms := member(), now.UnixMilli()+int64(rapid.IntRange(-2000, 5000).Draw(t, "after"))
				before := m
				before.Generation--
				delete(s.due, before)
				s.due[m] = ms
				require.NoError(t, b.Arm(ctx, shard, timerindex.Entry{Member: m, At: time.UnixMilli(ms)}))
			},
			"drop": func(t *rapid.T) {
				m := member()
				delete(s.due, m)
				require.NoError(t, b.Drop(ctx, shard, m))
			},
			"ack": func(t *rapid.T) {
				m := member()
				delete(s.leased, m)
				require.NoError(t, b.Ack(ctx, shard, m))
			},
			"claim": func(t *rapid.T) {
				limit := rapid.IntRange(1, 4).Draw(t, "limit")
				until := now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "lease")) * time.Millisecond)
				want := s.take(s.due, now.UnixMilli(), limit)
				got, err := b.Claim(ctx, shard, timerindex.Claim{Now: now, Limit: limit, Until: until})
				require.NoError(t, err)
				require.Len(t, got.Entries, len(want))
				for i, m := range want {
					require.Equal(t, timerindex.Entry{Member: m, At: time.UnixMilli(s.due[m]).UTC()}, got.Entries[i])
					delete(s.due, m)
					s.leased[m] = until.UnixMilli()
				}
				next := time.Time{}
				for _, at := range s.due {
					if next.IsZero() || at < next.UnixMilli() {
						next = time.UnixMilli(at).UTC()
					}
				}
				require.Equal(t, next, got.Next)
			},
			"return": func(t *rapid.T) {
				limit := rapid.IntRange(1, 4).Draw(t, "limit")
				want := s.take(s.leased, now.UnixMilli(), limit)
				n, err := b.Return(ctx, shard, now, limit)
				require.NoError(t, err)
				require.Equal(t, len(want), n)
				for _, m := range want {
					s.due[m] = s.leased[m]
					delete(s.leased, m)
				}
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "passes")) * time.Millisecond)
			},
		})
	})
}

// Bench measures arming and claiming with so many timers armed in one shard.
func Bench(b *testing.B, index timerindex.Index, armed int) {
	ctx := b.Context()
	var entries []timerindex.Entry
	for i := range armed {
		entries = append(entries, entry(fmt.Sprintf("cases/%08d/clocks/response", i), 1, time.Duration(i)*time.Second))
	}
	require.NoError(b, index.Arm(ctx, 7, entries...))
	b.Run("ArmOne", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			require.NoError(b, index.Arm(ctx, 7, entries[i%armed]))
		}
	})
	b.Run("ArmHundred", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			from := i * 100 % (armed - 100)
			require.NoError(b, index.Arm(ctx, 7, entries[from:from+100]...))
		}
	})
	b.Run("ClaimNothing", func(b *testing.B) {
		for b.Loop() {
			_, err := index.Claim(ctx, 7, timerindex.Claim{Now: base().Add(-time.Hour), Limit: 100, Until: base()})
			require.NoError(b, err)
		}
	})
	b.Run("ClaimHundredAckRearm", func(b *testing.B) {
		for b.Loop() {
			got, err := index.Claim(ctx, 7, timerindex.Claim{Now: base().Add(time.Duration(armed) * time.Second), Limit: 100, Until: base()})
			require.NoError(b, err)
			require.Len(b, got.Entries, 100)
			members := make([]timerindex.Member, len(got.Entries))
			for i, e := range got.Entries {
				members[i] = e.Member
			}
			require.NoError(b, index.Ack(ctx, 7, members...))
			require.NoError(b, index.Arm(ctx, 7, got.Entries...))
		}
	})
	b.Run("Beat", func(b *testing.B) {
		beat, err := index.Rebuild(ctx, 7, timerindex.Heartbeat{}, func() error { return nil })
		require.NoError(b, err)
		for b.Loop() {
			beat, _, err = index.Beat(ctx, 7, beat)
			require.NoError(b, err)
		}
	})
}

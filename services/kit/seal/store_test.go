package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/seal/sealtest"
	"github.com/stretchr/testify/require"
)

func master(b byte) []byte { return bytes.Repeat([]byte{b}, seal.KeySize) }

func openStore(t *testing.T, folder string) *seal.FileStore {
	t.Helper()
	s, err := seal.OpenFileStore(folder, master(1))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestKeysSurviveARestartAndOnlyTheirMasterKeyOpensThem(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), filepath.Join(t.TempDir(), "keys")
	s := openStore(t, folder)
	_, err := s.Key(ctx, organization, subject, false)
	require.Equal(t, seal.ReasonSubjectUnknown, fault.ReasonOf(err))
	key, err := s.Key(ctx, organization, subject, true)
	require.NoError(t, err)
	require.Len(t, key, seal.KeySize)
	other, err := s.Key(ctx, "organizations/other", subject, true)
	require.NoError(t, err)
	require.NotEqual(t, key, other, "organisations never share a key")
	lookup, err := s.LookupKey(ctx, organization)
	require.NoError(t, err)

	again := openStore(t, folder)
	for _, create := range []bool{false, true} {
		got, err := again.Key(ctx, organization, subject, create)
		require.NoError(t, err)
		require.Equal(t, key, got)
	}
	got, err := again.LookupKey(ctx, organization)
	require.NoError(t, err)
	require.Equal(t, lookup, got)

	_, err = seal.OpenFileStore(folder, master(2))
	require.ErrorContains(t, err, "not made under this master key")
	_, err = seal.OpenFileStore(folder, []byte("short"))
	require.ErrorContains(t, err, "master key")

	for name, content := range files(t, folder) {
		require.NotContains(t, content, string(key), name)
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		found[path] = string(raw)
		return err
	}))
	return found
}

func TestADestroyedKeyIsGoneForEver(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s, beside := openStore(t, folder), openStore(t, folder)
	for _, who := range []string{subject, subject + "0"} {
		_, err := s.Key(ctx, organization, who, true)
		require.NoError(t, err)
	}
	_, err := beside.Key(ctx, organization, subject, false)
	require.NoError(t, err)
	held := slots(t, folder)[1][40:100]
	require.NotEqual(t, make([]byte, 60), held)
	require.NoError(t, s.Destroy(ctx, organization, subject))
	require.NoError(t, s.Destroy(ctx, organization, subject), "repeating is fine")
	require.NoError(t, s.Destroy(ctx, organization, "never-seen"))
	for name, content := range files(t, folder) {
		require.NotContains(t, content, string(held), name)
	}
	for _, store := range []*seal.FileStore{s, beside, openStore(t, folder)} {
		for _, who := range []string{subject, "never-seen"} {
			for _, create := range []bool{false, true} {
				_, err = store.Key(ctx, organization, who, create)
				require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
			}
		}
		_, err = store.Key(ctx, organization, subject+"0", false)
		require.NoError(t, err, "a subject whose id begins alike keeps its key")
	}
}

// slotSize is that of slot.go.
const slotSize = 128

// logOf returns the path of the store's log.
func logOf(folder string) string { return filepath.Join(folder, "keys.log") }

// slots returns what the log holds; the first proves the master key.
func slots(t *testing.T, folder string) (all [][]byte) {
	t.Helper()
	raw, err := os.ReadFile(logOf(folder))
	require.NoError(t, err)
	all = slices.Collect(slices.Chunk(raw[:len(raw)/slotSize*slotSize], slotSize))
	for bytes.Equal(all[len(all)-1], make([]byte, slotSize)) {
		all = all[:len(all)-1]
	}
	return all
}

func write(t *testing.T, folder string, slots ...[]byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(logOf(folder), bytes.Join(slots, nil), 0o600))
}

func TestAnErasureThatACrashCutShortIsFinishedAtTheNextOpening(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	_, err := s.Key(ctx, organization, subject, true)
	require.NoError(t, err)
	before := slots(t, folder)
	require.NoError(t, s.Destroy(ctx, organization, subject))
	// Killed between saying that it is gone and overwriting it.
	write(t, folder, append(before, slots(t, folder)[2])...)
	again := openStore(t, folder)
	require.NotEqual(t, before[1], slots(t, folder)[1], "the key is overwritten")
	require.NotContains(t, files(t, folder)[logOf(folder)], string(before[1][40:100]))
	_, err = again.Key(ctx, organization, subject, true)
	require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
}

func TestWhatACrashLeftBehindTheLastKeyIsDropped(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, left := range map[string][]byte{
		"half a slot": bytes.Repeat([]byte{7}, slotSize/2), "room without slots": make([]byte, 3*slotSize), "both": make([]byte, slotSize+5),
	} {
		folder := t.TempDir()
		s := openStore(t, folder)
		key, err := s.Key(ctx, organization, "a", true)
		require.NoError(t, err)
		write(t, folder, append(slots(t, folder), left)...)
		for _, store := range []*seal.FileStore{openStore(t, folder), s} {
			got, err := store.Key(ctx, organization, "a", false)
			require.NoError(t, err, name)
			require.Equal(t, key, got)
			_, err = store.Key(ctx, organization, "b", true)
			require.NoError(t, err)
		}
		require.Len(t, slots(t, folder), 3, name)
	}
}

func TestAHoleBetweenKeysIsPassedOver(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	key, err := s.Key(ctx, organization, "a", true)
	require.NoError(t, err)
	all := slots(t, folder)
	write(t, folder, all[0], make([]byte, slotSize), all[1])
	got, err := openStore(t, folder).Key(ctx, organization, "a", false)
	require.NoError(t, err)
	require.Equal(t, key, got)
}

func TestAKeyThatWasSwappedOrChangedIsDataLoss(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	for _, who := range []string{"a", "b"} {
		_, err := s.Key(ctx, organization, who, true)
		require.NoError(t, err)
	}
	all := slots(t, folder)
	a, b := bytes.Clone(all[1]), bytes.Clone(all[2])
	copy(b[40:100], a[40:100])
	a[70]++
	write(t, folder, all[0], a, b)
	for _, store := range []*seal.FileStore{s, openStore(t, folder)} {
		for _, who := range []string{"a", "b"} {
			_, err := store.Key(ctx, organization, who, true)
			require.Equal(t, fault.DataLoss, fault.KindOf(err), who)
		}
	}
	a[10]++ // nobody can tell whose key it was: a new one for somebody would lose texts
	write(t, folder, all[0], a, b)
	_, err := seal.OpenFileStore(folder, master(1))
	require.ErrorContains(t, err, "slot 1 is damaged")
	require.Equal(t, fault.DataLoss, fault.KindOf(err))
}

func TestACallAfterCloseFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, err := seal.OpenFileStore(t.TempDir(), master(1))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for _, create := range []bool{false, true} {
		_, err = s.Key(ctx, organization, subject, create)
		require.ErrorIs(t, err, fs.ErrClosed)
	}
	_, err = s.Reserve(ctx, organization)
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestManyKeysAreFoundAgain(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	const makers, each = 64, 80 // more than are read at once
	made := make([][]string, makers)
	var wg sync.WaitGroup
	for i := range makers {
		wg.Go(func() {
			for n := range each {
				key, err := s.Key(ctx, organization, fmt.Sprintf("s-%d-%d", i, n), true)
				if err != nil {
					return
				}
				made[i] = append(made[i], string(key))
			}
		})
	}
	wg.Wait()
	again := openStore(t, folder)
	for i := range makers {
		require.Len(t, made[i], each)
		for n, key := range made[i] {
			got, err := again.Key(ctx, organization, fmt.Sprintf("s-%d-%d", i, n), false)
			require.NoError(t, err)
			require.Equal(t, key, string(got))
		}
	}
}

func TestManyMakersGetOneKey(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	stores := []*seal.FileStore{openStore(t, folder), openStore(t, folder)}
	var wg sync.WaitGroup
	keys := make([][]byte, 16)
	for i := range keys {
		wg.Go(func() { keys[i], _ = stores[i%2].Key(ctx, organization, subject, true) })
	}
	wg.Wait()
	for _, k := range keys {
		require.Equal(t, keys[0], k)
		require.Len(t, k, seal.KeySize)
	}
}

func TestReservedSubjectsAreNobodyElsesAndTheirKeysAreOnTheDisk(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	stores := []*seal.FileStore{openStore(t, folder), openStore(t, folder)}
	const each = 200 // more than are made ahead at once
	var mu sync.Mutex
	taken := map[string]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range each {
				of := fmt.Sprintf("organizations/%d", n%2)
				id, err := stores[i%2].Reserve(ctx, of)
				if err != nil || !seal.ValidSubject(id) {
					t.Errorf("%q: %v", id, err)
					return
				}
				mu.Lock()
				if taken[of+id] {
					t.Errorf("%s was given twice", id)
				}
				taken[of+id] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	require.Len(t, taken, 8*each)
	later := openStore(t, folder)
	for at := range taken {
		of, id := at[:len("organizations/0")], at[len("organizations/0"):]
		key, err := stores[0].Key(ctx, of, id, false)
		require.NoError(t, err)
		again, err := later.Key(ctx, of, id, false)
		require.NoError(t, err)
		require.Equal(t, key, again)
	}
}

func TestWhoWaitsForAReservedSubjectMayGiveUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := openStore(t, t.TempDir()).Reserve(ctx, organization)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNamesCannotLeaveTheFolder(t *testing.T) {
	t.Parallel()
	ctx, parent := context.Background(), t.TempDir()
	s := openStore(t, filepath.Join(parent, "keys"))
	for _, name := range []string{"../out", "..", "/etc", "a/../../b", "", "store", "x.y"} {
		_, err := s.Key(ctx, name, subject, true)
		require.NoError(t, err, name)
		_, err = s.Key(ctx, organization, name, true)
		if name != "store" {
			require.Equal(t, seal.ReasonSubjectInvalid, fault.ReasonOf(err), name)
		}
	}
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestCacheAsksOnceUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	now := clock.NewVirtual(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	c := seal.NewCache(keys, seal.CacheOptions{Size: 2, TTL: time.Minute, Clock: now})
	first, err := c.Key(ctx, organization, "a", true)
	require.NoError(t, err)
	first[0]++ // the caller's own copy
	second, err := c.Key(ctx, organization, "a", false)
	require.NoError(t, err)
	require.Equal(t, first[0]-1, second[0])
	require.Equal(t, 1, keys.Calls())
	require.NoError(t, now.Advance(now.Now().Add(time.Minute)))
	_, err = c.Key(ctx, organization, "a", false)
	require.NoError(t, err)
	require.Equal(t, 2, keys.Calls())

	for _, who := range []string{"b", "c", "d"} {
		_, err = c.Key(ctx, organization, who, true)
		require.NoError(t, err)
	}
	require.Equal(t, 2, c.Len(), "bounded")
}

func TestCacheDropsOnErasureEvenWhileTheAnswerIsOnItsWay(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	slow := &slowKeys{Keys: keys, asked: make(chan struct{}), answer: make(chan struct{})}
	c := seal.NewCache(slow, seal.CacheOptions{})
	done := make(chan error)
	go func() {
		_, err := c.Key(ctx, organization, "a", true)
		done <- err
	}()
	<-slow.asked
	c.Drop(organization, "a")
	close(slow.answer)
	require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(<-done))
	_, err := c.Key(ctx, organization, "a", true)
	require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
}

// slowKeys answers when told to.
type slowKeys struct {
	*sealtest.Keys
	asked, answer chan struct{}
}

func (s *slowKeys) Key(ctx context.Context, organization, subject string, create bool) ([]byte, error) {
	close(s.asked)
	<-s.answer
	return s.Keys.Key(ctx, organization, subject, create)
}

func TestCacheRemembersErasuresButNoFailures(t *testing.T) {
	t.Parallel()
	ctx, keys := context.Background(), &sealtest.Keys{}
	c := seal.NewCache(keys, seal.CacheOptions{})
	keys.Fail(errors.New("away"))
	_, err := c.Key(ctx, organization, "a", true)
	require.ErrorContains(t, err, "away")
	keys.Fail(nil)
	require.NoError(t, keys.Destroy(ctx, organization, "a"))
	for range 2 {
		_, err = c.Key(ctx, organization, "a", true)
		require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
	}
	require.Equal(t, 2, keys.Calls())
}

func TestSpellingsOfANumberAreFoundUnderOneDigest(t *testing.T) {
	t.Parallel()
	cases := map[string][]string{
		"+8613800138000": {"13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000", "0086-138-0013-8000", "８６１３８００１３８０００", "＋８６（１３８）００１３８０００", "\u200b13800138000\u202c", "+86 013800138000"},
		"+861062345678":  {"010-62345678", "(010) 6234 5678", "+86 10 6234 5678", " ０１０－６２３４ 5678 转 9 ", "01062345678 ext. 9", "010-62345678#9"},
		"+864001234567":  {"400-123-4567", "400 1234 567"},
		"+442071234567":  {"+44 20 7123 4567", "0044 20 7123 4567"},
		"+8610086":       {"10086"},
	}
	key := master(7)
	for want, spellings := range cases {
		for _, s := range spellings {
			got, ok := seal.NormalizeTelephone(s)
			require.True(t, ok, s)
			require.Equal(t, want, got, s)
			require.Equal(t, seal.Lookup(key, want), seal.Lookup(key, got))
		}
	}
	require.NotEqual(t, seal.Lookup(master(1), "+8610086"), seal.Lookup(master(2), "+8610086"))
	require.Len(t, seal.Lookup(key, ""), 64)
	for _, bad := range []string{"", "12", "call me", "+", "١٢٣٤٥٦٧", "1234567890123456", "1+2345", "转9"} {
		_, ok := seal.NormalizeTelephone(bad)
		require.False(t, ok, bad)
	}
}

func FuzzNormalizeTelephone(f *testing.F) {
	f.Add("+86 (010) 6234-5678 转 1")
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := seal.NormalizeTelephone(s)
		if !ok {
			return
		}
		twice, ok := seal.NormalizeTelephone(once)
		require.True(t, ok)
		require.Equal(t, once, twice, "normalising twice changes nothing")
	})
}

func TestEmailsFold(t *testing.T) {
	t.Parallel()
	got, ok := seal.NormalizeEmail(" Li.Hua＠Example.COM ")
	require.True(t, ok)
	require.Equal(t, "li.hua@example.com", got)
	for _, bad := range []string{"", "a", "@b", "a@", "a@b@c", "a b@c"} {
		_, ok := seal.NormalizeEmail(bad)
		require.False(t, ok, bad)
	}
}

func TestRequestDigestTellsRequestsApart(t *testing.T) {
	t.Parallel()
	one, err := seal.RequestDigest(master(1), approval())
	require.NoError(t, err)
	same, err := seal.RequestDigest(master(1), approval())
	require.NoError(t, err)
	require.Equal(t, one, same)
	changed := approval()
	changed.Number = 2
	other, err := seal.RequestDigest(master(1), changed)
	require.NoError(t, err)
	require.NotEqual(t, one, other)
}

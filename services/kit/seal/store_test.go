package seal_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
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
		require.NotContains(t, name, ".tmp")
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

func TestADestroyedKeyIsGoneForEverWithEveryCopy(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	_, err := s.Key(ctx, organization, subject, true)
	require.NoError(t, err)
	_, err = s.Key(ctx, organization, subject+"0", true)
	require.NoError(t, err)
	// What a process killed between linking and removing its draft leaves behind.
	for name := range files(t, folder) {
		if strings.HasSuffix(name, subject+".key") {
			require.NoError(t, os.Link(name, name+".CRASHED.tmp"))
		}
	}
	require.NoError(t, s.Destroy(ctx, organization, subject))
	require.NoError(t, s.Destroy(ctx, organization, subject), "repeating is fine")
	require.NoError(t, s.Destroy(ctx, organization, "never-seen"))
	for name := range files(t, folder) {
		require.NotContains(t, name, subject+".key", name)
	}
	for _, store := range []*seal.FileStore{s, openStore(t, folder)} {
		for _, who := range []string{subject, "never-seen"} {
			_, err = store.Key(ctx, organization, who, true)
			require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
		}
		_, err = store.Key(ctx, organization, subject+"0", false)
		require.NoError(t, err, "a subject whose id begins alike keeps its key")
	}
}

func TestACrashAfterTheTombstoneLeavesTheSubjectErased(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	_, err := s.Key(ctx, organization, subject, true)
	require.NoError(t, err)
	for name := range files(t, folder) {
		if strings.HasSuffix(name, subject+".key") {
			require.NoError(t, os.WriteFile(strings.TrimSuffix(name, ".key")+".erased", nil, 0o600))
		}
	}
	_, err = s.Key(ctx, organization, subject, true)
	require.Equal(t, seal.ReasonSubjectErased, fault.ReasonOf(err))
}

func TestAKeyFileThatWasSwappedOrCutIsDataLoss(t *testing.T) {
	t.Parallel()
	ctx, folder := context.Background(), t.TempDir()
	s := openStore(t, folder)
	for _, who := range []string{"a", "b"} {
		_, err := s.Key(ctx, organization, who, true)
		require.NoError(t, err)
	}
	var a, b string
	for name := range files(t, folder) {
		switch filepath.Base(name) {
		case "a.key":
			a = name
		case "b.key":
			b = name
		}
	}
	raw, err := os.ReadFile(a)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b, raw, 0o600))
	require.NoError(t, os.WriteFile(a, raw[:20], 0o600))
	for _, who := range []string{"a", "b"} {
		_, err = s.Key(ctx, organization, who, true)
		require.Equal(t, fault.DataLoss, fault.KindOf(err), who)
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

package ledger_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/tools/faults/ledger"
)

func TestEveryEntryThatWasAddedIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(path)
	require.NoError(t, err)
	var all sync.WaitGroup
	const n = 200
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = l.Add(ledger.Entry{Act: ledger.Create, ID: fmt.Sprint(i)}) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.NoError(t, l.Add(ledger.Entry{Act: ledger.Unknown, ID: "never answered"}))
	require.NoError(t, l.Close())
	require.Equal(t, n, l.Count(""))
	got, err := ledger.Read(path)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, e := range got {
		seen[e.ID]++
	}
	require.Len(t, seen, n+1)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
}

func TestALedgerIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(path)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = ledger.Open(path)
	require.Error(t, err)
}

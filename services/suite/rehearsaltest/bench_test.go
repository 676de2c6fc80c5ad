package rehearsaltest_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// BenchmarkSimulate rehearses a changed pack on 1,000 stored complaints in one call over the network: the
// issue asks for less than ten seconds.
func BenchmarkSimulate(b *testing.B) {
	const many = 1000
	bed := on(b)
	failed := make([]error, 8)
	var clients sync.WaitGroup
	for k := range failed {
		clients.Go(func() {
			for n := k; n < many && failed[k] == nil; n += len(failed) {
				_, failed[k] = bed.create(n)
			}
		})
	}
	clients.Wait()
	require.NoError(b, errors.Join(failed...))
	for bed.Settle(b.Context()) != nil { // it gives up after a while, with much to do
		require.NoError(b, b.Context().Err())
	}
	source := bed.pack(func(p *policyv1.Pack) {
		for _, c := range p.GetClocks() {
			if c.GetId() == "response" {
				c.ByGrade["general"] = "6 h"
			}
		}
	})
	for b.Loop() {
		got := bed.simulate(&policyv1.SimulateRevisionRequest{Source: source, PageSize: many})
		require.EqualValues(b, many, got.GetReplayed())
		require.EqualValues(b, 600, got.GetChanged())
		require.Zero(b, got.GetDrifted())
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/1000")
}

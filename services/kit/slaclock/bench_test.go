package slaclock_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/slaclock"
)

func BenchmarkStartFireMeet(b *testing.B) {
	s := setup(b, "cn")
	spec := slaclock.Spec{Name: "cases/c/clocks/k", Start: s.at("2026-03-02 10:00:00"), Term: term(b, "3 working days"), Each: limit(b, "24 h")}
	late, met := s.at("2026-03-06 10:00:00"), s.at("2026-03-06 11:00:00")
	b.ReportAllocs()
	for b.Loop() {
		c, _, err := slaclock.Start(s.cal, spec)
		require.NoError(b, err)
		c, _, err = slaclock.Fire(s.cal, c, late)
		require.NoError(b, err)
		_, _, err = slaclock.Meet(s.cal, c, met)
		require.NoError(b, err)
	}
}

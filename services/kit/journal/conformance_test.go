package journal_test

import (
	"testing"

	"go.uber.org/goleak"

	"example.com/redress/services/kit/journal/journaltest"
	"example.com/redress/services/kit/kittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, journaltest.Run)
}

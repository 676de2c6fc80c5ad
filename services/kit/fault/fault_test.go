package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

func TestErrorNamesKindReasonAndFactsInOrder(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.NotFound, "CLOCK_NOT_FOUND", "name", "cases/1/clocks/2", "kind", "reply").Wrap(io.EOF)
	require.EqualError(t, err, "not found: CLOCK_NOT_FOUND (kind=reply, name=cases/1/clocks/2): EOF")
	require.ErrorIs(t, err, io.EOF)
	require.ErrorIs(t, fmt.Errorf("get: %w", err), fault.New(fault.NotFound, "CLOCK_NOT_FOUND"))
	require.NotErrorIs(t, err, fault.New(fault.Aborted, "CLOCK_NOT_FOUND"))
}

func TestAddingReturnsACopy(t *testing.T) {
	t.Parallel()
	first := fault.New(fault.Invalid, "BAD", "a", "1")
	second := first.WithFacts("b", "2").With(&typev1.RuleRef{Rule: "r"}).WithRetry(time.Second).
		WithViolations(fault.Violation{Field: "x", Reason: "EMPTY"})
	third := second.WithViolations(fault.Violation{Field: "y", Reason: "EMPTY"})
	require.Equal(t, fault.New(fault.Invalid, "BAD", "a", "1"), first)
	require.Equal(t, map[string]string{"a": "1", "b": "2"}, second.Facts)
	require.Len(t, second.Violations, 1)
	require.Len(t, third.Violations, 2)
	require.Equal(t, time.Second, third.RetryAfter)
	require.Equal(t, "r", third.Rule.GetRule())
}

func TestKindAndReasonOfOtherErrors(t *testing.T) {
	t.Parallel()
	require.Zero(t, fault.KindOf(nil))
	require.Empty(t, fault.ReasonOf(nil))
	require.Equal(t, fault.Internal, fault.KindOf(io.EOF))
	require.Equal(t, fault.ReasonInternal, fault.ReasonOf(io.EOF))
	wrapped := errors.Join(io.EOF, fault.New(fault.Aborted, "ETAG_MISMATCH"))
	require.Equal(t, fault.Aborted, fault.KindOf(wrapped))
	require.Equal(t, "ETAG_MISMATCH", fault.ReasonOf(wrapped))
}

func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := fault.Invalid; k <= fault.Internal; k++ {
		require.NotEqual(t, "no kind", k.String())
		require.False(t, seen[k.String()])
		seen[k.String()] = true
	}
	require.Equal(t, "no kind", fault.Kind(0).String())
}

func TestCatalogueSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	c, err := fault.NewCatalogue(fault.Entry{"CLOCK_LATE", fault.FailedPrecondition, "{clock}已超时{days}天。", "{clock} is {days} days late."})
	require.NoError(t, err)
	late := fault.New(fault.FailedPrecondition, "CLOCK_LATE", "clock", "{days}", "days", "2")
	require.Equal(t, "{days}已超时2天。", c.Message(fault.Chinese, late))
	require.Equal(t, "{days} is 2 days late.", c.Message(fault.English, fmt.Errorf("x: %w", late)))
	require.Equal(t, "? is ? days late.", c.Message(fault.English, fault.New(fault.FailedPrecondition, "CLOCK_LATE")))
	require.Empty(t, c.Message(fault.English, nil))
}

func TestCatalogueMasksWhatIsInternal(t *testing.T) {
	t.Parallel()
	c, err := fault.NewCatalogue()
	require.NoError(t, err)
	masked := c.Message(fault.English, io.EOF)
	require.NotContains(t, masked, "EOF")
	require.Equal(t, masked, c.Message(fault.English, fault.New(fault.Internal, "SECRET_STATE", "a", "b")))
	require.Equal(t, "The request was refused: NO_SUCH.", c.Message(fault.English, fault.New(fault.Aborted, "NO_SUCH")))
	require.Equal(t, "请求被拒绝：NO_SUCH。", c.Message("fr", fault.New(fault.Aborted, "NO_SUCH")))
}

func TestCatalogueRefusesWhatIsUnclear(t *testing.T) {
	t.Parallel()
	ok := fault.Entry{"SAME", fault.Aborted, "一", "one"}
	_, err := fault.NewCatalogue(ok, ok)
	require.NoError(t, err, "shared reasons may be listed twice")
	_, err = fault.NewCatalogue(ok,
		fault.Entry{"SAME", fault.Aborted, "二", "two"},
		fault.Entry{"lower", fault.Aborted, "一", "one"},
		fault.Entry{"NO_KIND", 0, "一", "one"},
		fault.Entry{"NO_TEXT", fault.Aborted, "", "one"},
		fault.Entry{"OTHER_FACTS", fault.Aborted, "{a}", "{b}"},
	)
	require.ErrorContains(t, err, "SAME: two different meanings")
	require.ErrorContains(t, err, `"lower": must be UPPER_SNAKE`)
	require.ErrorContains(t, err, "NO_KIND: no kind")
	require.ErrorContains(t, err, "NO_TEXT: a message is empty")
	require.ErrorContains(t, err, "OTHER_FACTS: the messages speak of different facts: [a] and [b]")
}

func TestCatalogueListsInOrder(t *testing.T) {
	t.Parallel()
	c, err := fault.NewCatalogue(fault.Entry{"AAA", fault.Aborted, "一", "one"})
	require.NoError(t, err)
	require.Equal(t, "AAA", c.Entries()[0].Reason)
	require.Len(t, c.Entries(), len(fault.Reasons())+1)
	e, ok := c.Entry("AAA")
	require.True(t, ok)
	require.Equal(t, fault.Aborted, e.Kind)
}

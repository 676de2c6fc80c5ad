package demo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite/demo"
)

// The whole main job: from the first call to the archive, over the network, in
// one process on the virtual clock.
func TestOneComplaintTravelsThroughTheWholeSuite(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := demo.AllInOne(t.Context(), t.TempDir(), &out)
	t.Log(out.String())
	require.NoError(t, err)
	require.Contains(t, out.String(), "closed and archived")
}

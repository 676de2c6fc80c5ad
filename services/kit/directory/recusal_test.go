package directory_test

import (
	"testing"

	"example.com/redress/services/kit/directory"
	"github.com/stretchr/testify/require"
)

func TestWhoIsComplainedAboutTheirSuperiorAndTheirHeadAreRecused(t *testing.T) {
	t.Parallel()
	s := states()
	s.People[5].Superior = "people/gm" // the head of sales
	d := directory.New(s)
	require.Equal(t, []string{"people/eng", "people/eng-head"}, d.Recused([]string{"people/eng"}, at))
	require.Equal(t, []string{"people/gm", "people/sales-head"}, d.Recused([]string{"people/sales-head"}, at))
	require.Equal(t, []string{"people/qa"}, d.Recused([]string{"people/qa"}, at), "a department without a head")
	require.Equal(t, []string{"people/eng", "people/eng-head", "people/gm", "people/sales-head"}, d.Recused([]string{"people/sales-head", "people/eng"}, at))
	require.Empty(t, d.Recused(nil, at))
}

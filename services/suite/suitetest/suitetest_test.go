package suitetest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite/suitetest"
)

func TestTheSuiteAnswersOverBothEdges(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	got := s.JSON("customers/zhao-qian", http.MethodGet, "/v1/"+c.GetName(), nil)
	require.Equal(t, http.StatusOK, got.Code, string(got.Raw))
	require.Equal(t, c.GetNumber(), got.Body["number"])
}

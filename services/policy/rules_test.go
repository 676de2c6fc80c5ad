package policy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// rules compiles one of the small packs of testdata/rules.
func rules(t testing.TB, name string, parameters map[string]string) *policy.Policy {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("testdata", "rules", name+".yaml"))
	require.NoError(t, err)
	p, findings := policy.Load(name+".yaml", source, nil)
	require.Empty(t, printed(findings))
	pol, findings := policy.Compile(p, policy.Options{Parameters: parameters})
	require.Empty(t, printed(findings))
	return pol
}

func of(word string) policyv1.WindowOf {
	return policyv1.WindowOf(policyv1.WindowOf_value["WINDOW_OF_"+word])
}

func amount(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Money{Money: yuan(s)}} }

func rows(list ...map[string]*typev1.Fact) *typev1.Fact {
	out := &typev1.Rows{}
	for _, r := range list {
		out.Values = append(out.Values, &typev1.Row{Values: r})
	}
	return &typev1.Fact{Value: &typev1.Fact_Rows{Rows: out}}
}

package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
)

func TestShippedPacksHaveNoFindings(t *testing.T) {
	for _, name := range policy.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			pack, findings, err := policy.LoadShipped(name)
			require.NoError(t, err)
			for _, f := range findings {
				t.Error(f)
			}
			compiled, findings := policy.Compile(pack, policy.Options{})
			for _, f := range findings {
				t.Error(f)
			}
			require.NotNil(t, compiled)
			t.Log(name, compiled.Revision())
		})
	}
}

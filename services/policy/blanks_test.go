package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
)

// A pack with a blank is not activated, and every blank is named; with all of them set it is.
// SCENARIOS P17-S1, P04-S5.
func TestBlanksBlockActivation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pack   string
		blanks []string
	}{
		{"town-government", []string{"general_days", "complicated_days", "transfer_days"}},
		{"sales-company-claims", []string{"deduction", "settlement_authority"}},
		{"eight-step-flow", []string{"deduction"}},
	} {
		t.Run(c.pack, func(t *testing.T) {
			t.Parallel()
			pack, _, err := policy.LoadShipped(c.pack)
			require.NoError(t, err)
			compiled, findings := policy.Compile(pack, policy.Options{})
			require.Nil(t, compiled)
			var named []string
			for _, f := range findings {
				if f.Rule == "L18" {
					named = append(named, f.Path)
				}
			}
			wanted := make([]string, len(c.blanks))
			for i, id := range c.blanks {
				wanted[i] = "parameters." + id
			}
			require.ElementsMatch(t, wanted, named)
			values := anyValues(pack)
			for _, id := range c.blanks {
				require.Contains(t, values, id, "%s is blank in the source", id)
			}
			compiled, findings = policy.Compile(pack, policy.Options{Parameters: values})
			require.NotNil(t, compiled, findings)
		})
	}
}

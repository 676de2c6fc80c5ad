package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

func TestShippedPacksHaveNoFindings(t *testing.T) {
	for _, name := range policy.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			source, err := policy.Shipped(name, "")
			require.NoError(t, err)
			pack, findings := policy.Lint(name, source, policy.Shipped, policy.LintOptions{Year: 2026})
			require.Empty(t, printed(findings))
			values := anyValues(pack)
			_, findings = policy.Lint(name, source, policy.Shipped, policy.LintOptions{Parameters: values})
			require.Empty(t, printed(findings))
			compiled, findings := policy.Compile(pack, policy.Options{Parameters: values})
			require.Empty(t, printed(findings))
			require.NotNil(t, compiled)
			t.Log(name, compiled.Revision())
		})
	}
}

// anyValues are values for the parameters that a pack leaves blank: what an owner might set.
func anyValues(p *policyv1.Pack) map[string]string {
	out := map[string]string{}
	for _, q := range p.GetParameters() {
		switch {
		case q.GetValue() != "":
		case q.GetType() == policyv1.ParameterType_PARAMETER_TYPE_ROLE:
			out[q.GetId()] = p.GetRoles()[len(p.GetRoles())-1].GetId()
		case q.GetType() == policyv1.ParameterType_PARAMETER_TYPE_CHOICE:
			out[q.GetId()] = q.GetOptions()[0]
		default:
			out[q.GetId()] = map[policyv1.ParameterType]string{
				policyv1.ParameterType_PARAMETER_TYPE_MONEY: "100.00", policyv1.ParameterType_PARAMETER_TYPE_SHARE: "10%",
				policyv1.ParameterType_PARAMETER_TYPE_RATIO: "2 for 1", policyv1.ParameterType_PARAMETER_TYPE_LIMIT: "10 days",
				policyv1.ParameterType_PARAMETER_TYPE_COUNT: "3", policyv1.ParameterType_PARAMETER_TYPE_FLAG: "true",
			}[q.GetType()]
		}
	}
	return out
}

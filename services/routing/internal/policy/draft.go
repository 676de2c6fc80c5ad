package policyservice

import (
	"example.com/redress/services/policy"
)

// Draft compiles a pack that is not stored, with the values of its parameters, and returns it with its
// digest. Faults: PACK_INVALID with every place, PARAMETER_UNSET with every parameter.
func Draft(source []byte, parameters map[string]string) (*policy.Policy, error) {
	r := resolve(fileName, source, parameters)
	if r.pack == nil {
		return nil, invalid(r.findings)
	}
	if err := unset(r.unset, r.texts); err != nil {
		return nil, err
	}
	p, findings := policy.Compile(r.pack, policy.Options{Parameters: parameters})
	if p == nil {
		return nil, invalid(findings)
	}
	return p, nil
}

package domain

import (
	"slices"
	"strings"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// about corrects what the complaint is about: ground, service, business and
// respondent. What in leaves empty stays.
func about(next, in *intakev1.Complaint, p *policy.Policy) error {
	var found problems
	found.ground(p, in.GetGround())
	if err := found.err(); err != nil {
		return err
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&next.Ground, in.GetGround()}, {&next.Service, in.GetService()}, {&next.Business, in.GetBusiness()}, {&next.Respondent, in.GetRespondent()}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	return nil
}

// ground refuses one that the pack does not list, where it lists grounds.
func (p *problems) ground(pol *policy.Policy, ground string) {
	grounds := pol.Rules().GetAcceptance().GetGrounds()
	if ground == "" || len(grounds) == 0 {
		return
	}
	var allowed []string
	for _, g := range grounds {
		allowed = append(allowed, g.GetId())
	}
	if !slices.Contains(allowed, ground) {
		p.add(fault.New(fault.Invalid, ReasonGroundUnknown, "ground", ground, "allowed", strings.Join(allowed, ", ")), "complaint.ground")
	}
}

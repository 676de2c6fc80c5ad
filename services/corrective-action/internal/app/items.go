package app

import (
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
)

// BadItems opens the actions that a pack wants for each bad item of a follow-up's answers:
// one for each item, which it names as what it discharges.
//
// Source: PROCEDURES P06 3 (9).
func (k *Desk) BadItems(u *journal.Unit, sc *Scene, f *notificationv1.FollowUp) error {
	var todo []policy.RuleDo
	for _, def := range sc.Policy.Rules().GetFollowUp() {
		if def.GetId() == f.GetKind() {
			for _, do := range def.GetForEachBad() {
				if _, ok := do.GetOne().(*policyv1.Do_Action); ok {
					todo = append(todo, policy.RuleDo{Rule: sc.Policy.Rule(def.GetId()), Do: do})
				}
			}
		}
	}
	for _, item := range f.GetBadItems() {
		for _, kind := range sc.Policy.Follows(todo, sc.Sheet).OpenActions {
			about := f.GetName() + "#" + item
			if err := k.Owe(u, sc, about+"#"+kind.GetId(), domain.Identity{PolicyKind: kind.GetId(), Obligation: about}, &correctiveactionv1.Action{}); err != nil {
				return err
			}
		}
	}
	return nil
}

package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/approval"
)

// TestRandomActsNeverPayWhatWasNotApproved lets random people do random things to a
// claim: it is executed at most once, only with every signature on what is paid, never
// after it was held, and nobody who asked for it signs it.
func TestRandomActsNeverPayWhatWasNotApproved(t *testing.T) {
	b0 := setup(t)
	people := []string{agent, colleague, engineer, designer, builder, director, legal, manager, chairman, board, cashier}
	rapid.Check(t, func(rt *rapid.T) {
		b := &bench{t: rt, p: b0.p, now: b0.now, on: b0.on, roles: roles()}
		if rapid.Bool().Draw(rt, "the agent also reviews") {
			b.roles[agent] = append(b.roles[agent], "marketing_director", "legal_officer")
		}
		person := rapid.SampledFrom(people)
		amount := rapid.SampledFrom([]string{"0.01", "50000", "50000.01", "200000.00", "200000.01"})
		remedies := rapid.SampledFrom([]string{credit, "repurchase_discount", inCash})
		require.NoError(rt, b.request(agent, terms(amount.Draw(rt, "amount"), credit, "engineering")))
		wasHeld, released, orders := false, false, 0
		act := func(f func(p string) error) func(*rapid.T) {
			return func(rt *rapid.T) { _ = f(person.Draw(rt, "person")) } // refusals are part of the play
		}
		rt.Repeat(map[string]func(*rapid.T){
			"sign": func(rt *rapid.T) {
				p := person.Draw(rt, "person")
				facts := cash(rapid.Bool().Draw(rt, "cash"))
				if p == board {
					facts["board_resolution"] = words("~s1.1.r")
				}
				if p != manager && p != chairman && p != board {
					facts = nil
				}
				_ = b.sign(p, facts)
			},
			"sign the next": func(*rapid.T) { // or hardly any chain would ever end
				for _, p := range people {
					facts := resolution()
					if p != board {
						facts = nil
					}
					_ = b.sign(p, facts)
				}
			},
			"return":  act(func(p string) error { return b.decide(p, typev1.Decision_DECISION_RETURN, nil) }),
			"reject":  act(func(p string) error { return b.decide(p, typev1.Decision_DECISION_REJECT, nil) }),
			"remedy":  func(rt *rapid.T) { _ = b.remedy(person.Draw(rt, "person"), remedies.Draw(rt, "remedy")) },
			"refusal": act(b.refuse),
			"submit": func(rt *rapid.T) {
				_ = b.submit(person.Draw(rt, "person"), &compensationv1.Claim{Amount: yuan(amount.Draw(rt, "amount"))})
			},
			"check":   act(func(p string) error { _, err := b.check(p); return err }),
			"confirm": act(func(p string) error { return b.took(domain.Confirm(b.claim, "v", b.act(p))) }),
			"execute": func(rt *rapid.T) {
				before := b.claim
				if b.execute(person.Draw(rt, "person")) != nil {
					return
				}
				orders++
				require.Equal(rt, compensationv1.Claim_STATE_CHECKED, before.GetState())
				require.False(rt, wasHeld && !released, "never paid after HELD")
			},
			"hold": func(*rapid.T) {
				if events := domain.Hold(b.claim, "withdrawal", b.now); events != nil {
					_ = b.took(events, nil)
					wasHeld, released = true, false
				}
			},
			"release": func(*rapid.T) {
				if events := domain.Release(b.claim, b.now); events != nil {
					_ = b.took(events, nil)
					released = true
				}
			},
			"": func(rt *rapid.T) { b.invariants(rt, orders) },
		})
	})
}

func (b *bench) invariants(rt *rapid.T, orders int) {
	c := b.claim
	require.LessOrEqual(rt, orders, 1, "executed at most once")
	require.Equal(rt, orders == 1, domain.Executed(c))
	askers := map[string]bool{}
	for _, a := range append(c.GetFormerApprovals(), c.GetApproval()) {
		askers[a.GetAskedBy()] = true
		signed := map[string]bool{}
		for _, step := range a.GetSteps() {
			for _, s := range step.GetSignatures() {
				require.False(rt, askers[s.GetPerson()], "%s asked for it and signed it", s.GetPerson())
				require.False(rt, signed[s.GetPerson()], "%s counts twice", s.GetPerson())
				signed[s.GetPerson()] = true
			}
		}
	}
	switch c.GetState() {
	case compensationv1.Claim_STATE_APPROVED, compensationv1.Claim_STATE_CHECKED, compensationv1.Claim_STATE_EXECUTED, compensationv1.Claim_STATE_PAID:
		require.True(rt, approval.Complete(c.GetApproval()), "%s without its chain", c.GetState())
		require.Empty(rt, approval.Missing(c.GetApproval()))
		require.Equal(rt, domain.Seal(c), c.GetApproval().GetSealedDigest(), "signed is what is claimed")
	case compensationv1.Claim_STATE_SUBMITTED:
		require.Equal(rt, typev1.Approval_STATE_OPEN, c.GetApproval().GetState())
	case compensationv1.Claim_STATE_RETURNED:
		require.NotEqual(rt, typev1.Approval_STATE_OPEN, c.GetApproval().GetState())
		require.NotEqual(rt, typev1.Approval_STATE_GRANTED, c.GetApproval().GetState())
	}
	if domain.Executed(c) {
		require.True(rt, c.GetCheck().GetComplete())
		require.Equal(rt, c.GetAmount().GetAmount(), c.GetPayout().GetAmount().GetAmount())
		if c.GetPayout().GetRemedy() == inCash {
			require.True(rt, c.GetCashAllowed(), "cash without the approver's word")
			require.NotNil(rt, c.GetRefusal(), "cash without a recorded refusal")
		}
	}
}

package domain_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/approval"
)

const (
	credit = "property_fee_credit"
	inCash = "cash"
)

// Source: SCENARIOS P02-S1.
func TestP02S1TheTierFollowsTheAmount(t *testing.T) {
	for _, c := range []struct{ amount, approver, lower string }{
		{"50000.00", manager, director},
		{"50000", manager, chairman},
		{"50000.01", chairman, manager},
		{"200000.00", chairman, manager},
		{"200000.01", board, chairman},
	} {
		t.Run(c.amount, func(t *testing.T) {
			b := setup(t)
			require.NoError(t, b.request(agent, terms(c.amount, credit)))
			b.signAll()
			require.Equal(t, []string{"tier"}, b.open())
			reason := approval.ReasonAuthority
			if c.lower == director {
				reason = approval.ReasonAlreadySigned
			}
			refused(t, b.sign(c.lower, resolution()), reason)
			facts := cash(false)
			if c.approver == board {
				f := refusal(t, b.sign(board, facts), approval.ReasonFormIncomplete)
				require.Equal(t, []string{"facts.board_resolution"}, fields(f))
				facts = resolution()
			}
			require.NoError(t, b.sign(c.approver, facts))
			require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
		})
	}
}

// Source: SCENARIOS P02-S2.
func TestP02S2CountersignersFollowTheCauseAndTheOrderHolds(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.request(agent, terms("80000.00", credit, "engineering")))
	require.Equal(t, []string{"director_review"}, b.open())
	f := refusal(t, b.sign(legal, nil), approval.ReasonOrder)
	require.Equal(t, []string{"director_review"}, fields(f))
	require.NoError(t, b.sign(director, nil))
	require.Equal(t, []string{"legal", "engineering_countersign"}, b.open(), "design and project are not asked")
	refused(t, b.sign(designer, nil), approval.ReasonAuthority)
	require.NoError(t, b.sign(engineer, nil))
	f = refusal(t, b.sign(chairman, cash(false)), approval.ReasonOrder)
	require.Equal(t, []string{"legal"}, fields(f))
	require.NoError(t, b.sign(legal, nil))
	require.Equal(t, []string{"tier"}, b.open())
	require.NoError(t, b.sign(chairman, cash(false)))
	require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
}

// Source: SCENARIOS P02-S3.
func TestP02S3CashOnlyByException(t *testing.T) {
	inChain := func(t *testing.T) *bench {
		b := setup(t)
		require.NoError(t, b.request(agent, terms("120000.00", credit)))
		b.signAll()
		return b
	}
	asCash := func(t *testing.T) *bench {
		b := inChain(t)
		require.NoError(t, b.refuse(agent))
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState(), "a refusal changes nothing that was signed")
		require.NoError(t, b.remedy(agent, inCash))
		require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim.GetState())
		require.Equal(t, typev1.Approval_STATE_VOID, b.claim.GetApproval().GetState())
		require.NoError(t, b.submit(agent, &compensationv1.Claim{}))
		require.Len(t, b.claim.GetFormerApprovals(), 1)
		require.EqualValues(t, 2, b.claim.GetApproval().GetNumber())
		b.signAll()
		return b
	}
	t.Run("WithoutARecordedRefusalItIsRefused", func(t *testing.T) {
		b := inChain(t)
		before := b.claim
		f := refusal(t, b.remedy(agent, inCash), domain.ReasonGate)
		require.Equal(t, "refusal_before_cash", f.Rule.GetRule())
		require.Equal(t, "4", f.Rule.GetClause())
		require.Equal(t, []string{"owner_refuses"}, fields(f))
		require.True(t, proto.Equal(before, b.claim))
		f = refusal(t, setup(t).request(agent, terms("120000.00", inCash)), domain.ReasonGate)
		require.Equal(t, "refusal_before_cash", f.Rule.GetRule(), "asking for cash at once is no way round")
	})
	t.Run("WithTheApproversDecisionItIsPaidInCash", func(t *testing.T) {
		b := asCash(t)
		require.NoError(t, b.sign(chairman, cash(true)))
		require.True(t, b.claim.GetCashAllowed())
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Empty(t, missing)
		require.NoError(t, b.execute(cashier))
		require.Equal(t, inCash, b.claim.GetPayout().GetRemedy())
		require.Equal(t, "120000.00", b.claim.GetPayout().GetAmount().GetAmount())
	})
	t.Run("WithoutTheDecisionItIsPayableNonCashOnly", func(t *testing.T) {
		for name, facts := range map[string]map[string]*typev1.Fact{"Denied": cash(false), "Unsaid": nil} {
			t.Run(name, func(t *testing.T) {
				b := asCash(t)
				require.NoError(t, b.sign(chairman, facts))
				require.False(t, b.claim.GetCashAllowed())
				missing, err := b.check(cashier)
				require.NoError(t, err)
				require.Len(t, missing, 1)
				require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
				f := refusal(t, b.execute(cashier), domain.ReasonRemedyNotAllowed)
				require.Equal(t, "cash", f.Rule.GetRule())

				require.NoError(t, b.remedy(agent, credit))
				require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState(), "the signatures cover the amount, and non-cash is the rule")
				missing, err = b.check(cashier)
				require.NoError(t, err)
				require.Empty(t, missing)
				require.NoError(t, b.execute(cashier))
				require.Equal(t, credit, b.claim.GetPayout().GetRemedy())
			})
		}
	})
	t.Run("ACashDecisionOfALowerTierIsRefused", func(t *testing.T) {
		b := asCash(t)
		refused(t, b.sign(manager, cash(true)), approval.ReasonAuthority)
	})
	t.Run("WhoAsksCannotAllowCash", func(t *testing.T) {
		b := setup(t)
		in := terms("120000.00", credit)
		in.Facts["cash_allowed"] = flag(true)
		f := refusal(t, b.request(agent, in), domain.ReasonForm)
		require.Equal(t, []string{"facts.cash_allowed"}, fields(f))
	})
	t.Run("AllowedOnANonCashClaimItMeansNothing", func(t *testing.T) {
		b := inChain(t)
		require.NoError(t, b.sign(chairman, cash(true)))
		require.False(t, b.claim.GetCashAllowed())
		require.NoError(t, b.refuse(agent))
		require.NoError(t, b.remedy(agent, inCash))
		require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim.GetState(), "nobody signed for cash")
	})
}

// Source: SCENARIOS P02-S4.
func TestP02S4OneInitiatorThreeGrounds(t *testing.T) {
	for _, c := range []struct{ name, who, ground, reason string }{
		{"EngineeringIsNotTheInitiator", engineer, "warranty_works", domain.ReasonInitiator},
		{"WarrantyWorks", agent, "warranty_works", ""},
		{"Deviation", agent, "deviation", ""},
		{"GroupCompromise", agent, "group_compromise", ""},
		{"PriceOfANeighbouringProject", agent, "price_of_a_neighbouring_project", domain.ReasonOutOfScope},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := setup(t)
			in := terms("30000.00", credit)
			in.Ground = c.ground
			in.Facts["group_complaint"] = flag(true)
			err := b.request(c.who, in)
			if c.reason != "" {
				refused(t, err, c.reason)
				require.Nil(t, b.claim)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.ground, b.claim.GetGroundRule().GetRule())
		})
	}
	t.Run("NoCompromiseOutsideAGroupComplaint", func(t *testing.T) {
		b := setup(t)
		in := terms("30000.00", credit)
		in.Ground, in.Facts["group_complaint"] = "group_compromise", flag(false)
		refused(t, b.request(agent, in), domain.ReasonOutOfScope)
		delete(in.Facts, "group_complaint")
		f := refusal(t, b.request(agent, in), domain.ReasonGate)
		require.Equal(t, []string{"group_complaint"}, fields(f), "what nobody recorded is asked for")
	})
}

// Source: SCENARIOS P02-S5.
func TestP02S5FinanceChecksBeforePaying(t *testing.T) {
	complete := func(t *testing.T) *bench {
		b := setup(t)
		require.NoError(t, b.request(agent, terms("30000.00", credit, "engineering")))
		b.signAll(engineer)
		require.NoError(t, b.sign(manager, nil))
		return b
	}
	t.Run("CompleteIsExecuted", func(t *testing.T) {
		b := complete(t)
		refused(t, b.execute(cashier), domain.ReasonClaimState)
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Empty(t, missing)
		require.True(t, b.claim.GetCheck().GetComplete())
		require.NoError(t, b.execute(cashier))
		refused(t, b.execute(cashier), domain.ReasonClaimState)
		require.NoError(t, b.took(domain.Confirm(b.claim, "~s1.1.voucher", b.act(cashier))))
		require.Equal(t, compensationv1.Claim_STATE_PAID, b.claim.GetState())
		refused(t, b.took(domain.Confirm(b.claim, "again", b.act(cashier))), domain.ReasonClaimState)
	})
	t.Run("WithoutTheReviewItIsIncomplete", func(t *testing.T) {
		b := complete(t)
		review := b.claim.GetApproval().GetSteps()[0]
		require.Equal(t, "director_review", review.GetId())
		review.Signatures, review.State = nil, typev1.ApprovalStep_STATE_OPEN // a file that lost a paper
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Equal(t, []string{"director_review"}, missing)
		require.False(t, b.claim.GetCheck().GetComplete())
		require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
		f := refusal(t, b.execute(cashier), domain.ReasonGate)
		require.Equal(t, "director_review", f.Facts["missing"])
		require.Equal(t, []string{"director_review"}, fields(f))
	})
	t.Run("BeforeAnybodySignedEverySignatureIsNamed", func(t *testing.T) {
		b := setup(t)
		require.NoError(t, b.request(agent, terms("30000.00", credit, "engineering")))
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Equal(t, []string{"director_review", "legal", "engineering_countersign", "tier"}, missing)
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
		f := refusal(t, b.execute(cashier), domain.ReasonGate)
		require.Equal(t, "director_review, legal, engineering_countersign, tier", f.Facts["missing"])
	})
	t.Run("OnlyFinancePays", func(t *testing.T) {
		b := complete(t)
		_, err := b.check(engineer)
		f := refusal(t, err, domain.ReasonGate)
		require.Equal(t, "complete_before_paying", f.Rule.GetRule())
		_, err = b.check(cashier)
		require.NoError(t, err)
		refused(t, b.execute(engineer), domain.ReasonGate)
	})
	t.Run("ASignatoryWhoLostTheRoleCountsNoMore", func(t *testing.T) {
		b := complete(t)
		_, err := b.check(cashier)
		require.NoError(t, err)
		b.roles[legal] = nil
		f := refusal(t, b.execute(cashier), domain.ReasonGate)
		require.Equal(t, "legal", f.Facts["missing"])
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Equal(t, []string{"legal"}, missing)
		require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
		require.NoError(t, b.submit(agent, &compensationv1.Claim{}), "it can be signed anew")
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
	})
	t.Run("WhatWasNotSignedIsNotPaid", func(t *testing.T) {
		b := complete(t)
		b.claim.Payee.Account = "~s1.1.another"
		missing, err := b.check(cashier)
		require.NoError(t, err)
		require.Equal(t, []string{"director_review", "legal", "engineering_countersign", "tier"}, missing)
	})
}

package policy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Source: SCENARIOS.md P14-S1 and S2.
func TestP14GiftsFollowTheClass(t *testing.T) {
	p := rules(t, "food", nil)
	for _, c := range []struct {
		class, health string
		units, gift   int64
		rule          string
	}{
		{"a", "none", 3, 30, "a_gift"},
		{"b", "none", 2, 4, "b_gift"},
		{"c", "none", 5, 5, "c_gift"},
	} {
		s := &policy.Sheet{Grade: map[string]string{"gift_class": c.class}, Facts: map[string]*typev1.Fact{"health": choice(c.health), "defective_units": count(c.units)}}
		r := p.Standard("gift", s)
		require.Equal(t, c.gift, r.Units)
		require.Equal(t, c.rule, r.Rule.GetRule())
		require.Equal(t, "apology", r.Along)
		require.Equal(t, "other_ratio", r.Deviation)
		require.True(t, r.Fits(c.gift, nil))
		require.False(t, r.Fits(20, nil))
	}
	s := &policy.Sheet{Grade: map[string]string{"gift_class": "a"}, Facts: map[string]*typev1.Fact{"health": choice("some"), "examination_cost": amount("368.5")}}
	r := p.Standard("medical_cost", s)
	require.Equal(t, "company", r.Approval)
	require.True(t, r.Fits(0, yuan("368.50")))
	require.False(t, r.Fits(0, yuan("400.00")))
	require.Empty(t, r.Deviation, "no other figure is allowed")
	require.True(t, p.Standard("gift", s).None, "a harmed customer of class A gets no gift by rule")
	require.Equal(t, []string{"health"}, p.Standard("medical_cost", &policy.Sheet{}).Missing)
	require.Equal(t, []string{"examination_cost"}, p.Standard("medical_cost", &policy.Sheet{Facts: map[string]*typev1.Fact{"health": choice("some")}}).Missing)
}

// Source: SCENARIOS.md P14-S3.
func TestP14MatrixTakesTheFirstRowThatApplies(t *testing.T) {
	p := rules(t, "food", nil)
	for _, c := range []struct {
		name  string
		facts map[string]*typev1.Fact
		row   string
		to    []string
		class string
	}{
		{"equipment, 21 boxes", map[string]*typev1.Fact{"item": choice("equipment"), "boxes": count(21), "source": choice("consumer")}, "m_1_1_g", []string{"production_team", "facility_support", "quality_inspection"}, "a"},
		{"equipment, 20 boxes", map[string]*typev1.Fact{"item": choice("equipment"), "boxes": count(20), "source": choice("consumer")}, "individually", nil, ""},
		{"insect, unopened", map[string]*typev1.Fact{"item": choice("foreign_matter"), "opened": yes(false), "source": choice("consumer")}, "m_1_1_e", []string{"production_team"}, "a"},
		{"insect, opened", map[string]*typev1.Fact{"item": choice("foreign_matter"), "opened": yes(true), "source": choice("consumer")}, "individually", nil, ""},
		{"soaked in transport", map[string]*typev1.Fact{"item": choice("soaked"), "source": choice("channel")}, "m_2_1_a", []string{"marketing"}, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := p.Assign(&policy.Sheet{Facts: c.facts})
			require.Equal(t, c.row, r.Rule.GetRule())
			require.Equal(t, c.to, r.Departments)
			require.Equal(t, c.class, r.Grade["duty_class"])
			require.Equal(t, c.to == nil, r.Person)
		})
	}
	r := p.Assign(&policy.Sheet{Facts: map[string]*typev1.Fact{"item": choice("equipment")}})
	require.True(t, r.Person)
	require.Equal(t, []string{"boxes"}, r.Missing)
}

// Source: SCENARIOS.md P27-S5, row by row.
func TestP27SharesAddUpToTheBase(t *testing.T) {
	p := rules(t, "carton", nil)
	type bases = map[policyv1.Base]*typev1.Money
	loss, comp, costs, fuel, disputed := policyv1.Base_BASE_LOSS, policyv1.Base_BASE_COMPENSATION, policyv1.Base_BASE_COSTS, policyv1.Base_BASE_FUEL, policyv1.Base_BASE_DISPUTED
	for _, c := range []struct {
		name, clause string
		bases        bases
		approved     []string
		want         map[string]string
		unallocated  string
	}{
		{"change without confirmation", "c462d", bases{loss: yuan("12500.00")}, nil, map[string]string{"marketing": "5000.00", "company": "7500.00"}, "7500.00"},
		{"inaccurate form", "c462g1", bases{comp: yuan("3600.00")}, nil, map[string]string{"representative": "360.00", "company": "3240.00"}, "3240.00"},
		{"fraud", "c462g2", bases{loss: yuan("8000.00"), costs: yuan("640.00")}, nil, map[string]string{"representative": "6048.00", "marketing": "2592.00"}, ""},
		{"could not be loaded", "c462f", bases{loss: yuan("4300.00")}, nil, map[string]string{"representative": "4300.00"}, ""},
		{"customer's fault", "c461", bases{loss: yuan("2100.00")}, nil, map[string]string{"customer": "2100.00"}, ""},
		{"customer's fault, the company bears it", "c461", bases{loss: yuan("2100.00")}, []string{"bear_fault"}, map[string]string{"company": "2100.00"}, ""},
		{"fuel", "other", bases{fuel: yuan("260.00")}, nil, map[string]string{"company": "208.00", "representative": "52.00"}, ""},
		{"batches mixed up", "other", bases{disputed: yuan("1700.00")}, nil, map[string]string{"representative": "1700.00"}, ""},
		{"no cause", "other", bases{loss: yuan("10.01")}, nil, map[string]string{"company": "10.01"}, "10.01"},
		{"odd fen", "c462g2", bases{loss: yuan("0.01"), costs: yuan("0.03")}, nil, map[string]string{"representative": "0.03", "marketing": "0.01"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &policy.Sheet{Approved: c.approved, Facts: map[string]*typev1.Fact{"cause_clause": choice(c.clause)}}
			shares, missing, err := p.Allocate(c.bases, s)
			require.NoError(t, err)
			require.Empty(t, missing)
			have, rest := map[string]int64{}, ""
			for _, sh := range shares {
				have[sh.Party] += fenOf(t, sh.Amount.GetAmount())
				if sh.Unallocated {
					rest = sh.Amount.GetAmount()
				}
				require.NotEmpty(t, sh.Rule.GetClause())
				require.Equal(t, c.clause == "c462g2", sh.Mark == "fraud")
			}
			want := map[string]int64{}
			for party, a := range c.want {
				want[party] = fenOf(t, a)
			}
			require.Equal(t, want, have)
			require.Equal(t, c.unallocated, rest)
		})
	}
	_, missing, err := p.Allocate(bases{loss: yuan("1.00")}, &policy.Sheet{})
	require.NoError(t, err)
	require.Equal(t, []string{"cause_clause"}, missing)
	_, _, err = p.Allocate(bases{loss: yuan("x")}, &policy.Sheet{})
	require.Error(t, err)
}

func fenOf(t *testing.T, amount string) int64 {
	t.Helper()
	var y, f int64
	_, err := fmt.Sscanf(amount, "%d.%d", &y, &f)
	require.NoError(t, err)
	return y*100 + f
}

package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// ledger has a fine within a range after attribution, one of a fixed figure, one that is
// a share of a loss, and points.
const ledger = `
pack: ledger
title: {zh: 考核, en: Assessment}
source: sample
roles: [{id: judge, clause: "7", text: {zh: 裁定人, en: judge}}]
departments: [{id: workshop, clause: "7", text: {zh: 车间, en: workshop}}]
forms:
- id: finding
  clause: "7"
  about: PENALTY
  text: {zh: 责任认定, en: Finding}
  fields:
  - {id: attributed, type: FLAG, text: {zh: 责任已认定, en: attributed}}
  - {id: loss, type: MONEY, text: {zh: 损失, en: loss}}
assessment:
- {id: fine, clause: "7.1", kind: FINE, to: [anyone@workshop], from: "200.00", up_to: "1500.00", set_by: judge, needs: [{that: facts.attributed, text: {zh: 责任未认定, en: not attributed}}], text: {zh: 罚款, en: fine}}
- {id: fixed, clause: "7.2", kind: FINE, when: [CASE_CLOSED], to: [anyone@workshop], amount: "50.00", account: wages, fund: welfare, text: {zh: 定额, en: fixed}}
- {id: part, clause: "7.3", kind: FINE, when: [CASE_CLOSED], to: [anyone@workshop], share: 5%, of: loss, text: {zh: 损失比例, en: share of the loss}}
- {id: late, clause: "8", kind: POINTS, when: [CASE_CLOSED], to: [anyone@workshop], points: "-1", text: {zh: 逾期, en: late}}
`

func compiled(t *testing.T, source string) *policy.Policy {
	t.Helper()
	p, findings := policy.Load("sample.yaml", []byte(source), nil)
	require.False(t, policy.HasErrors(findings), "%v", findings)
	c, findings := policy.Compile(p, policy.Options{})
	require.NotNil(t, c, "%v", findings)
	return c
}

func yuan(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }

func judging(p *policy.Policy, roles ...string) domain.Act {
	return domain.Act{Policy: p, Now: time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC), By: domain.Person{Name: "people/judge", Matches: func(who string) (bool, string) {
		return slices.Contains(roles, who), ""
	}}}
}

func flag(v bool) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v}} }

func TestAFineLiesWithinItsRangeAndComesAfterTheAttribution(t *testing.T) {
	p := compiled(t, ledger)
	for _, test := range []struct {
		name, amount string
		facts        map[string]*typev1.Fact
		reason       string
		missing      string
	}{
		{"BelowTheRange", "199.99", map[string]*typev1.Fact{"attributed": flag(true)}, domain.ReasonEntryAmount, "amount"},
		{"AtTheLowerBound", "200.00", map[string]*typev1.Fact{"attributed": flag(true)}, "", ""},
		{"AtTheUpperBound", "1500.00", map[string]*typev1.Fact{"attributed": flag(true)}, "", ""},
		{"AboveTheRange", "1500.01", map[string]*typev1.Fact{"attributed": flag(true)}, domain.ReasonEntryAmount, "amount"},
		{"WithoutAnAmount", "", map[string]*typev1.Fact{"attributed": flag(true)}, domain.ReasonEntryAmount, "amount"},
		{"NotAttributed", "500.00", map[string]*typev1.Fact{"attributed": flag(false)}, domain.ReasonGate, "fine"},
		{"NotDecided", "500.00", nil, domain.ReasonGate, "attributed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := domain.Wish{Entry: "fine", To: domain.Party{Name: "people/worker"}, Facts: test.facts, Eligible: func(who string) bool { return who == "anyone@workshop" }}
			if test.amount != "" {
				w.Amount = yuan(test.amount)
			}
			due, err := domain.Penalise(w, judging(p, "judge"))
			require.Equal(t, test.reason, fault.ReasonOf(err))
			if f, refused := fault.As(err); refused {
				require.Equal(t, test.missing, f.Violations[0].Field)
				return
			}
			require.Empty(t, cmp.Diff(yuan(test.amount), due.Amount, protocmp.Transform()))
		})
	}
}

func TestOnlyWhoThePackNamesDecidesAndOnlyOnWhomItNames(t *testing.T) {
	p := compiled(t, ledger)
	w := domain.Wish{Entry: "fine", Amount: yuan("200.00"), Facts: map[string]*typev1.Fact{"attributed": flag(true)}, Eligible: func(string) bool { return false }}
	_, err := domain.Penalise(w, judging(p))
	require.Equal(t, domain.ReasonEntryDecider, fault.ReasonOf(err))
	_, err = domain.Penalise(w, judging(p, "judge"))
	require.Equal(t, domain.ReasonEntryParty, fault.ReasonOf(err))
	w.Entry = "unheard"
	_, err = domain.Penalise(w, judging(p, "judge"))
	require.Equal(t, domain.ReasonEntryUnknown, fault.ReasonOf(err))
}

func TestTheFigureOfThePackIsNotTheDecidersToChange(t *testing.T) {
	p := compiled(t, ledger)
	due, err := domain.Penalise(domain.Wish{Entry: "fixed"}, judging(p))
	require.NoError(t, err)
	require.Equal(t, "50.00", due.Amount.GetAmount())
	_, err = domain.Penalise(domain.Wish{Entry: "fixed", Amount: yuan("49.99")}, judging(p))
	require.Equal(t, domain.ReasonEntryAmount, fault.ReasonOf(err))
	due, err = domain.Penalise(domain.Wish{Entry: "part", Facts: map[string]*typev1.Fact{"loss": {Value: &typev1.Fact_Money{Money: yuan("10000.00")}}}}, judging(p))
	require.NoError(t, err)
	require.Equal(t, "500.00", due.Amount.GetAmount(), "5 % of 10000.00")
	_, err = domain.Penalise(domain.Wish{Entry: "part"}, judging(p))
	f, _ := fault.As(err)
	require.Equal(t, "INCOMPLETE", f.Facts["because"])
	require.Equal(t, "loss", f.Violations[0].Field)
}

func TestPointsAreDoubledOnceAndWhatIsExcusedCountsNothing(t *testing.T) {
	p := compiled(t, ledger)
	now := judging(p).Now
	due, ok := p.Entry("late", nil)
	require.True(t, ok)
	e := domain.Book(due, domain.Booking{Name: "entries/1", Occurred: now}, now)
	require.EqualValues(t, -1, e.GetPoints())
	rule := &typev1.RuleRef{Rule: "doubled"}
	twice := domain.Double(e, rule, now)
	require.EqualValues(t, -2, twice.GetPoints())
	require.EqualValues(t, -1, twice.GetBasePoints())
	require.Nil(t, domain.Double(twice, rule, now), "once")
	none := domain.Exempt(twice, &typev1.RuleRef{Rule: "excused"}, now)
	require.Zero(t, none.GetPoints())
	require.Nil(t, domain.Exempt(none, rule, now))
	require.Nil(t, domain.Double(none, rule, now))
	require.Zero(t, domain.Book(due, domain.Booking{Name: "entries/2", Occurred: now, DoubledBy: rule, ExemptedBy: rule}, now).GetPoints())
}

func TestALedgerSetsNothingOff(t *testing.T) {
	points := func(n int32, s correctiveactionv1.Entry_State) *correctiveactionv1.Entry {
		return &correctiveactionv1.Entry{Kind: correctiveactionv1.Entry_KIND_POINTS, Points: n, State: s}
	}
	money := func(k correctiveactionv1.Entry_Kind, amount, fund string, s correctiveactionv1.Entry_State) *correctiveactionv1.Entry {
		return &correctiveactionv1.Entry{Kind: k, Amount: yuan(amount), Fund: fund, Account: "wages", State: s}
	}
	sum, err := domain.Sum([]*correctiveactionv1.Entry{
		points(-9, correctiveactionv1.Entry_STATE_CONVERTED), points(-2, correctiveactionv1.Entry_STATE_BOOKED), points(2, correctiveactionv1.Entry_STATE_BOOKED),
		points(0, correctiveactionv1.Entry_STATE_EXEMPT),
		money(correctiveactionv1.Entry_KIND_FINE, "50.00", "welfare", correctiveactionv1.Entry_STATE_BOOKED),
		money(correctiveactionv1.Entry_KIND_FINE, "50.05", "welfare", correctiveactionv1.Entry_STATE_PAID),
		money(correctiveactionv1.Entry_KIND_REWARD, "100.00", "", correctiveactionv1.Entry_STATE_BOOKED),
		{Kind: correctiveactionv1.Entry_KIND_RECORD, Entry: "absence"},
	})
	require.NoError(t, err)
	require.EqualValues(t, 11, sum.GetDeducted())
	require.EqualValues(t, 2, sum.GetBonus())
	require.Equal(t, "100.05", sum.GetFines().GetAmount())
	require.Equal(t, "50.05", sum.GetPaid().GetAmount())
	require.Equal(t, "100.00", sum.GetRewards().GetAmount())
	require.Equal(t, "100.05", sum.GetFunds()["welfare"].GetAmount())
	require.Equal(t, "100.05", sum.GetAccounts()["wages"].GetAmount())
	require.EqualValues(t, 1, sum.GetRecords()["absence"])
	require.EqualValues(t, 8, sum.GetEntries())
}

func TestNothingIsPaidTwiceOrInTheFuture(t *testing.T) {
	p := compiled(t, ledger)
	a := judging(p)
	e := &correctiveactionv1.Entry{State: correctiveactionv1.Entry_STATE_BOOKED, Kind: correctiveactionv1.Entry_KIND_FINE, Amount: yuan("50.00")}
	_, err := domain.Pay(e, a.Now.Add(time.Second), a)
	require.Equal(t, domain.ReasonPayTime, fault.ReasonOf(err))
	paid, err := domain.Pay(e, time.Time{}, a)
	require.NoError(t, err)
	require.Equal(t, correctiveactionv1.Entry_STATE_PAID, paid.GetState())
	_, err = domain.Pay(paid, time.Time{}, a)
	require.Equal(t, domain.ReasonEntryState, fault.ReasonOf(err))
}

package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

func names(cards []policy.Card) []string {
	var out []string
	for _, c := range cards {
		out = append(out, c.Card.GetId())
	}
	return out
}

// Source: SCENARIOS.md P08-S1 and S2.
func TestP08CardsComeInOrderAndTheFourthAfterThree(t *testing.T) {
	p := rules(t, "mood", map[string]string{"calm_gap": "10 min", "upset_gap": "5 min", "agitated_gap": "2 min"})
	mood := func(level string) *policy.Sheet {
		return &policy.Sheet{Facts: map[string]*typev1.Fact{"emotion": choice(level)}}
	}
	require.Equal(t, []string{"seat_low", "listen", "restate", "visibly_handle"}, names(p.Cards("", mood("agitated"), nil)))
	require.Equal(t, []string{"seat_low", "listen", "restate", "visibly_handle"}, names(p.Cards("", mood("agitated"), []string{"seat_low", "listen"})))
	all := p.Cards("", mood("agitated"), []string{"seat_low", "listen", "restate"})
	require.Equal(t, []string{"seat_low", "listen", "restate", "change_place", "visibly_handle"}, names(all))
	require.True(t, all[0].Tried)
	require.False(t, all[3].Tried)
	require.Equal(t, []string{"restate", "visibly_handle"}, names(p.Cards("", mood("calm"), nil)))
	require.Equal(t, []string{"restate", "visibly_handle"}, names(p.Cards("", nil, nil)), "an unknown condition shows nothing")
	for level, gap := range map[string]string{"calm": "10 min", "upset": "5 min", "agitated": "2 min"} {
		for _, c := range p.Cards("", mood(level), nil) {
			if c.Card.GetId() == "restate" {
				require.Equal(t, gap, c.Repeat)
				require.Equal(t, level, c.Level)
			}
		}
	}
}

// Source: PACK-SKETCH.md 2.4 reply.conforms; SCENARIOS.md P13-S3.
func TestRepliesAreComparedWithTheNoticeThatAsks(t *testing.T) {
	p := rules(t, "food", nil)
	for _, c := range []struct {
		medium           string
		by               []string
		conforms, normal bool
	}{
		{"TELEPHONE", []string{"quality_manager"}, true, true},
		{"LETTER", []string{"agent"}, true, false},
		{"EMAIL", nil, false, false},
		{"", nil, false, false},
	} {
		conforms, normal, rule := p.Conforms("", c.medium, c.by, nil)
		require.Equal(t, c.conforms, conforms, c.medium)
		require.Equal(t, c.normal, normal)
		require.Equal(t, "apology", rule.GetRule())
	}
	conforms, normal, rule := rules(t, "mood", map[string]string{"calm_gap": "10 min", "upset_gap": "5 min", "agitated_gap": "2 min"}).Conforms("", "SMS", nil, nil)
	require.True(t, conforms && normal)
	require.Nil(t, rule)
}

const counting = `pack: counting
calendar: {zone: Asia/Shanghai}
roles: [{id: boss, text: {zh: 甲, en: a}}]
forms:
- {id: form, clause: "1", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: loss, type: MONEY}, {id: period_end, type: DATE}, {id: who, type: PERSON}, {id: agreed, type: FLAG}, {id: service_line, type: CHOICE, choices: [{id: a, text: {zh: 甲, en: a}}, {id: b, text: {zh: 甲, en: b}}]}]}
clocks:
- {id: handling, clause: "10", text: {zh: 甲, en: a}, from: [COMPLAINT_RECEIVED], limit: 24 h, each: 24 h, met_by: [CASE_HANDLING_COMPLETED]}
counters:
- {id: group, clause: "6", text: {zh: 甲, en: a}, of: COMPLAINTS, distinct: customer, per: [service_line], within: always, over: 10, do: [{mark: group}]}
- {id: praised, clause: "10", text: {zh: 甲, en: a}, of: PRAISES, per: [employee], period: MONTH, reaches: 2, do: [{entry: bonus}]}
- {id: ten_points, clause: "10", text: {zh: 甲, en: a}, of: ENTRIES, if: entry.points < 0, per: [department], period: MONTH, reaches: 10, do: [{step: report}]}
- {id: third_time, clause: "2", text: {zh: 甲, en: a}, of: ENTRIES, only: fined, per: [person], within: 30 days, every: 3, do: [{notify: boss}]}
duties: [{id: report, clause: "10", text: {zh: 甲, en: a}, by: [boss]}]
assessment:
- {id: late, clause: "10", text: {zh: 甲, en: a}, kind: POINTS, when: [CLOCK_LATE handling], to: [department@responsible], points: -1}
- {id: doubled, clause: "10", text: {zh: 甲, en: a}, kind: POINTS, when: [{event: REPEAT_FOUND, if: repeat.received <= facts.period_end}], doubles: [late]}
- {id: excused, clause: "10", text: {zh: 甲, en: a}, kind: POINTS, when: [CASE_HANDLING_COMPLETED], if: facts.agreed, exempts: [late]}
- {id: bonus, clause: "10", text: {zh: 甲, en: a}, kind: REWARD, to: [counted], amount: "100.00"}
- {id: fined, clause: "7", text: {zh: 甲, en: a}, kind: FINE, when: [CASE_CLOSED], to: [who], share: 33.33%, of: loss, needs: [{fact: who}]}
- {id: attributed, clause: "7", text: {zh: 甲, en: a}, kind: FINE, to: [who], from: "200.00", up_to: "1500.00", set_by: boss}
- {id: month_end, clause: "10", text: {zh: 甲, en: a}, kind: FINE, every: MONTH, converts: [late], amount: "100.00", to: [department]}
follow_up:
- {id: survey, clause: "9", text: {zh: 甲, en: a}, every: QUARTER, by: [boss], form: form, item_bad: follow_up.score < 3, for_each_bad: [{action: mend}]}
corrective_action: [{id: mend, clause: "9", text: {zh: 甲, en: a}, kind: CORRECTIVE}]
reports:
  measures: [{id: satisfied, clause: R7, text: {zh: 甲, en: a}, of: FOLLOW_UPS, dated_by: answered, among: follow_up.answered, counts: follow_up.satisfied}]
  watches: [{id: two_months, clause: R7, text: {zh: 甲, en: a}, measure: satisfied, per: department, every: MONTH, below: 90%, periods: 2, do: [{notify: boss}]}]
`

func counters(t *testing.T) *policy.Policy {
	t.Helper()
	p, findings := policy.Compile(load(t, counting), policy.Options{})
	require.Empty(t, printed(findings))
	return p
}

func TestCountersPassTheirThresholdOnce(t *testing.T) {
	p := counters(t)
	for _, c := range []struct {
		counter       string
		before, after int64
		want          bool
	}{
		{"group", 9, 10, false},
		{"group", 10, 11, true},
		{"group", 11, 12, false},
		{"praised", 0, 1, false},
		{"praised", 1, 2, true},
		{"praised", 2, 3, false},
		{"ten_points", 8, 12, true},
		{"third_time", 2, 3, true},
		{"third_time", 3, 4, false},
		{"third_time", 5, 6, true},
		{"third_time", 8, 9, true},
	} {
		require.Equal(t, c.want, p.Reached(p.Counter(c.counter), c.before, c.after), c)
	}
	require.Len(t, p.Counters(policyv1.Of_OF_ENTRIES), 2)
	e := p.On("COUNTER_REACHED", "group", nil)
	require.Equal(t, "group", e.Do[0].Do.GetMark())
	require.Equal(t, "report", p.On("COUNTER_REACHED", "ten_points", nil).OpenSteps[0].Step.GetId())
	require.Equal(t, "boss", p.On("WATCH_TRIPPED", "two_months", nil).Do[0].Do.GetNotify())
}

func TestCountersCountWhatTheyNameByTheirKeys(t *testing.T) {
	p := counters(t)
	entry := func(id string, points int64) *policy.Sheet {
		return &policy.Sheet{Scope: map[string]map[string]any{"entry": {"id": id, "points": points}}}
	}
	counts := func(counter string, s *policy.Sheet) policy.Tri {
		got, _ := p.Counts(p.Counter(counter), s)
		return got
	}
	require.Equal(t, policy.True, counts("ten_points", entry("late", -1)))
	require.Equal(t, policy.False, counts("ten_points", entry("praise", 1)), "a bonus takes nothing off")
	require.Equal(t, policy.Unknown, counts("ten_points", &policy.Sheet{}))
	require.Equal(t, policy.True, counts("third_time", entry("fined", 0)))
	require.Equal(t, policy.False, counts("third_time", entry("late", -1)))
	require.Equal(t, int64(2), p.Weight(p.Counter("ten_points"), entry("late", -2)))
	require.Equal(t, int64(1), p.Weight(p.Counter("third_time"), entry("fined", 0)))

	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"service_line": choice("a")}}
	keys, missing := p.Keys(p.Counter("group"), s, nil)
	require.Equal(t, []string{"a"}, keys)
	require.Empty(t, missing)
	_, missing = p.Keys(p.Counter("praised"), s, nil)
	require.Equal(t, []string{"employee"}, missing)
	keys, _ = p.Keys(p.Counter("praised"), s, map[string]string{"employee": "people/li"})
	require.Equal(t, []string{"people/li"}, keys)
	require.Equal(t, "x", p.Key("service", &policy.Sheet{Complaint: &policy.ComplaintFacts{Service: new("x")}}, nil))
	require.Empty(t, p.Key("service", nil, nil))
}

func TestCountersLookBackByPeriodOrLimit(t *testing.T) {
	p := counters(t)
	at := shanghai(t, "2026-03-20 10:00:00")
	from, bounded := p.Since(p.Counter("praised"), at)
	require.True(t, bounded)
	require.Equal(t, shanghai(t, "2026-03-01 00:00:00").UTC(), from.UTC())
	_, bounded = p.Since(p.Counter("group"), at)
	require.False(t, bounded)
	from, _ = p.Since(p.Counter("third_time"), at)
	require.Equal(t, shanghai(t, "2026-02-18 00:00:00").UTC(), from.UTC())
	for within, want := range map[string]string{"24 h": "2026-03-19 10:00:00", "1 week": "2026-03-13 00:00:00", "7 months": "2025-08-20 00:00:00"} {
		from, _ = p.Back(within, at)
		require.Equal(t, shanghai(t, want).UTC(), from.UTC(), within)
	}
	for every, want := range map[policyv1.Every][2]string{
		policyv1.Every_EVERY_WEEK:    {"2026-03-16 00:00:00", "2026-03-22 23:59:59"},
		policyv1.Every_EVERY_MONTH:   {"2026-03-01 00:00:00", "2026-03-31 23:59:59"},
		policyv1.Every_EVERY_QUARTER: {"2026-01-01 00:00:00", "2026-03-31 23:59:59"},
		policyv1.Every_EVERY_YEAR:    {"2026-01-01 00:00:00", "2026-12-31 23:59:59"},
	} {
		from, to := p.Period(every, at)
		require.Equal(t, shanghai(t, want[0]).UTC(), from.UTC(), every)
		require.Equal(t, shanghai(t, want[1]).UTC(), to.UTC(), every)
	}
}

// Source: PROCEDURES.md P15-A6.
func TestWatchesTripAfterPeriodsInARowWithCases(t *testing.T) {
	p := counters(t)
	w := p.Watches()[0]
	q := func(counts, among int64) policy.Quotient { return policy.Quotient{Counts: counts, Among: among} }
	require.True(t, p.Tripped(w, []policy.Quotient{q(10, 10), q(8, 10), q(89, 100)}))
	require.True(t, p.Tripped(w, []policy.Quotient{q(8, 10), q(8, 10), q(8, 10)}))
	require.False(t, p.Tripped(w, []policy.Quotient{q(8, 10), q(9, 10)}), "90 % is not below 90 %")
	require.False(t, p.Tripped(w, []policy.Quotient{q(8, 10), q(0, 0), q(8, 10)}), "a month without cases breaks the run")
	require.False(t, p.Tripped(w, []policy.Quotient{q(8, 10)}))
}

func TestEntriesAreBookedDoubledAndExcused(t *testing.T) {
	p := counters(t)
	late := p.Entries("CLOCK_LATE", "handling", nil)
	require.Len(t, late, 1)
	require.Equal(t, int64(-1), late[0].Points)
	require.True(t, late[0].Ready())
	require.Equal(t, "late", p.On("CLOCK_LATE", "handling", nil).Do[0].Do.GetEntry())

	found := &policy.Sheet{Facts: map[string]*typev1.Fact{"period_end": date("2026-04-30")}, Scope: map[string]map[string]any{"repeat": {"received": shanghai(t, "2026-04-30 23:59:59")}}}
	double := p.Entries("REPEAT_FOUND", "", found)
	require.Len(t, double, 1)
	doubles, exempts := policy.Doubles(double[0].Entry, "late")
	require.True(t, doubles)
	require.False(t, exempts)
	found.Scope["repeat"]["received"] = shanghai(t, "2026-05-01 00:00:00")
	require.Empty(t, p.Entries("REPEAT_FOUND", "", found))
	require.Equal(t, []policy.Pending{{Rule: "excused", Kind: "ENTRY", Missing: []string{"agreed"}}}, p.On("CASE_HANDLING_COMPLETED", "", nil).Pending)

	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"loss": amount("100.01")}}
	fine := p.Entries("CASE_CLOSED", "", s)
	require.Equal(t, "33.33", fine[0].Amount.GetAmount())
	require.Equal(t, []string{"who"}, fine[0].Unmet[0].Missing)
	require.False(t, fine[0].Ready())
	due, ok := p.Entry("attributed", nil)
	require.True(t, ok)
	require.Equal(t, "200.00", due.From.GetAmount())
	require.Equal(t, "1500.00", due.UpTo.GetAmount())
	require.Equal(t, "boss", due.SetBy)
	require.Nil(t, due.Amount)
	_, ok = p.Entry("nothing", nil)
	require.False(t, ok)

	month := p.Converts(policyv1.Every_EVERY_MONTH)
	require.Len(t, month, 1)
	money, err := p.Converted(month[0], []int64{-1, -2, 5, -2})
	require.NoError(t, err)
	require.Equal(t, "500.00", money.GetAmount())
	require.Empty(t, p.Converts(policyv1.Every_EVERY_WEEK))
}

// Source: SCENARIOS.md P06: each bad item has its consequence.
func TestBadItemsOfAFollowUpAreTreatedOneByOne(t *testing.T) {
	p := counters(t)
	item := func(score int64) *policy.Sheet {
		return &policy.Sheet{Scope: map[string]map[string]any{"follow_up": {"item": "x", "score": score}}}
	}
	require.Equal(t, "mend", p.BadItem("survey", item(2)).OpenActions[0].GetId())
	require.True(t, p.BadItem("survey", item(3)).Empty())
	require.Len(t, p.BadItem("survey", nil).Pending, 1)
}

const promising = `pack: promising
forms: [{id: visitor_form, clause: "5", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: words, type: TEXT}]}]
gates:
- id: empty_promise
  clause: "5"
  text: {zh: 空头承诺, en: empty promise}
  before: [REPLY]
  warn: true
  needs: [{that: '!reply.text.contains("尽快解决") || has(facts.words)'}]
`

// Source: SCENARIOS.md P08-S3; PACK-SKETCH.md 2.8 G4.
func TestConditionsKnowOfWordsOnlyThePhrasesThatThePackNames(t *testing.T) {
	p, findings := policy.Compile(load(t, promising), policy.Options{})
	require.Empty(t, findings)
	reply := func(text string) *policy.Sheet {
		return &policy.Sheet{Scope: map[string]map[string]any{"reply": {"text": p.Phrases(text)}}}
	}
	require.Equal(t, []string{"尽快解决"}, p.Phrases("请放心，我们一定会尽快解决。"))
	require.Equal(t, []string{}, p.Phrases("已为您换货。"))
	var warned []string
	by := policy.Subject{Warned: func(r *typev1.RuleRef) { warned = append(warned, r.GetRule()) }}
	require.Empty(t, p.Gate(policyv1.Act_ACT_REPLY, by, reply("我们会尽快解决")), "what warns refuses nothing")
	require.Equal(t, []string{"empty_promise"}, warned)
	require.Empty(t, p.Gate(policyv1.Act_ACT_REPLY, by, reply("已为您换货")))
	handed := reply("我们会尽快解决")
	handed.Facts = map[string]*typev1.Fact{"words": text("x")}
	require.Empty(t, p.Gate(policyv1.Act_ACT_REPLY, by, handed))
	require.Len(t, warned, 1)
	for source, want := range map[string]string{
		`reply.text == "x"`:                 "L10 E", // words are not read
		`reply.text.contains(" ")`:          "contains takes a phrase",
		`complaint.number.contains("7")`:    "L10 E", // words only
		`reply.text.contains(reply.notice)`: "contains takes a phrase",
	} {
		_, findings := policy.Load("bad.yaml", []byte("pack: bad\ngates: [{id: g, clause: '1', text: {zh: 甲, en: a}, before: [REPLY], needs: [{that: '"+source+"'}]}]\n"), nil)
		require.Contains(t, printed(findings), want, source)
	}
}

func TestOnlyWhoAFormNamesSoIsComplainedAbout(t *testing.T) {
	const source = "pack: about\nforms: [{id: f, clause: '1', about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: clerk, type: PERSON, recuses: true}, {id: witness, type: PERSON}]}]\n"
	p, findings := policy.Compile(load(t, source), policy.Options{})
	require.Empty(t, findings)
	person := func(name string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Person{Person: name}} }
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"clerk": person("people/li"), "witness": person("people/wu"), "gone": person("people/x")}}
	require.Equal(t, []string{"people/li"}, p.Concerned(s))
	require.Empty(t, p.Concerned(nil))
	_, findings = policy.Load("bad.yaml", []byte("pack: bad\nforms: [{id: f, clause: '1', about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: x, type: FLAG, recuses: true}]}]\n"), nil)
	require.Contains(t, printed(findings), "Only a PERSON can be recused.")
}

package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// rule is any message of a pack that has an id.
type rule interface {
	proto.Message
	GetId() string
}

// checkCounting: counters have one threshold, keys that something fills, and a consequence; watches
// watch something.
func (c *checker) checkCounting() {
	for _, k := range c.pack.GetCounters() {
		path := "counters." + k.GetId()
		if k.GetOf() == 0 {
			c.report(k, "", path, "L02", "缺少 of。", "of is missing: what is counted?", didYouMean("", enumWords(policyv1.Of(0).Descriptor())))
		}
		c.checkThreshold(path, k)
		if len(k.GetDo()) == 0 {
			c.report(k, "", path, "L36", fmt.Sprintf("计数 %s 没有后果。", k.GetId()), fmt.Sprintf("Counter %s does nothing.", k.GetId()), words("请写 do。", "Say what follows: do."))
		}
		if k.GetWithin() != "" && k.GetPeriod() != 0 {
			c.report(k, "within", path, "L34", "within 与 period 只能写一个。", "A counter looks back by within or counts by period, not both.", nil)
		}
		for i, key := range k.GetPer() {
			c.checkKey(k, fmt.Sprintf("per[%d]", i), path, key)
		}
		c.checkKey(k, "distinct", path, k.GetDistinct())
	}
	for _, m := range c.pack.GetReports().GetMeasures() {
		c.checkMeasured(m, "reports.measures."+m.GetId())
	}
	for _, w := range c.pack.GetReports().GetWatches() {
		path := "reports.watches." + w.GetId()
		if w.GetMeasure() == "" || w.GetBelow() == "" || w.GetEvery() == 0 {
			c.report(w, "", path, "L34", "须写 measure、below 与 every。", "A watch needs measure, below and every.", nil)
		}
		if n, ok := countOf(w.GetPeriods()); ok && n < 1 {
			c.zero(w, "periods", path, w.GetPeriods())
		}
		if len(w.GetDo()) == 0 {
			c.report(w, "", path, "L36", fmt.Sprintf("监测 %s 没有后果。", w.GetId()), fmt.Sprintf("Watch %s does nothing.", w.GetId()), words("请写 do。", "Say what follows: do."))
		}
		c.checkKey(w, "per", path, w.GetPer())
	}
	for _, r := range c.pack.GetReports().GetReports() {
		c.checkKey(r, "per", "reports.reports."+r.GetId(), r.GetPer())
	}
	for _, f := range c.pack.GetFollowUp() {
		if (f.GetItemBad() == "") != (len(f.GetForEachBad()) == 0) {
			c.report(f, "", "follow_up."+f.GetId(), "L36", "item_bad 与 for_each_bad 须同时写明。", "item_bad and for_each_bad belong together.", nil)
		}
	}
	for _, s := range c.pack.GetCompensation().GetStandards() {
		if strings.HasPrefix(s.GetRatio(), "0 ") || strings.HasSuffix(s.GetRatio(), " 0") {
			c.zero(s, "ratio", "compensation.standards."+s.GetId(), s.GetRatio())
		}
	}
}

func (c *checker) zero(m proto.Message, field, path, value string) {
	c.report(m, field, path, "L34", fmt.Sprintf("%s 为 %s，没有意义。", field, value), fmt.Sprintf("%s is %s, which says nothing.", field, value), words("请改写，或删去。", "Write another figure, or remove it."))
}

func (c *checker) checkThreshold(path string, k *policyv1.Counter) {
	set := map[string]string{"over": k.GetOver(), "reaches": k.GetReaches(), "every": k.GetEvery()}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] != "" {
			names = append(names, name)
		}
		if n, ok := countOf(set[name]); ok && (n < 0 || n == 0 && name != "over") {
			c.zero(k, name, path, set[name])
		}
	}
	if len(names) != 1 {
		en, zh := "no threshold", "没有界限"
		if len(names) > 1 {
			en, zh = strings.Join(names, " and "), "同时写了 "+strings.Join(names, "、")
		}
		c.report(k, "", path, "L34", fmt.Sprintf("计数 %s %s。", k.GetId(), zh), fmt.Sprintf("Counter %s has %s.", k.GetId(), en),
			words("“超过 10”写 over: 10，“达到 10”写 reaches: 10。", `"more than 10" is over: 10, "ten or more" is reaches: 10.`))
	}
}

// checkMeasured refuses a measure over what has no rows in a report. What is booked and who was
// praised is told by the ledger; no procedure asks for a share or a mean of them.
//
// Source: CAPABILITIES C128 to C135.
func (c *checker) checkMeasured(m *policyv1.Measure, path string) {
	measured := []policyv1.Of{policyv1.Of_OF_COMPLAINTS, policyv1.Of_OF_CLOCKS, policyv1.Of_OF_FOLLOW_UPS, policyv1.Of_OF_ACTIONS}
	if slices.Contains(measured, m.GetOf()) {
		return
	}
	known := make([]string, len(measured))
	for i, of := range measured {
		known[i] = strings.TrimPrefix(of.String(), "OF_")
	}
	c.report(m, "of", path, "L02", fmt.Sprintf("指标 %s 没有写明可统计的对象。", m.GetId()), fmt.Sprintf("Measure %s is of nothing that reports have rows of.", m.GetId()), didYouMean("", known))
}

// checkKey: things are counted by what the suite or a form records.
func (c *checker) checkKey(m proto.Message, field, path, key string) {
	known := append(keyNames(), c.declared("fact")...)
	if key == "" || slices.Contains(known, key) {
		return
	}
	c.report(m, field, path, "L14", fmt.Sprintf("没有什么记录 %q。", key), fmt.Sprintf("Nobody records %q, so nothing can be counted by it.", key), didYouMean(key, known))
}

// checkEntries: an entry has a figure and somebody it is booked to; what doubles, cancels and
// converts ends somewhere.
func (c *checker) checkEntries() {
	waits := map[string][]string{}
	for _, e := range c.pack.GetAssessment() {
		path := "assessment." + e.GetId()
		changes := len(e.GetDoubles())+len(e.GetExempts()) > 0
		c.checkFigureOf(path, e, changes)
		if e.GetKind() == 0 && !changes {
			c.report(e, "", path, "L02", "缺少 kind。", "kind is missing: what is booked?", didYouMean("", enumWords(policyv1.EntryKind(0).Descriptor())))
		}
		if len(e.GetTo()) == 0 && !changes {
			c.report(e, "", path, "L30", "没有写明记给谁。", "It is booked to nobody.", words("请写 to。", "Name them: to."))
		}
		if !changes && len(e.GetWhen()) == 0 && e.GetSetBy() == "" && e.GetEvery() == 0 && !c.booked(e.GetId()) {
			c.report(e, "", path, "L29", fmt.Sprintf("没有什么记入 %s。", e.GetId()), fmt.Sprintf("Entry %s is booked by no event, no do and nobody.", e.GetId()), words("请写 when 或 set_by，或由 do 记入。", "Write when or set_by, or name it in a do."))
		}
		for i, other := range e.GetConverts() {
			c.checkConverts(path, e, fmt.Sprintf("converts[%d]", i), other)
		}
		for list, ids := range map[string][]string{"doubles": e.GetDoubles(), "exempts": e.GetExempts()} {
			for i, other := range ids {
				waits[e.GetId()] = append(waits[e.GetId()], other)
				if o := ByID(c.pack.GetAssessment(), other); len(o.GetConverts()) > 0 {
					c.report(e, fmt.Sprintf("%s[%d]", list, i), path, "L38", fmt.Sprintf("%s 由分数折算，不能作用于它。", other),
						fmt.Sprintf("%s %s %s, which is money made from points.", e.GetId(), list, other), words("请作用于分数。", "Name the points instead."))
				}
			}
		}
	}
	for _, e := range c.pack.GetAssessment() {
		if way := circle(waits, e.GetId()); way != nil && e.GetId() == slices.Min(way) {
			c.report(e, "", "assessment."+e.GetId(), "L38", "加倍或免除成环："+strings.Join(append(way, e.GetId()), " → ")+"。", "Entries double or cancel each other: "+strings.Join(append(way, e.GetId()), " → ")+".", words("请去掉一项。", "Drop one."))
		}
	}
}

func (c *checker) booked(id string) bool {
	return slices.ContainsFunc(allDo(c.pack), func(d *policyv1.Do) bool { return d.GetEntry() == id })
}

func (c *checker) checkConverts(path string, e *policyv1.Entry, field, other string) {
	o := ByID(c.pack.GetAssessment(), other)
	if o != nil && o.GetKind() != policyv1.EntryKind_ENTRY_KIND_POINTS {
		c.report(e, field, path, "L38", fmt.Sprintf("%s 不是分数，不能折算。", other), fmt.Sprintf("%s is not in points and cannot be converted.", other), words("请写 kind 为 POINTS 的项目。", "Name an entry of kind POINTS."))
	}
	if e.GetEvery() == 0 || e.GetAmount() == "" {
		c.report(e, "", path, "L38", "折算须写 every 与 amount。", "Converting needs every and amount.", words("请写 every: MONTH 与每分金额。", "Write every: MONTH, and the amount of one point."))
	}
}

// checkFigureOf: points have points, money has an amount or somebody who sets it.
func (c *checker) checkFigureOf(path string, e *policyv1.Entry, changes bool) {
	if e.GetPoints() == "0" || e.GetPoints() == "-0" {
		c.zero(e, "points", path, e.GetPoints())
	}
	if (e.GetShare() == "") != (e.GetOf() == "") {
		c.report(e, "", path, "L03", "share 与 of 须同时写明。", "A share needs the MONEY fact it is of.", nil)
	}
	c.factType(e, "of", path, e.GetOf(), policyv1.FieldType_FIELD_TYPE_MONEY)
	money := e.GetAmount()+e.GetShare()+e.GetSetBy() != ""
	switch {
	case changes:
	case e.GetKind() == policyv1.EntryKind_ENTRY_KIND_POINTS && e.GetPoints()+e.GetSetBy() == "":
		c.report(e, "", path, "L34", "没有写明分数。", "An entry in points needs points.", nil)
	case (e.GetKind() == policyv1.EntryKind_ENTRY_KIND_FINE || e.GetKind() == policyv1.EntryKind_ENTRY_KIND_REWARD) && !money:
		c.report(e, "", path, "L34", "没有写明金额或由谁确定。", "It needs an amount, a share, or somebody who sets it.", words("请写 amount、share 或 set_by。", "Write amount, share or set_by."))
	}
}

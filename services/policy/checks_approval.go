package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// checkApprovals: every chain can be completed, every amount has one approver.
func (c *checker) checkApprovals() {
	for i, a := range c.pack.GetApprovals() {
		path := "approvals." + a.GetId()
		if a.GetOf() == 0 {
			c.report(a, "", path, "L02", "缺少 of。", "of is missing: what is approved?", didYouMean("", enumWords(policyv1.Subject(0).Descriptor())))
		}
		if len(a.GetSigns()) == 0 {
			c.report(a, "", path, "L31", "没有签署人。", "Nobody signs.", words("请写 signs。", "Write signs."))
		}
		for _, s := range a.GetSigns() {
			c.checkSign(path, a, s)
		}
		if u := a.GetUrgent(); u != nil && (u.GetPaperwork() == "" || u.GetForm() == "") {
			c.report(u, "", path+".urgent", "L03", "紧急审批须写 paperwork 与 form。", "An urgent approval needs paperwork and form.", nil)
		}
		c.checkReached(i, a)
	}
}

// checkReached: of approvals that a subject takes by first match, none may hide the next.
func (c *checker) checkReached(i int, a *policyv1.Approval) {
	byMatch := []policyv1.Subject{policyv1.Subject_SUBJECT_ASSIGNMENT, policyv1.Subject_SUBJECT_GRADE, policyv1.Subject_SUBJECT_REPLY, policyv1.Subject_SUBJECT_PLAN, policyv1.Subject_SUBJECT_EXTENSION, policyv1.Subject_SUBJECT_CLAIM}
	reserved := func(id string) bool {
		return slices.ContainsFunc(c.pack.GetCompensation().GetRemedies(), func(r *policyv1.Remedy) bool { return r.GetApproval() == id })
	}
	if !slices.Contains(byMatch, a.GetOf()) || reserved(a.GetId()) || len(a.GetAsks()) > 0 {
		return
	}
	for _, b := range c.pack.GetApprovals()[:i] {
		if b.GetOf() == a.GetOf() && b.GetIf() == "" && !reserved(b.GetId()) && len(b.GetAsks()) == 0 {
			c.report(a, "", "approvals."+a.GetId(), "L32", fmt.Sprintf("%s 没有条件且在前，%s 到不了。", b.GetId(), a.GetId()), fmt.Sprintf("Approval %s has no condition and stands before %s, which is never reached.", b.GetId(), a.GetId()),
				words("请把它移到最后，或写条件。", "Move it last, or give it a condition."))
		}
	}
}

func (c *checker) checkSign(path string, a *policyv1.Approval, s *policyv1.Sign) {
	path += "." + s.GetId()
	switch {
	case s.GetKind() == 0:
		c.report(s, "", path, "L02", "缺少 kind。", "kind is missing.", words("", "Write REVIEW, COUNTERSIGN, OPINION, ANNOTATE, APPROVE or ACKNOWLEDGE."))
	case len(s.GetWho()) > 0 == (len(s.GetBands()) > 0):
		c.report(s, "", path, "L31", "须恰有 who 或 bands 之一。", "A signature has either who or bands.", nil)
	case len(s.GetBands()) > 0 && a.GetAmount() == "":
		c.report(a, "", "approvals."+a.GetId(), "L31", "有金额档而未写 amount。", "There are bands, but no amount to choose by.", words("请写 amount: claim.amount。", "Write amount: claim.amount."))
	}
	c.checkEnough(s.GetEnough(), s.GetWho(), func(zh, en, adviceZH, adviceEN string) {
		c.report(s, "enough", path, "L31", zh, en, words(adviceZH, adviceEN))
	})
	if len(a.GetAsks()) == 0 && len(a.GetAskedBy()) == 1 && len(s.GetWho()) == 1 && s.GetWho()[0] == a.GetAskedBy()[0] && !isGroup(s.GetWho()[0]) && s.GetInstead() == nil && !s.GetOptional() {
		c.report(s, "who", path, "L30", fmt.Sprintf("只有 %s 可以申请，也只有其可以签署。", s.GetWho()[0]), fmt.Sprintf("Only %s may ask, and only %s may sign.", s.GetWho()[0], s.GetWho()[0]), words("不得审批自己的申请。", "Nobody approves their own request: name another."))
	}
	c.checkBands(path, s)
	if s.GetInstead() != nil {
		c.checkSign(path, a, s.GetInstead())
	}
}

// isGroup: anyone of a department is more than one person.
func isGroup(who string) bool { return len(who) > 7 && who[:7] == "anyone@" }

func (c *checker) checkEnough(enough string, who []string, report func(zh, en, adviceZH, adviceEN string)) {
	if enough == "" || enough == "all" || enough == "any" {
		return
	}
	m := regexp.MustCompile(`^([1-9]) of ([1-9])$`).FindStringSubmatch(enough)
	if m == nil {
		report(fmt.Sprintf("%q 不可用。", enough), fmt.Sprintf("%q is none of all, any, 2 of 3.", enough), "请写 all、any 或 2 of 3。", `Write "all", "any" or "2 of 3".`)
		return
	}
	need, of := m[1][0]-'0', m[2][0]-'0'
	if int(of) != len(who) || need > of {
		report(fmt.Sprintf("%q 与 %d 个角色不符。", enough, len(who)), fmt.Sprintf("%q names %d roles.", enough, len(who)), "请写齐角色。", fmt.Sprintf("Name %d, or write \"%d of %d\".", of, min(int(need), len(who)), len(who)))
	}
}

// edge is a bound of a band in fen; after means that the bound itself is on its far side.
type edge struct {
	fen   int64
	after bool
	open  bool // no bound
	ok    bool
}

func bound(out, in string, outAfter bool) edge {
	switch {
	case out != "" && in != "":
		return edge{}
	case out != "":
		n, ok := fen(out)
		return edge{fen: n, after: outAfter, ok: ok}
	case in != "":
		n, ok := fen(in)
		return edge{fen: n, after: !outAfter, ok: ok}
	}
	return edge{open: true, ok: true}
}

func (e edge) compare(o edge) int {
	after := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(e.fen, o.fen), cmp.Compare(after(e.after), after(o.after)))
}

// checkBands: every amount from 0 belongs to exactly one band (K7, K8).
func (c *checker) checkBands(path string, s *policyv1.Sign) {
	type band struct {
		b            *policyv1.Band
		lower, upper edge
	}
	var bands []band
	for _, b := range s.GetBands() {
		x := band{b, bound(b.GetAbove(), b.GetFrom(), true), bound(b.GetBelow(), b.GetUpTo(), false)}
		if !x.lower.ok || !x.upper.ok {
			if b.GetAbove() != "" && b.GetFrom() != "" || b.GetBelow() != "" && b.GetUpTo() != "" {
				c.report(b, "", path, "L21", "同一端写了两个界限。", "A band has two bounds at one end.", words("请只写一个。", "Write above or from, up_to or below."))
			}
			return // a parameter without value, or reported as a figure
		}
		if len(b.GetWho()) == 0 {
			c.report(b, "", path, "L31", "金额档没有签署人。", "Nobody signs in this band.", nil)
		}
		c.checkEnough(b.GetEnough(), b.GetWho(), func(zh, en, adviceZH, adviceEN string) {
			c.report(b, "enough", path, "L31", zh, en, words(adviceZH, adviceEN))
		})
		bands = append(bands, x)
	}
	if len(bands) == 0 {
		return
	}
	slices.SortStableFunc(bands, func(a, b band) int {
		if a.lower.open != b.lower.open {
			if a.lower.open {
				return -1
			}
			return 1
		}
		return a.lower.compare(b.lower)
	})
	gap := func(b *policyv1.Band, zh, en, adviceZH, adviceEN string) {
		c.report(b, "", path, "L20", zh, en, words(adviceZH, adviceEN))
	}
	if first := bands[0]; !first.lower.open && first.lower.compare(edge{}) > 0 {
		gap(first.b, "最低一档以下没有签署人。", fmt.Sprintf("Amounts up to %s are in no band.", yuanText(first.lower.fen)), "请去掉下限。", "Leave the lower bound of the first band out.")
	}
	if last := bands[len(bands)-1]; !last.upper.open {
		gap(last.b, "最高一档以上没有签署人。", fmt.Sprintf("Amounts above %s are in no band.", yuanText(last.upper.fen)), "请去掉上限。", "Leave the upper bound of the last band out.")
	}
	for i, next := range bands[1:] {
		prev := bands[i]
		if prev.upper.open || next.lower.open {
			c.report(next.b, "", path, "L21", "金额档重叠。", "This band and another both reach without end.", words("请写界限。", "Give each a bound."))
			continue
		}
		switch d := prev.upper.compare(next.lower); {
		case d < 0:
			gap(next.b, fmt.Sprintf("%s 到 %s 之间有空档。", yuanText(prev.upper.fen), yuanText(next.lower.fen)), gapText(prev.upper.fen, next.lower.fen), "请写 from。", fmt.Sprintf("Write \"from: %s\" or move a bound.", yuanText(next.lower.fen)))
		case d > 0:
			c.report(next.b, "", path, "L21", fmt.Sprintf("%s 属于两档。", yuanText(next.lower.fen)), fmt.Sprintf("%s belongs to two bands.", yuanText(next.lower.fen)), words("其一应写 above 或 below。", `One must say "above" or "below".`))
		}
	}
}

func gapText(from, to int64) string {
	if from == to {
		return fmt.Sprintf("Exactly %s is in no band: one ends below it, the next begins above it.", yuanText(from))
	}
	return fmt.Sprintf("Amounts between %s and %s are in no band.", yuanText(from), yuanText(to))
}

func yuanText(fen int64) string {
	return strconv.FormatInt(fen/100, 10) + fmt.Sprintf(".%02d", fen%100)
}

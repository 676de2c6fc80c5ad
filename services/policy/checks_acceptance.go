package policy

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// checkAcceptance: windows and papers say what they are about, and each can be reached.
func (c *checker) checkAcceptance() {
	acc := c.pack.GetAcceptance()
	for i, w := range acc.GetWindows() {
		path := "acceptance.windows." + w.GetId()
		if w.GetOf() == 0 {
			c.report(w, "", path, "L02", "缺少 of。", "of is missing: what must come within the window?", didYouMean("", enumWords(policyv1.WindowOf(0).Descriptor())))
		}
		if w.GetLate() == 0 {
			c.report(w, "", path, "L02", "缺少 late。", "late is missing: what becomes of what comes too late?", didYouMean("", enumWords(policyv1.Outcome(0).Descriptor())))
		}
		if w.GetFrom() == "" || w.GetLimit() == "" {
			c.report(w, "", path, "L03", "须写 from 与 limit。", "A window needs from and limit.", words("请写 from: received。", "Write from: received, or a date that a form records."))
		}
		c.checkFrom(w, path)
		for _, before := range acc.GetWindows()[:i] {
			if before.GetIf() == "" && before.GetOf() == w.GetOf() && before.GetForm() == w.GetForm() && before.GetEach() == w.GetEach() {
				c.unreached(w, path, before.GetId(), w.GetId())
				break
			}
		}
	}
	for _, e := range acc.GetEvidence() {
		path := "acceptance.evidence." + e.GetId()
		if e.GetBefore() == 0 {
			c.report(e, "", path, "L02", "缺少 before。", "before is missing: before which act?", didYouMean("", enumWords(policyv1.Act(0).Descriptor())))
		}
		if len(e.GetAnyOf()) == 0 && e.GetApproval() == "" {
			c.report(e, "", path, "L28", "既无文件也无审批。", "It asks for nothing: neither a paper nor an approval.", words("请写 any_of。", "Write any_of."))
		}
		for _, paper := range e.GetAnyOf() {
			if !snake(paper.GetDocument()) {
				c.report(paper, "document", path, "L05", fmt.Sprintf("文件种类 %q 不是 lower_snake。", paper.GetDocument()), fmt.Sprintf("Kind of document %q is not lower_snake.", paper.GetDocument()), nil)
			}
		}
	}
	for _, o := range acc.GetOutside() {
		if o.GetOutcome() == 0 {
			c.report(o, "", "acceptance.outside."+o.GetId(), "L02", "缺少 outcome。", "outcome is missing: how does it end?", didYouMean("", enumWords(policyv1.Outcome(0).Descriptor())))
		}
	}
}

// checkFrom: a window counts from the receipt, from a date that a form records, or from one of the line.
func (c *checker) checkFrom(w *policyv1.Window, path string) {
	from := w.GetFrom()
	if from == "" || from == "received" {
		return
	}
	if w.GetEach() != "" {
		if f := ByID(c.words.facts[w.GetEach()].field.GetItems(), from); f != nil {
			return
		}
	}
	f := c.words.facts[from].field
	switch {
	case f == nil:
		c.report(w, "from", path, "L14", fmt.Sprintf("没有表单记录 %q。", from), fmt.Sprintf("Nobody can record %q: no form has it.", from), didYouMean(from, c.declared("fact")))
	case f.GetType() != policyv1.FieldType_FIELD_TYPE_DATE && f.GetType() != policyv1.FieldType_FIELD_TYPE_INSTANT:
		c.report(w, "from", path, "L03", fmt.Sprintf("%q 不是日期或时刻。", from), fmt.Sprintf("%q is neither a DATE nor an INSTANT.", from), nil)
	}
}

// unreached reports a rule that stands behind one without condition.
func (c *checker) unreached(m proto.Message, path, first, never string) {
	c.report(m, "", path, "L32", fmt.Sprintf("%s 没有条件且在前，%s 到不了。", first, never), fmt.Sprintf("%s has no condition and stands before %s, which is never reached.", first, never),
		words("请把它移到最后，或写条件。", "Move it last, or give it a condition."))
}

// checkRouting: rows name levels that exist, trees lead somewhere, connectors are asked before their
// answers are read.
func (c *checker) checkRouting() {
	r := c.pack.GetRouting()
	for _, a := range r.GetAssign() {
		for scale, level := range a.GetGrade() {
			sc := ByID(c.pack.GetGrades(), scale)
			if sc == nil {
				c.report(a, "grade", "routing.assign."+a.GetId(), "L06", fmt.Sprintf("没有等级标尺 %q。", scale), fmt.Sprintf("Scale %q is not declared.", scale), didYouMean(scale, idsOf(c.pack.GetGrades())))
			} else if ByID(sc.GetLevels(), level) == nil {
				c.report(a, "grade."+scale, "routing.assign."+a.GetId(), "L06", fmt.Sprintf("没有级别 %q。", level), fmt.Sprintf("Level %q is not declared.", level), didYouMean(level, idsOf(sc.GetLevels())))
			}
		}
	}
	for _, k := range r.GetConnectors() {
		if len(k.GetAnswers()) == 0 {
			c.report(k, "", "routing.connectors."+k.GetId(), "L01", "没有 answers。", "It answers nothing: answers is missing.", nil)
		}
		for _, f := range k.GetAnswers() {
			c.checkField("routing.connectors."+k.GetId()+"."+f.GetId(), f)
		}
	}
	for i, t := range r.GetTrees() {
		if i > 0 && r.GetTrees()[i-1].GetIf() == "" {
			c.unreached(t, "routing.trees."+t.GetId(), r.GetTrees()[i-1].GetId(), t.GetId())
		}
		c.checkTree("routing.trees."+t.GetId(), t)
	}
}

func (c *checker) checkTree(path string, t *policyv1.Tree) {
	if len(t.GetNodes()) == 0 {
		c.report(t, "", path, "L27", "没有节点。", "A tree needs nodes.", nil)
		return
	}
	nodes, diagnoses := idsOf(t.GetNodes()), idsOf(t.GetDiagnoses())
	ways, reached := map[string][]string{}, map[string]bool{}
	for _, n := range t.GetNodes() {
		for _, b := range n.GetBranches() {
			at := path + "." + n.GetId()
			switch {
			case (b.GetNode() == "") == (b.GetDiagnosis() == ""):
				c.report(b, "", at, "L01", "分支须恰有 node 或 diagnosis 之一。", "A branch leads either to a node or to a diagnosis.", nil)
			case b.GetNode() != "" && !slices.Contains(nodes, b.GetNode()):
				c.report(b, "node", at, "L06", fmt.Sprintf("没有节点 %q。", b.GetNode()), fmt.Sprintf("Node %q is not declared.", b.GetNode()), didYouMean(b.GetNode(), nodes))
			case b.GetDiagnosis() != "" && !slices.Contains(diagnoses, b.GetDiagnosis()):
				c.report(b, "diagnosis", at, "L06", fmt.Sprintf("没有诊断 %q。", b.GetDiagnosis()), fmt.Sprintf("Diagnosis %q is not declared.", b.GetDiagnosis()), didYouMean(b.GetDiagnosis(), diagnoses))
			}
			ways[n.GetId()] = append(ways[n.GetId()], b.GetNode())
			reached[b.GetDiagnosis()] = true
		}
	}
	for _, d := range t.GetDiagnoses() {
		if !reached[d.GetId()] {
			c.report(d, "", path+"."+d.GetId(), "L32", fmt.Sprintf("没有分支到达诊断 %s。", d.GetId()), fmt.Sprintf("No branch leads to diagnosis %s.", d.GetId()), words("请加分支，或删去。", "Add a branch, or delete it."))
		}
	}
	c.checkNodes(path, t, ways)
}

// checkNodes: each node is reached, on no circle, and reads only what was asked on the way to it.
func (c *checker) checkNodes(path string, t *policyv1.Tree, ways map[string][]string) {
	asked := map[string][]string{} // what every way to a node has asked, with the node's own
	order := []string{t.GetNodes()[0].GetId()}
	for i := 0; i < len(order) && len(order) <= len(t.GetNodes()); i++ {
		n := ByID(t.GetNodes(), order[i])
		asked[n.GetId()] = append(asked[n.GetId()], n.GetAsk()...)
		for _, next := range ways[n.GetId()] {
			if ByID(t.GetNodes(), next) != nil && !slices.Contains(order, next) {
				order = append(order, next)
				asked[next] = slices.Clone(asked[n.GetId()])
			}
		}
	}
	for _, n := range t.GetNodes() {
		at := path + "." + n.GetId()
		if !slices.Contains(order, n.GetId()) {
			c.report(n, "", at, "L32", fmt.Sprintf("没有分支到达节点 %s。", n.GetId()), fmt.Sprintf("No branch leads to node %s.", n.GetId()), words("请加分支，或删去。", "Add a branch, or delete it."))
			continue
		}
		if circle(ways, n.GetId()) != nil {
			c.report(n, "", at, "L28", fmt.Sprintf("节点 %s 通向自身。", n.GetId()), fmt.Sprintf("Node %s leads back to itself.", n.GetId()), words("请去掉一条分支。", "Drop one of the branches: a tree visits a node once."))
		}
		for _, b := range n.GetBranches() {
			if cond := c.conds[b.GetIf()]; cond != nil {
				c.checkAsked(b, at, cond, asked[n.GetId()])
			}
		}
	}
}

func (c *checker) checkAsked(b *policyv1.Branch, path string, cond *condition, asked []string) {
	for _, u := range cond.uses {
		if u.row == "lookup" && !slices.Contains(asked, u.field) {
			c.reportAt(b, "if", path, "L14", Error, u.column, fmt.Sprintf("到此尚未查询 %s。", u.field), fmt.Sprintf("Nobody has asked %s on the way here.", u.field),
				words("请写 ask: ["+u.field+"]。", "Write ask: ["+u.field+"] at this node or before it."))
		}
	}
}

package policy

import (
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Answers are what connectors answered, by connector and field. A connector that is absent was not
// asked; one that is there without a field did not answer it (UNAVAILABLE), and what it would have
// said is unknown.
type Answers map[string]map[string]*typev1.Fact

// TreeStep is how far a decision tree leads.
type TreeStep struct {
	// Tree is the id of the tree that applies; empty if none does, and all else is zero.
	Tree string
	// Rule quotes the diagnosis that was reached, or the tree.
	Rule *typev1.RuleRef
	// Node is where it stands.
	Node string
	// Ask names the connectors to ask next, in the order of the pack; the tree goes on with their answers.
	Ask []string
	// Diagnosis is the one reached, and Wording what the agent says.
	Diagnosis string
	Wording   *typev1.Text
	// Undiagnosed: the tree leads no further. Do is what follows.
	Undiagnosed bool
	Do          []RuleDo
	// Missing names the facts and look-ups that nobody has recorded or answered; nothing is guessed.
	Missing []string
}

// Tree walks the first decision tree whose condition holds, from its first node: it asks for the
// connectors of a node before it reads the node's branches and takes the first branch that holds. A
// branch that comes first and is unknown, or no branch at all, ends undiagnosed.
//
// Call it again with the answers until Ask is empty. A tree visits each node once at most.
//
// Source: PACK-SKETCH.md 2.2 Tree, 2.7; PROCEDURES.md P03 2.3, P03-A1, P03-A2.
func (p *Policy) Tree(s *Sheet, answers Answers) TreeStep {
	sheet := &Sheet{}
	if s != nil {
		*sheet = *s
	}
	if answers != nil {
		sheet.Lookup = answers
	}
	for _, t := range p.live.GetRouting().GetTrees() {
		switch yes, missing := p.holds(t.GetIf(), sheet); yes {
		case Unknown:
			return p.undiagnosed(t, "", missing)
		case True:
			return p.walkTree(t, sheet)
		}
	}
	return TreeStep{}
}

func (p *Policy) walkTree(t *policyv1.Tree, s *Sheet) TreeStep {
	if len(t.GetNodes()) == 0 {
		return p.undiagnosed(t, "", nil)
	}
	node := t.GetNodes()[0]
	for range t.GetNodes() {
		var ask []string
		for _, c := range node.GetAsk() {
			if _, asked := s.Lookup[c]; !asked {
				ask = append(ask, c)
			}
		}
		if len(ask) > 0 {
			return TreeStep{Tree: t.GetId(), Rule: p.Rule(t.GetId()), Node: node.GetId(), Ask: ask}
		}
		b, missing := p.branch(node, s)
		switch {
		case b == nil:
			return p.undiagnosed(t, node.GetId(), missing)
		case b.GetDiagnosis() != "":
			d := ByID(t.GetDiagnoses(), b.GetDiagnosis())
			rule := p.Rule(d.GetId())
			if rule.GetClause() == "" {
				rule = p.Rule(t.GetId())
			}
			return TreeStep{Tree: t.GetId(), Rule: rule, Node: node.GetId(), Diagnosis: d.GetId(), Wording: d.GetWording()}
		}
		next := ByID(t.GetNodes(), b.GetNode())
		if next == nil {
			return p.undiagnosed(t, node.GetId(), nil)
		}
		node = next
	}
	return p.undiagnosed(t, node.GetId(), nil)
}

// branch returns the first branch that holds; nil if none does, or an earlier one is unknown.
func (p *Policy) branch(n *policyv1.Node, s *Sheet) (*policyv1.Branch, []string) {
	for _, b := range n.GetBranches() {
		switch t, missing := p.holds(b.GetIf(), s); t {
		case True:
			return b, nil
		case Unknown:
			return nil, missing
		}
	}
	return nil, nil
}

func (p *Policy) undiagnosed(t *policyv1.Tree, node string, missing []string) TreeStep {
	out := TreeStep{Tree: t.GetId(), Rule: p.Rule(t.GetId()), Node: node, Undiagnosed: true, Missing: missing}
	out.Do = p.Found(t.GetId())
	return out
}

// Connector returns the connector of that id, or nil.
func (p *Policy) Connector(id string) *policyv1.Connector {
	return ByID(p.live.GetRouting().GetConnectors(), id)
}

// Sends returns what is shared with other systems on an event, in the order of the pack. A condition
// that is unknown sends nothing yet.
//
// Source: PACK-SKETCH.md 2.2 Exchange.
func (p *Policy) Sends(event, id string, s *Sheet) []*policyv1.Exchange {
	var out []*policyv1.Exchange
	for _, x := range p.live.GetRouting().GetExchange() {
		for _, t := range x.GetSends() {
			if t.GetEvent() != policyv1.Event(policyv1.Event_value["EVENT_"+event]) || t.GetId() != "" && t.GetId() != id {
				continue
			}
			if yes, _ := p.holds(t.GetIf(), s); yes == True {
				out = append(out, x)
				break
			}
		}
	}
	return out
}

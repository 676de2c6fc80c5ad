package scenario

import (
	"google.golang.org/protobuf/types/known/structpb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/connector"
)

// unavailable is what a move writes for a connector that does not answer.
const unavailable = "UNAVAILABLE"

// answer lets the reference connector answer from now on as the move says.
func (w *world) answer(m *move) error {
	in := &input{world: w, move: m, taken: map[string]bool{}}
	for id, v := range m.GetAnswers().GetFields() {
		if v.GetStringValue() == unavailable {
			w.suite.Connector.Set(id, connector.Row{Unavailable: true})
			continue
		}
		facts := map[string]*typev1.Fact{}
		for _, f := range w.play.pack.words.connectors[id].GetAnswers() {
			cell := v.GetStructValue().GetFields()[f.GetId()]
			if cell == nil {
				continue
			}
			fact, err := in.fact(f, cell)
			if err != nil {
				return err
			}
			facts[f.GetId()] = fact
		}
		w.suite.Connector.Set(id, connector.Row{Answers: facts})
	}
	return nil
}

// checkAnswers refuses answers of connectors and in fields that the pack does not name.
func (e *expander) checkAnswers(p *play, m *move) {
	for id, v := range m.GetAnswers().GetFields() {
		at := m.spot.at("answers", id)
		c := p.pack.words.connectors[id]
		if c == nil {
			e.wrong.add(at, "the pack has no connector %q", id)
			continue
		}
		if s, word := v.GetKind().(*structpb.Value_StringValue); word && s.StringValue != unavailable {
			e.wrong.add(at, "%s answers %s or fields, not %q", id, unavailable, s.StringValue)
		}
		known := map[string]bool{}
		for _, f := range c.GetAnswers() {
			known[f.GetId()] = true
		}
		for field := range v.GetStructValue().GetFields() {
			if !known[field] {
				e.wrong.add(at, "connector %s has no answer %q", id, field)
			}
		}
	}
}

func connectorsOf(p *policyv1.Pack) map[string]*policyv1.Connector {
	out := map[string]*policyv1.Connector{}
	for _, c := range p.GetRouting().GetConnectors() {
		out[c.GetId()] = c
	}
	return out
}

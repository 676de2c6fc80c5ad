// Package approval is the chain of signatures: who signs what, in which order,
// and what a signature is worth.
//
// It is pure: definitions of the policy pack and the state of one approval go
// in, the next state or a refusal comes out. It reads no clock, no directory
// and no database, and never changes what it is given. Start reading at [Open]
// (a chain is made for a subject) and [Sign] (a person decides). What else a
// person may do with a chain than sign stands in turn.go, approval by telephone
// in telephone.go.
//
// Laws that no pack changes: nobody signs what they asked for, neither in
// another's place nor through another in theirs; nor do those who are recused;
// one person counts once in a chain, in person or represented; a signature is
// sealed to what was seen; what was signed stays on file.
//
// Source: PACK-SKETCH 1 principle 10, 2.2 (Approval, Sign, Band, Urgent);
// DESIGN section 7.
package approval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Request asks for the signatures of an approval.
type Request struct {
	// AskedBy is who asks: people/{person}, or the service where a rule asks by itself.
	AskedBy string
	// MayAsk says whether the asker is one of who; nil leaves asked_by to the
	// caller. It is not asked where the definition names nobody.
	MayAsk func(who string) bool
	// Digest seals the chain to what is put forward; see [Digest].
	Digest string
	// Time is when it is asked.
	Time time.Time
	// Amount chooses the bands and stays on file; nil is unknown. Where the
	// definition has summed_by the caller gives the sum.
	Amount *typev1.Money
	// Revision is the policy revision and Pack the name of the pack.
	Revision, Pack string
	// Number counts how often the subject was put forward; zero means first.
	Number int32
	// Applies decides a condition; missing facts mean it is unknown.
	Applies func(cond string) (applies bool, missing []string, err error)
}

// Digest returns the seal of what signatories see: SHA-256 over the parts, each
// behind its length, in lower-case hex. Give it everything whose change must
// void the approval (amount, payee, cause, evidence), always in the same order.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Open returns the chain that the definition asks for: the signs whose
// condition holds, in the order of the pack, with the signatories of the band
// that holds the amount.
//
// Unknown conditions and an unknown amount make it wait: APPROVAL_FACTS_MISSING
// names all missing facts. Further faults: APPROVAL_ASKER (who may ask),
// APPROVAL_NO_BAND, APPROVAL_NOBODY (no sign applies), and
// APPROVAL_DEFINITION for a definition that lint refuses.
//
// Source: PACK-SKETCH 2.2, 2.7.
func Open(def *policyv1.Approval, in Request) (*typev1.Approval, error) {
	a := &typev1.Approval{
		Id: def.GetId(), State: typev1.Approval_STATE_OPEN, SealedDigest: in.Digest, AskedBy: in.AskedBy,
		AskTime: timestamppb.New(in.Time), PolicyRevision: in.Revision, Number: max(in.Number, 1),
		Rule: &typev1.RuleRef{Rule: def.GetId(), Clause: def.GetClause(), Readings: def.GetReading(), Pack: in.Pack},
	}
	if def.GetText() != nil {
		a.Rule.Text = proto.Clone(def.GetText()).(*typev1.Text)
	}
	if in.AskedBy == "" || !isDigest(in.Digest) {
		return nil, definition(a, "", "asked_by and digest are required")
	}
	if in.MayAsk != nil && len(def.GetAskedBy()) > 0 && !slices.ContainsFunc(def.GetAskedBy(), in.MayAsk) {
		return nil, refuse(a, ReasonAsker, "next", strings.Join(def.GetAskedBy(), ", ")).WithViolations(whoMay(def.GetAskedBy())...)
	}
	b := builder{approval: a, definition: def, request: in}
	if err := b.build(); err != nil {
		return nil, err
	}
	advance(a)
	return a, nil
}

// Again opens a new chain for a subject whose earlier one has ended; the
// earlier stays on file. Fault besides those of [Open]: APPROVAL_STILL_OPEN if
// the earlier is open or granted.
func Again(earlier *typev1.Approval, def *policyv1.Approval, in Request) (*typev1.Approval, error) {
	if s := earlier.GetState(); s == typev1.Approval_STATE_OPEN || s == typev1.Approval_STATE_GRANTED {
		return nil, refuse(earlier, ReasonStillOpen, "state", stateName(earlier))
	}
	in.Number = earlier.GetNumber() + 1
	return Open(def, in)
}

func isDigest(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// builder makes the steps of one chain.
type builder struct {
	approval   *typev1.Approval
	definition *policyv1.Approval
	request    Request
	missing    []string
}

func (b *builder) build() error {
	required := false
	for _, s := range b.definition.GetSigns() {
		step, err := b.step(s, s.GetId())
		if err != nil {
			return err
		}
		if step == nil {
			continue
		}
		required = required || !step.Optional
		b.approval.Steps = append(b.approval.Steps, step)
		if err := b.alternative(s); err != nil {
			return err
		}
	}
	if len(b.missing) > 0 {
		slices.Sort(b.missing)
		b.missing = slices.Compact(b.missing)
		violations := make([]fault.Violation, len(b.missing))
		for i, f := range b.missing {
			violations[i] = fault.Violation{Field: f, Reason: "FACT"}
		}
		return refuse(b.approval, ReasonFactsMissing, "missing", strings.Join(b.missing, ", ")).WithViolations(violations...)
	}
	if !required {
		return refuse(b.approval, ReasonNobody)
	}
	return nil
}

// alternative adds the sign that may stand for s right behind it.
func (b *builder) alternative(s *policyv1.Sign) error {
	alt := s.GetInstead()
	if alt == nil {
		return nil
	}
	if alt.GetInstead() != nil {
		return definition(b.approval, alt.GetId(), "a sign that stands for another has none itself")
	}
	step, err := b.step(alt, s.GetId()+alternativeMark+alt.GetId())
	if step != nil {
		b.approval.Steps[len(b.approval.Steps)-1].Instead = step.GetId()
		b.approval.Steps = append(b.approval.Steps, step)
	}
	return err
}

// step returns the place in the chain that s asks for, or nil if its condition does not hold.
func (b *builder) step(s *policyv1.Sign, id string) (*typev1.ApprovalStep, error) {
	if s.GetId() == "" || strings.ContainsAny(s.GetId(), alternativeMark+addedMark) || find(b.approval, id) != nil {
		return nil, definition(b.approval, s.GetId(), "the id of a sign is missing, malformed or used twice")
	}
	if s.GetKind() == typev1.ApprovalStep_KIND_UNSPECIFIED {
		return nil, definition(b.approval, s.GetId(), "no kind")
	}
	if ok, err := b.applies(s.GetIf()); err != nil || !ok {
		return nil, err
	}
	step := &typev1.ApprovalStep{
		Id: id, Kind: s.GetKind(), State: typev1.ApprovalStep_STATE_WAITING, Form: s.GetForm(), Optional: s.GetOptional(),
		Who: slices.Clone(s.GetWho()), Enough: s.GetEnough(),
	}
	if len(s.GetBands()) > 0 {
		band, err := b.band(s)
		if err != nil {
			return nil, err
		}
		b.approval.Amount = proto.CloneOf(b.request.Amount)
		if band == nil { // the amount is unknown; noted in missing
			return step, nil
		}
		step.Who = slices.Clone(band.GetWho())
		if band.GetEnough() != "" {
			step.Enough = band.GetEnough()
		}
	}
	if len(step.Who) == 0 {
		return nil, definition(b.approval, s.GetId(), "nobody may sign")
	}
	for _, who := range step.Who {
		if who == "" || strings.HasPrefix(who, "$") {
			return nil, definition(b.approval, s.GetId(), "parameter not set: "+who)
		}
	}
	if _, err := quorumOf(step); err != nil {
		return nil, definition(b.approval, s.GetId(), err.Error())
	}
	return step, nil
}

// band returns the first band that holds the amount, nil if the amount is unknown.
//
// Source: PACK-SKETCH 2.2 (Band: above, below exclude the bound, from, up_to
// include it); PROCEDURES K8.
func (b *builder) band(s *policyv1.Sign) (*policyv1.Band, error) {
	if b.request.Amount == nil {
		name := b.definition.GetAmount()
		if name == "" {
			name = "amount"
		}
		b.missing = append(b.missing, name)
		return nil, nil
	}
	amount, err := money.Parse(b.request.Amount)
	if err != nil {
		return nil, err
	}
	for _, band := range s.GetBands() {
		inside := true
		for _, bound := range []struct {
			text string
			ok   func(cmp int) bool
		}{
			{band.GetAbove(), func(c int) bool { return c > 0 }},
			{band.GetFrom(), func(c int) bool { return c >= 0 }},
			{band.GetUpTo(), func(c int) bool { return c <= 0 }},
			{band.GetBelow(), func(c int) bool { return c < 0 }},
		} {
			if bound.text == "" {
				continue
			}
			limit, err := money.ParseText(money.CNY, bound.text)
			if err != nil {
				return nil, definition(b.approval, s.GetId(), "bound of a band: "+bound.text)
			}
			order, err := amount.Cmp(limit)
			if err != nil {
				return nil, err
			}
			inside = inside && bound.ok(order)
		}
		if inside {
			return band, nil
		}
	}
	return nil, refuse(b.approval, ReasonNoBand, "step", s.GetId(), "amount", amount.Text())
}

func (b *builder) applies(cond string) (bool, error) {
	if cond == "" {
		return true, nil
	}
	if b.request.Applies == nil {
		return false, definition(b.approval, "", "a condition and nobody to decide it: "+cond)
	}
	ok, missing, err := b.request.Applies(cond)
	if err != nil {
		return false, fmt.Errorf("approval %s: condition %q: %w", b.approval.GetId(), cond, err)
	}
	b.missing = append(b.missing, missing...)
	return ok && len(missing) == 0, nil
}

// Void ends an open or granted approval because what was seen has changed.
// Fault: APPROVAL_NOT_OPEN for one that has ended otherwise.
func Void(a *typev1.Approval, at time.Time) (*typev1.Approval, error) {
	if s := a.GetState(); s != typev1.Approval_STATE_OPEN && s != typev1.Approval_STATE_GRANTED {
		return nil, refuse(a, ReasonNotOpen, "state", stateName(a))
	}
	return end(proto.Clone(a).(*typev1.Approval), typev1.Approval_STATE_VOID, at), nil
}

// Recheck voids an open or granted approval whose seal is not digest, the seal
// of what is there now. changed is false, and a returned as it is, if the seals
// agree or the approval has ended.
func Recheck(a *typev1.Approval, digest string, at time.Time) (next *typev1.Approval, changed bool) {
	if a.GetSealedDigest() == digest {
		return a, false
	}
	next, err := Void(a, at)
	if err != nil {
		return a, false
	}
	return next, true
}

// end closes a in place: nothing in it may be signed any more.
func end(a *typev1.Approval, state typev1.Approval_State, at time.Time) *typev1.Approval {
	a.State, a.DecideTime = state, timestamppb.New(at)
	for _, s := range a.GetSteps() {
		if s.GetState() == typev1.ApprovalStep_STATE_OPEN {
			s.State = typev1.ApprovalStep_STATE_WAITING
		}
	}
	return a
}

package approval

import (
	"slices"
	"strings"
	"time"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Person is who signs, as the directory knows them at that instant.
type Person struct {
	// Name is people/{person}.
	Name string
	// Matches says whether the person is one of who: in their own right, or
	// on behalf of another by designation or delegation. Nil admits nowhere.
	Matches func(who string) (matched bool, onBehalfOf string)
}

// is says whether the person is one of who. A place that was asked for beyond the
// pack's chain names a person instead of a role; nobody stands for them.
func (p Person) is(who string) (matched bool, onBehalfOf string) {
	if strings.HasPrefix(who, "people/") {
		return who == p.Name, ""
	}
	if p.Matches == nil {
		return false, ""
	}
	ok, behalf := p.Matches(who)
	if behalf == p.Name {
		behalf = ""
	}
	return ok, behalf
}

// SignRequest is one person's decision.
type SignRequest struct {
	// Step is the place to sign, by its id or that of its sign; empty takes the
	// first that the person may sign, required places before optional ones.
	Step string
	// Who is the entry they sign for, where they are several; empty takes the
	// first that admits them, in their own right before in another's place.
	Who string
	// Person signs.
	Person Person
	// Decision is what they decide.
	Decision typev1.Decision
	// Digest seals what they saw.
	Digest string
	// Comment is what they wrote, sealed or not; required to reject and return.
	Comment string
	// ToStep is the place that RETURN sends the chain back to, by its id; empty
	// ends it and gives the request back to who asked.
	ToStep string
	// Target is the person that ADD_SIGNER and HAND_OVER name, as the directory
	// knows them.
	Target Person
	// Urgent says that the decision was given by telephone; nil that it was not.
	Urgent *Urgent
	// Recused are the people who may not sign here, in person, for another or
	// through another, whatever their role: who is complained about and who is
	// above them (directory.Recused). They may take note (ACKNOWLEDGE), which
	// decides nothing. Who asked needs no mention.
	Recused []string
	// Facts fill the sign's form.
	Facts map[string]*typev1.Fact
	// Check says what is wrong with the form, all at once; nil only asks that
	// it was filled.
	Check func(form string, facts map[string]*typev1.Fact) []fault.Violation
	// Time is when they sign.
	Time time.Time
}

// Sign returns the approval with the person's decision in it; a is not changed.
//
// APPROVE counts towards what the place needs and opens what comes after it;
// the last one grants. REJECT refuses the whole, except: in "N of M" it is a
// vote and refuses once N can no longer be reached; of a place that another
// sign may stand for, it leaves the place to that sign; an OPINION decides
// nothing either way. RETURN sends the whole back to who asked, or to an earlier
// place: that place and all after it are asked again. ADD_SIGNER, HAND_OVER,
// REMIND and WITHDRAW are described in turn.go.
//
// A decision by telephone counts for the approvers alone and grants when all of
// them have given it; see [Urgent].
//
// Faults, the first that holds: APPROVAL_NOT_OPEN, APPROVAL_OWN_REQUEST,
// APPROVAL_RECUSED, APPROVAL_NOT_URGENT, APPROVAL_ALREADY_SIGNED, APPROVAL_STEP_UNKNOWN, APPROVAL_AUTHORITY (fact next
// and violations: who may), APPROVAL_ORDER (fact missing and violations: the
// places before), APPROVAL_STEP_DONE, APPROVAL_STALE, APPROVAL_DECISION,
// APPROVAL_COMMENT_REQUIRED, APPROVAL_FORM_INCOMPLETE, APPROVAL_FORM_UNEXPECTED,
// APPROVAL_RETURN_TO, APPROVAL_TARGET.
// All carry the approval's rule.
//
// Source: PACK-SKETCH 1 principle 10, 2.2 (Sign); PROCEDURES K12.
func Sign(a *typev1.Approval, s SignRequest) (*typev1.Approval, error) {
	switch s.Decision {
	case typev1.Decision_DECISION_WITHDRAW:
		return Withdraw(a, s.Person.Name, s.Time)
	case typev1.Decision_DECISION_REMIND:
		return Remind(a, s)
	}
	if a.GetState() != typev1.Approval_STATE_OPEN && !owesPapers(a) {
		return nil, refuse(a, ReasonNotOpen, "state", stateName(a))
	}
	next := proto.CloneOf(a)
	due, err := s.Urgent.check(a)
	if err != nil {
		return nil, err
	}
	step, as, err := admit(next, s)
	if err != nil {
		return nil, err
	}
	if s.Digest != a.GetSealedDigest() {
		return nil, refuse(a, ReasonStale, "step", step.GetId())
	}
	if err := checkDecision(next, step, s); err != nil {
		return nil, err
	}
	switch s.Decision {
	case typev1.Decision_DECISION_ADD_SIGNER:
		return addSigner(next, step, s)
	case typev1.Decision_DECISION_HAND_OVER:
		return handOver(next, step, s)
	}
	step.Signatures = append(step.Signatures, signature(as, s))
	if s.Decision == typev1.Decision_DECISION_RETURN && s.ToStep != "" {
		return sendBack(next, step, s)
	}
	return settle(next, step, due, s), nil
}

func signature(as admission, s SignRequest) *typev1.Signature {
	g := &typev1.Signature{
		Person: s.Person.Name, OnBehalfOf: as.onBehalfOf, Who: as.who, Decision: s.Decision,
		SignTime: timestamppb.New(s.Time), SealedDigest: s.Digest, Comment: s.Comment, ByTelephone: s.Urgent != nil,
	}
	for id, f := range s.Facts {
		if g.Facts == nil {
			g.Facts = make(map[string]*typev1.Fact, len(s.Facts))
		}
		g.Facts[id] = proto.CloneOf(f)
	}
	return g
}

// settle draws the consequences of the newest signature of the step, in place.
// due is when the papers are owed if the signature was given by telephone.
func settle(a *typev1.Approval, step *typev1.ApprovalStep, due *timestamppb.Timestamp, s SignRequest) *typev1.Approval {
	q, _ := quorumOf(step)
	given, against := 0, 0
	for _, g := range standing(step) {
		if g.GetDecision() == typev1.Decision_DECISION_REJECT && step.GetKind() != typev1.ApprovalStep_KIND_OPINION {
			against++
		} else {
			given++
		}
	}
	switch {
	case s.Decision == typev1.Decision_DECISION_RETURN:
		step.State = typev1.ApprovalStep_STATE_REFUSED
		return end(a, typev1.Approval_STATE_RETURNED, s.Time)
	case against > 0 && (!q.vote || against > q.of-q.need):
		step.State = typev1.ApprovalStep_STATE_REFUSED
		if alternativeTo(a, step) == nil {
			return end(a, typev1.Approval_STATE_REFUSED, s.Time)
		}
	case given >= q.need:
		step.State = typev1.ApprovalStep_STATE_SIGNED
	}
	if a.GetState() == typev1.Approval_STATE_GRANTED {
		return a // a paper that followed a decision by telephone
	}
	granted := advance(a)
	if s.Urgent != nil && (granted || approversDecided(a)) { // the papers are owed also where nobody was passed over
		a.ByTelephone, a.PaperworkDueTime = true, due
		return end(a, typev1.Approval_STATE_GRANTED, s.Time)
	}
	if granted {
		return end(a, typev1.Approval_STATE_GRANTED, s.Time)
	}
	return a
}

func checkDecision(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) error {
	if !mayDecide(a, step, s.Decision) || (s.Urgent != nil || owesPapers(a)) && s.Decision != typev1.Decision_DECISION_APPROVE {
		return refuse(a, ReasonDecision, "step", step.GetId(), "decision", strings.TrimPrefix(s.Decision.String(), "DECISION_"))
	}
	against := s.Decision == typev1.Decision_DECISION_REJECT || s.Decision == typev1.Decision_DECISION_RETURN
	if against && strings.TrimSpace(s.Comment) == "" {
		return refuse(a, ReasonComment, "step", step.GetId()).WithViolations(fault.Violation{Field: "comment", Reason: ReasonComment})
	}
	switch {
	case step.GetForm() == "" && len(s.Facts) > 0:
		return refuse(a, ReasonFormUnexpected, "step", step.GetId())
	case step.GetForm() == "" || s.Decision != typev1.Decision_DECISION_APPROVE || s.Urgent != nil && len(s.Facts) == 0:
		return nil // the form of a decision by telephone follows with the papers
	}
	var wrong []fault.Violation
	if s.Check != nil {
		wrong = s.Check(step.GetForm(), s.Facts)
	} else if len(s.Facts) == 0 {
		wrong = []fault.Violation{{Field: step.GetForm(), Reason: "FORM"}}
	}
	if len(wrong) > 0 {
		return refuse(a, ReasonFormIncomplete, "step", step.GetId(), "form", step.GetForm()).WithViolations(wrong...)
	}
	return nil
}

// mayDecide reports whether a signature of that kind can say that: an opinion
// cannot send back, an annotation cannot refuse, and who takes note can only
// decline where another may sign instead. Everybody may ask one more person or
// hand their place on.
func mayDecide(a *typev1.Approval, step *typev1.ApprovalStep, d typev1.Decision) bool {
	if d == typev1.Decision_DECISION_ADD_SIGNER || d == typev1.Decision_DECISION_HAND_OVER {
		return true
	}
	approve, reject, giveBack := typev1.Decision_DECISION_APPROVE, typev1.Decision_DECISION_REJECT, typev1.Decision_DECISION_RETURN
	switch step.GetKind() {
	case typev1.ApprovalStep_KIND_OPINION:
		return d == approve || d == reject
	case typev1.ApprovalStep_KIND_ANNOTATE:
		return d == approve || d == giveBack
	case typev1.ApprovalStep_KIND_ACKNOWLEDGE:
		return d == approve || (d == reject && alternativeTo(a, step) != nil)
	default:
		return d == approve || d == reject || d == giveBack
	}
}

// admission is why a person may sign a place.
type admission struct{ who, onBehalfOf string }

// verdict says why a person may not sign a place, the weightier the larger.
type verdict int

const (
	stranger verdict = iota // none of who
	takenBy                 // their entry of who has signed
	counted                 // they, or whom they stand for, have signed in the chain
	own                     // they, or whom they stand for, asked for it
	recused                 // they, or whom they stand for, are recused
	admitted
)

// admit finds the place that the person signs and the entry that admits them.
func admit(a *typev1.Approval, s SignRequest) (*typev1.ApprovalStep, admission, error) {
	if s.Person.Name == a.GetAskedBy() {
		return nil, admission{}, refuse(a, ReasonOwnRequest, "person", s.Person.Name)
	}
	if hasSigned(a, s.Person.Name) {
		return nil, admission{}, refuse(a, ReasonAlreadySigned, "person", s.Person.Name)
	}
	steps := candidates(a, s.Step)
	if len(steps) == 0 {
		return nil, admission{}, refuse(a, ReasonStepUnknown, "step", s.Step)
	}
	worst := stranger
	var late *typev1.ApprovalStep
	if s.Urgent != nil {
		steps = slices.DeleteFunc(steps, func(step *typev1.ApprovalStep) bool { return step.GetKind() != typev1.ApprovalStep_KIND_APPROVE })
	}
	for _, step := range steps {
		as, v := match(a, step, s)
		worst = max(worst, v)
		if v != admitted {
			continue
		}
		if mayBeSigned(a, step, s) {
			return step, as, nil
		}
		if late == nil || late.GetState() != typev1.ApprovalStep_STATE_WAITING {
			late = step
		}
	}
	switch {
	case late.GetState() == typev1.ApprovalStep_STATE_WAITING:
		return nil, admission{}, outOfOrder(a, late)
	case late != nil:
		return nil, admission{}, refuse(a, ReasonStepDone, "step", late.GetId())
	case worst == takenBy:
		return nil, admission{}, refuse(a, ReasonStepDone, "step", steps[0].GetId())
	case worst == recused:
		return nil, admission{}, refuse(a, ReasonRecused, "person", s.Person.Name)
	case worst == own:
		return nil, admission{}, refuse(a, ReasonOwnRequest, "person", s.Person.Name)
	case worst == counted:
		return nil, admission{}, refuse(a, ReasonAlreadySigned, "person", s.Person.Name)
	}
	next := Next(a)
	if s.Step != "" || s.Urgent != nil {
		next = nil
		for _, step := range steps[:min(1, len(steps))] {
			next = left(step)
		}
	}
	return nil, admission{}, refuse(a, ReasonAuthority, "step", s.Step, "next", strings.Join(next, ", ")).WithViolations(whoMay(next)...)
}

// candidates returns the places that step may mean: those that can be signed
// now first, required before optional, a sign before the one that stands for it.
func candidates(a *typev1.Approval, step string) []*typev1.ApprovalStep {
	var found []*typev1.ApprovalStep
	for _, s := range a.GetSteps() {
		if step == "" || s.GetId() == step || SignID(s.GetId()) == step {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(x, y *typev1.ApprovalStep) int { return rank(x, step) - rank(y, step) })
	return found
}

func rank(s *typev1.ApprovalStep, wanted string) int {
	r := 0
	if s.GetId() != wanted && wanted != "" {
		r += 8
	}
	if s.GetState() != typev1.ApprovalStep_STATE_OPEN {
		r += 4
	}
	if s.GetOptional() {
		r += 2
	}
	if strings.Contains(s.GetId(), alternativeMark) {
		r++
	}
	return r
}

// match says whether and as whom the person may sign the step, whatever its state.
func match(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) (admission, verdict) {
	q, _ := quorumOf(step)
	var best admission
	v := stranger
	if step.GetHandedTo() != "" && step.GetHandedTo() != s.Person.Name {
		return best, v
	}
	for _, who := range step.GetWho() {
		if s.Who != "" && who != s.Who {
			continue
		}
		ok, behalf := s.Person.is(who)
		if !ok {
			continue
		}
		switch {
		case step.GetKind() != typev1.ApprovalStep_KIND_ACKNOWLEDGE && (slices.Contains(s.Recused, s.Person.Name) || slices.Contains(s.Recused, behalf)):
			v = max(v, recused)
		case behalf != "" && behalf == a.GetAskedBy():
			v = max(v, own)
		case behalf != "" && hasSigned(a, behalf):
			v = max(v, counted)
		case q.taken(step, who):
			v = max(v, takenBy)
		case v != admitted || (best.onBehalfOf != "" && behalf == ""):
			best, v = admission{who, behalf}, admitted
		}
	}
	return best, v
}

// hasSigned reports whether the person's signature is in the chain already,
// given in person or by somebody in their place.
func hasSigned(a *typev1.Approval, person string) bool {
	for _, s := range a.GetSteps() {
		for _, g := range standing(s) {
			if g.GetPerson() == person || g.GetOnBehalfOf() == person {
				return true
			}
		}
	}
	return false
}

func outOfOrder(a *typev1.Approval, step *typev1.ApprovalStep) error {
	missing := missingBefore(a, step)
	violations := make([]fault.Violation, len(missing))
	for i, id := range missing {
		violations[i] = fault.Violation{Field: id, Reason: "SIGN"}
	}
	return refuse(a, ReasonOrder, "step", step.GetId(), "missing", strings.Join(missing, ", "), "next", strings.Join(Next(a), ", ")).
		WithViolations(violations...)
}

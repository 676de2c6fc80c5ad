package approval

import (
	"fmt"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// Reasons of the faults of this package. Each carries the fact approval.
const (
	// ReasonNotOpen: the approval has ended.
	ReasonNotOpen = "APPROVAL_NOT_OPEN"
	// ReasonStillOpen: the subject's earlier approval is open or granted.
	ReasonStillOpen = "APPROVAL_STILL_OPEN"
	// ReasonOrder: other places come first.
	ReasonOrder = "APPROVAL_ORDER"
	// ReasonAuthority: the person is none of those who may sign.
	ReasonAuthority = "APPROVAL_AUTHORITY"
	// ReasonAsker: the person is none of those who may ask.
	ReasonAsker = "APPROVAL_ASKER"
	// ReasonOwnRequest: nobody signs what they asked for.
	ReasonOwnRequest = "APPROVAL_OWN_REQUEST"
	// ReasonAlreadySigned: one person counts once in a chain.
	ReasonAlreadySigned = "APPROVAL_ALREADY_SIGNED"
	// ReasonStepUnknown: the chain has no such place.
	ReasonStepUnknown = "APPROVAL_STEP_UNKNOWN"
	// ReasonStepDone: the place has its signature already.
	ReasonStepDone = "APPROVAL_STEP_DONE"
	// ReasonStale: what the person saw is not what is put forward now.
	ReasonStale = "APPROVAL_STALE"
	// ReasonDecision: a signature of this kind cannot decide that.
	ReasonDecision = "APPROVAL_DECISION"
	// ReasonComment: rejecting and returning need words.
	ReasonComment = "APPROVAL_COMMENT_REQUIRED"
	// ReasonFormIncomplete: the form with the signature is not filled.
	ReasonFormIncomplete = "APPROVAL_FORM_INCOMPLETE"
	// ReasonFormUnexpected: the place has no form.
	ReasonFormUnexpected = "APPROVAL_FORM_UNEXPECTED"
	// ReasonFactsMissing: facts must be recorded before it can be asked.
	ReasonFactsMissing = "APPROVAL_FACTS_MISSING"
	// ReasonNoBand: no band of the pack holds the amount.
	ReasonNoBand = "APPROVAL_NO_BAND"
	// ReasonNobody: no sign of the pack applies.
	ReasonNobody = "APPROVAL_NOBODY"
	// ReasonNotUrgent: a decision by telephone is not allowed here.
	ReasonNotUrgent = "APPROVAL_NOT_URGENT"
	// ReasonRecused: who is complained about, is above them or asked for it decides nothing here.
	ReasonRecused = "APPROVAL_RECUSED"
	// ReasonReturnTo: the chain cannot be sent back there.
	ReasonReturnTo = "APPROVAL_RETURN_TO"
	// ReasonTarget: that person cannot be asked to sign here.
	ReasonTarget = "APPROVAL_TARGET"
	// ReasonDefinition: the pack's definition cannot be carried out.
	ReasonDefinition = "APPROVAL_DEFINITION"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	const pre, bad = fault.FailedPrecondition, fault.Invalid
	return []fault.Entry{
		{Reason: ReasonNotOpen, Kind: pre, ZH: "审批“{approval}”已结束（{state}），不能再签署。", EN: "The approval {approval} has ended ({state}) and takes no more signatures."},
		{Reason: ReasonStillOpen, Kind: pre, ZH: "审批“{approval}”尚未结束或已通过（{state}），不能重新提请。", EN: "The approval {approval} is {state}; it cannot be asked for again."},
		{Reason: ReasonOrder, Kind: pre, ZH: "还不能签署“{step}”：之前的签署尚缺：{missing}；现在应签署：{next}。", EN: "{step} cannot be signed yet: missing before it: {missing}; to sign now: {next}."},
		{Reason: ReasonAuthority, Kind: pre, ZH: "您无权签署审批“{approval}”；可签署者：{next}。", EN: "You may not sign the approval {approval}; who may: {next}."},
		{Reason: ReasonAsker, Kind: pre, ZH: "您无权提请审批“{approval}”；可提请者：{next}。", EN: "You may not ask for the approval {approval}; who may: {next}."},
		{Reason: ReasonOwnRequest, Kind: pre, ZH: "不得审批本人提出的申请，代他人签署或由他人代签亦不可。", EN: "Nobody signs what they asked for, neither in another's place nor through another."},
		{Reason: ReasonAlreadySigned, Kind: pre, ZH: "同一人在一个审批中只计一次签署。", EN: "One person counts once in an approval."},
		{Reason: ReasonStepUnknown, Kind: bad, ZH: "审批“{approval}”中没有“{step}”这一环节。", EN: "The approval {approval} has no place {step}."},
		{Reason: ReasonStepDone, Kind: pre, ZH: "“{step}”已经签署完毕。", EN: "{step} has been signed already."},
		{Reason: ReasonStale, Kind: fault.Aborted, ZH: "审批内容已变更，请重新阅读后再签署。", EN: "What is to be approved is not what you saw; read it again and sign again."},
		{Reason: ReasonDecision, Kind: bad, ZH: "“{step}”不能作出“{decision}”的决定。", EN: "{step} cannot decide {decision}."},
		{Reason: ReasonComment, Kind: bad, ZH: "不同意或退回时必须写明意见。", EN: "To reject or to return, say why."},
		{Reason: ReasonFormIncomplete, Kind: pre, ZH: "签署“{step}”须先填妥表单“{form}”。", EN: "{step} is signed with the form {form}, which is incomplete."},
		{Reason: ReasonFormUnexpected, Kind: bad, ZH: "“{step}”没有随签表单。", EN: "{step} has no form."},
		{Reason: ReasonFactsMissing, Kind: pre, ZH: "审批“{approval}”尚缺事实：{missing}。", EN: "The approval {approval} waits for facts: {missing}."},
		{Reason: ReasonNoBand, Kind: pre, ZH: "金额 {amount} 不在“{step}”的任何审批档内。", EN: "No band of {step} holds the amount {amount}."},
		{Reason: ReasonNobody, Kind: pre, ZH: "审批“{approval}”没有适用的签署环节。", EN: "No signature of the approval {approval} applies."},
		{Reason: ReasonNotUrgent, Kind: pre, ZH: "审批“{approval}”此时不允许电话批准。", EN: "The approval {approval} may not be given by telephone here."},
		{Reason: ReasonRecused, Kind: pre, ZH: "被投诉人及其上级须回避，不得签署、代签或由他人代签。", EN: "Who is complained about, and who is above them, decides nothing here, neither for another nor through another."},
		{Reason: ReasonReturnTo, Kind: pre, ZH: "不能退回到“{to}”：只能退回到“{step}”之前已签署的环节。", EN: "The chain cannot go back to {to}: only to a place before {step} that has been signed."},
		{Reason: ReasonTarget, Kind: pre, ZH: "不能由 {target} 签署“{step}”。", EN: "{target} cannot be asked to sign at {step}."},
		{Reason: ReasonDefinition, Kind: fault.Internal, ZH: "审批“{approval}”的规则无法执行：{problem}。", EN: "The rule of the approval {approval} cannot be carried out: {problem}."},
	}
}

// refuse returns the fault of the reason with the approval's id and rule.
func refuse(a *typev1.Approval, reason string, facts ...string) *fault.Error {
	kind := fault.Internal
	for _, e := range Reasons() {
		if e.Reason == reason {
			kind = e.Kind
		}
	}
	return fault.New(kind, reason, append([]string{"approval", a.GetId()}, facts...)...).With(a.GetRule())
}

func definition(a *typev1.Approval, sign, problem string) *fault.Error {
	return refuse(a, ReasonDefinition, "step", sign, "problem", problem).Wrap(fmt.Errorf("sign %q: %s", sign, problem))
}

func whoMay(who []string) []fault.Violation {
	violations := make([]fault.Violation, len(who))
	for i, w := range who {
		violations[i] = fault.Violation{Field: w, Reason: "WHO"}
	}
	return violations
}

func stateName(a *typev1.Approval) string { return strings.TrimPrefix(a.GetState().String(), "STATE_") }

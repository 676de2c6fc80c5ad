package approval

import (
	"slices"
	"strconv"
	"strings"
	"time"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What a person may do with a chain besides signing: send it back to an earlier
// place (退回), ask one more person (加签), hand their place on (转办), remind
// (催办) and take the request back (撤回).

// Bounds of one chain, so that no state grows without end.
const (
	maxAdded   = 10
	maxReminds = 20
)

// Remind records that those who have not signed were reminded (催办); it decides
// nothing. Who asked, who has signed and who may sign some place may do it; [Next]
// says who is to be told. The last twenty are kept.
//
// Faults: APPROVAL_NOT_OPEN, APPROVAL_AUTHORITY.
func Remind(a *typev1.Approval, s SignRequest) (*typev1.Approval, error) {
	if a.GetState() != typev1.Approval_STATE_OPEN {
		return nil, refuse(a, ReasonNotOpen, "state", stateName(a))
	}
	if s.Person.Name != a.GetAskedBy() && !hasSigned(a, s.Person.Name) && !isSignatory(a, s.Person) {
		return nil, refuse(a, ReasonAuthority, "step", "", "next", a.GetAskedBy()).WithViolations(whoMay([]string{a.GetAskedBy()})...)
	}
	next := proto.CloneOf(a)
	next.RemindTimes = append(next.RemindTimes, timestamppb.New(s.Time))
	if over := len(next.GetRemindTimes()) - maxReminds; over > 0 {
		next.RemindTimes = next.GetRemindTimes()[over:]
	}
	return next, nil
}

func isSignatory(a *typev1.Approval, p Person) bool {
	for _, step := range a.GetSteps() {
		for _, who := range step.GetWho() {
			if ok, _ := p.is(who); ok {
				return true
			}
		}
	}
	return false
}

// Withdraw ends an open approval because who asked for it takes it back (撤回).
// Faults: APPROVAL_NOT_OPEN, APPROVAL_AUTHORITY for anybody else.
func Withdraw(a *typev1.Approval, person string, at time.Time) (*typev1.Approval, error) {
	if a.GetState() != typev1.Approval_STATE_OPEN {
		return nil, refuse(a, ReasonNotOpen, "state", stateName(a))
	}
	if person != a.GetAskedBy() {
		return nil, refuse(a, ReasonAuthority, "step", "", "next", a.GetAskedBy()).WithViolations(whoMay([]string{a.GetAskedBy()})...)
	}
	return end(proto.CloneOf(a), typev1.Approval_STATE_WITHDRAWN, at), nil
}

// sendBack asks the place that the request names, and all places after it, again;
// those beside it keep their signatures. What was signed stays on file as void, and
// so does the decision to send back. a is changed.
func sendBack(a *typev1.Approval, from *typev1.ApprovalStep, s SignRequest) (*typev1.Approval, error) {
	all := groups(a)
	at, back := -1, -1
	for i, group := range all {
		for _, p := range group {
			if p.main == from || p.instead == from {
				at = i
			}
			if (p.main.GetId() == s.ToStep || SignID(p.main.GetId()) == s.ToStep) && p.settled() {
				back = i
			}
		}
	}
	if back < 0 || back >= at {
		return nil, refuse(a, ReasonReturnTo, "step", from.GetId(), "to", s.ToStep)
	}
	for i, group := range all[back:] {
		for _, p := range group {
			if i == 0 && p.main.GetId() != s.ToStep && SignID(p.main.GetId()) != s.ToStep {
				continue
			}
			askAgain(p.main)
			askAgain(p.instead)
		}
	}
	advance(a)
	return a, nil
}

func askAgain(s *typev1.ApprovalStep) {
	if s == nil {
		return
	}
	s.State = typev1.ApprovalStep_STATE_WAITING
	for _, g := range s.GetSignatures() {
		g.Void = true
	}
}

// addSigner puts a place for the target beside that of who asks for it (加签). The
// chain goes on when both have signed. a is changed.
func addSigner(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) (*typev1.Approval, error) {
	if err := checkTarget(a, step, s); err != nil {
		return nil, err
	}
	main := step.GetId()
	if i := strings.IndexAny(main, alternativeMark+addedMark); i > 0 {
		main = main[:i]
	}
	at, added := 0, 0
	for i, other := range a.GetSteps() {
		if strings.Contains(other.GetId(), addedMark) {
			added++
		}
		if other.GetId() == main || strings.HasPrefix(other.GetId(), main+alternativeMark) || strings.HasPrefix(other.GetId(), main+addedMark) {
			at = i + 1
		}
	}
	if added >= maxAdded {
		return nil, refuse(a, ReasonTarget, "step", step.GetId(), "target", s.Target.Name)
	}
	a.Steps = slices.Insert(a.Steps, at, &typev1.ApprovalStep{
		Id: main + addedMark + strconv.Itoa(added+1), Kind: typev1.ApprovalStep_KIND_COUNTERSIGN, State: typev1.ApprovalStep_STATE_WAITING,
		Who: []string{s.Target.Name}, AddedBy: s.Person.Name,
	})
	advance(a)
	return a, nil
}

// handOver gives the place to another person who could hold it (转办): to one who
// is of a who that admits the person who hands it over. Nobody else may sign it
// then. Where several entries of who sign one place, the entry alone is handed on,
// once. a is changed.
func handOver(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) (*typev1.Approval, error) {
	if err := checkTarget(a, step, s); err != nil {
		return nil, err
	}
	for i, who := range step.GetWho() {
		mine := s
		mine.Who = who
		if _, v := match(a, step, mine); v != admitted || s.Who != "" && s.Who != who {
			continue
		}
		if ok, behalf := s.Target.is(who); !ok || behalf != "" {
			continue
		}
		if q, _ := quorumOf(step); q.need == 1 && !q.each {
			step.HandedTo = s.Target.Name
		} else {
			step.Who[i] = s.Target.Name
		}
		return a, nil
	}
	return nil, refuse(a, ReasonTarget, "step", step.GetId(), "target", s.Target.Name)
}

// checkTarget refuses a person who could not sign here: who asked, who has signed,
// who is recused, whoever has a place of their own already, and the person who asks.
func checkTarget(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) error {
	target := s.Target.Name
	named := slices.ContainsFunc(a.GetSteps(), func(o *typev1.ApprovalStep) bool {
		return o.GetHandedTo() == target || slices.Contains(o.GetWho(), target)
	})
	switch {
	case target == a.GetAskedBy():
		return refuse(a, ReasonOwnRequest, "person", target)
	case slices.Contains(s.Recused, target):
		return refuse(a, ReasonRecused, "person", target)
	case hasSigned(a, target):
		return refuse(a, ReasonAlreadySigned, "person", target)
	case !strings.HasPrefix(target, "people/") || target == s.Person.Name || named:
		return refuse(a, ReasonTarget, "step", step.GetId(), "target", target)
	}
	return nil
}

package domain

import (
	"cmp"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// allSentences holds what never changes.
//
//nolint:gochecknoglobals // computed once, never changed
var allSentences = sync.OnceValue(sentences)

// Tell says what happened in both languages, from the change and, where that says
// more, the state after it. A change without words of its own is told by its name,
// so that nothing that happened is missing from a file.
func Tell(change, state proto.Message) *typev1.Text {
	name := change.ProtoReflect().Descriptor().FullName()
	told, ok := allSentences()[name]
	if !ok {
		return words(string(name.Name()), string(name.Name()))
	}
	if more := detail(change, state); more != nil {
		return words(told.GetZh()+"："+more.GetZh(), told.GetEn()+": "+more.GetEn())
	}
	return words(told.GetZh(), told.GetEn()) // whoever asks may change it
}

// Told reports whether a change has words of its own.
func Told(change protoreflect.FullName) bool {
	_, ok := allSentences()[change]
	return ok
}

// detail says which clock, duty, level, measure or notice it was.
func detail(change, state proto.Message) *typev1.Text {
	switch c := change.(type) {
	case *clockv1.ClockChanged:
		k, _ := state.(*clockv1.Clock)
		title := titled("", "", k.GetRule().GetText(), k.GetKind())
		did := clockWords(c.GetKind())
		return words(title.GetZh()+did.GetZh(), title.GetEn()+did.GetEn())
	case *routingv1.StepChanged:
		return stepWords(c, state)
	case *routingv1.GradeSet:
		k, _ := state.(*routingv1.Case)
		g := k.GetGrades()[c.GetScale()]
		return titled("", "", g.GetRule().GetText(), g.GetLevel())
	case *routingv1.MeasureCompleted:
		return words(c.GetMeasure(), c.GetMeasure())
	case *routingv1.MeasureCancelled:
		return words(c.GetMeasure(), c.GetMeasure())
	case *routingv1.CaseBreached:
		if c.GetWithdrawn() {
			return words(c.GetClock()+"（已撤销）", c.GetClock()+" (withdrawn)")
		}
		return words(c.GetClock(), c.GetClock())
	case *intakev1.FormFilled:
		return words(c.GetForm(), c.GetForm())
	}
	switch s := state.(type) {
	case *notificationv1.Notice:
		return titled("", "", s.GetRule().GetText(), s.GetKind())
	case *notificationv1.FollowUp:
		return followUpWords(change, s)
	case *compensationv1.Claim:
		if s.GetNumber() != "" {
			return words(s.GetNumber(), s.GetNumber())
		}
	case *correctiveactionv1.Action:
		return actionWords(change, s)
	}
	return nil
}

func stepWords(c *routingv1.StepChanged, state proto.Message) *typev1.Text {
	k, _ := state.(*routingv1.Case)
	title := words(c.GetStep(), c.GetStep())
	for _, s := range k.GetSteps() {
		if s.GetId() == c.GetStep() {
			title = titled("", "", s.GetRule().GetText(), s.GetId())
		}
	}
	did := map[routingv1.Step_State]*typev1.Text{
		routingv1.Step_STATE_OPEN: words("待办", "to be done"), routingv1.Step_STATE_OFFERED: words("可办", "may be done"),
		routingv1.Step_STATE_DONE: words("已完成", "done"), routingv1.Step_STATE_SKIPPED: words("无需办理", "found not necessary"),
		routingv1.Step_STATE_CANCELLED: words("不再需要", "no longer owed"),
	}[c.GetState()]
	return words(title.GetZh()+"，"+did.GetZh(), title.GetEn()+", "+did.GetEn())
}

func followUpWords(change proto.Message, f *notificationv1.FollowUp) *typev1.Text {
	title := titled("", "", f.GetRule().GetText(), f.GetKind())
	if _, ok := change.(*notificationv1.FollowUpAnswered); !ok {
		return title
	}
	if f.GetSatisfied() {
		return words(title.GetZh()+"，满意", title.GetEn()+", satisfied")
	}
	return words(title.GetZh()+"，不满意", title.GetEn()+", not satisfied")
}

func actionWords(change proto.Message, a *correctiveactionv1.Action) *typev1.Text {
	out := words(a.GetNumber(), a.GetNumber())
	if _, ok := change.(*correctiveactionv1.ActionVerified); ok {
		if v := a.GetVerifications(); len(v) > 0 && v[len(v)-1].GetEffective() {
			return words(a.GetNumber()+"，有效", a.GetNumber()+", effective")
		}
		return words(a.GetNumber()+"，无效", a.GetNumber()+", not effective")
	}
	if a.GetNumber() == "" {
		return nil
	}
	return out
}

// clockWords says what a clock did; they follow its title.
func clockWords(kind clockv1.ClockChanged_Kind) *typev1.Text {
	return cmp.Or(map[clockv1.ClockChanged_Kind]*typev1.Text{
		clockv1.ClockChanged_KIND_STARTED:          words("，开始计时", " started"),
		clockv1.ClockChanged_KIND_WARNED:           words("，即将到期", " is about to fall due"),
		clockv1.ClockChanged_KIND_BREACHED:         words("，已逾期", " is overdue"),
		clockv1.ClockChanged_KIND_LATE:             words("，又逾期一期", " is a further period late"),
		clockv1.ClockChanged_KIND_MET:              words("，已完成", " was met"),
		clockv1.ClockChanged_KIND_CANCELLED:        words("，已取消", " is no longer owed"),
		clockv1.ClockChanged_KIND_PAUSED:           words("，已暂停", " was paused"),
		clockv1.ClockChanged_KIND_RESUMED:          words("，恢复计时", " counts again"),
		clockv1.ClockChanged_KIND_EXTENDED:         words("，已延期", " was extended"),
		clockv1.ClockChanged_KIND_RECOMPUTED:       words("，期限重新计算", " has another due time"),
		clockv1.ClockChanged_KIND_BREACH_WITHDRAWN: words("，逾期已撤销", " was not overdue after all"),
	}[kind], words("，已变更", " changed"))
}

package domain

import (
	"encoding/hex"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Item tells an event in words; ok is false for one that staff do not see or that
// belongs to no complaint. What is told holds no text that anybody typed.
func Item(ev *eventv1.Event, body *eventv1.EventBody, change, state proto.Message) (item *reportingv1.TimelineItem, ok bool) {
	if ev.GetComplaint() == "" || !Audible(change.ProtoReflect().Descriptor()) {
		return nil, false
	}
	return &reportingv1.TimelineItem{
		OccurTime: body.GetOccurTime(), RecordTime: ev.GetRecordTime(), Service: ev.GetService(), Type: ev.GetType(),
		Resource: ev.GetResource(), Version: ev.GetVersion(), Principal: body.GetActor().GetPrincipal(),
		Text: Tell(change, state), Rules: body.GetRules(), Warnings: body.GetWarnings(), Digest: hex.EncodeToString(ev.GetDigest()),
	}, true
}

// Audible reports whether staff may see that such an event happened.
func Audible(change protoreflect.MessageDescriptor) bool {
	options, ok := change.Options().(*descriptorpb.MessageOptions)
	if !ok {
		return false
	}
	audience, _ := proto.GetExtension(options, typev1.E_Audience).(typev1.Audience)
	return audience == typev1.Audience_AUDIENCE_STAFF || audience == typev1.Audience_AUDIENCE_CUSTOMER
}

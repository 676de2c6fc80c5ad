package rpc

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
)

// ListComplaintEvents lists what happened to the record, oldest first.
func (s *Server) ListComplaintEvents(ctx context.Context, req *intakev1.ListComplaintEventsRequest) (*intakev1.ListComplaintEventsResponse, error) {
	if _, err := s.load(ctx, req.GetParent()); err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	token, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(token, 10, 64) // an empty token is the beginning; others are our own
	events, err := s.host.Journal.History(ctx, caller.Organization, req.GetParent(), after, size)
	if err != nil {
		return nil, err
	}
	out := &intakev1.ListComplaintEventsResponse{}
	for _, ev := range events {
		entry, shown, err := entryFor(ev, caller)
		if err != nil {
			return nil, err
		}
		if shown {
			out.Entries = append(out.Entries, entry)
		}
	}
	if len(events) == size {
		out.NextPageToken = page.Token(strconv.FormatInt(events[len(events)-1].GetVersion(), 10), req, caller.Organization, caller.Principal)
	}
	return out, nil
}

// entryFor tells an event to the caller; shown is false if it is not for them.
func entryFor(ev *eventv1.Event, caller authn.Caller) (entry *intakev1.TimelineEntry, shown bool, err error) {
	if !audible(ev.GetType(), caller) {
		return nil, false, nil
	}
	body, err := journal.Body(ev)
	if err != nil {
		return nil, false, err
	}
	principal := body.GetActor().GetPrincipal()
	if caller.Customer && !strings.HasPrefix(principal, "customers/") {
		principal = ""
	}
	return &intakev1.TimelineEntry{
		Type: ev.GetType(), Resource: ev.GetResource(), Version: ev.GetVersion(), OccurTime: body.GetOccurTime(),
		RecordTime: ev.GetRecordTime(), Principal: principal, Digest: hex.EncodeToString(ev.GetDigest()),
	}, true, nil
}

// audible reports whether an event type is meant for such a caller.
func audible(changeType string, caller authn.Caller) bool {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(changeType))
	if err != nil {
		return false
	}
	options, ok := d.Options().(*descriptorpb.MessageOptions)
	if !ok {
		return false
	}
	audience, _ := proto.GetExtension(options, typev1.E_Audience).(typev1.Audience)
	if caller.Customer {
		return audience == typev1.Audience_AUDIENCE_CUSTOMER
	}
	return audience == typev1.Audience_AUDIENCE_CUSTOMER || audience == typev1.Audience_AUDIENCE_STAFF
}

// WatchComplaint streams the status: the present one, then each change.
func (s *Server) WatchComplaint(req *intakev1.WatchComplaintRequest, stream grpc.ServerStreamingServer[intakev1.WatchComplaintResponse]) error {
	ctx := stream.Context()
	caller := host.Caller(ctx)
	if _, err := s.load(ctx, req.GetName()); err != nil {
		return err
	}
	var seen int64
	for {
		committed := s.host.Journal.Committed()
		if seen == 0 {
			c := &intakev1.Complaint{}
			version, err := s.host.Journal.Get(ctx, caller.Organization, req.GetName(), c)
			if err != nil {
				return err
			}
			if err := stream.Send(&intakev1.WatchComplaintResponse{Name: c.GetName(), State: c.GetState(), Etag: journal.Etag(version)}); err != nil {
				return err
			}
			seen = version
		}
		events, err := s.host.Journal.History(ctx, caller.Organization, req.GetName(), seen, 100)
		if err != nil {
			return err
		}
		for _, ev := range events {
			seen = ev.GetVersion()
			if err := sendChange(stream, ev, caller); err != nil {
				return err
			}
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-committed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func sendChange(stream grpc.ServerStreamingServer[intakev1.WatchComplaintResponse], ev *eventv1.Event, caller authn.Caller) error {
	entry, shown, err := entryFor(ev, caller)
	if err != nil || !shown {
		return err
	}
	body, err := journal.Body(ev)
	if err != nil {
		return err
	}
	c := &intakev1.Complaint{}
	if err := body.GetState().UnmarshalTo(c); err != nil {
		return err
	}
	return stream.Send(&intakev1.WatchComplaintResponse{Name: c.GetName(), State: c.GetState(), Etag: journal.Etag(ev.GetVersion()), Change: entry})
}

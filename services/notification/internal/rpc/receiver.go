package rpc

import (
	"context"
	"regexp"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/domain"
)

// CreateReceiver adds a receiver and returns its secret, this once: a repetition
// under the same request_id gives the same answer.
func (s *Server) CreateReceiver(ctx context.Context, req *notificationv1.CreateReceiverRequest) (*notificationv1.CreateReceiverResponse, error) {
	organization, name := host.Caller(ctx).Organization, req.GetReceiver().GetName()
	if !regexp.MustCompile(`^receivers/[a-z0-9-]{1,64}$`).MatchString(name) {
		return nil, fault.New(fault.Invalid, domain.ReasonReceiverName).WithViolations(fault.Violation{Field: "receiver.name", Reason: domain.ReasonReceiverName})
	}
	if err := s.checkAddress(req.GetReceiver()); err != nil {
		return nil, err
	}
	secret, err := s.secrets.New()
	if err != nil {
		return nil, err
	}
	sealed, err := s.secrets.Seal(organization, name, secret)
	if err != nil {
		return nil, err
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name}, func(u *journal.Unit, in *notificationv1.CreateReceiverRequest) error {
		r := configured(&notificationv1.Receiver{Name: name, Media: notificationv1.Notice_MEDIA_WEBHOOK, SealedSecret: sealed, CreateTime: timestamppb.New(u.Time())}, in.GetReceiver())
		return u.Create(name, r, &notificationv1.ReceiverChanged{})
	})
	if err != nil {
		return nil, err
	}
	r, err := host.Answer(ctx, s.host, receipt, &notificationv1.Receiver{}, seal.View{})
	if err != nil {
		return nil, err
	}
	if r.Secret, err = s.secrets.Open(organization, name, r.GetSealedSecret()); err != nil {
		return nil, err
	}
	r.SealedSecret = nil
	return &notificationv1.CreateReceiverResponse{Receiver: r}, nil
}

func (s *Server) checkAddress(r *notificationv1.Receiver) error {
	if err := s.probe.Check(r); err != nil {
		return fault.New(fault.Invalid, domain.ReasonAddress).WithViolations(fault.Violation{Field: "receiver.url", Reason: domain.ReasonAddress}).Wrap(err)
	}
	return nil
}

// configured returns the receiver with what a caller may set taken from in.
func configured(r, in *notificationv1.Receiver) *notificationv1.Receiver {
	next := proto.CloneOf(r)
	next.Url, next.Kinds, next.AllowPrivate, next.Disabled = in.GetUrl(), in.GetKinds(), in.GetAllowPrivate(), in.GetDisabled()
	return next
}

// GetReceiver returns one receiver without its secret.
func (s *Server) GetReceiver(ctx context.Context, req *notificationv1.GetReceiverRequest) (*notificationv1.GetReceiverResponse, error) {
	r, err := host.Read(ctx, s.host, req.GetName(), &notificationv1.Receiver{}, seal.View{})
	if err != nil {
		return nil, err
	}
	r.SealedSecret = nil
	return &notificationv1.GetReceiverResponse{Receiver: r}, nil
}

// ListReceivers lists receivers in order of name.
func (s *Server) ListReceivers(ctx context.Context, req *notificationv1.ListReceiversRequest) (*notificationv1.ListReceiversResponse, error) {
	found, token, err := s.list(ctx, req, req.GetPageSize(), req.GetPageToken(), app.Receivers, false, nil)
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found, func() *notificationv1.Receiver { return &notificationv1.Receiver{} }, seal.View{})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		r.SealedSecret = nil
	}
	return &notificationv1.ListReceiversResponse{Receivers: all, NextPageToken: token}, nil
}

// UpdateReceiver replaces what a caller may set; the secret stays.
func (s *Server) UpdateReceiver(ctx context.Context, req *notificationv1.UpdateReceiverRequest) (*notificationv1.UpdateReceiverResponse, error) {
	name := req.GetReceiver().GetName()
	if err := s.checkAddress(req.GetReceiver()); err != nil {
		return nil, err
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: []string{name}}, func(u *journal.Unit, in *notificationv1.UpdateReceiverRequest) error {
		r := &notificationv1.Receiver{}
		version, err := u.Get(name, r)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		return u.Update(name, configured(r, in.GetReceiver()), &notificationv1.ReceiverChanged{})
	})
	if err != nil {
		return nil, err
	}
	r, err := host.Answer(ctx, s.host, receipt, &notificationv1.Receiver{}, seal.View{})
	if err != nil {
		return nil, err
	}
	r.SealedSecret = nil
	return &notificationv1.UpdateReceiverResponse{Receiver: r}, nil
}

// TestReceiver sends a test message now, also to a receiver that is switched off.
func (s *Server) TestReceiver(ctx context.Context, req *notificationv1.TestReceiverRequest) (*notificationv1.TestReceiverResponse, error) {
	caller := host.Caller(ctx)
	r := &notificationv1.Receiver{}
	if _, err := s.host.Journal.Get(ctx, caller.Organization, req.GetName(), r); err != nil {
		return nil, err
	}
	status, reason := s.probe.Test(ctx, caller.Organization, r)
	out := &notificationv1.TestReceiverResponse{Delivered: reason == "", Status: int32(status), Reason: reason}
	if reason != "" {
		out.Message = s.probe.Say(caller.Locale, reason)
	}
	return out, nil
}

package rpc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
)

// linkLifetime is how long a status link is valid. Source: RELIABILITY 3.1.
const linkLifetime = 30 * 24 * time.Hour

// MintStatusLink returns the token of a complaint's status link. It is signed and
// not stored: the link shows a number and a state, never who or what.
func (s *Server) MintStatusLink(ctx context.Context, req *intakev1.MintStatusLinkRequest) (*intakev1.MintStatusLinkResponse, error) {
	if _, err := s.host.Journal.Get(ctx, req.GetOrganization(), req.GetName(), &intakev1.Complaint{}); err != nil {
		return nil, err
	}
	expires := strconv.FormatInt(clock.System().Now().Add(linkLifetime).Unix(), 36)
	content := base64.RawURLEncoding.EncodeToString([]byte(req.GetOrganization() + " " + lastSegment(req.GetName()) + " " + expires))
	return &intakev1.MintStatusLinkResponse{Token: content + "." + s.sign(content)}, nil
}

func (s *Server) sign(content string) string {
	mac := hmac.New(sha256.New, s.cfg.LinkKey)
	mac.Write([]byte("redress.status-link.v1 " + content))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// GetStatus returns the public status for the holder of a link.
func (s *Server) GetStatus(ctx context.Context, req *intakev1.GetStatusRequest) (*intakev1.GetStatusResponse, error) {
	refused := fault.New(fault.NotFound, domain.ReasonLink)
	content, signature, _ := strings.Cut(req.GetToken(), ".")
	if !hmac.Equal([]byte(signature), []byte(s.sign(content))) {
		return nil, refused
	}
	raw, err := base64.RawURLEncoding.DecodeString(content)
	parts := strings.Split(string(raw), " ")
	if err != nil || len(parts) != 3 {
		return nil, refused
	}
	expires, err := strconv.ParseInt(parts[2], 36, 64)
	if err != nil || clock.System().Now().Unix() > expires {
		return nil, refused
	}
	c := &intakev1.Complaint{}
	if _, err := s.host.Journal.Get(ctx, parts[0], "complaints/"+parts[1], c); err != nil {
		return nil, refused.Wrap(err)
	}
	return &intakev1.GetStatusResponse{
		Number: c.GetNumber(), State: c.GetState(), ReceiveTime: c.GetReceiveTime(),
		PromisedLimits: c.GetPromisedLimits(), UpdateTime: c.GetUpdateTime(),
	}, nil
}

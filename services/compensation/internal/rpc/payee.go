package rpc

import (
	"context"
	"strings"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/seal"
)

// lookups is the name under which intake keeps the organisation's key for digests of
// payees: no person's, so that nobody's erasure changes what others are found by.
const lookups = "payee-lookup"

// payeeKey returns the digest by which claims of one payee are found: keyed, over the
// account without blanks and in one case, or else over name and institution. Empty
// without a payee.
//
// Source: pack.proto Approval.summed_by (payee).
func (s *Server) payeeKey(ctx context.Context, p *compensationv1.Payee) (string, error) {
	plain := strings.ToUpper(strings.Join(strings.Fields(p.GetAccount()), ""))
	if plain == "" && p.GetDisplayName() != "" {
		plain = strings.ToUpper(strings.Join(strings.Fields(p.GetDisplayName()+" "+p.GetInstitution()), " "))
	}
	if plain == "" {
		return "", nil
	}
	key, err := s.host.Keys.Key(ctx, host.Caller(ctx).Organization, lookups, true)
	if err != nil {
		return "", err
	}
	return seal.Lookup(key, plain), nil
}

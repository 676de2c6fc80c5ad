package rpc

import "example.com/redress/services/policy/revisions"

// Policies returns the compiled policies that the handlers keep, for reactions beside them.
func (s *Server) Policies() *revisions.Revisions { return s.policies }

package suite

import (
	"example.com/redress/gateway"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcserver"
)

// Reasons returns every reason an answer of the suite may give, of all services
// and the edge. A reason that several may give is there several times.
func (s *Suite) Reasons() []fault.Entry {
	all := append(rpcserver.Reasons(), gateway.Reasons()...)
	for _, name := range Names() {
		all = append(all, s.services[name].built.Reasons()...)
	}
	return all
}

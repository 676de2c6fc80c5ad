package routing

import (
	"context"

	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
)

// settings of routing in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	Routing Config         `yaml:",inline"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is routing in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "carries cases, the directory and policy packs",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, s process.Settings, deps host.Deps) (process.Built, error) {
			return New(ctx, deps, s.(*settings).Routing)
		},
	}
}

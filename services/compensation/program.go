package compensation

import (
	"context"

	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
)

// settings of compensation in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	// Compensation's own.
	Compensation Config `yaml:"compensation"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is compensation in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "carries claims from approval to payment",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, read process.Settings, deps host.Deps) (process.Built, error) {
			return New(ctx, deps, read.(*settings).Compensation)
		},
	}
}

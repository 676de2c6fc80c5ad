package correctiveaction

import (
	"context"

	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
)

// settings of corrective-action in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	// The service's own.
	Action Config `yaml:"corrective_action"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is corrective-action in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "carries corrective and preventive actions",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, read process.Settings, deps host.Deps) (process.Built, error) {
			return New(ctx, deps, read.(*settings).Action)
		},
	}
}

package reporting

import (
	"context"

	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
)

// settings of reporting in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	// Reporting's own.
	Reporting Config `yaml:"reporting"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is reporting in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "keeps the read model: files, queues and reports",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, read process.Settings, deps host.Deps) (process.Built, error) {
			return New(ctx, deps, read.(*settings).Reporting)
		},
	}
}

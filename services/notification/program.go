package notification

import (
	"context"
	"path/filepath"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
)

// settings of notification in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	// Notification's own.
	Notification Config `yaml:"notification"`
	// SecretFile holds what keys of links and receivers are derived from: 32
	// bytes, or 64 hexadecimal digits. Default: made in the data folder.
	SecretFile config.SecretFile `yaml:"secret_file"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is notification in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "renders and delivers notices, and asks customers afterwards",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, read process.Settings, deps host.Deps) (_ process.Built, err error) {
			s := read.(*settings)
			c := s.Notification
			if c.Secret, err = process.Key(s.SecretFile, filepath.Join(s.Process.Data, "keys", "notification.key")); err != nil {
				return nil, err
			}
			return New(ctx, deps, c)
		},
	}
}

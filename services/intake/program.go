package intake

import (
	"context"
	"errors"
	"path/filepath"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/seal"
)

// settings of intake in a process of its own.
type settings struct {
	Process process.Config `yaml:",inline"`
	// Intake's own; folders that are not named lie in the data folder.
	Intake Config `yaml:"intake"`
	// MasterKeyFile holds the master key: 32 bytes, or 64 hexadecimal digits.
	// Default: made in the data folder.
	MasterKeyFile config.SecretFile `yaml:"master_key_file"`
}

// Common implements process.Settings.
func (s *settings) Common() *process.Config { return &s.Process }

// Program is intake in a process of its own.
func Program() process.Program {
	return process.Program{
		Name: Name, About: "registers complaints and keeps evidence and the keys of persons",
		Settings: func() process.Settings { return &settings{} },
		Build: func(ctx context.Context, read process.Settings, deps host.Deps) (_ process.Built, err error) {
			s := read.(*settings)
			c, kept := s.Intake, filepath.Join(s.Process.Data, "keys")
			if c.Master, err = process.Key(s.MasterKeyFile, filepath.Join(kept, "master.key")); err != nil {
				return nil, err
			}
			if c.Keys == "" {
				c.Keys = filepath.Join(kept, "subjects")
			}
			if c.Blobs == "" {
				c.Blobs = filepath.Join(s.Process.Data, "evidence")
			}
			keys, err := OpenKeys(c)
			if err != nil {
				return nil, err
			}
			i, err := New(ctx, deps, c, keys)
			if err != nil {
				return nil, errors.Join(err, keys.Close())
			}
			return alone{i, keys}, nil
		},
	}
}

// alone is intake that also closes the key store it opened.
type alone struct {
	*Intake
	opened *seal.FileStore
}

// Stop implements lifecycle.Service.
func (a alone) Stop(ctx context.Context) error {
	return errors.Join(a.Intake.Stop(ctx), a.opened.Close())
}

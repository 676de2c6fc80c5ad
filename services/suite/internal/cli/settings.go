package cli

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/suite"
)

// place says which suite a command works on: a configuration file, a data
// folder, or both.
type place struct {
	config string
	data   string
	split  string
}

func (p *place) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.config, "config", "", "the configuration `FILE` of the all-in-one; without one the defaults")
	c.Flags().StringVar(&p.data, "data", "", "the data `FOLDER`, in place of the configuration's; default data")
}

// splitFlag is for commands that look into all stores.
func (p *place) splitFlag(c *cobra.Command) {
	c.Flags().StringVar(&p.split, "split", "", "in place of both, a `FILE` with one section for each service, as serve SERVICE... reads it")
}

// load reads the configuration of the all-in-one.
func (p *place) load() (suite.Config, error) {
	var c suite.Config
	var err error
	if p.config == "" {
		err = config.Parse("defaults", nil, &c)
	} else {
		err = config.Load(p.config, &c)
	}
	if err != nil {
		return c, &UsageError{err}
	}
	if p.data != "" {
		c.Process.Data = p.data
	}
	return c, nil
}

// keys returns the folder of a data folder's keys.
func keys(data string) string { return filepath.Join(data, "keys") }

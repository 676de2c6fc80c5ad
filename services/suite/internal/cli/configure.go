package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/suite"
)

func newConfig(a *app) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Print and check configurations"}
	c.AddCommand(newConfigPrint(a), newConfigCheck(a))
	return c
}

func newConfigPrint(a *app) *cobra.Command {
	var at place
	var service string
	c := &cobra.Command{
		Use: "print", Short: "Print a configuration with all its defaults", Args: cobra.NoArgs,
		Long: `Prints the configuration of the all-in-one as it is in force, with every default, in
the form in which it is read. With --service that of a service, or the gateway, in
a process of its own. Secrets are in files and never in what is printed.`,
		RunE: func(*cobra.Command, []string) error {
			var read any
			if service == "" {
				c, err := at.load()
				if err != nil {
					return err
				}
				read = c
			} else {
				var err error
				if read, err = settingsOf(service, at.config); err != nil {
					return err
				}
			}
			text, err := config.Print(read)
			if err != nil {
				return err
			}
			_, err = a.Out.Write(text)
			return err
		},
	}
	at.flags(c)
	c.Flags().StringVar(&service, "service", "", "the `NAME` of a service, or gateway")
	return c
}

func newConfigCheck(a *app) *cobra.Command {
	var service string
	c := &cobra.Command{
		Use: "check FILE", Short: "Say everything that is wrong with a configuration", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var err error
			if service == "" {
				_, err = (&place{config: args[0]}).load()
			} else {
				_, err = settingsOf(service, args[0])
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(a.Out, "%s is valid.\n", args[0])
			return nil
		},
	}
	c.Flags().StringVar(&service, "service", "", "the file is that of this service, or gateway, and not of the all-in-one; `NAME`")
	return c
}

// settingsOf reads the file of a program on its own; an empty name gives its defaults.
func settingsOf(name, file string) (any, error) {
	for _, p := range programs() {
		if p.Name != name {
			continue
		}
		settings := p.Settings()
		var err error
		if file == "" {
			err = config.Parse("defaults", nil, settings)
		} else {
			err = config.Load(file, settings)
		}
		if err != nil {
			return nil, &UsageError{err}
		}
		return settings, nil
	}
	return nil, usage("there is no service %q; there are %v and gateway", name, suite.Names())
}

// Package command is what the small mains of the services and of the gateway
// share: two flags, one configuration file, exit codes, and running until told
// to stop.
//
// It neither listens for signals nor exits: main makes the context and uses the
// code. The program redress has commands of its own and is not built with it.
// Start reading at [Main].
//
// Source: STYLE section 3; DESIGN section 10.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/lifecycle"
)

// Exit codes of every program of the suite.
const (
	// OK is a clean end, after a signal too.
	OK = 0
	// Failed says that it could not run, or ended by itself.
	Failed = 1
	// Usage says that the command line or the configuration is wrong: starting it
	// again will not help.
	Usage = 2
)

// Stopping is how long a stop may take. The units and manifests in deploy/ kill
// after 40 seconds.
const Stopping = 30 * time.Second

// Program is one that runs alone in its process.
type Program struct {
	// Name as in services/routing, and About in half a sentence.
	Name, About string
	// Settings returns a new struct for [config.Load].
	Settings func() any
	// Run runs with the settings until ctx ends. Logs go to out.
	Run func(ctx context.Context, settings any, out io.Writer) error
}

// Main runs p with the arguments after the program's name until ctx ends and
// returns the exit code.
func Main(ctx context.Context, p Program, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(errs)
	file := flags.String("config", "", "the configuration `FILE`; without one, or with an empty one, the defaults")
	check := flags.Bool("check", false, "read the configuration, say what is wrong with it, and end")
	printed := flags.Bool("print-config", false, "print the configuration with all defaults, and end")
	version := flags.Bool("version", false, "print the version, and end")
	flags.Usage = func() {
		fmt.Fprintf(errs, "%s: %s.\n\nUsage: %s [--config FILE]\n\n", p.Name, p.About, p.Name)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return OK
	case err != nil:
		return Usage
	case flags.NArg() > 0:
		fmt.Fprintf(errs, "%s takes no arguments, but got %q. Did you mean --config %[2]s?\n", p.Name, flags.Arg(0))
		return Usage
	case *version:
		fmt.Fprintln(out, p.Name, Version())
		return OK
	}
	settings := p.Settings()
	if err := read(*file, settings); err != nil {
		fmt.Fprintf(errs, "%s: %v\n", p.Name, err)
		return Usage
	}
	switch {
	case *printed:
		return show(settings, out, errs)
	case *check:
		fmt.Fprintln(out, "The configuration is valid.")
		return OK
	}
	if err := p.Run(ctx, settings, errs); err != nil {
		fmt.Fprintf(errs, "%s: %v\n", p.Name, err)
		return Failed
	}
	return OK
}

func read(file string, settings any) error {
	if file == "" {
		return config.Parse("defaults", nil, settings)
	}
	return config.Load(file, settings)
}

func show(settings any, out, errs io.Writer) int {
	text, err := config.Print(settings)
	if err != nil {
		fmt.Fprintln(errs, err)
		return Failed
	}
	if _, err := out.Write(text); err != nil {
		return Failed
	}
	return OK
}

// Until runs s until ctx ends or s fails, and stops it within [Stopping]. That it
// did not get to start before ctx ended is no failure.
func Until(ctx context.Context, s lifecycle.Failing) error {
	err := lifecycle.Run(ctx, settling{s}, func() (context.Context, context.CancelFunc) {
		return clock.System().WithTimeout(context.WithoutCancel(ctx), Stopping)
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// settling gives back to the system what starting took and left behind, some ten
// megabytes a service: at rest nothing would collect it for minutes.
type settling struct{ lifecycle.Failing }

// Start implements lifecycle.Service.
func (s settling) Start(ctx context.Context) error {
	if err := s.Failing.Start(ctx); err != nil {
		return err
	}
	go debug.FreeOSMemory()
	return nil
}

// Version returns what was built: the version of the module and the commit, as
// far as the build recorded them, with the Go release and the platform.
func Version() string {
	module, commit := "development", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			module = v
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = ", commit " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s%s (%s, %s/%s)", module, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

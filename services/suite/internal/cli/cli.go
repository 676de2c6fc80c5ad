package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/command"
)

// Streams are what a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// UsageError says that the command line or the configuration is wrong: calling
// again the same way will not help.
type UsageError struct{ Err error }

// Error says what is wrong.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// usage makes a [*UsageError].
func usage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Main runs one command and returns the exit code; what went wrong is said on Err.
func Main(ctx context.Context, args []string, s Streams) int {
	err := Execute(ctx, args, s)
	if err == nil {
		return command.OK
	}
	fmt.Fprintf(s.Err, "redress: %s\n", explain(err))
	if _, ok := errors.AsType[*UsageError](err); ok {
		return command.Usage
	}
	return command.Failed
}

// Execute runs one command; args do not hold the program's name.
func Execute(ctx context.Context, args []string, s Streams) error {
	return (&app{Streams: s}).execute(ctx, args)
}

func (a *app) execute(ctx context.Context, args []string) error {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	return root.ExecuteContext(ctx)
}

// app is what all commands share: the streams and the global flags.
type app struct {
	Streams

	output   string // table or json
	language string // english or chinese
}

// json reports whether results are wanted as JSON.
func (a *app) json() bool { return a.output == "json" }

// say tells the person at the terminal something that is no result.
func (a *app) say(format string, args ...any) { fmt.Fprintf(a.Err, format+"\n", args...) }

const about = `Redress executes an organisation's complaint procedure, from the first call to
the proof that it will not happen again.

Begin with

  redress serve                     everything in one process; data in ./data
  redress token --person li-na      a token for the demo's organisation
`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use: "redress", Short: "Complaint handling that executes the written procedure", Long: about,
		Version: command.Version(), SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "table" && a.output != "json" {
				return usage("-o %q: choose table or json", a.output)
			}
			if a.language != english && a.language != chinese {
				return usage("--language %q: choose %s or %s", a.language, english, chinese)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "table", "how results are written: `table|json`")
	root.PersistentFlags().StringVar(&a.language, "language", english, "in which tables, texts and refusals are written: `en|zh-CN`")
	root.SetVersionTemplate("redress {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run:"},
		&cobra.Group{ID: groupWork, Title: "Work with complaints:"},
		&cobra.Group{ID: groupPolicy, Title: "Policy packs and the directory:"},
		&cobra.Group{ID: groupOperate, Title: "Operate:"},
	)
	root.SetHelpCommandGroupID(groupOperate)
	for _, group := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{groupRun, []*cobra.Command{newServe(a), newToken(a), newDemo(a)}},
		{groupWork, []*cobra.Command{newComplaint(a), newImport(a), newApprove(a)}},
		{groupPolicy, []*cobra.Command{newPolicy(a), newDirectory(a), newOrganization(a)}},
		{groupOperate, []*cobra.Command{
			newStuck(a), newVerify(a), newBackup(a), newRestore(a), newStore(a), newRebuild(a), newConfig(a), newVersion(a),
		}},
	} {
		for _, c := range group.commands {
			c.GroupID = group.id
			root.AddCommand(c)
		}
	}
	strict(root)
	return root
}

// Groups of commands in the help.
const (
	groupRun     = "run"
	groupWork    = "work"
	groupPolicy  = "policy"
	groupOperate = "operate"
)

// strict makes wrong flags and arguments usage errors, and commands that only
// hold others refuse what they do not know.
func strict(c *cobra.Command) {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, c.CommandPath())
	})
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usage("%w\n\nUsage: %s", err, c.UseLine())
			}
			return nil
		}
	} else if c.HasSubCommands() {
		c.Args = unknown
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

func unknown(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("there is no command %q; did you mean %s?", c.CommandPath()+" "+args[0], strings.Join(near, " or "))
	}
	return usage("there is no command %q; see %s --help", c.CommandPath()+" "+args[0], c.CommandPath())
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(a.Out, "redress", command.Version())
			return nil
		},
	}
}

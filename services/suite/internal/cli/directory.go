package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
)

func newDirectory(a *app) *cobra.Command {
	cl := a.client()
	c := &cobra.Command{Use: "directory", Short: "People, departments and roles"}
	cl.flags(c)
	c.AddCommand(newDirectoryImport(a, cl))
	return c
}

func newDirectoryImport(a *app, cl *client) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use: "import FILE", Short: "Bring people, departments, roles and channel owners in from a table",
		Long: `Sends a CSV table (UTF-8, with a header: record, id, zh, en, email, telephone,
functions, superior, role, department, owner) to the directory. All rows are
checked first; if one is wrong, nothing is changed and every mistake is listed.
Rows that say what is there already change nothing, so the table may be sent again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return cl.call(c.Context(), func(ctx context.Context, conn grpc.ClientConnInterface) error {
				got, err := directoryv1.NewDirectoryServiceClient(conn).ImportDirectory(ctx, &directoryv1.ImportDirectoryRequest{Csv: text, DryRun: dry, RequestId: requestID()})
				if err != nil {
					return err
				}
				return a.showImport(args[0], got, dry)
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	return c
}

func (a *app) showImport(file string, got *directoryv1.ImportDirectoryResponse, dry bool) error {
	if a.json() {
		if err := a.writeProto(got); err != nil {
			return err
		}
	} else {
		for _, v := range got.GetViolations() {
			fmt.Fprintf(a.Out, "%s:%d: %s: %s (%s)\n", file, v.GetRow(), a.orNone(v.GetColumn()), v.GetMessage(), v.GetReason())
		}
	}
	if n := len(got.GetViolations()); n > 0 {
		return fmt.Errorf("%d mistakes in %s: nothing was changed", n, file)
	}
	if !a.json() {
		would := ""
		if dry {
			would = "would be "
		}
		fmt.Fprintf(a.Out, "%d %screated, %d %schanged, %d as they are.\n", got.GetCreated(), would, got.GetChanged(), would, got.GetUnchanged())
	}
	return nil
}

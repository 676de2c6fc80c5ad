package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/redress/services/suite/demo"
)

func newDemo(a *app) *cobra.Command {
	var shape, folder string
	o := demo.SplitOptions{Postgres: os.Getenv("REDRESS_TEST_POSTGRES"), Redis: os.Getenv("REDRESS_TEST_REDIS")}
	c := &cobra.Command{
		Use: "demo", Short: "Watch one complaint travel from the first call to the archive",
		Long: `Tells the story of one complaint through every service, with a gRPC client for the
call centre and finance, and plain HTTP for the customer's mobile client.

--shape all runs everything in one process on a virtual clock, which takes seconds.
--shape split runs each service and the gateway as a process of its own, on
PostgreSQL and Redis in real time, with a pack whose limits are seconds; name the
backends with --postgres and --redis, or run it through tools/backends.sh run.

Everything lies in a temporary folder and is removed afterwards, unless --data is given.`,
		Example: "  redress demo\n  tools/backends.sh run redress demo --shape split",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if folder == "" {
				if folder, err = os.MkdirTemp("", "redress-demo-"); err != nil {
					return err
				}
				defer func() {
					if removeErr := os.RemoveAll(folder); err == nil {
						err = removeErr
					}
				}()
			}
			switch shape {
			case "all":
				return demo.AllInOne(c.Context(), folder, a.Out)
			case "split":
				if o.Postgres == "" || o.Redis == "" {
					return usage("--shape split needs --postgres and --redis (or: tools/backends.sh run redress demo --shape split)")
				}
				if o.Program, err = os.Executable(); err != nil {
					return err
				}
				o.Folder = filepath.Join(folder, "split")
				return demo.Split(c.Context(), o, a.Out)
			default:
				return usage("--shape is all or split, not %q", shape)
			}
		},
	}
	c.Flags().StringVar(&shape, "shape", "all", "`SHAPE`: all in one process, or split")
	c.Flags().StringVar(&folder, "data", "", "`FOLDER` that keeps databases, keys and logs")
	c.Flags().StringVar(&o.Postgres, "postgres", o.Postgres, "`DSN` of a PostgreSQL database, for split")
	c.Flags().StringVar(&o.Redis, "redis", o.Redis, "`HOST:PORT` of Redis, for split")
	return c
}

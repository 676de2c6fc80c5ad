package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcserver"
)

func newOrganization(a *app) *cobra.Command {
	c := &cobra.Command{Use: "organization", Short: "Organisations of services in processes of their own"}
	c.AddCommand(newOrganizationCreate(a))
	return c
}

func newOrganizationCreate(a *app) *cobra.Command {
	var to rpcserver.ClientConfig
	var pack, table string
	var pairs []string
	c := &cobra.Command{
		Use: "create ID", Short: "Give an organisation its first directory and policy pack",
		Long: `Calls routing, where it runs in a process of its own, with the certificate of the
service "suite" (spiffe://<domain>/services/suite), which must be among routing's
clients; intake must run too, since it keeps the keys. The all-in-one does the same by
itself at its first start. What is there already stays as it is. Afterwards people
change both: with directory import, and through the policy service.`,
		Example: `  redress organization create acme --pack demo --directory people.csv \
    --server redress-routing:9443 --ca ca.crt --cert suite.crt --key suite.key`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if table == "" || pack == "" {
				return usage("name the directory with --directory and the pack with --pack")
			}
			values, err := parameters(pairs)
			if err != nil {
				return err
			}
			csv, err := os.ReadFile(table)
			if err != nil {
				return err
			}
			conn, err := rpcserver.Dial(to, nil)
			if err != nil {
				return &UsageError{err}
			}
			defer func() { _ = conn.Close() }() // every call was answered
			ctx, cancel := clock.System().WithTimeout(authn.OnBehalf(c.Context(), args[0]), callFor)
			defer cancel()
			request := &directoryv1.BootstrapOrganizationRequest{Organization: args[0], Csv: csv, RequestId: requestID()}
			first := a.insist(ctx, func() error {
				_, err := directoryv1.NewDirectoryServiceClient(conn).BootstrapOrganization(ctx, request)
				return err
			})
			if first != nil && fault.ReasonOf(first) != "ORGANIZATION_EXISTS" {
				return first
			}
			_, second := policyv1.NewPolicyServiceClient(conn).InstallPack(ctx, &policyv1.InstallPackRequest{
				Organization: args[0], Pack: pack, Parameters: values, RequestId: requestID(),
			})
			if second != nil && fault.ReasonOf(second) != "POLICY_EXISTS" {
				return second
			}
			if errors.Join(first, second) != nil {
				a.say("%s", a.tr("What was there already stays as it is."))
			}
			fmt.Fprintf(a.Out, a.tr("Organisation %s has a directory and a policy.\n"), args[0])
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&to.Target, "server", "127.0.0.1:9443", "the gRPC `ADDRESS` of routing")
	f.StringVar(&to.TLS.CAFile, "ca", "", "the `FILE` of the authority that certifies routing")
	f.StringVar(&to.TLS.CertFile, "cert", "", "the `FILE` of suite's certificate")
	f.StringVar(&to.TLS.KeyFile, "key", "", "the `FILE` of its key")
	f.StringVar(&pack, "pack", "", "the `NAME` of a pack shipped with the suite")
	f.StringVar(&table, "directory", "", "a `FILE` as directory import takes it")
	f.StringArrayVar(&pairs, "set", nil, "the value of a `PARAMETER=VALUE` of the pack; may be repeated")
	return c
}

// How long a command insists where a service is away, as some are for a moment
// after all have been started, and the pause between two calls.
const (
	insistFor   = 5 * time.Second
	insistEvery = 200 * time.Millisecond
)

// insist repeats a call with a request id of its own for as long as a service is
// away, and says so.
func (a *app) insist(ctx context.Context, call func() error) error {
	began := clock.System().Now()
	for told := false; ; told = true {
		err := call()
		if fault.KindOf(err) != fault.Unavailable || clock.System().Since(began) > insistFor {
			return err
		}
		if !told {
			a.say("%s", a.tr("A service is away; trying again."))
		}
		if clock.System().Pause(ctx, insistEvery) != nil {
			return err
		}
	}
}

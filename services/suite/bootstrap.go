package suite

import (
	"context"
	_ "embed"
	"fmt"
	"os"

	"github.com/google/uuid"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
)

// sample is the directory of the demo's organisation.
//
//go:embed seed/demo.csv
var sample []byte

// bootstrap makes the configured organisation unless it is there already.
func (s *Suite) bootstrap(ctx context.Context) error {
	o := s.config.Organization
	if o.ID == "" {
		return nil
	}
	table := sample
	if o.DirectoryFile != "" {
		var err error
		if table, err = os.ReadFile(o.DirectoryFile); err != nil {
			return fmt.Errorf("organization.directory_file: %w", err)
		}
	}
	return s.Organize(ctx, o.ID, o.Pack, o.Parameters, table)
}

// Organize gives an organisation that has none its first directory and policy.
// What is there already stays as it is. It returns when all services have heard of
// what was made, and at once if nothing was: others may be at work then, and never at rest.
func (s *Suite) Organize(ctx context.Context, organization, pack string, parameters map[string]string, table []byte) error {
	routing := &conn{to: s.services["routing"].conns, from: "suite"}
	ctx = authn.OnBehalf(ctx, organization)
	_, err := directoryv1.NewDirectoryServiceClient(routing).BootstrapOrganization(ctx, &directoryv1.BootstrapOrganizationRequest{
		Organization: organization, Csv: table, RequestId: uuid.NewString(),
	})
	made := err == nil
	if err != nil && fault.ReasonOf(err) != "ORGANIZATION_EXISTS" {
		return fmt.Errorf("directory of %s: %w", organization, err)
	}
	if pack != "" {
		_, err = policyv1.NewPolicyServiceClient(routing).InstallPack(ctx, &policyv1.InstallPackRequest{
			Organization: organization, Pack: pack, Parameters: parameters, RequestId: uuid.NewString(),
		})
		made = made || err == nil
		if err != nil && fault.ReasonOf(err) != "POLICY_EXISTS" {
			return fmt.Errorf("policy of %s: %w", organization, err)
		}
	}
	if !made {
		return nil
	}
	return s.Settle(ctx)
}

// SampleDirectory returns the directory of the demo's organisation, a CSV table
// as ImportDirectory takes it.
func SampleDirectory() []byte { return sample }

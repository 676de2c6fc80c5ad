package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"example.com/redress/services/kit/authn"
)

// mintFor is how long a token of `redress token` lives unless --for says otherwise:
// a working day with its overtime.
const mintFor = 12 * time.Hour

// principal says for whom a token is made.
type principal struct {
	person, customer, app, organization string
}

func (p *principal) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.person, "person", "", "a person of the directory, for example `li-na`")
	c.Flags().StringVar(&p.customer, "customer", "", "a customer's account `ID`")
	c.Flags().StringVar(&p.app, "app", "", "an application, for example `call-centre`")
	c.Flags().StringVar(&p.organization, "organization", "demo", "the organisation's `ID`")
	c.MarkFlagsMutuallyExclusive("person", "customer", "app")
}

func (p *principal) given() bool { return p.person+p.customer+p.app != "" }

func (p *principal) identity() authn.Identity {
	id := authn.Identity{Organization: p.organization}
	switch {
	case p.person != "":
		id.Principal = "people/" + p.person
	case p.customer != "":
		id.Principal = "customers/" + p.customer
	case p.app != "":
		id.Principal = "apps/" + p.app
	}
	return id
}

// mint makes a token with the key in the data folder. A folder without one gets
// none: its suite would not exist, and the token would be of use nowhere.
func mint(data string, p principal, lifetime time.Duration) (string, error) {
	key, err := localKey(data)
	if err != nil {
		return "", err
	}
	token, err := key.Mint(p.identity(), lifetime)
	if err != nil {
		return "", &UsageError{err}
	}
	return token, nil
}

func localKey(data string) (*authn.LocalKey, error) {
	if _, err := os.Stat(filepath.Join(keys(data), "token-key.pem")); os.IsNotExist(err) {
		return nil, usage("no keys in %s: start the suite once (redress serve --data %s), or name its data folder with --data", data, data)
	} else if err != nil {
		return nil, fmt.Errorf("keys of %s: %w", data, err)
	}
	return authn.OpenLocalKey(keys(data))
}

func newToken(a *app) *cobra.Command {
	var at place
	var who principal
	var lifetime time.Duration
	c := &cobra.Command{
		Use: "token", Short: "Make a token with the suite's own key",
		Long: `Makes a bearer token for a person, customer or application, signed with the
key in the data folder. It needs no running suite, only the right to read the key.
What a person may do is decided by the directory at the time of each act, not by
the token. Where an identity provider is configured, take tokens from there.`,
		Example: `  redress token --person li-na
  export REDRESS_TOKEN=$(redress token --person li-na --for 1h)
  curl -H "Authorization: Bearer $(redress token --app call-centre)" http://127.0.0.1:8080/v1/complaints`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !who.given() {
				return usage("say for whom: --person ID, --customer ID or --app ID")
			}
			if lifetime <= 0 {
				return usage("--for %s: must be positive", lifetime)
			}
			conf, err := at.load()
			if err != nil {
				return err
			}
			token, err := mint(conf.Process.Data, who, lifetime)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.Out, token)
			return nil
		},
	}
	at.flags(c)
	who.flags(c)
	c.Flags().DurationVar(&lifetime, "for", mintFor, "how long it counts")
	c.AddCommand(newTokenKeys(a))
	return c
}

func newTokenKeys(a *app) *cobra.Command {
	var at place
	c := &cobra.Command{
		Use: "keys", Short: "Print the public half of the key, as a JSON Web Key Set",
		Long: `Prints the public half of the key in the data folder. Services that run on their
own accept the tokens if it is the keys_file of an issuer in their configuration:

  tokens:
    issuers:
      - {url: "urn:redress:local", audience: redress, keys_file: /run/tokens/keys.json, algorithms: [ES256]}

With --make a key is made if there is none.`,
		Args: cobra.NoArgs,
	}
	create := c.Flags().Bool("make", false, "make the key if there is none")
	at.flags(c)
	c.RunE = func(*cobra.Command, []string) error {
		conf, err := at.load()
		if err != nil {
			return err
		}
		open := localKey
		if *create {
			open = func(data string) (*authn.LocalKey, error) { return authn.OpenLocalKey(keys(data)) }
		}
		key, err := open(conf.Process.Data)
		if err != nil {
			return err
		}
		set, err := key.PublicKeys()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.Out, "%s\n", set)
		return nil
	}
	return c
}

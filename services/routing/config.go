package routing

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"google.golang.org/grpc"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/routing/internal/lookup"
)

// Config says where routing finds the systems that packs name as connectors.
type Config struct {
	// Connectors holds the address of each connector, by its id in the pack. One that is not
	// here is UNAVAILABLE whenever it is asked. Default: none.
	Connectors map[string]rpcserver.ClientConfig `yaml:"connectors"`
	// Reference answers for connectors that have no address: the one of the suite, which
	// answers from a table. nil: nobody does.
	Reference grpc.ClientConnInterface `yaml:"-"`
}

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	id := regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	for _, name := range slices.Sorted(maps.Keys(c.Connectors)) {
		p.Check(id.MatchString(name), "connectors."+name, "is not an id of a pack")
		one := c.Connectors[name]
		if err := config.Validate("connectors."+name, &one); err != nil {
			p.Add("connectors."+name, "%v", err)
		}
	}
}

// open prepares the connections; each connects when it is first used.
func (c *Config) open(deps host.Deps) (*lookup.Systems, error) {
	conns := map[string]*grpc.ClientConn{}
	for _, name := range slices.Sorted(maps.Keys(c.Connectors)) {
		conn, err := rpcserver.DialRaw(c.Connectors[name], nil)
		if err != nil {
			return nil, fmt.Errorf("connectors.%s: %w", name, err)
		}
		conns[name] = conn
	}
	return lookup.New(conns, c.Reference, deps.Clock, deps.Logger), nil
}

package suite

import (
	"time"

	"example.com/redress/gateway"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/notification"
	"example.com/redress/services/routing"
)

// Config of the all-in-one.
type Config struct {
	// Process is what all services share: data folder, database, Redis, tokens.
	Process process.Config `yaml:",inline"`
	// GRPC is where the services' RPCs are served together. Default 127.0.0.1:8443.
	GRPC rpcserver.Config `yaml:"grpc"`
	// Gateway is where JSON and pages are served. Default 127.0.0.1:8080.
	Gateway gateway.Config `yaml:"gateway"`
	// Notification says how notices leave.
	Notification notification.Config `yaml:"notification"`
	// Routing says where the systems are that packs name as connectors.
	Routing routing.Config `yaml:"routing"`
	// ConnectorTable is the file of the reference connector, which answers for connectors
	// that have no address; empty: it holds no answers.
	ConnectorTable string `yaml:"connector_table"`
	// Organization is made at the first start; an empty id makes none.
	Organization Organization `yaml:"organization"`
	// VirtualClock starts business time at this instant and moves it only by
	// Advance: for demos and tests, loopback only. Empty: real time.
	VirtualClock string `yaml:"virtual_clock"`
	// Faults returns what fails the SQL statements of a service, for tests of
	// failure; nil in production.
	Faults func(service string) journal.FaultHook `yaml:"-"`
}

// Organization is what the first start makes, so that the suite can be used at once.
type Organization struct {
	// ID of the organisation, for example "demo".
	ID string `yaml:"id"`
	// Pack that is put in force, one shipped with the suite.
	Pack string `yaml:"pack"`
	// Parameters of the pack.
	Parameters map[string]string `yaml:"parameters"`
	// DirectoryFile is a CSV table as ImportDirectory takes it; empty takes the
	// sample directory of the demo.
	DirectoryFile string `yaml:"directory_file"`
}

// Defaults implements config.Defaulter.
func (c *Config) Defaults() {
	c.GRPC.Listen = "127.0.0.1:8443"
	c.Gateway.Listen = "127.0.0.1:8080"
	c.Organization = Organization{ID: "demo", Pack: "demo"}
}

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	if c.VirtualClock != "" {
		_, err := time.Parse(time.RFC3339, c.VirtualClock)
		p.Check(err == nil, "virtual_clock", "%q is not an instant like 2026-04-08T17:20:00+08:00", c.VirtualClock)
	}
	if err := c.Gateway.Validate(); err != nil {
		p.Add("gateway", "%v", err)
	}
	p.Check((c.Organization.ID == "") == (c.Organization.Pack == ""), "organization", "id and pack belong together")
}

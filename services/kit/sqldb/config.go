package sqldb

import (
	"errors"
	"fmt"
	"regexp"
)

// The drivers. They are also the names of the dialects.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// DefaultMaxConns is how many connections a service takes from its database.
//
// Source: DESIGN section 10: six services with three replicas stay below
// PostgreSQL's hundred without a pooler.
const DefaultMaxConns = 8

// Config says which database to open.
type Config struct {
	// Driver is "sqlite" or "postgres".
	Driver string `yaml:"driver"`
	// DSN is the path of the SQLite file, or the connection string of PostgreSQL.
	DSN string `yaml:"dsn"`
	// PasswordFile holds PostgreSQL's password, so that it does not stand in DSN.
	// It is read when the database is opened. SQLite: empty.
	PasswordFile string `yaml:"password_file"`
	// Schema is the PostgreSQL schema that holds the service's tables, made if
	// absent; empty leaves the search path as the server has it. SQLite: empty.
	Schema string `yaml:"schema"`
	// MaxConns limits the open connections of this process; 0 means 8. SQLite
	// uses one of them for writing and the rest for reading.
	MaxConns int `yaml:"max_conns"`
	// Hook is called before every statement with its name; an error fails the
	// statement. For tests of failure; nil in production.
	Hook Hook `yaml:"-"`
}

// Hook sees the name of every statement before it runs ("begin" and "commit"
// among them). It is called concurrently.
type Hook func(op string) error

// Defaults fills in what is not given.
func (c *Config) Defaults() {
	if c.Driver == "" {
		c.Driver = SQLite
	}
	if c.MaxConns == 0 {
		c.MaxConns = DefaultMaxConns
	}
}

// Validate reports everything wrong with c.
func (c Config) Validate() error {
	var errs []error
	if c.Driver != SQLite && c.Driver != Postgres {
		errs = append(errs, fmt.Errorf("driver: %q is neither %q nor %q", c.Driver, SQLite, Postgres))
	}
	if c.DSN == "" {
		errs = append(errs, errors.New("dsn: must be given"))
	}
	if c.MaxConns < 2 {
		errs = append(errs, errors.New("max_conns: must be at least 2"))
	}
	if c.PasswordFile != "" && c.Driver == SQLite {
		errs = append(errs, errors.New("password_file: SQLite has none"))
	}
	switch {
	case c.Schema == "":
	case c.Driver == SQLite:
		errs = append(errs, errors.New("schema: SQLite has none"))
	case !regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`).MatchString(c.Schema):
		errs = append(errs, fmt.Errorf("schema: %q must be lower case letters, digits and _", c.Schema))
	}
	return errors.Join(errs...)
}

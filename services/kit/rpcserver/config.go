package rpcserver

import (
	"net"
	"time"

	"example.com/redress/services/kit/config"
)

// Config of a server.
type Config struct {
	// Listen is host:port; port 0 takes a free one. Empty: no listener, the
	// service is reached in-process only.
	Listen string `yaml:"listen"`
	// TLS protects the listener. Without it only a loopback address is accepted.
	TLS TLS `yaml:"tls"`
	// Clients are the services that may call, by the name in their certificate or
	// in-process credentials.
	Clients []string `yaml:"clients"`
	// Forwarders are those of Clients that pass on the calls of others.
	// Default: gateway.
	Forwarders []string `yaml:"forwarders"`
	// Deadline is what a unary call gets that names none. Default 10s.
	Deadline config.Duration `yaml:"deadline"`
	// MaxDeadline caps the deadline of unary calls. Streams have the caller's. Default 60s.
	MaxDeadline config.Duration `yaml:"max_deadline"`
	// MaxReceive and MaxSend limit one message. Default 4MiB and 16MiB.
	MaxReceive config.Size `yaml:"max_receive"`
	MaxSend    config.Size `yaml:"max_send"`
	// MaxStreams limits the calls in flight on one network connection. Default 128.
	MaxStreams uint32 `yaml:"max_streams"`
	// Reflection lists the services to whoever asks. A loopback listener has it anyway.
	Reflection bool `yaml:"reflection"`
	// Drain is how long a stopping server says NOT_SERVING before it takes no
	// more calls, so that balancers notice. Default 0s.
	Drain config.Duration `yaml:"drain"`
}

// TLS names the files of a server's certificate, its key, and the authorities
// of its clients. They are read again when they change.
type TLS struct {
	// CertFile and KeyFile are PEM files. Both or neither.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ClientCAFile holds the authorities that certify services, PEM.
	ClientCAFile string `yaml:"client_ca_file"`
	// AllowUncertified lets clients connect without a certificate, as applications
	// outside the suite do: they need a token.
	AllowUncertified bool `yaml:"allow_uncertified"`
}

func (t TLS) configured() bool { return t.CertFile != "" }

// Defaults implements config.Defaulter.
func (c *Config) Defaults() {
	c.Forwarders = []string{"gateway"}
	c.Deadline, c.MaxDeadline = config.Duration(10*time.Second), config.Duration(time.Minute)
	c.MaxReceive, c.MaxSend, c.MaxStreams = 4*config.MiB, 16*config.MiB, 128
}

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	p.Check(c.Deadline > 0, "deadline", "must be positive, not %s", c.Deadline)
	p.Check(c.MaxDeadline >= c.Deadline, "max_deadline", "must not be less than deadline (%s)", c.Deadline)
	p.Check(c.MaxReceive > 0, "max_receive", "must be positive")
	p.Check(c.MaxSend > 0, "max_send", "must be positive")
	p.Check(c.MaxStreams > 0, "max_streams", "must be positive")
	p.Check(c.Drain >= 0, "drain", "must not be negative")
	p.Check((c.TLS.CertFile == "") == (c.TLS.KeyFile == ""), "tls", "needs cert_file and key_file, or neither")
	p.Check(!c.TLS.configured() || c.TLS.ClientCAFile != "" || c.TLS.AllowUncertified, "tls.client_ca_file", "must be given unless allow_uncertified is set")
	p.Check(c.Listen == "" || c.TLS.configured() || isLoopback(c.Listen), "listen", "%s is not a loopback address: it needs tls", c.Listen)
}

// isLoopback reports whether host:port can be reached from this machine only. A
// name other than localhost is not looked up: it may lead anywhere tomorrow.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

package notification

import (
	"maps"
	"net/netip"
	"net/url"
	"slices"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/delivery/mailbox"
	"example.com/redress/services/notification/internal/outbox"
)

// Config says how notices leave.
type Config struct {
	// BaseURL is where the links of notices lead, for example
	// "https://complaints.example.com". Default http://127.0.0.1:8080.
	BaseURL string `yaml:"base_url"`
	// SMTP is the mail server; without a host no e-mail leaves.
	SMTP SMTP `yaml:"smtp"`
	// SMS is the interface of a text-message provider; without a URL none is sent.
	SMS SMS `yaml:"sms"`
	// Mailbox catches all e-mail on this machine instead of sending it: for the
	// first run. It counts only while SMTP has no host.
	Mailbox Mailbox `yaml:"mailbox"`
	// Secret is what the keys of links and receivers are derived from, 32 bytes,
	// the same on all replicas.
	Secret []byte `yaml:"-"`
}

// SMTP says where the mail server is.
type SMTP struct {
	// Host of the server; empty: none.
	Host string `yaml:"host"`
	// Port of the server. 0 takes 465 for implicit TLS, else 587.
	Port int `yaml:"port"`
	// TLS is required (STARTTLS, the default), implicit, offered or none.
	TLS string `yaml:"tls"`
	// Username logs in; empty does not.
	Username string `yaml:"username"`
	// PasswordFile holds the password.
	PasswordFile config.SecretFile `yaml:"password_file"`
	// From is the sender's address. Default redress@localhost.localdomain.
	From string `yaml:"from"`
	// Name stands before the address.
	Name string `yaml:"name"`
	// Domain ends every Message-ID. Default: that of From.
	Domain string `yaml:"domain"`
	// Timeout bounds one attempt. Default 30s.
	Timeout config.Duration `yaml:"timeout"`
}

// SMS describes the interface of a provider. The body is a document in whose
// values {to}, {text}, {key}, {locale} and the further variables stand.
type SMS struct {
	// URL is called; https. Empty: no text messages.
	URL string `yaml:"url"`
	// Method is POST (the default) or PUT.
	Method string `yaml:"method"`
	// ContentType is application/json (the default) or application/x-www-form-urlencoded.
	ContentType string `yaml:"content_type"`
	// Body is the document.
	Body string `yaml:"body"`
	// Variables are further variables of the body and their types (telephone,
	// number, code, text), of those the suite fills: title, link, kind.
	Variables map[string]string `yaml:"variables"`
	// Headers go with every call.
	Headers map[string]string `yaml:"headers"`
	// TokenFile holds a bearer token that goes with every call; empty: none.
	TokenFile config.SecretFile `yaml:"token_file"`
	// Success are the statuses that confirm. Default 200 to 299.
	Success []int `yaml:"success"`
	// Allow are networks inside our own that the provider may be in, "10.1.0.0/16".
	Allow []string `yaml:"allow"`
	// PlainHTTP allows http, for a gateway on this machine.
	PlainHTTP bool `yaml:"plain_http"`
}

// Mailbox is the catch-all mail server of the first run.
type Mailbox struct {
	// Folder keeps the mails; empty: no mailbox.
	Folder string `yaml:"folder"`
	// Listen is a loopback address. Default 127.0.0.1:0, a free port.
	Listen string `yaml:"listen"`
	// Keep is how many mails are kept. Default 1000.
	Keep int `yaml:"keep"`
}

// Defaults of addresses.
const (
	defaultBaseURL = "http://127.0.0.1:8080"
	defaultFrom    = "redress@localhost.localdomain"
	defaultListen  = "127.0.0.1:0"
)

// Defaults implements config.Defaulter.
func (c *Config) Defaults() {
	c.BaseURL = defaultBaseURL
	c.SMTP.From = defaultFrom
	c.Mailbox.Listen = defaultListen
}

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	u, err := url.Parse(c.BaseURL)
	p.Check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.RawQuery == "" && u.Fragment == "", "base_url", "%q is not an address like https://complaints.example.com", c.BaseURL)
	p.Check(slices.Contains([]string{"", "required", "implicit", "offered", "none"}, c.SMTP.TLS), "smtp.tls", "must be required, implicit, offered or none")
	p.Check(c.SMTP.Port >= 0 && c.SMTP.Port < 1<<16, "smtp.port", "must be a port")
	p.Check((c.SMTP.Username == "") == (c.SMTP.PasswordFile == ""), "smtp", "username and password_file belong together")
	for name := range c.SMS.Variables {
		p.Check(slices.Contains(outbox.SMSVariableNames(), name), "sms.variables", "%q is none of %v", name, outbox.SMSVariableNames())
	}
	for _, a := range c.SMS.Allow {
		_, err := netip.ParsePrefix(a)
		p.Check(err == nil, "sms.allow", "%q is not a network", a)
	}
}

// mail returns the sender of e-mail; nil if none is configured.
func (c Config) mail(caught *mailbox.Mailbox) (delivery.Sender, error) {
	o := delivery.MailOptions{
		Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: delivery.TLS(c.SMTP.TLS), Username: c.SMTP.Username,
		From: c.SMTP.From, Name: c.SMTP.Name, Domain: c.SMTP.Domain, Timeout: c.SMTP.Timeout.Std(),
	}
	if o.From == "" {
		o.From = defaultFrom
	}
	switch {
	case c.SMTP.Host != "":
		if c.SMTP.PasswordFile != "" {
			password, err := c.SMTP.PasswordFile.Read()
			if err != nil {
				return nil, err
			}
			o.Password = string(password)
		}
	case caught != nil:
		at, err := netip.ParseAddrPort(caught.Addr())
		if err != nil {
			return nil, err
		}
		o.Host, o.Port, o.TLS = at.Addr().String(), int(at.Port()), delivery.TLSNone
	default:
		return nil, nil
	}
	return delivery.NewMail(o)
}

// sms returns the sender of text messages; nil if none is configured.
func (c Config) sms() (delivery.Sender, error) {
	if c.SMS.URL == "" {
		return nil, nil
	}
	o := delivery.SMSOptions{
		URL: c.SMS.URL, Method: c.SMS.Method, ContentType: c.SMS.ContentType, Body: c.SMS.Body, Success: c.SMS.Success,
		PlainHTTP: c.SMS.PlainHTTP, Clock: clock.System(), Headers: map[string]string{}, Variables: map[string]delivery.VariableType{},
	}
	maps.Copy(o.Headers, c.SMS.Headers)
	if c.SMS.TokenFile != "" {
		token, err := c.SMS.TokenFile.Read()
		if err != nil {
			return nil, err
		}
		o.Headers["Authorization"] = "Bearer " + string(token)
	}
	for name, kind := range c.SMS.Variables {
		o.Variables[name] = delivery.VariableType(kind)
	}
	for _, a := range c.SMS.Allow {
		prefix, err := netip.ParsePrefix(a)
		if err != nil {
			return nil, err
		}
		o.Allow = append(o.Allow, prefix)
	}
	return delivery.NewSMS(o)
}

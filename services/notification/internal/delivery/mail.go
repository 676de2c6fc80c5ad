package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// TLS says how a connection to a mail server is encrypted.
type TLS string

// The ways.
const (
	// TLSRequired begins in clear and must change to TLS (STARTTLS). The default.
	TLSRequired TLS = "required"
	// TLSImplicit is TLS from the first byte, usually port 465.
	TLSImplicit TLS = "implicit"
	// TLSOffered changes to TLS if the server offers it.
	TLSOffered TLS = "offered"
	// TLSNone stays in clear: for a server on this machine.
	TLSNone TLS = "none"
)

// MailOptions describe the mail server that takes our mail.
type MailOptions struct {
	// Host and Port of the server. Port 0 takes 465 for TLSImplicit, else 587.
	Host string
	Port int
	// TLS is the way of encryption; empty takes TLSRequired.
	TLS TLS
	// Config is what the server's certificate is checked against; nil takes the system's.
	Config *tls.Config
	// Username and Password log in; empty does not.
	Username, Password string
	// From is our address, Name what stands before it.
	From, Name string
	// Domain ends every Message-ID; empty takes that of From.
	Domain string
	// Timeout bounds one attempt; zero takes 30 seconds.
	Timeout time.Duration
}

// Mail sends messages by SMTP.
type Mail struct {
	o       MailOptions
	options []mail.Option
}

var _ Sender = (*Mail)(nil)

// NewMail returns the sender, or says what is wrong with the options. It does not connect.
func NewMail(o MailOptions) (*Mail, error) {
	if err := checkAddress(o.From); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	if err := line("name", o.Name, 100); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	if o.Domain == "" {
		_, o.Domain, _ = strings.Cut(o.From, "@")
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	options := []mail.Option{mail.WithTimeout(o.Timeout), mail.WithHELO(o.Domain)}
	switch o.TLS {
	case TLSImplicit:
		options = append(options, mail.WithSSL())
	case TLSRequired, "":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLSOffered:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case TLSNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: tls: unknown way %q", o.TLS)
	}
	if o.Port == 0 {
		o.Port = 587
		if o.TLS == TLSImplicit {
			o.Port = 465
		}
	}
	options = append(options, mail.WithPort(o.Port))
	if o.Config != nil {
		options = append(options, mail.WithTLSConfig(o.Config.Clone()))
	}
	if o.Username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(o.Username), mail.WithPassword(o.Password))
	}
	if _, err := mail.NewClient(o.Host, options...); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Mail{o: o, options: options}, nil
}

// Send implements [Sender]. The Message-ID is <key@domain>.
//
// A refusal of the message (5yz) is final; one for now (4yz), a connection that
// fails and a log-in that fails may be tried again: the last is the operator's
// to mend, not the message's fault.
func (s *Mail) Send(ctx context.Context, m Message) (Result, error) {
	msg, err := s.compose(m)
	if err != nil {
		return Result{}, err
	}
	// A client for each attempt: it holds one connection and is not shared.
	client, err := mail.NewClient(s.o.Host, s.options...)
	if err != nil {
		return Result{}, final(ReasonMalformed, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if strings.Contains(err.Error(), "STARTTLS") || strings.Contains(err.Error(), "AUTH") || strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:") {
			return Result{}, retry(ReasonSetup, err)
		}
		return Result{}, retry(ReasonUnreachable, err)
	}
	sendErr := client.SendWithSMTPClient(conn, msg)
	// Closing says QUIT; whether that works tells nothing about the message.
	_ = client.CloseWithSMTPClient(conn)
	if msg.IsDelivered() {
		return Result{Answer: msg.ServerResponse()}, nil
	}
	var refusal *mail.SendError
	switch {
	case errors.As(sendErr, &refusal) && refusal.ErrorCode() >= 500:
		return Result{}, final(ReasonRefused, fmt.Errorf("smtp %d %s", refusal.ErrorCode(), refusal.EnhancedStatusCode()))
	case errors.As(sendErr, &refusal) && refusal.ErrorCode() >= 400:
		return Result{}, retry(ReasonBusy, fmt.Errorf("smtp %d %s", refusal.ErrorCode(), refusal.EnhancedStatusCode()))
	case sendErr == nil:
		sendErr = errors.New("not confirmed")
	}
	return Result{}, retry(ReasonUnreachable, sendErr)
}

// compose refuses whatever could become a header of its own.
func (s *Mail) compose(m Message) (*mail.Msg, error) {
	if err := errors.Join(m.checkKey(), checkAddress(m.To), line("subject", m.Subject, 500), checkLocale(m.Locale)); err != nil {
		return nil, final(ReasonMalformed, err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.FromFormat(s.o.Name, s.o.From), msg.To(m.To)); err != nil {
		return nil, final(ReasonMalformed, err)
	}
	msg.SetMessageIDWithValue(m.Key + "@" + s.o.Domain)
	msg.Subject(m.Subject)
	msg.SetDate()
	// So that answering machines do not answer. Source: RFC 3834 section 5.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Locale != "" {
		msg.SetGenHeader(mail.HeaderContentLang, m.Locale)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

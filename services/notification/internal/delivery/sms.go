package delivery

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"example.com/redress/services/kit/clock"
)

// VariableType says what a variable of a text message may be.
type VariableType string

// The types. None lets line breaks or other control characters through.
const (
	// VariableTelephone is an optional + and 3 to 15 digits.
	VariableTelephone VariableType = "telephone"
	// VariableNumber is 1 to 15 digits, with a decimal part of at most two.
	VariableNumber VariableType = "number"
	// VariableCode is 1 to 128 letters, digits, hyphens, underscores and dots.
	VariableCode VariableType = "code"
	// VariableText is one line of at most 500 characters.
	VariableText VariableType = "text"
)

// Content types that a body template may have.
const (
	contentJSON = "application/json"
	contentForm = "application/x-www-form-urlencoded"
)

// SMSOptions describe the interface of a text-message provider.
type SMSOptions struct {
	// URL is called; https.
	URL string
	// Method is POST or PUT; empty takes POST.
	Method string
	// ContentType is application/json (the default) or application/x-www-form-urlencoded.
	ContentType string
	// Body is a document of that type in whose values {name} stands for a
	// variable: {to}, {text}, {key}, {locale}, and those of Variables.
	//
	//	{"phone": "{to}", "template": "SMS_1", "params": {"number": "{number}"}}
	Body string
	// Variables are the further variables of the body with their types.
	Variables map[string]VariableType
	// Headers go with every call, the provider's key for example.
	Headers map[string]string
	// Success are the statuses that confirm; empty takes 200 to 299.
	Success []int
	// Allow are addresses inside our own networks that the provider may have.
	Allow []netip.Prefix
	// PlainHTTP allows http.
	PlainHTTP bool
	// TLS is what the provider's certificate is checked against; nil takes the system's.
	TLS *tls.Config
	// Clock is the machine's time; nil takes the system's.
	Clock clock.Clock
}

// SMS sends text messages through a provider. Values are put into the parsed
// body, never into its text, so that no value can change its shape.
type SMS struct {
	o        SMSOptions
	url      *url.URL
	document any // parsed JSON, or url.Values
	types    map[string]VariableType
	client   *http.Client
}

var _ Sender = (*SMS)(nil)

// NewSMS returns the sender, or says what is wrong with the options.
func NewSMS(o SMSOptions) (*SMS, error) {
	u, err := parseURL(o.URL, o.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("sms: %w", err)
	}
	s := &SMS{o: o, url: u, client: guard{o.Allow}.client(&http.Transport{TLSClientConfig: o.TLS.Clone()})}
	if s.o.Clock == nil {
		s.o.Clock = clock.System()
	}
	if s.o.Method == "" {
		s.o.Method = http.MethodPost
	}
	if s.o.Method != http.MethodPost && s.o.Method != http.MethodPut {
		return nil, fmt.Errorf("sms: method %q: want POST or PUT", o.Method)
	}
	s.types = map[string]VariableType{"to": VariableTelephone, "text": VariableText, "key": VariableCode, "locale": VariableCode}
	for name, t := range o.Variables {
		if _, own := s.types[name]; own || !regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`).MatchString(name) {
			return nil, fmt.Errorf("sms: variable %q: a reserved or malformed name", name)
		}
		switch t {
		case VariableTelephone, VariableNumber, VariableCode, VariableText:
			s.types[name] = t
		default:
			return nil, fmt.Errorf("sms: variable %q: unknown type %q", name, t)
		}
	}
	for name, value := range o.Headers {
		if !regexp.MustCompile(`^[A-Za-z0-9-]+$`).MatchString(name) || strings.ContainsFunc(value, isControl) {
			return nil, fmt.Errorf("sms: header %q: malformed", name)
		}
	}
	if err := s.parseBody(); err != nil {
		return nil, fmt.Errorf("sms: body: %w", err)
	}
	return s, nil
}

func (s *SMS) parseBody() error {
	switch s.o.ContentType {
	case contentJSON, "":
		s.o.ContentType = contentJSON
		if err := json.Unmarshal([]byte(s.o.Body), &s.document); err != nil {
			return err
		}
	case contentForm:
		values, err := url.ParseQuery(s.o.Body)
		if err != nil {
			return err
		}
		s.document = values
	default:
		return fmt.Errorf("content type %q: want %s or %s", s.o.ContentType, contentJSON, contentForm)
	}
	// A trial fill finds unknown names before the first message does.
	trial := map[string]string{}
	for name := range s.types {
		trial[name] = "0"
	}
	_, err := s.fill(trial)
	return err
}

// Send implements [Sender].
func (s *SMS) Send(ctx context.Context, m Message) (Result, error) {
	if err := m.checkKey(); err != nil {
		return Result{}, err
	}
	values := map[string]string{"to": m.To, "text": m.Text, "key": m.Key, "locale": m.Locale}
	for name := range s.o.Variables {
		value, ok := m.Variables[name]
		if !ok {
			return Result{}, final(ReasonMalformed, fmt.Errorf("variable %s: missing", name))
		}
		values[name] = value
	}
	for name := range m.Variables {
		if _, declared := s.o.Variables[name]; !declared {
			return Result{}, final(ReasonMalformed, fmt.Errorf("variable %q: not declared", name))
		}
	}
	for name, value := range values {
		if (name == "text" || name == "locale") && value == "" {
			continue
		}
		if err := s.types[name].check(value); err != nil {
			return Result{}, final(ReasonMalformed, fmt.Errorf("variable %s: %w", name, err))
		}
	}
	body, err := s.fill(values)
	if err != nil {
		return Result{}, final(ReasonMalformed, err)
	}
	r, err := http.NewRequestWithContext(ctx, s.o.Method, s.url.String(), strings.NewReader(body))
	if err != nil {
		return Result{}, final(ReasonMalformed, err)
	}
	for name, value := range s.o.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", s.o.ContentType)
	r.Header.Set("Idempotency-Key", m.Key)
	var success []int
	if len(s.o.Success) > 0 {
		success = s.o.Success
	}
	return call(s.client, r, s.o.Clock, success)
}

// Close gives idle connections back.
func (s *SMS) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

func (t VariableType) check(value string) error {
	var pattern string
	switch t {
	case VariableTelephone:
		pattern = `^\+?[0-9]{3,15}$`
	case VariableNumber:
		pattern = `^[0-9]{1,15}(\.[0-9]{1,2})?$`
	case VariableCode:
		pattern = `^[A-Za-z0-9_.-]{1,128}$`
	default:
		return line("text", value, 500)
	}
	if !regexp.MustCompile(pattern).MatchString(value) {
		return fmt.Errorf("not a %s", t)
	}
	return nil
}

// fill returns the body with the values in their places.
func (s *SMS) fill(values map[string]string) (string, error) {
	if form, ok := s.document.(url.Values); ok {
		filled := url.Values{}
		for name, list := range form {
			for _, v := range list {
				text, err := replace(v, values)
				if err != nil {
					return "", err
				}
				filled.Add(name, text)
			}
		}
		return filled.Encode(), nil
	}
	filled, err := replaceIn(s.document, values)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(filled)
	return string(raw), err
}

// replaceIn returns a copy of the JSON value with the variables in its strings replaced.
func replaceIn(value any, values map[string]string) (any, error) {
	switch v := value.(type) {
	case string:
		return replace(v, values)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			filled, err := replaceIn(item, values)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			filled, err := replaceIn(item, values)
			if err != nil {
				return nil, err
			}
			out[name] = filled
		}
		return out, nil
	default:
		return value, nil
	}
}

// replace puts the values in once: braces inside a value stay as they are.
func replace(template string, values map[string]string) (string, error) {
	var b strings.Builder
	for {
		before, rest, open := strings.Cut(template, "{")
		b.WriteString(before)
		if !open {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New("a { without }")
		}
		value, known := values[name]
		if !known {
			return "", fmt.Errorf("unknown variable {%s}", name)
		}
		b.WriteString(value)
		template = after
	}
}

package delivery_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/redress/services/notification/internal/delivery"
	"github.com/stretchr/testify/require"
)

// provider is a text-message provider that takes everything and shows the last call.
type provider struct {
	*httptest.Server
	body   string
	header http.Header
	status int
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		p.body, p.header = string(raw), r.Header
		w.WriteHeader(p.status)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) options() delivery.SMSOptions {
	return delivery.SMSOptions{
		URL: p.URL, PlainHTTP: true, Allow: loopback(), Headers: map[string]string{"X-Key": "k"},
		Body:      `{"phone":"{to}","template":"SMS_1","params":{"number":"{number}","name":"{name}"},"list":["{key}",1,true,null],"text":"{text} {locale}"}`,
		Variables: map[string]delivery.VariableType{"number": delivery.VariableCode, "name": delivery.VariableText, "fee": delivery.VariableNumber},
	}
}

func short() delivery.Message {
	return delivery.Message{Key: "k1", To: "+8613800138000", Text: `说"好"`, Locale: "zh-CN", Variables: map[string]string{"number": "C-1", "name": `王","x":"{key}`, "fee": "1.50"}}
}

func TestValuesFillTheBodyAndNeverChangeItsShape(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s, err := delivery.NewSMS(p.options())
	require.NoError(t, err)
	_, err = s.Send(context.Background(), short())
	require.NoError(t, err)
	require.JSONEq(t, `{"phone":"+8613800138000","template":"SMS_1","params":{"number":"C-1","name":"王\",\"x\":\"{key}"},"list":["k1",1,true,null],"text":"说\"好\" zh-CN"}`, p.body)
	require.Equal(t, "k1", p.header.Get("Idempotency-Key"))
	require.Equal(t, "k", p.header.Get("X-Key"))
	require.Equal(t, "application/json", p.header.Get("Content-Type"))
	require.NoError(t, s.Close())

	o := p.options()
	o.ContentType, o.Method, o.Body = "application/x-www-form-urlencoded", http.MethodPut, "mobile={to}&content=【Redress】{name}&fixed=1%262"
	s, err = delivery.NewSMS(o)
	require.NoError(t, err)
	m := short()
	m.Variables["name"] = "a&b=c"
	_, err = s.Send(context.Background(), m)
	require.NoError(t, err)
	got, err := url.ParseQuery(p.body)
	require.NoError(t, err)
	require.Equal(t, url.Values{"mobile": {"+8613800138000"}, "content": {"【Redress】a&b=c"}, "fixed": {"1&2"}}, got)
	require.NoError(t, s.Close())
}

func TestVariablesAreChecked(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	s, err := delivery.NewSMS(p.options())
	require.NoError(t, err)
	for name, change := range map[string]func(*delivery.Message){
		"telephone":     func(m *delivery.Message) { m.To = "138 0013 8000" },
		"second number": func(m *delivery.Message) { m.To = "13800138000,13800138001" },
		"no number":     func(m *delivery.Message) { m.To = "" },
		"line break":    func(m *delivery.Message) { m.Text = "a\r\nb" },
		"separator":     func(m *delivery.Message) { m.Text = "a\u2028b" },
		"too long":      func(m *delivery.Message) { m.Text = strings.Repeat("长", 501) },
		"code":          func(m *delivery.Message) { m.Variables["number"] = "a b" },
		"number":        func(m *delivery.Message) { m.Variables["fee"] = "1e3" },
		"empty":         func(m *delivery.Message) { m.Variables["fee"] = "" },
		"missing":       func(m *delivery.Message) { delete(m.Variables, "name") },
		"undeclared":    func(m *delivery.Message) { m.Variables["other"] = "x" },
		"not UTF-8":     func(m *delivery.Message) { m.Text = "\xff" },
		"key":           func(m *delivery.Message) { m.Key = "a\nb" },
	} {
		m := short()
		change(&m)
		_, err = s.Send(context.Background(), m)
		_ = requireFailure(t, err, delivery.Final, delivery.ReasonMalformed)
		require.Empty(t, p.body, name)
	}
}

func TestTheStatusThatConfirmsIsConfigured(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	o := p.options()
	o.Success = []int{http.StatusAccepted}
	s, err := delivery.NewSMS(o)
	require.NoError(t, err)
	_, err = s.Send(context.Background(), short())
	_ = requireFailure(t, err, delivery.Retry, delivery.ReasonRefused)
	p.status = http.StatusAccepted
	result, err := s.Send(context.Background(), short())
	require.NoError(t, err)
	require.Equal(t, "202", result.Answer)
	require.NoError(t, s.Close())
}

func TestSMSOptionsAreChecked(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	for name, change := range map[string]func(*delivery.SMSOptions){
		"plain":            func(o *delivery.SMSOptions) { o.PlainHTTP = false },
		"method":           func(o *delivery.SMSOptions) { o.Method = "GET" },
		"content type":     func(o *delivery.SMSOptions) { o.ContentType = "text/xml" },
		"not JSON":         func(o *delivery.SMSOptions) { o.Body = "{" },
		"bad form":         func(o *delivery.SMSOptions) { o.ContentType, o.Body = "application/x-www-form-urlencoded", "a=%zz" },
		"unknown variable": func(o *delivery.SMSOptions) { o.Body = `{"a":["{who}"]}` },
		"in a form":        func(o *delivery.SMSOptions) { o.ContentType, o.Body = "application/x-www-form-urlencoded", "a={who}" },
		"open brace":       func(o *delivery.SMSOptions) { o.Body = `"{to"` },
		"reserved name":    func(o *delivery.SMSOptions) { o.Variables = map[string]delivery.VariableType{"to": "text"} },
		"bad name":         func(o *delivery.SMSOptions) { o.Variables = map[string]delivery.VariableType{"A": "text"} },
		"bad type":         func(o *delivery.SMSOptions) { o.Variables["number"] = "html" },
		"header":           func(o *delivery.SMSOptions) { o.Headers = map[string]string{"X": "a\r\nb"} },
		"header name":      func(o *delivery.SMSOptions) { o.Headers = map[string]string{"X:": "a"} },
	} {
		o := p.options()
		change(&o)
		_, err := delivery.NewSMS(o)
		require.Error(t, err, name)
	}
}

func FuzzSMSValues(f *testing.F) {
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		values, err := url.ParseQuery(string(raw))
		if err != nil || len(values) != 2 || len(values["a"]) != 1 || values.Get("b") != "1" {
			w.WriteHeader(http.StatusTeapot)
		}
	}))
	f.Cleanup(p.Close)
	s, err := delivery.NewSMS(delivery.SMSOptions{URL: p.URL, PlainHTTP: true, Allow: loopback(), ContentType: "application/x-www-form-urlencoded", Body: "a={text}&b=1"})
	require.NoError(f, err)
	f.Add("hello")
	f.Add("x&b=2&a=3\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := s.Send(context.Background(), delivery.Message{Key: "k", To: "10086", Text: text})
		if err != nil {
			_ = requireFailure(t, err, delivery.Final, delivery.ReasonMalformed)
		}
	})
}

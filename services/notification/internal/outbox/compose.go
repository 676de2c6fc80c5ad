package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/domain"
)

// sender returns who sends the notice.
func (b *Outbox) sender(ctx context.Context, organization string, n *notificationv1.Notice) (delivery.Sender, error) {
	var s delivery.Sender
	switch n.GetMedia() {
	case notificationv1.Notice_MEDIA_EMAIL:
		s = b.o.Mail
	case notificationv1.Notice_MEDIA_SMS:
		s = b.o.SMS
	case notificationv1.Notice_MEDIA_WEBHOOK:
		return b.webhook(ctx, organization, n)
	}
	if s == nil {
		return nil, &delivery.Failure{Class: delivery.Retry, Reason: domain.AttemptChannel}
	}
	return s, nil
}

func (b *Outbox) webhook(ctx context.Context, organization string, n *notificationv1.Notice) (delivery.Sender, error) {
	r := &notificationv1.Receiver{}
	if _, err := b.host.Journal.Get(ctx, organization, n.GetRecipient(), r); err != nil {
		return nil, notPrepared(err)
	}
	if r.GetDisabled() {
		return nil, &delivery.Failure{Class: delivery.Final, Reason: domain.AttemptReceiver}
	}
	return b.o.Receivers.Sender(organization, r)
}

func notPrepared(error) error {
	return &delivery.Failure{Class: delivery.Retry, Reason: domain.AttemptPrepare}
}

// compose returns the message in clear. Nothing of it is kept.
func (b *Outbox) compose(ctx context.Context, organization string, n *notificationv1.Notice) (delivery.Message, error) {
	m := delivery.Message{Key: n.GetKey(), Locale: n.GetLocale(), Type: "notice.issued", Time: n.GetCreateTime().AsTime()}
	if n.GetMedia() == notificationv1.Notice_MEDIA_WEBHOOK {
		m.Locale = ""
		var err error
		m.Data, err = b.data(organization, n)
		return m, err
	}
	opened := proto.CloneOf(n)
	if err := app.Show(ctx, b.host.Keys, organization, opened, seal.All()); err != nil {
		return m, errors.Join(notPrepared(err), err)
	}
	if opened.GetAddress() == seal.Erased || strings.Contains(opened.GetBody(), seal.Erased) && seal.IsToken(n.GetBody()) {
		return m, &delivery.Failure{Class: delivery.Final, Reason: domain.AttemptErased}
	}
	body := opened.GetBody()
	link := ""
	if strings.Contains(body, domain.LinkMark) {
		var err error
		if link, err = b.link(ctx, organization, n); err != nil {
			return m, errors.Join(notPrepared(err), err)
		}
		body = strings.ReplaceAll(body, domain.LinkMark, link)
	}
	m.To, m.Subject, m.Text = opened.GetAddress(), opened.GetTitle(), strings.TrimSpace(body)
	if n.GetMedia() == notificationv1.Notice_MEDIA_SMS {
		b.asTextMessage(&m, n, link)
	}
	return m, nil
}

// asTextMessage writes a message in one line, as providers take it.
func (b *Outbox) asTextMessage(m *delivery.Message, n *notificationv1.Notice, link string) {
	m.Text = strings.Join(strings.Fields(m.Text), " ")
	if to, ok := seal.NormalizeTelephone(m.To); ok {
		m.To = to
	}
	m.Variables = map[string]string{}
	for _, name := range b.o.SMSVariables {
		switch name {
		case "title":
			m.Variables[name] = m.Subject
		case "link":
			m.Variables[name] = link
		case "kind":
			m.Variables[name] = n.GetKind()
		}
	}
}

// SMSVariableNames are the further variables that a provider's template may use.
func SMSVariableNames() []string { return []string{"title", "link", "kind"} }

// link returns where the notice leads: to the survey it asks to answer, to how the
// complaint stands for a customer, to the complaint itself for staff.
func (b *Outbox) link(ctx context.Context, organization string, n *notificationv1.Notice) (string, error) {
	switch {
	case n.GetObligation() != "":
		followUp := "followUps/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(n.GetObligation())).String()
		return b.o.BaseURL + "/survey/" + b.o.Desk.Links().Token(organization, followUp), nil
	case strings.HasPrefix(n.GetRecipient(), "people/"):
		return b.o.BaseURL + "/" + n.GetComplaint(), nil
	}
	got, err := intakev1.NewKeyServiceClient(b.o.Dial("intake")).MintStatusLink(authn.OnBehalf(ctx, organization),
		&intakev1.MintStatusLinkRequest{Organization: organization, Name: n.GetComplaint()})
	if err != nil {
		return "", err
	}
	return b.o.BaseURL + "/status/" + got.GetToken(), nil
}

// data is what a receiver gets: names and links, nothing of anybody.
func (b *Outbox) data(organization string, n *notificationv1.Notice) ([]byte, error) {
	type links struct {
		Notice    string `json:"notice"`
		Complaint string `json:"complaint,omitempty"`
	}
	return json.Marshal(struct {
		Organization string `json:"organization"`
		Notice       string `json:"notice"`
		Kind         string `json:"kind"`
		Complaint    string `json:"complaint,omitempty"`
		Links        links  `json:"links"`
	}{organization, n.GetName(), n.GetKind(), n.GetComplaint(), links{b.o.BaseURL + "/v1/" + n.GetName(), b.o.BaseURL + "/v1/" + n.GetComplaint()}})
}

package notification

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/delivery/mailbox"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/notification/internal/outbox"
	"example.com/redress/services/notification/internal/react"
	"example.com/redress/services/notification/internal/rpc"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Name is the service's name.
const Name = "notification"

// minSecret is the least length of [Config.Secret] in bytes.
const minSecret = 32

// Notification is the service with what it opened.
type Notification struct {
	*host.Host
	box  *mailbox.Mailbox
	page http.Handler
}

// New assembles the service.
func New(ctx context.Context, deps host.Deps, c Config) (_ *Notification, err error) {
	if len(c.Secret) < minSecret {
		return nil, fmt.Errorf("notification: the secret has fewer than %d bytes", minSecret)
	}
	n := &Notification{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close(context.WithoutCancel(ctx)))
		}
	}()
	if err := n.openMailbox(c); err != nil {
		return nil, err
	}
	sms, err := c.sms()
	if err != nil {
		return nil, fmt.Errorf("notification: %w", err)
	}
	mail, err := c.mail(n.box)
	if err != nil {
		return nil, fmt.Errorf("notification: %w", err)
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	secrets := app.Secrets{Key: app.Derive(c.Secret, "receivers")}
	desk := app.New(revisions.New(), app.Links{Key: app.Derive(c.Secret, "survey links")}, domain.Channels{SMS: sms != nil})
	receivers := &outbox.Receivers{Secrets: secrets}
	box := outbox.New(outbox.Options{
		Desk: desk, Mail: mail, SMS: sms, SMSVariables: slices.Sorted(maps.Keys(c.SMS.Variables)), Receivers: receivers,
		BaseURL: c.BaseURL, Dial: deps.Dial, Replicas: deps.Ranges > 0, Tracer: deps.Tracer, Measures: deps.Measures,
	})
	deps.Measures.Delivers(delivery.Media()...)
	server := rpc.New(desk, secrets, receivers)
	if n.Host, err = host.New(ctx, definition(desk, server, box), deps); err != nil {
		return nil, err
	}
	server.Bind(n.Host)
	box.Bind(n.Host)
	return n, nil
}

func definition(desk *app.Desk, server *rpc.Server, box *outbox.Outbox) host.Definition {
	return host.Definition{
		Name: Name, Kinds: app.Kinds(), Consumes: app.Consumes(), Project: app.Project(),
		React: react.New(desk).React, Foresee: react.Foresee, Register: server.Register,
		Forget:     host.OnlyTheKey,
		Fire:       map[string]func(*journal.Unit, journal.Timer) error{app.Campaigns: desk.NextCampaign},
		Background: []func(context.Context) error{box.Run},
		Quiet:      box.Quiet,
		Tallies:    []host.Tally{{Figure: telemetry.Notices, Kind: app.Notices, Attribute: app.AttrState, Values: waiting()}},
		Reasons:    slices.Concat(domain.Reasons(), delivery.Reasons(), page.Reasons(), policy.Reasons(), revisions.Reasons()),
	}
}

// waiting are the states of notices that the metrics page counts. Delivered ones
// are not among them: there are more of them every day.
func waiting() map[string]string {
	out := map[string]string{}
	for state, label := range map[notificationv1.Notice_State]string{
		notificationv1.Notice_STATE_PENDING: "pending", notificationv1.Notice_STATE_FAILED: "failed",
		notificationv1.Notice_STATE_EXPIRED: "expired", notificationv1.Notice_STATE_NO_ADDRESS: "no_address",
	} {
		out[state.String()] = label
	}
	return out
}

func (n *Notification) openMailbox(c Config) (err error) {
	if c.Mailbox.Folder == "" || c.SMTP.Host != "" {
		return nil
	}
	if c.Mailbox.Listen == "" {
		c.Mailbox.Listen = defaultListen
	}
	if n.box, err = mailbox.Open(mailbox.Options{Folder: c.Mailbox.Folder, Listen: c.Mailbox.Listen, Keep: c.Mailbox.Keep}); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	if n.page, err = n.box.Handler(); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	return nil
}

// MailboxHandler returns the page that shows caught e-mail; nil without a mailbox.
func (n *Notification) MailboxHandler() http.Handler { return n.page }

// Start starts the mailbox, where there is one, and the service.
func (n *Notification) Start(ctx context.Context) error {
	if n.box != nil {
		n.box.Start()
	}
	return n.Host.Start(ctx)
}

// Stop ends the service, waits for sends in hand, and closes what New opened.
func (n *Notification) Stop(ctx context.Context) error {
	return errors.Join(n.Host.Stop(ctx), n.close(ctx))
}

func (n *Notification) close(ctx context.Context) error {
	if n.box == nil {
		return nil
	}
	return n.box.Stop(ctx)
}

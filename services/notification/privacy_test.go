package notification_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification"
)

// packWith puts the template in force with a change to it.
func (b *bed) packWith(change func(*policyv1.Pack)) {
	b.t.Helper()
	pack := template(b.t)
	change(pack)
	resolved, err := proto.Marshal(pack)
	require.NoError(b.t, err)
	b.happened("routing", &policyv1.PolicyRevisionActivated{}, &policyv1.Revision{Name: revision, State: policyv1.Revision_STATE_ACTIVE, Pack: "generic-template", Digest: "changed", Resolved: resolved})
}

func acknowledgement(p *policyv1.Pack) *policyv1.Notice {
	for _, n := range p.GetNotices() {
		if n.GetId() == "acknowledgement" {
			return n
		}
	}
	return nil
}

// A name within the pack's words is sealed until it is sent.
func TestNothingPersonalIsStoredInClear(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.packWith(func(p *policyv1.Pack) {
		acknowledgement(p).Parts[0].Text = &typev1.Text{Zh: "{customer}您好，您的投诉已登记，编号 {number}。", En: "Dear {customer}, your complaint is {number}."}
	})
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()
	require.Contains(t, b.mail("王芳您好"), "c1@customer.example")
	require.Contains(t, b.notice("acknowledgement").GetBody(), "***您好", "staff see what was said, not to whom")

	heads, err := b.Journal.Heads(t.Context())
	require.NoError(t, err)
	seen := 0
	for _, h := range heads {
		events, err := b.Journal.Events(t.Context(), h.GetShard(), 0, 100)
		require.NoError(t, err)
		for _, ev := range events {
			seen++
			for _, secret := range []string{"王芳", "customer.example", "13800138000", "status-of"} {
				require.False(t, bytes.Contains(ev.GetBody(), []byte(secret)), "%s holds %q", ev.GetType(), secret)
			}
		}
	}
	require.Positive(t, seen)
}

func TestAPersonErasedMeanwhileGetsNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	b.settled()
	c := b.complaint(nil)
	b.keys.Fail(fault.New(fault.Unavailable, journal.ReasonUnavailable))
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	b.settled()
	b.keys.Fail(nil)
	n := b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_PENDING, n.GetState())
	require.Equal(t, "DELIVERY_NOT_PREPARED", n.GetAttempts()[0].GetReason())

	require.NoError(t, b.keys.Destroy(t.Context(), org, "c1"))
	b.advance(b.clock.Now().Add(time.Hour))
	n = b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_FAILED, n.GetState())
	require.Equal(t, "RECIPIENT_ERASED", n.GetAttempts()[len(n.GetAttempts())-1].GetReason())
}

// A notice says until when it is worth sending; later it is recorded, not sent.
func TestANoticeThatIsNoLongerWorthSendingExpires(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *notification.Config) { c.Mailbox.Folder = "" }) // no way to send mail
	b.packWith(func(p *policyv1.Pack) { acknowledgement(p).Worth = "30 min" })
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()
	n := b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_PENDING, n.GetState())
	require.Equal(t, "DELIVERY_CHANNEL_OFF", n.GetAttempts()[0].GetReason())
	require.Equal(t, local(t, "04-08 17:50"), n.GetExpireTime().AsTime())
	b.advance(local(t, "04-08 19:00"))
	n = b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_EXPIRED, n.GetState())
	require.Nil(t, n.GetDeliverTime())
}

func TestANoticeWaitsForItsHours(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.packWith(func(p *policyv1.Pack) { acknowledgement(p).Hours = []string{"mon-sun 08:00-17:00"} })
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()
	require.Equal(t, notificationv1.Notice_STATE_PENDING, b.notice("acknowledgement").GetState())
	b.advance(local(t, "04-09 07:59"))
	require.Equal(t, notificationv1.Notice_STATE_PENDING, b.notice("acknowledgement").GetState())
	b.advance(local(t, "04-09 08:00"))
	n := b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	require.Equal(t, local(t, "04-09 08:00"), n.GetDeliverTime().AsTime())
}

// A notice whose words need a fact waits until it is recorded.
func TestANoticeWaitsForItsFacts(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.packWith(func(p *policyv1.Pack) {
		acknowledgement(p).Parts = append(acknowledgement(p).Parts, &policyv1.Part{Id: "object", Text: &typev1.Text{Zh: "产品编号：{product_number}", En: "Product: {product_number}"}})
	})
	b.settled()
	c := b.complaint(nil)
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	b.settled()
	require.Empty(t, b.notices(""))

	number := &typev1.Fact{Value: &typev1.Fact_Text{Text: "SN-7"}}
	filled := b.complaint(func(x *intakev1.Complaint) {
		x.Name, x.Facts = c.GetName(), map[string]*typev1.Fact{"product_number": number}
	})
	b.happened("intake", &intakev1.FormFilled{Form: "registration"}, filled)
	b.settled()
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, b.notice("acknowledgement").GetState())
	require.Contains(t, b.mail("SN-7"), "产品编号")
}

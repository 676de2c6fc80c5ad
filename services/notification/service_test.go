package notification_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification"
)

// The acknowledgement names the limit. Source: SCENARIOS P26-S1.
func TestTheAcknowledgementNamesTheLimitAndTheStatusLink(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()

	n := b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	require.Equal(t, notificationv1.Notice_MEDIA_EMAIL, n.GetMedia())
	require.Equal(t, seal.Masked, n.GetAddress())
	require.Equal(t, "customer", n.GetRecipient())
	require.Contains(t, n.GetBody(), "C20260408-0001")
	require.Contains(t, n.GetBody(), "2026年4月9日17:20")
	require.NotContains(t, n.GetBody(), "status-of", "links are not stored")
	require.Equal(t, "(一)", n.GetRule().GetClause())

	mail := b.mail("2026年4月9日17:20")
	require.Contains(t, mail, "c1@customer.example")
	require.Contains(t, mail, "https://redress.example/status/status-of-c1")
}

// A complaint that is heard of before its pack, and a reply before its complaint,
// lead to the same notices in the end.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	c := b.complaint(nil)
	k := caseOf(c)
	reply := &routingv1.Reply{Name: k.GetName() + "/replies/r1", Medium: "email", Content: "已经为您换货", Sender: "people/owner", Deliver: true}
	require.NoError(t, seal.Seal(t.Context(), b.keys, org, "c1", reply))
	b.happened("routing", &routingv1.ReplySent{}, reply)
	b.settled()
	b.happened("routing", &routingv1.CaseOpened{}, k)
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	b.settled()
	require.Empty(t, b.notices(""))
	b.pack()
	b.settled()

	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, b.notice("acknowledgement").GetState())
	n := b.notice("reply")
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	require.Equal(t, "已经为您换货", n.GetBody())
	require.Contains(t, b.mail("已经为您换货"), "c1@customer.example")

	// What comes later finds everything done.
	b.happened("intake", &intakev1.ComplaintUpdated{}, c)
	b.settled()
	require.Len(t, b.notices(""), 2)
}

func TestStaffAreToldWhatThePackSaysTheyAre(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	b.person("anna", "head", "complaint_handling_group")
	b.person("ben", "operations_director", "")
	b.settled()
	c := b.complaint(nil)
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	b.happened("routing", &routingv1.CaseOpened{}, caseOf(c))
	c.State, c.Verification = intakev1.Complaint_STATE_VERIFIED, &intakev1.Verification{}
	b.happened("intake", &intakev1.ComplaintVerified{}, c)
	b.settled()

	n := b.notice("tell_group_verified")
	require.Equal(t, "people/anna", n.GetRecipient())
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	require.Equal(t, "en", n.GetLocale())
	require.Contains(t, b.mail("the group is told what verification found"), "anna@acme.example")
}

func TestACustomerWithoutAddressIsForAPerson(t *testing.T) {
	t.Parallel()
	b := newBed(t) // and no provider of text messages
	b.pack()
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(func(c *intakev1.Complaint) { c.Complainant.Email = "" }))
	b.settled()
	n := b.notice("acknowledgement")
	require.Equal(t, notificationv1.Notice_STATE_NO_ADDRESS, n.GetState())
	require.Nil(t, n.GetNextAttemptTime())
}

func TestAnErasedPersonIsForgottenAndIntakeIsTold(t *testing.T) {
	t.Parallel()
	b := newBed(t, func(c *notification.Config) { c.Mailbox.Folder = "" }) // nothing can be sent yet
	b.intake.away = true
	b.pack()
	b.settled()
	c := b.complaint(nil)
	b.happened("intake", &intakev1.ComplaintRegistered{}, c)
	b.settled()
	require.Equal(t, notificationv1.Notice_STATE_PENDING, b.notice("acknowledgement").GetState())

	require.NoError(t, b.keys.Destroy(t.Context(), org, "c1"))
	b.happened("intake", &intakev1.PersonErased{}, &intakev1.DataSubject{Name: "subjects/c1", State: intakev1.DataSubject_STATE_ERASED, ErasuresConfirmed: []string{"intake"}, EraseTime: c.GetReceiveTime()})
	select {
	case subject := <-b.intake.told:
		require.Equal(t, "c1", subject)
	case <-t.Context().Done():
	}
	// Said again, with us among those who have confirmed, it is nothing new.
	b.happened("intake", &intakev1.PersonErased{}, &intakev1.DataSubject{Name: "subjects/c1", State: intakev1.DataSubject_STATE_ERASED, ErasuresConfirmed: []string{"intake", "notification"}, EraseTime: c.GetReceiveTime()})
	b.settled()
	require.Len(t, b.intake.heard(), 1)
}

func TestExportHoldsWhatIsKnownInClear(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()
	got, err := b.client.ExportPerson(as(t.Context(), "services/intake"), &notificationv1.ExportPersonRequest{Organization: org, Subject: "c1"})
	require.NoError(t, err)
	require.Len(t, got.GetNotices(), 1)
	require.Equal(t, "c1@customer.example", got.GetNotices()[0].GetAddress())
}

package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/notification/internal/domain"
)

// local returns an instant of 2026 in Shanghai, written "04-08 17:20".
func local(t *testing.T, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+text, zone)
	require.NoError(t, err)
	return at.UTC()
}

func draft(t *testing.T) domain.Draft {
	t.Helper()
	at := local(t, "04-08 17:20")
	return domain.Draft{
		Name: domain.NoticeName(at, "acme", "intake/0/1", "acknowledgement", "customer"), Complaint: "complaints/c1", Kind: "acknowledgement",
		Media: notificationv1.Notice_MEDIA_EMAIL, Recipient: "customer", Address: "~s1.x.y", Title: "t", Body: "b", Locale: "zh-CN", Time: at,
	}
}

func hours(t *testing.T, open ...string) domain.Hours {
	t.Helper()
	h, err := domain.NewHours("Asia/Shanghai", open)
	require.NoError(t, err)
	return h
}

func TestNamesOfNoticesSortByTimeAndComeFromTheirParts(t *testing.T) {
	t.Parallel()
	at := local(t, "04-08 17:20")
	name := domain.NoticeName(at, "acme", "intake/0/1", "acknowledgement", "customer")
	require.Equal(t, name, domain.NoticeName(at, "acme", "intake/0/1", "acknowledgement", "customer"))
	require.NotEqual(t, name, domain.NoticeName(at, "acme", "intake/0/1", "acknowledgement", "people/x"))
	require.Less(t, name, domain.NoticeName(at.Add(time.Second), "acme", "intake/0/1", "acknowledgement", "customer"))
	require.Regexp(t, `^notices/[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, name)
}

func TestIssueSaysWhenItIsTriedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*domain.Draft)
		state  notificationv1.Notice_State
		next   string
	}{
		"at once":                           {func(*domain.Draft) {}, notificationv1.Notice_STATE_PENDING, "04-08 17:20"},
		"in the morning":                    {func(d *domain.Draft) { d.Hours = hours(t, "mon-sun 08:00-17:00") }, notificationv1.Notice_STATE_PENDING, "04-09 08:00"},
		"never, as its hours come too late": {func(d *domain.Draft) { d.Hours, d.Expire = hours(t, "mon-sun 08:00-17:00"), local(t, "04-09 07:00") }, notificationv1.Notice_STATE_EXPIRED, ""},
		"never, as there is no address":     {func(d *domain.Draft) { d.Media, d.Address = 0, "" }, notificationv1.Notice_STATE_NO_ADDRESS, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := draft(t)
			c.change(&d)
			n := domain.Issue(d)
			require.Equal(t, c.state, n.GetState())
			if c.next == "" {
				require.Nil(t, n.GetNextAttemptTime())
				return
			}
			require.Equal(t, local(t, c.next), n.GetNextAttemptTime().AsTime())
			require.Equal(t, n.GetName(), "notices/"+n.GetKey())
		})
	}
}

func TestAttemptsLeadToOneEnd(t *testing.T) {
	t.Parallel()
	now := local(t, "04-08 17:21")
	again := domain.Outcome{Reason: "DELIVERY_BUSY", Wait: time.Minute, Again: true}
	for name, c := range map[string]struct {
		outcome domain.Outcome
		expire  string
		hours   []string
		state   notificationv1.Notice_State
		change  proto.Message
		next    string
	}{
		"delivered":                     {domain.Outcome{Delivered: true}, "", nil, notificationv1.Notice_STATE_DELIVERED, &notificationv1.NoticeDelivered{}, ""},
		"tried again":                   {again, "", nil, notificationv1.Notice_STATE_PENDING, &notificationv1.NoticeAttempted{}, "04-08 17:22"},
		"tried again within its hours":  {again, "", []string{"mon-sun 08:00-17:00"}, notificationv1.Notice_STATE_PENDING, &notificationv1.NoticeAttempted{}, "04-09 08:00"},
		"given up":                      {domain.Outcome{Reason: "DELIVERY_REFUSED"}, "", nil, notificationv1.Notice_STATE_FAILED, &notificationv1.NoticeFailed{}, ""},
		"too late for another attempt":  {again, "04-08 17:21", nil, notificationv1.Notice_STATE_EXPIRED, &notificationv1.NoticeExpired{}, ""},
		"another attempt just in time":  {again, "04-08 17:22", nil, notificationv1.Notice_STATE_PENDING, &notificationv1.NoticeAttempted{}, "04-08 17:22"},
		"its hours come after its time": {again, "04-08 23:00", []string{"mon-sun 08:00-17:00"}, notificationv1.Notice_STATE_EXPIRED, &notificationv1.NoticeExpired{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := domain.Issue(draft(t))
			if c.expire != "" {
				n.ExpireTime = timestamppb.New(local(t, c.expire))
			}
			next, change := domain.Attempted(n, c.outcome, hours(t, c.hours...), now)
			require.Equal(t, c.state, next.GetState())
			require.IsType(t, c.change, change)
			require.Equal(t, n.GetGeneration()+1, next.GetGeneration())
			require.Len(t, next.GetAttempts(), 1)
			require.Equal(t, c.state != notificationv1.Notice_STATE_PENDING && !c.outcome.Delivered, next.GetAttempts()[0].GetFinal())
			if c.next != "" {
				require.Equal(t, local(t, c.next), next.GetNextAttemptTime().AsTime())
			} else {
				require.Nil(t, next.GetNextAttemptTime())
			}
			require.Empty(t, n.GetAttempts(), "the state before is not touched")
		})
	}
}

func TestOnlyTheNewestFiftyAttemptsAreKept(t *testing.T) {
	t.Parallel()
	n := domain.Issue(draft(t))
	for i := range 60 {
		n, _ = domain.Attempted(n, domain.Outcome{Reason: "DELIVERY_BUSY", Again: true}, domain.Hours{}, local(t, "04-08 17:21").Add(time.Duration(i)*time.Minute))
	}
	require.Len(t, n.GetAttempts(), domain.MaxAttempts)
	require.Equal(t, local(t, "04-08 17:31"), n.GetAttempts()[0].GetAttemptTime().AsTime())
}

func TestResendBeginsAnewUnderTheSameKey(t *testing.T) {
	t.Parallel()
	now := local(t, "04-10 09:00")
	pending := domain.Issue(draft(t))
	failed, _ := domain.Attempted(pending, domain.Outcome{Reason: "DELIVERY_REFUSED"}, domain.Hours{}, now)
	require.Equal(t, 0, domain.Tries(failed))
	sent, err := domain.Resend(failed, now)
	require.NoError(t, err)
	require.Equal(t, notificationv1.Notice_STATE_PENDING, sent.GetState())
	require.Equal(t, failed.GetKey(), sent.GetKey())
	require.Equal(t, now, sent.GetNextAttemptTime().AsTime())
	again, _ := domain.Attempted(sent, domain.Outcome{Reason: "DELIVERY_BUSY", Again: true}, domain.Hours{}, now)
	require.Equal(t, 1, domain.Tries(again))

	for _, n := range []*notificationv1.Notice{pending, {State: notificationv1.Notice_STATE_DELIVERED}, {State: notificationv1.Notice_STATE_NO_ADDRESS}} {
		_, err := domain.Resend(n, now)
		require.Equal(t, domain.ReasonNoticeState, fault.ReasonOf(err))
	}
}

func TestWhatDoesNotWaitIsNotTouched(t *testing.T) {
	t.Parallel()
	done := &notificationv1.Notice{State: notificationv1.Notice_STATE_DELIVERED}
	for _, f := range []func() (*notificationv1.Notice, proto.Message){
		func() (*notificationv1.Notice, proto.Message) { return domain.Expire(done) },
		func() (*notificationv1.Notice, proto.Message) {
			return domain.Postpone(done, time.Time{}, domain.Hours{})
		},
		func() (*notificationv1.Notice, proto.Message) {
			return domain.Attempted(done, domain.Outcome{}, domain.Hours{}, time.Time{})
		},
	} {
		next, _ := f()
		require.Nil(t, next)
	}
}

func TestPostponeIsNoAttemptAndExpiresWhatComesTooLate(t *testing.T) {
	t.Parallel()
	n := domain.Issue(draft(t))
	later, change := domain.Postpone(n, local(t, "04-09 17:20"), domain.Hours{})
	require.IsType(t, &notificationv1.NoticeAttempted{}, change)
	require.Empty(t, later.GetAttempts())
	require.Equal(t, local(t, "04-09 17:20"), later.GetNextAttemptTime().AsTime())
	n.ExpireTime = timestamppb.New(local(t, "04-09 12:00"))
	over, _ := domain.Postpone(n, local(t, "04-09 17:20"), domain.Hours{})
	require.Equal(t, notificationv1.Notice_STATE_EXPIRED, over.GetState())
}

func TestChooseTakesTheFirstMediumThatReaches(t *testing.T) {
	t.Parallel()
	both := domain.Contact{Email: "~mail", Telephone: "~tel"}
	const none, mail, sms = notificationv1.Notice_MEDIA_UNSPECIFIED, notificationv1.Notice_MEDIA_EMAIL, notificationv1.Notice_MEDIA_SMS
	result := []policyv1.Medium{policyv1.Medium_MEDIUM_TELEPHONE, policyv1.Medium_MEDIUM_EMAIL, policyv1.Medium_MEDIUM_SMS}
	for name, c := range map[string]struct {
		media   []policyv1.Medium
		contact domain.Contact
		sms     bool
		want    notificationv1.Notice_Media
		address string
	}{
		"any medium, both":                        {nil, both, true, mail, "~mail"},
		"any medium, telephone only":              {nil, domain.Contact{Telephone: "~tel"}, true, sms, "~tel"},
		"no provider for text messages":           {nil, domain.Contact{Telephone: "~tel"}, false, none, ""},
		"nothing":                                 {nil, domain.Contact{}, true, none, ""},
		"the result of P26, both":                 {result, both, true, mail, "~mail"},
		"the result of P26, telephone only":       {result, domain.Contact{Telephone: "~tel"}, true, sms, "~tel"},
		"a call is for a person":                  {[]policyv1.Medium{policyv1.Medium_MEDIUM_TELEPHONE}, both, true, none, ""},
		"text message first, as the pack says so": {[]policyv1.Medium{policyv1.Medium_MEDIUM_SMS, policyv1.Medium_MEDIUM_EMAIL}, both, true, sms, "~tel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			media, address := domain.Choose(c.media, c.contact, domain.Channels{SMS: c.sms})
			require.Equal(t, c.want, media)
			require.Equal(t, c.address, address)
		})
	}
}

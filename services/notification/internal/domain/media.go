package domain

import (
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// Channels are the ways of sending that the operator has configured.
type Channels struct {
	// SMS: text messages can be sent. E-mail always can, if need be once it is set up.
	SMS bool
}

// Contact is where somebody can be reached, as sealed texts; empty for nowhere.
type Contact struct{ Email, Telephone string }

// ContactOf returns where a complainant can be reached.
func ContactOf(c *intakev1.Complainant) Contact {
	return Contact{Email: c.GetEmail(), Telephone: c.GetTelephone()}
}

// Choose returns the first medium, in the order of the pack, by which the suite
// itself can reach somebody, and the address for it; MEDIA_UNSPECIFIED if a person
// must tell them. No media mean any: e-mail before text message, since it holds
// more and costs nothing. A telephone call is for a person to make, so TELEPHONE
// alone reaches nobody here.
//
// Source: PACK-SKETCH 2.2 (Notice.media); P26 (六).
func Choose(media []policyv1.Medium, to Contact, ways Channels) (notificationv1.Notice_Media, string) {
	if len(media) == 0 {
		media = []policyv1.Medium{policyv1.Medium_MEDIUM_EMAIL, policyv1.Medium_MEDIUM_SMS}
	}
	for _, m := range media {
		mail := m == policyv1.Medium_MEDIUM_EMAIL || m == policyv1.Medium_MEDIUM_WRITTEN || m == policyv1.Medium_MEDIUM_ONLINE
		text := m == policyv1.Medium_MEDIUM_SMS || m == policyv1.Medium_MEDIUM_WRITTEN || m == policyv1.Medium_MEDIUM_ONLINE
		switch {
		case mail && to.Email != "":
			return notificationv1.Notice_MEDIA_EMAIL, to.Email
		case text && to.Telephone != "" && ways.SMS:
			return notificationv1.Notice_MEDIA_SMS, to.Telephone
		}
	}
	return notificationv1.Notice_MEDIA_UNSPECIFIED, ""
}

// MediaOf returns the media for a reply's medium, lower_snake: that one if the
// suite can send by it, else any.
func MediaOf(medium string) []policyv1.Medium {
	switch medium {
	case "email":
		return []policyv1.Medium{policyv1.Medium_MEDIUM_EMAIL}
	case "sms":
		return []policyv1.Medium{policyv1.Medium_MEDIUM_SMS}
	}
	return nil
}

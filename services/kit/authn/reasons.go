package authn

import "example.com/redress/services/kit/fault"

// Reasons of this package.
const (
	// ReasonToken: the token is malformed, not signed by a known key, or not for this suite.
	ReasonToken = "TOKEN_INVALID"
	// ReasonExpired: the token's time is over, or has not come.
	ReasonExpired = "TOKEN_EXPIRED"
	// ReasonPeer: the connection belongs to a service this one does not talk to.
	ReasonPeer = "PEER_NOT_ALLOWED"
	// ReasonKeys: the keys of the issuer cannot be had at the moment.
	ReasonKeys = "TOKEN_KEYS_UNAVAILABLE"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonToken, Kind: fault.Unauthenticated, ZH: "登录凭证无效，请重新登录。", EN: "The token is not valid; sign in again."},
		{Reason: ReasonExpired, Kind: fault.Unauthenticated, ZH: "登录已过期，请重新登录。", EN: "The token's time is over; sign in again."},
		{Reason: ReasonPeer, Kind: fault.Unauthenticated, ZH: "服务{service}不在允许名单中。", EN: "Service {service} is not on the list of allowed clients."},
		{Reason: ReasonKeys, Kind: fault.Unavailable, ZH: "暂时无法核验登录凭证，请稍后重试。", EN: "The token cannot be checked at the moment; try again shortly."},
	}
}

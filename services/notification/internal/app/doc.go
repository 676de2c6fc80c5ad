// Package app carries decisions on notices and follow-ups out inside one unit of a
// journal: it gathers what is known of a complaint, asks the pack what an event
// means, and stores the notices and follow-ups that come of it.
//
// Package react uses it for events of other services, rpc for acts of people,
// outbox for deliveries. Start reading at [Desk.Consider].
//
// Source: DESIGN sections 3, 4 and 6.
package app

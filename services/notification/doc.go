// Package notification tells people and systems what happens to complaints, and
// asks customers how the handling was: notices of the pack by e-mail, text message
// and signed webhook, with retry and a log; follow-ups answered through a link, by
// telephone, visit or letter.
//
// Start reading at [New]; rules are in internal/domain, what an event leads to in
// internal/app, sending in internal/outbox.
//
// Source: DESIGN section 7.
package notification

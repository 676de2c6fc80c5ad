// Package domain holds the rules of corrective and preventive actions: who opens one,
// what its forms need, that somebody else verifies it, and that what was not effective
// is owed again.
//
// It is pure. An action, a compiled policy, the facts of the complaint and the instant
// of an act go in ([Act]); the event that follows, or a refusal, comes out. It reads no
// clock, no directory and no database, and never changes what it is given. Texts are
// sealed before they come here and nothing opens them.
//
// Start reading at [Open]; the state machine is that of correctiveactionv1.Action.
//
// Source: PACK-SKETCH 2.2 (ActionKind), 2.5; PROCEDURES K12, K13.
package domain

// Package domain holds the rules of a claim for compensation: who may ask, on which
// ground and in which remedy, whose signatures it needs, what finance looks at, and
// why it is paid once or not at all.
//
// It is pure. A claim, a compiled policy, the facts of the complaint and the instant
// of an act go in ([Act]); the events that follow, or one refusal, come out. It reads
// no clock, no directory and no database, and never changes what it is given. Texts
// are sealed before they come here and nothing opens them.
//
// Start reading at [Submit], then [Sign] and [Execute]; the state machine is that of
// compensationv1.Claim.
//
// Source: PROCEDURES P02; PACK-SKETCH 2.2 (Compensation, Remedy, Approval), 2.5.
package domain

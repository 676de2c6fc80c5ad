// Package domain decides about notices, follow-ups and receivers: values in,
// values out, no clock, no database, no text in clear where it is personal.
//
// Start reading at [Issue] for notices and [Open] for follow-ups; [Choose] says by
// which medium somebody is reached, [Texts] what a notice of the suite says.
//
// Source: PACK-SKETCH 2.2 (Notice, FollowUp); DESIGN section 6.
package domain

// Package demo lets one complaint travel through the whole suite, from the first
// call to the archive, with the clients that talk to it in earnest: a call-centre
// app and finance over gRPC, a mobile client over JSON. It knows the suite only
// from outside, so the same story runs against one process on a virtual clock and
// against separate processes in real time.
//
// Start reading at [Run].
package demo

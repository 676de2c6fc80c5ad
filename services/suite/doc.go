// Package suite runs the services of Redress and the gateway in one process, each
// with its own database and interceptors, joined by in-process channels: the
// generated clients, never a function call. It is the only package that sees all
// services.
//
// Start reading at [New]; the program is cmd/redress.
//
// Source: DESIGN sections 2 and 10.
package suite

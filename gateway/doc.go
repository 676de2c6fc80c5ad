// Package gateway is the suite's edge for everything that speaks HTTP: JSON for
// every public RPC, evidence up and down, server-sent events, the survey and
// status pages, and the description of the API.
//
// It is a client of the services like any other and holds no state: several may
// run side by side. Start reading at [New]; what HTTP becomes is in internal/edge.
//
// Source: DESIGN section 8.
package gateway

// Package intake registers complaints and keeps what customers say about them:
// the record, its verification, evidence, withdrawal, and the keys of the people
// concerned. The work on a complaint is routing's.
//
// Start reading at [New]; rules are in internal/domain, RPCs in internal/rpc.
//
// Source: DESIGN section 7.
package intake

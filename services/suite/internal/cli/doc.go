// Package cli holds the commands of the program redress.
//
// Two kinds: those that work on the data folder or databases of a configuration
// (serve, token, verify, backup, restore, store, config), and those that are
// clients of a running suite (complaint, approve, directory, stuck, rebuild,
// policy explain). The second kind sees what any gRPC client sees, and passes the
// same interceptors.
//
// Results go to Out, as tables or, with -o json, as JSON; everything else to Err.
// Start reading at [Execute].
//
// Source: DESIGN section 10; STYLE section 3.
package cli

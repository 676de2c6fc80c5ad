// Package bench measures the suite against what it is built on, in one run: bare
// gRPC, the plain transaction a service without a journal would make, and the
// two edges. Its rows take turns, round after round, so that a busy machine
// slows all of them; only ratios of one run are quoted.
//
//	go test -vet=off -run '^$' -bench . ./services/suite/bench
//
// PostgreSQL is measured where tools/backends.sh runs it. It is no test: nothing
// fails because a machine is slow. Start reading at BenchmarkIntake.
//
// Source: PERFORMANCE sections 2, 3 and 6.
package bench

// Package simulation plays a month of seven processes in a second or two: five
// replicas of a service with clocks and two of the service they listen to, on a
// Redis, a database and a network that fail, in virtual time (testing/synctest).
// It is tests only.
//
// What runs is the real code: kit/host with its timer engine, feed, journal and
// clocks. What is simulated is around it: Redis (redis_test.go), failures of SQL
// (the journal's fault hook), the network (network_test.go), crashes, stopped
// processes and clocks that disagree (plan_test.go). The database is SQLite in
// memory.
//
// Every call that leaves a process waits at a gate (gate_test.go) until the
// scheduler lets it through, one at a time, in an order, after a delay and with a
// failure that are drawn from the seed. So a seed gives one history, and its
// digest is printed. For a while anything may go wrong; then nothing does, and
// everything has to finish. check_test.go reads the two logs and knows nothing of
// the engine: it works out from the commands alone what every clock must have done.
//
//	REDRESS_SEEDS=2000 go test -run TestEverySeed ./kit/simulation   seeds 1 to 2000
//	REDRESS_SEED=17 go test -v -run TestEverySeed ./kit/simulation   one of them again
//
// Source: reference RELIABILITY C1 to C3 and C7; docs/adr/0003 to 0005.
package simulation

// Package costtest counts what one complaint costs: SQL statements, commits,
// events and bytes of each service. It is tests only. What it counts stands in
// testdata/cost.md, which docs/scaling.md quotes; a test compares the three.
//
//	go test ./suite/costtest -update    count again and write both down
package costtest

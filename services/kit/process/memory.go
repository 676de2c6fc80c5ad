package process

import (
	"os"
	"runtime/debug"
)

// heapGrowth is by how many percent the heap may grow before it is collected.
// What lives in a service are packs, directories and caches, some ten megabytes;
// an intake leaves a tenth of a megabyte behind. At Go's 100 percent a busy
// intake spends a seventh of its CPU on collecting, at 400 a thirtieth, for some
// hundred megabytes. Containers bound it by GOMEMLIMIT (deploy/).
const heapGrowth = 400

// growHeap applies heapGrowth unless the environment says otherwise.
func growHeap() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}

#!/usr/bin/env bash
# Plays seeds of services/kit/simulation, one process for each processor: a process keeps to one, so that a seed replays exactly.
# tools/simulate.sh BINARY SEEDS, where BINARY is `go test -c` of that package.
set -euo pipefail
binary=$(realpath "$1")
seeds=$2
cd "$(dirname "$0")/../services/kit/simulation"
n=$(nproc)
each=$(((seeds + n - 1) / n))
pids=()
for ((first = 1; first <= seeds; first += each)); do
  left=$((seeds - first + 1))
  REDRESS_FIRST_SEED=$first REDRESS_SEEDS=$((left < each ? left : each)) nice -n 10 "$binary" -test.run '^TestEverySeed$' -test.timeout 3h -test.v &
  pids+=($!)
done
rc=0
for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
exit "$rc"

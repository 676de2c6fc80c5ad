# `make help` lists every target. What CI runs is `make ci`, nothing else.
SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO        ?= go
# The modules of go.work, in the order in which they depend on each other.
MODULES   := proto services/kit gateway services tools tools/faults
# Modules outside the workspace: what only they need raises nobody's versions.
APART     := tools/pinned tools/bench
# Where Go is written by hand; services holds services/kit.
WRITTEN   := gateway services tools
PACKAGES  ?= $(MODULES:%=./%/...)
# vet is off in tests: `make lint` runs more than the part of it that `go test` would run.
TESTFLAGS ?= -vet=off
TIMEOUT   ?= 15m
FUZZTIME  ?= 20s
BENCHTIME ?= 1s
# What `make bench` runs (empty: all), how often, and at which size; goals are defined for 1.
EXPERIMENT ?=
ROUNDS    ?= 5
SCALE     ?= 1
# PostgreSQL as PERFORMANCE has it: a gigabyte of buffers, everything synced.
BENCHED   := REDRESS_BACKENDS_POSTGRES='-c shared_buffers=1GB -c max_wal_size=4GB'
SHAPE     ?= all
DATA      ?= data
# Where files of real complaints lie (its folder data); they are read in place.
SHARED    ?= ../shared
REDRESS   := ./services/suite/cmd/redress
PROGRAMS   = $(sort $(wildcard services/*/cmd/* gateway/cmd/*))
# Where goroutines meet and which builds quickly under the race detector (SQLite translated to Go takes minutes).
RACE      ?= services/kit/clock services/kit/inproc services/kit/lifecycle services/kit/timerindex
# Backends already started by tools/backends.sh are used even where nobody exported their addresses.
BACKENDS  := [ -n "$${REDRESS_TEST_POSTGRES:-}$${REDRESS_TEST_REDIS:-}" ] || eval "$$(tools/backends.sh env 2>/dev/null || true)"

include codegen.mk

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Settings: SHAPE=$(SHAPE) DATA=$(DATA) FUZZTIME=$(FUZZTIME) BENCHTIME=$(BENCHTIME) TIMEOUT=$(TIMEOUT) PACKAGES=... TESTFLAGS='$(TESTFLAGS)' PROTO_BASE=$(PROTO_BASE)"

# ---- run

.PHONY: run demo build
run: ## Build and start everything in one process; its files go to DATA
	$(GO) run $(REDRESS) serve --data $(DATA)

demo: ## Play one complaint from call to corrective action; SHAPE=all in one process, SHAPE=split in seven
ifeq ($(SHAPE),split)
	tools/backends.sh run $(GO) run $(REDRESS) demo --shape split
else
	$(GO) run $(REDRESS) demo --shape $(SHAPE)
endif

.PHONY: realdata
realdata: ## Import every real file beside the checkout, twice; print repeats found, categories suggested, delays of replies
	$(GO) run ./services/suite/csvimport/realdata -data $(SHARED)/data

.PHONY: scenarios walkthrough
scenarios: ## Lint every pack, play its scenarios through the suite, and change every expected value once
	$(GO) run $(REDRESS) policy lint
	$(GO) run $(REDRESS) policy test --mutate

walkthrough: .bin/grpcurl ## Run the README's ten commands against a suite of their own
	$(GO) build -o .bin/redress $(REDRESS)
	tools/walkthrough.sh

build: ## Build every program into bin/, the way it is deployed
	CGO_ENABLED=0 $(GO) build -trimpath -tags timetzdata -ldflags '-s -w' -o bin/ $(PROGRAMS:%=./%)

# ---- schema

.PHONY: generate verify breaking
generate: proto-gen ## Write the code and the OpenAPI file that come from the schemas

verify: proto-check ## Fail if what is generated differs from what is committed

breaking: proto-breaking ## Compare the schemas with PROTO_BASE for changes that break callers

# ---- tests

.PHONY: test test-race race-packages test-backends fuzz test-long bench bench-smoke microbench boundary
test: ## Run every test; PostgreSQL and Redis too where REDRESS_TEST_* or tools/backends.sh name them
	@$(BACKENDS); set -x; $(GO) test $(TESTFLAGS) -timeout $(TIMEOUT) $(PACKAGES)

test-race: ## Run every test under the race detector (needs a C compiler)
	@$(BACKENDS); set -x; CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) -timeout $(TIMEOUT) $(PACKAGES)

test-backends: ## Start PostgreSQL and Redis, run every test, and fail where a backend is missing
	REDRESS_REQUIRE_BACKENDS=1 tools/backends.sh run $(MAKE) --no-print-directory test

race-packages: # those that CI runs under the race detector
	@for d in $(RACE); do ! ls $$d/*_test.go >/dev/null 2>&1 || printf "./%s " $$d; done

fuzz: ## Run each fuzz target for FUZZTIME
	@{ grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(WRITTEN) || true; } | sort | while IFS=: read -r file _ func; do \
	  echo "== $${func#func } in $$(dirname "$$file")"; \
	  $(GO) test -vet=off "./$$(dirname "$$file")" -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) </dev/null; \
	done

test-long: ## Play 100,000 random approval histories against the naive reading (some two minutes)
	cd services && REDRESS_LONG=1 $(GO) test -vet=off -count=1 -v -timeout 60m ./kit/approval/modeltest

bench: ## Measure beside other systems: EXPERIMENT=arm,fire ROUNDS=5 SCALE=1; all at full size rewrite docs/performance.md
	cd tools/bench && GOWORK=off $(GO) build -o ../../.bin/redress-bench .
	$(GO) build -o .bin/redress $(REDRESS)
	$(BENCHED) tools/backends.sh run .bin/redress-bench -experiment '$(EXPERIMENT)' -rounds $(ROUNDS) -scale $(SCALE) -redress .bin/redress \
	  $(if $(filter 1,$(SCALE)),-write docs/performance.md)

bench-smoke: ## Run every experiment once at a tiny size, so that the programs stay whole; no times are judged
	cd tools/bench && GOWORK=off $(GO) vet ./...
	$(MAKE) --no-print-directory bench ROUNDS=1 SCALE=0.002 BENCHED=

microbench: ## Run the benchmarks of every package
	@$(BACKENDS); set -x; $(GO) test -vet=off -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m $(PACKAGES)

boundary: ## Check who imports whom and what may not be in the tree; lists the long files
	$(GO) test -vet=off -count=1 -v ./tools/boundary | grep -vE '^ *(=== |--- PASS)'

# ---- faults: the deployed suite in processes of its own, killed and paused under load (docs/reliability.md)

FAULTS_BIN   ?= .bin/faults
FAULTS_STATE ?= .bin/faults-totals.json
FAULTS_FLAGS ?=
DURATION     ?= 1h
# Services and gateway, without the one process that holds all.
SPLIT         = $(filter-out %/redress,$(PROGRAMS))
# Whole rounds play hosts whose clocks are up to ten minutes off; the last three are apart: behind a sentinel, on a disk that gets full, between two versions.
FAULTS       := $(FAULTS_BIN)/faults --binaries $(FAULTS_BIN) --skew 10m $(FAULTS_FLAGS)
SENTINEL     := --acks 8000 --faults promotions=8,kills=6,redis=3,replaces=1
FULL_DISK    := --acks 1500 --callers 8 --faults disk=5,kills=2
# The commit whose programs are rolled to this version's and back: the last release's. It moves with each release, to
# the commit of that release, once nobody upgrades from the one before. The two must be able to share a database: the
# old may lack the last migration of a set of tables, no more (services/kit/sqldb refuses it otherwise). While there
# is no release, it moves when that would not hold any more.
OLD          ?= d9ffcf19153e2ab3e3bf5d912ee88e6d2c10b2dc
OLD_TREE     := .bin/faults-old
ROLL         := --old $(FAULTS_BIN)/old --acks 8000 --callers 32 --faults rolls=9,kills=4,redis=3,postgres=1

SIMULATION   := $(FAULTS_BIN)/simulation.test

.PHONY: faults-programs faults faults-smoke faults-long planted-bugs
# Built as the tests are, so that what those compiled is used.
faults-programs:
	tools/backends.sh install
	$(GO) build -tags timetzdata,skewed -o $(FAULTS_BIN)/ $(SPLIT:%=./%)
	$(GO) build -o $(FAULTS_BIN)/ ./tools/faults
	$(GO) test -c -vet=off -o $(SIMULATION) ./services/kit/simulation

# Built in a worktree of its own, which is removed again.
$(FAULTS_BIN)/old/built-$(OLD):
	git worktree prune
	git worktree add --force --detach $(OLD_TREE) $(OLD)
	rc=0; (cd $(OLD_TREE) && $(GO) build -tags timetzdata,skewed -o $(abspath $(FAULTS_BIN))/old/ $(SPLIT:%=./%)) || rc=1; \
	git worktree remove --force $(OLD_TREE); exit $$rc
	rm -f $(FAULTS_BIN)/old/built-*
	touch $@

# The simulation takes what the round leaves of the processors.
faults-smoke: faults-programs ## 20 kills of services, 3 of PostgreSQL, 10 losses of Redis, 20,000 acknowledgements, 200 simulated seeds
	tools/simulate.sh $(SIMULATION) 200 >$(FAULTS_BIN)/simulation.log 2>&1 & simulated=$$!; \
	rc=0; $(FAULTS) --acks 20000 --repeats 80 --gap 1s --calm 5s --faults kills=20,postgres=3,redis=8,promotions=2,pauses=1,cuts=3,replaces=1 || rc=1; \
	wait $$simulated || rc=1; grep -E 'seed|FAIL' $(FAULTS_BIN)/simulation.log; exit $$rc

faults: faults-programs $(FAULTS_BIN)/old/built-$(OLD) ## Rounds of faults: more than 100 kills of services, 10 of PostgreSQL, 50 losses of Redis, 200,000 acknowledgements and clocks, 2,000 simulated seeds
	rm -f $(FAULTS_BIN)/totals.json
	tools/simulate.sh $(SIMULATION) 2000 >$(FAULTS_BIN)/simulation.log 2>&1 & simulated=$$!; rc=0; \
	$(FAULTS) --state $(FAULTS_BIN)/totals.json --rounds 6 --acks 24000 --faults kills=18,postgres=2,redis=9,pauses=3,cuts=8,replaces=3 || rc=1; \
	for round in "$(SENTINEL)" "$(FULL_DISK)" "$(ROLL)"; do $(FAULTS) --state $(FAULTS_BIN)/totals.json $$round || rc=1; done; \
	wait $$simulated || rc=1; grep -E 'seed|FAIL' $(FAULTS_BIN)/simulation.log; exit $$rc

faults-long: faults-programs $(FAULTS_BIN)/old/built-$(OLD) ## Rounds of faults for DURATION, adding to the totals in FAULTS_STATE
	$(FAULTS) --duration $(DURATION) --state $(FAULTS_STATE) --acks 20000 --faults kills=18,postgres=3,redis=9,pauses=3,cuts=8,replaces=3
	$(FAULTS) --state $(FAULTS_STATE) $(SENTINEL)
	$(FAULTS) --state $(FAULTS_STATE) $(FULL_DISK)
	$(FAULTS) --state $(FAULTS_STATE) $(ROLL)

planted-bugs: ## Plant each of 25 defects in programs of their own and see that its checker finds it
	tools/backends.sh install
	$(GO) build -tags planted,timetzdata -o $(FAULTS_BIN)/planted/ $(SPLIT:%=./%)
	$(GO) build -o $(FAULTS_BIN)/ ./tools/faults
	$(FAULTS_BIN)/faults --binaries $(FAULTS_BIN)/planted --planted $(FAULTS_FLAGS)

# ---- quality

.PHONY: lint lint-go fmt tidy-check licences deploy-check
lint: proto-lint lint-go ## Lint and check the format of schemas and Go code

# Tools with wide dependencies live in a module outside the workspace, so that they raise nobody's versions.
.bin/%: tools/pinned/go.mod tools/pinned/go.sum
	@mkdir -p .bin
	cd tools/pinned && GOWORK=off $(GO) build -trimpath -o ../../.bin/$* $$(GOWORK=off $(GO) list tool | grep '/$*$$')

lint-go: .bin/golangci-lint .bin/gofumpt
	@out="$$(.bin/gofumpt -l $(WRITTEN))"; test -z "$$out" || { echo "not in gofumpt's format (make fmt):"; echo "$$out"; exit 1; }
	@rc=0; for m in $(filter-out proto,$(MODULES)); do echo "golangci-lint $$m"; (cd $$m && $(CURDIR)/.bin/golangci-lint run ./...) || rc=1; done; \
	echo "golangci-lint tools/bench"; (cd tools/bench && GOWORK=off $(CURDIR)/.bin/golangci-lint run ./...) || rc=1; exit $$rc

fmt: .bin/gofumpt $(PROTO_DEPS) ## Format Go code and schemas
	.bin/gofumpt -w $(WRITTEN)
	$(BUF) format -w proto

tidy-check: ## Each module alone: go.mod is tidy, builds with the workspace off
	@rc=0; for m in $(MODULES) $(APART); do echo "tidy $$m"; (cd $$m && GOWORK=off $(GO) mod tidy -diff) || rc=1; done; \
	for m in $(MODULES) tools/bench; do echo "build $$m alone"; (cd $$m && GOWORK=off $(GO) build ./...) || rc=1; done; exit $$rc

licences: ## List the licence of every module in use; refuse one that is not allowed
	$(GO) run ./tools/licences

deploy-check: ## Run what can be run of deploy/ without an engine or a cluster
	deploy/check.sh

.PHONY: ci
ci: ## Everything, on a fresh clone
	.ci/run

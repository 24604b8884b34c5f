# Telltale. `make help` lists what can be made.

GO        ?= go
SEED      ?= 1
FUZZTIME  ?= 30s
BENCHTIME ?= 1s

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, bin/telltale
	$(GO) build -trimpath -o bin/telltale ./cmd/telltale

demo: build ## an emulated fabric with traffic and faults, diagnosed from its postcards (SEED=1)
	bin/telltale demo --seed $(SEED)

test: ## all tests that need nothing but Go
	$(GO) test ./...

test-race: ## the same under the race detector
	$(GO) test -race ./...

test-bmv2: ## our programs and entries on a real simple_switch_grpc from PATH
	$(GO) test -count=1 -v -run TestSimpleSwitch ./controlplane
	$(GO) test -count=1 -timeout 20m ./p4src -target simple_switch_grpc

test-seeds: ## the demo for seeds 1 to 20, twice each: right verdicts, same bytes
	$(GO) test -count=1 -v -timeout 30m -run TestSeeds ./cmd/internal/demo -args -seeds 20 -repeat 20

bench: ## benchmarks with allocations
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-bmv2: ## the engine beside a real simple_switch_grpc from PATH, in one run
	$(GO) test -count=1 -v -timeout 30m -run TestThroughput ./bmv2/runner -args -throughput 200000

lab-speed: ## the lab with one and two workers, short and long trunks, and what is possible
	$(GO) test -count=1 -v -run '(TestSpeed|TestPossibleSpeed)$$' ./bmv2/lab -args -rounds 15

fuzz: ## every fuzz target for FUZZTIME (30s)
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg || exit 1; \
	  done; \
	done

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'gofmt -w the files above'; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

p4: ## compile the P4 programs (p4c on PATH) and regenerate the Go constants
	$(GO) generate ./p4src

.PHONY: help build demo test test-race test-bmv2 test-seeds bench bench-bmv2 lab-speed fuzz lint p4

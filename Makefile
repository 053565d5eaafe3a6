# pagerd. `make` tells what there is.
GO        ?= go
CACHE     := $(CURDIR)/.cache
STATICCHECK_VERSION := v0.8.2
STATICCHECK := $(CACHE)/bin/staticcheck-$(STATICCHECK_VERSION)
# The race detector needs cgo, and cgo a C compiler.
HAVE_CC   := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo yes)
ifeq ($(HAVE_CC),yes)
RACE      := -race
else
RACE      :=
endif

# Programs beside pagerd, each with the Debian package that has it.
NEIGHBOURS := redis-server:redis-server redis-sentinel:redis-sentinel prometheus-alertmanager:prometheus-alertmanager \
	sqlite3:sqlite3 xfs_io:xfsprogs mkfs.ext4:e2fsprogs ip:iproute2 strace:strace
# What a machine may refuse to a container (namespaces, loop devices, strace) is told as not run; the rest must run in CI.
ifneq ($(CI),)
CHAOS_MUST := -must replicas,rolling,mutants
endif

.PHONY: help build demo test race-note bench lint e2e neighbours chaos chaos-short sim sim-acks sim-mutants fuzz screenshot clean

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## one static binary: bin/pagerd
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/pagerd ./cmd/pagerd

demo: ## the real gateway with simulated telephones in the browser; nothing is sent to anyone
	CGO_ENABLED=0 $(GO) run ./cmd/pagerd demo

test: race-note neighbours ## every test, with the race detector where there is a C compiler
	$(GO) vet ./...
	$(GO) test $(RACE) -timeout 15m ./...

race-note:
ifeq ($(RACE),)
	@echo "race: not run (no C compiler found)"
	@if [ -n "$$CI" ]; then echo "race: a C compiler is required in CI"; exit 1; fi
endif

bench: ## speed and memory beside a baseline of the same run; STORE=bolt (default), redis, or redis-wait
	$(GO) run ./gateway/bench -store $${STORE:-bolt}

lint: $(STATICCHECK) ## go vet, staticcheck and gofmt
	$(GO) vet ./...
	$(STATICCHECK) ./...
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not gofmt-ed:"; echo "$$files"; exit 1; fi

$(STATICCHECK):
	@mkdir -p $(CACHE)/bin
	GOBIN=$(CACHE)/bin $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	@mv $(CACHE)/bin/staticcheck $@

e2e: ## the main job with a real Alertmanager process (Debian's package prometheus-alertmanager)
	@command -v prometheus-alertmanager >/dev/null || { echo "e2e: install prometheus-alertmanager (Debian: apt-get install prometheus-alertmanager)"; exit 1; }
	$(GO) test -count=1 -tags alertmanager -run RealAlertmanager -v -timeout 3m ./gateway/e2e

neighbours: ## the programs that tests and chaos run beside pagerd: what is missing is installed by apt, or named
	@PATH=$$PATH:/usr/sbin:/sbin; missing=; \
	for pair in $(NEIGHBOURS); do command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair#*:}"; done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then echo "neighbours: not installed, and only root with apt-get can install them:$$missing"; exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; apt-get update -qq; \
	for p in $$missing; do apt-get install -y -qq --no-install-recommends $$p >/dev/null || echo "neighbours: cannot be had: $$p"; done

chaos: ## break everything for a quarter of an hour: kills, partitions, power cuts, full disks, upgrades; prints what was kept
	$(GO) run ./gateway/chaos

chaos-short: ## each kind of trouble once, in a minute and a half
	$(GO) run ./gateway/chaos -short $(CHAOS_MUST)

sim: ## whole nights in virtual time, SEEDS of them (default 200); the embedded store's too with STORE=bolt
	$(GO) run ./gateway/sim/simulate -seeds $${SEEDS:-200} -store $${STORE:-memory}

sim-acks: ## more than 100,000 races for an acknowledgement
	$(GO) run ./gateway/sim/simulate -races -seeds $${SEEDS:-100}

sim-mutants: ## plants bugs, one at a time: the simulator must find each
	$(GO) run ./gateway/sim/mutate -limit $${LIMIT:-1m}

fuzz: ## each parser of foreign bytes for FUZZTIME (default 20s)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
	  echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-20s} $$p || exit 1; done; done

screenshot: ## the README's picture, in a real browser
	deploy/screenshot.sh

clean: ## what was built
	rm -rf bin .cache/bin

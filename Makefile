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

.PHONY: help build demo test race-note bench lint e2e chaos fuzz screenshot clean

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## one static binary: bin/pagerd
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/pagerd ./cmd/pagerd

demo: ## the real gateway with simulated telephones in the browser; nothing is sent to anyone
	CGO_ENABLED=0 $(GO) run ./cmd/pagerd demo

test: race-note ## every test, with the race detector where there is a C compiler
	$(GO) vet ./...
	$(GO) test $(RACE) -timeout 15m ./...

race-note:
ifeq ($(RACE),)
	@echo "race: not run (no C compiler found)"
	@if [ -n "$$CI" ]; then echo "race: a C compiler is required in CI"; exit 1; fi
endif

bench: ## speed and memory, beside the machine's raw fdatasync rate
	$(GO) run ./gateway/bench

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

chaos: ## the kill test for long: CHAOS_KILLS rounds (default 200)
	$(GO) test -count=1 -run AlthoughTheDaemonIsKilled -v -timeout 60m ./gateway/e2e -args -kills=$${CHAOS_KILLS:-200}

fuzz: ## each parser of foreign bytes for FUZZTIME (default 20s)
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
	  echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-20s} $$p || exit 1; done; done

screenshot: ## the README's picture, in a real browser
	deploy/screenshot.sh

clean: ## what was built
	rm -rf bin .cache/bin

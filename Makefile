# The only interface, for people and CI alike. Every target sets up what it needs; a second run is quick.

CONFIG ?= configs/single.yaml
DATA ?=
DETACH ?=

BIN := .venv/bin
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web
PYTEST := PLAYNET_CHROMIUM=$${PLAYNET_CHROMIUM:-$(CURDIR)/.setup/chromium} $(BIN)/pytest
WHERE := --config $(CONFIG) $(if $(DATA),--data $(DATA))
TESTS := tests/unit tests/contract tests/integration tests/chaos tests/e2e
ALL_TESTS := $(TESTS) $(wildcard tests/conformance tests/deploy)

.DEFAULT_GOAL := help
.PHONY: help setup up down format lint test test-all conformance chaos bench bench-edge

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (make up does it too)
	@scripts/setup

up: setup ## run everything on this box; DETACH=1 returns when ready, CONFIG=file, DATA=dir
	@$(BIN)/playnet up $(WHERE) $(if $(DETACH),--detach)

down: ## end it; CONFIG and DATA as for up
	@$(BIN)/playnet down $(WHERE)

format: ## put the code into its form
	@scripts/setup lint
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: ## ruff, mypy, import rules, tsc
	@scripts/setup lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run --silent lint

test: ## all tests that need no further machines
	@scripts/setup test
	$(NPM) test --silent
	$(PYTEST) $(TESTS)

test-all: ## and those that take long: conformance, deployment
	@scripts/setup test
	$(NPM) test --silent
	$(PYTEST) $(ALL_TESTS)

conformance: ## the suite behind cache-tests.fyi and our own scenarios against an edge node
	@scripts/setup conformance
	$(BIN)/python -m tests.conformance --write
	$(PYTEST) tests/conformance/test_scenarios.py

chaos: ## an hour of kills, floods and faults against one edge node; PLAYNET_CHAOS_SEED=number
	@scripts/setup test
	PLAYNET_CHAOS_KILLS=$${PLAYNET_CHAOS_KILLS:-50} PLAYNET_CHAOS_FLOODS=$${PLAYNET_CHAOS_FLOODS:-10} \
	PLAYNET_CHAOS_SOAK_S=$${PLAYNET_CHAOS_SOAK_S:-3600} $(BIN)/pytest -s --timeout 10800 tests/chaos

bench: ## speed against others in the same run: caches, plain ffmpeg; the edge's policies
	@scripts/setup bench
	$(BIN)/python -m bench

bench-edge: ## the edge beside nginx, Varnish and Traffic Server; writes docs/bench/ (a quarter of an hour)
	@scripts/setup bench
	$(BIN)/python -m bench edge

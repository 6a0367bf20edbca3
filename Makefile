# Sightloop. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := $(VENV)/bin
DEBIAN_POSTGRES ?= $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))
# One more than two cores: tests on whole platforms wait much.
WORKERS ?= 3
# What depends on the release of PostgreSQL.
STORE_TESTS := tests/contract/test_bus.py $(addprefix tests/component/test_,relay.py runner.py schemas.py review_store.py)
DATA ?= $(HOME)/.local/share/sightloop
PORT ?= 8000
export ORT_DISABLE_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo up test test-k8s crash fuzz check bench fmt web lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.runtime web ## play the whole loop on real pixels; leaves the dashboard running (EXIT=1, REPORT=file, IMAGES=dir, ANNOTATIONS=coco.json; or FILL=3000000: months of history; PORT=number)
	@$(BIN)/sightloop demo --port $(PORT) $(if $(EXIT),--exit) $(if $(REPORT),--report '$(REPORT)') \
	  $(if $(IMAGES),--images '$(IMAGES)') $(if $(ANNOTATIONS),--annotations '$(ANNOTATIONS)') $(if $(FILL),--fill $(FILL)) $(DEMO_OPTIONS)

up: $(VENV)/.runtime web ## run everything in one process on embedded parts (DATA=folder, PORT=number)
	@$(BIN)/sightloop up --data '$(DATA)' --port $(PORT)

test: $(VENV)/.dev web ## run all tests, those on real Kafka, PostgreSQL, S3 and a browser included
	@$(BIN)/sightloop dev fetch || true
	@$(BIN)/sightloop dev doctor || true
	@if [ -e web/node_modules ]; then PATH="$$($(BIN)/sightloop dev node-path):$$PATH" npm --prefix web test; \
	  else echo "SKIPPED: the interface's own tests (no Node)"; fi
	@failed=0; \
	$(BIN)/python -m pytest -q --durations 20 -n $(WORKERS) --dist loadscope --no-loadscope-reorder || failed=1; \
	if [ -n "$(DEBIAN_POSTGRES)" ]; then \
	  $(BIN)/python -m pytest -q -k "not kafka and not memory" --postgres-bin $(DEBIAN_POSTGRES) $(STORE_TESTS) || failed=1; \
	  else echo "SKIPPED: the stores on Debian's PostgreSQL (none in /usr/lib/postgresql)"; fi; \
	exit $$failed

test-k8s: $(VENV)/.dev ## ask a real Kubernetes API server about the manifests (builds it once: many minutes)
	@$(BIN)/sightloop dev fetch --kubernetes || true
	@$(BIN)/python -m pytest -q -m k8s

crash: $(VENV)/.dev ## kill everything under load, then check the books (MINUTES=10, SEED=number, MODE=embedded|split; SOAK=minutes: load alone, all must stay flat)
	@$(BIN)/python -m tests.crash --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) \
	  $(if $(MODE),--mode $(MODE)) $(if $(SOAK),--soak $(SOAK))

fuzz: $(VENV)/.dev ## send generated requests to every route (EXAMPLES=10000, SEED=number, ONLY='POST /api/ingest')
	@$(BIN)/python -m tests.fuzz --examples $(or $(EXAMPLES),10000) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ONLY),--only '$(ONLY)')

check: $(VENV)/.dev ## lint, types, import contracts and the quick tests, in under a minute
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/mypy --config-file sdk/pyproject.toml && $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -m "not slow" tests/unit tests/arch tests/sdk

bench: $(VENV)/.dev ## measure; prints one table a benchmark
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

fmt: $(VENV)/.dev ## format the code and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

web: $(VENV)/.runtime ## build the interface, where Node is or can be had
	@tools/build-web $(BIN)

lock: $(VENV)/.dev ## compile the lock files again (hashes, no addresses)
	@tools/lock $(BIN)

clean: ## remove what was built here; the data folder stays
	@rm -rf $(VENV) web/node_modules web/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Sightloop needs Python 3.11 or later; found $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (Debian: python3-venv)"; exit 1; }

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@tools/install $(BIN) requirements/runtime.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@tools/install $(BIN) requirements/dev.txt
	@touch $@

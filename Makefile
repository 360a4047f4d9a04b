# make demo    a running Fairlead with two MSPs, their clients and sandbox systems; ends with Ctrl-C
# make test    everything that must hold: checks, then all tests
# make fast    the tests that the changes since main touch, without real systems, browsers and chaos
# make warm    PostgreSQL and Valkey for tests stay running, so that one test starts in a second; make cool ends them
# make check   format, lint, types, layers, templates
# make fmt     format code and templates, and mend what the linter can mend
# make migration NAME=some_words   a new schema revision behind the newest
# make messages   brings the catalogues of translations in step with code and templates
# make shell   psql on the demo or installation that runs on this machine
# make bench   figures, as ratios measured in one run
# make chaos   the long form of the kill tests
# make clean   removes environments and caches; what is in var/ stays
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo test fast warm cool check fmt migration messages shell bench chaos clean install install-dev chromium
.DEFAULT_GOAL := demo

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
PACKAGES := platform tenants connectors branding billing
WORKERS ?= 4
# Images of Python often set it. Without bytecode each process compiles the product anew: a third of its start.
unexport PYTHONDONTWRITEBYTECODE
CHAOS_KILLS ?= 200

demo: install
	@exec $(BIN)/fairlead demo --die-with-parent

# Four processes on two cores: drills, browsers and real systems wait a fifth of the time.
# `loadfile` keeps a file's tests, and so its servers and real systems, in one worker; tests/support/spreading.py has
# the order of files. Up to three tests that fail run once more, alone, and are named as flaky if they pass then.
test: install-dev chromium check
	$(BIN)/python -m tests.support.second_try -n $(WORKERS) --dist loadfile --no-loadscope-reorder --time-by-folder

fast: install-dev
	@$(BIN)/python -m tests.support.affected $(ARGS)

warm: install-dev
	@$(BIN)/python -m tests.support.warm_host start

cool: install-dev
	@$(BIN)/python -m tests.support.warm_host stop

check: install-dev
	$(BIN)/ruff format --check $(PACKAGES) tests
	$(BIN)/ruff check $(PACKAGES) tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --check --lint $(PACKAGES)

fmt: install-dev
	$(BIN)/ruff format $(PACKAGES) tests
	$(BIN)/ruff check --fix $(PACKAGES) tests
	@# It ends with 1 where it changed something.
	$(BIN)/djlint --quiet --reformat $(PACKAGES) >/dev/null || $(BIN)/djlint --quiet --check $(PACKAGES)

migration: install-dev
	@$(BIN)/python -m tests.support.new_migration "$(NAME)"

messages: install
	@$(BIN)/python -m foundation.i18n.extraction $(PACKAGES)

shell: install
	@exec $(BIN)/python -m tests.support.shell $(ARGS)

bench: install-dev
	@$(BIN)/python -m tests.benchmarks

chaos: install-dev
	FAIRLEAD_CHAOS_KILLS=$(CHAOS_KILLS) $(BIN)/pytest -m chaos --timeout=0

clean:
	rm -rf $(VENV) node_modules build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

install: $(VENV)/.editable node_modules/.installed
install-dev: install $(VENV)/.dev

$(VENV)/.created:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: install it, or call make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@# Debian ships venv apart from Python.
	@if [ ! -x $(BIN)/pip ] && ! $(PYTHON) -m ensurepip --version >/dev/null 2>&1; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv; \
		else echo 'Python cannot make virtual environments. Run: sudo apt-get install python3-venv' >&2; exit 1; fi; fi
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt | $(VENV)/.created
	$(PIP) --require-hashes --only-binary :all: -r requirements/runtime.txt -r requirements/build.txt
	@touch $@

$(VENV)/.editable: pyproject.toml $(VENV)/.runtime
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(PIP) --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

# No package here may run a script at its installation.
node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null || { echo 'npm is not found: install Node.js 20 or newer' >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null
	@touch $@

chromium:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; \
		else echo 'The tests walk through the pages in Chromium. Run: sudo apt-get install chromium' >&2; exit 1; fi; fi

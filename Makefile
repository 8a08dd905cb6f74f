# make demo      set up and watch the main job on recorded sessions
# make test      set up, check and run the quick tests
# make test-all  everything: slow tests, the real Claude Code client, node tools
# make install   put `session-buddy` on PATH
# make bench     measure, each figure beside a floor of the same run
# make lint      ruff, mypy and import-linter alone
# make clean     remove what the above made
#
# PYTHON=/path/to/python picks an interpreter; otherwise the first on PATH that is 3.11 or newer and has venv.

ifndef PYTHON
PYTHON := $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then command -v "$$candidate"; break; fi; done)
endif

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
QUICK := not slow and not claude_code and not node
REST := slow or claude_code or node or hypothesis
WORKERS ?= logical
SPREAD := -n $(WORKERS) --maxprocesses 8 --dist worksteal
# Many tests wait for real processes: what failed beside others is tried once more by itself, both runs printed.
ALONE := $(BIN)/pytest --last-failed --last-failed-no-failures none
BENCHES ?= hook ci start calls transcripts ingest drill kill feed storm scrape rules methods findings next_skill

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-quick test-rest install bench bench-short lint wheel clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile

demo: .venv/installed
	@$(BIN)/session-buddy demo

test: lint test-quick

test-quick: .venv/dev
	$(BIN)/pytest $(SPREAD) -m "$(QUICK)" || $(ALONE) -m "$(QUICK)"

test-rest: .venv/dev
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest $(SPREAD) -m "$(REST)" || HYPOTHESIS_PROFILE=thorough $(ALONE) -m "$(REST)"

test-all: test test-rest

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	@set -e; for bench in $(BENCHES); do echo; echo "== $$bench"; $(BIN)/python -m bench.$$bench; done

# What CI has time for. A time that was missed is shown, not held against a machine that others use too;
# the drill and the methods (on fixed data, so that a miss is of our making) have to hold.
bench-short: .venv/dev
	@for bench in hook start transcripts; do echo; echo "== $$bench"; \
		$(BIN)/python -m bench.$$bench --pairs 9 || echo "a bound was missed, or the bench failed"; done
	@echo; echo "== calls"; $(BIN)/python -m bench.calls --pairs 9 --invocations 50000 || echo "a bound was missed, or the bench failed"
	@echo; echo "== ingest"; $(BIN)/python -m bench.ingest --invocations 50000 || echo "a bound was missed, or the bench failed"
	@echo; echo "== methods"
	$(BIN)/python -m bench.methods --short --seed 20261122
	@echo; echo "== drill"
	$(BIN)/python -m bench.drill --windows 3 --records 200 --kills 6

wheel: .venv/dev
	$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir dist .

install: require-python
	@PYTHON="$(PYTHON)" sh scripts/install.sh

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: require-python
require-python:
	@test -n "$(PYTHON)" || { \
		echo "session-buddy needs Python 3.11 or newer with venv, and none was found on PATH." >&2; \
		echo "On Debian or Ubuntu: apt-get install python3 python3-venv. Otherwise: make PYTHON=/path/to/python3.11 ..." >&2; \
		exit 1; }

.venv/python: | require-python
	@echo "Making .venv with $(PYTHON)"
	@rm -rf .venv
	@"$(PYTHON)" -m venv .venv
	@touch $@

.venv/installed: .venv/python pyproject.toml
	@echo "Installing session-buddy into .venv"
	@$(PIP) --editable .
	@touch $@

.venv/dev: .venv/python pyproject.toml
	@echo "Installing session-buddy and its development tools into .venv"
	@$(PIP) --editable '.[dev]'
	@touch .venv/installed $@

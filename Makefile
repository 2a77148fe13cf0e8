# `make demo` shows the whole journey; `make test` proves it. Both do their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo rehearse lint check test bench lock clean
.DEFAULT_GOAL := help

help:  ## List the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready  ## Make .venv with the pinned dependencies

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Aftercare needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V). Try: make PYTHON=python3.11 setup"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## Start the sandbox: the real bot, a phone for each patient, the staff group and a clock to turn
	$(BIN)/aftercare sandbox

rehearse: setup  ## Play 72 hours in a few seconds, in the terminal
	$(BIN)/aftercare rehearse

lint: setup  ## Style, types, floors, words
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/aftercare check --config config.example.yaml

check: lint  ## The everyday loop: lint and the unit tests
	$(BIN)/pytest -q -n 2 --ignore=tests/journeys --ignore=tests/sandbox

test: lint  ## Everything, with coverage: what CI runs
	$(BIN)/pytest -q -n 2 --cov --cov-report= --ignore=tests/journeys
	$(BIN)/pytest -q --cov --cov-append --cov-report=term:skip-covered --cov-report=html --durations=12 tests/journeys

bench: $(VENV)/.bench  ## Measure us and the peers: all, or WHAT=rate (schedule, reply, capacity, cost, understanding); QUICK=1 OUT=file DATA=folder
	$(BIN)/python -m tests.bench $(WHAT) $(if $(QUICK),--quick) $(if $(OUT),--out $(OUT)) $(if $(DATA),--data $(DATA))

# The public sets serve the benchmark of understanding: whoever names their folder means that one.
WHAT ?= $(if $(DATA),understanding)

$(VENV)/.bench: $(VENV)/.ready requirements-bench.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

lock:  ## Resolve the dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev --extra bench -c requirements-dev.txt pyproject.toml -o requirements-bench.txt

clean:  ## Remove what the commands above made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov dist build

# Everything a person does with this tree. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
JOBS ?= 2
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-lock
CODE := idp connectors policy tests
# Python keeps what it compiled, or every `idp` that is started compiles all of it anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo 'TimeTrak IdP needs Python 3.11 or newer as "$(PYTHON)"; name another one with: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '"$(PYTHON)" has no venv module; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Making the environment in $(VENV) (once; a few minutes at most) ...'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: venv
venv: $(STAMP) ## Make the environment from requirements.lock

.PHONY: demo
demo: $(STAMP) ## Start everything with sample apps and users (ARGS="--port 8080 --data DIR --no-browser")
	@$(BIN)/idp demo $(ARGS)

.PHONY: check
check: $(STAMP) ## Format, lint, types, layers, fast tests (a minute)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'not servers and not browser and not campaign and not database'

.PHONY: test
test: check ## make check, then the tests that need servers, a browser or many processes
	tests/support/install.sh
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'servers or browser or campaign or database'

.PHONY: coverage
coverage: $(STAMP) ## Run every test and report what was not reached
	tests/support/install.sh
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n $(JOBS) --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: soak
soak: $(STAMP) ## Run the campaigns at their stated sizes (hours)
	tests/support/install.sh
	IDP_TEST_SIZE=full $(BIN)/python -m pytest -q -m campaign --timeout 0 $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Measure CPU per request beside its floors, as ratios
	$(BIN)/python -m tests.bench $(ARGS)

.PHONY: format
format: $(STAMP) ## Format the code and mend what ruff can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: lock
lock: $(STAMP) ## Resolve the dependencies anew into requirements.lock (ARGS="--upgrade")
	@uv=$$(command -v uv || echo $(BIN)/uv); test -x "$$uv" || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }; \
	"$$uv" pip compile pyproject.toml --extra dev --extra ldap --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
	  --output-file requirements.lock $(ARGS)

.PHONY: changelog
changelog: $(STAMP) ## Assemble docs/changes.d into CHANGELOG.md (ARGS=0.2.0)
	$(BIN)/python -m tests.support.changelog $(ARGS)

.PHONY: clean
clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* dist
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

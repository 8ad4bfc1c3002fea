# `make run` and `make test` do all the set-up themselves; they need Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install run test test-browser check format bench lock clean

help: ## Show what can be done
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: .venv/installed ## Make .venv with the locked dependencies

.venv/installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Portico needs Python 3.11, 3.12 or 3.13: try \`make PYTHON=python3.12 $(MAKECMDGOALS)\`."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: install .env ## Serve on http://localhost:8000, with an embedded SQLite file unless .env says otherwise
	$(BIN)/portico migrate up
	$(BIN)/portico serve

.env:
	install -m 600 .env.example .env

test: install ## Run all tests: memory, SQLite and a real PostgreSQL
	$(BIN)/pytest -n auto --dist worksteal

test-browser: install ## Try passkeys with a real browser: Debian's chromium, or what CHROMIUM names
	$(BIN)/pytest tests/browser

check: install ## Lint, check types and the layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Sort imports and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Measure against the ceiling (see bench/README.md)
	$(BIN)/python -m bench

lock: install ## Resolve the dependency ranges anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--custom-compile-command 'make lock' pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
		--custom-compile-command 'make lock' --extra dev pyproject.toml --output-file requirements-dev.lock

clean: ## Remove .venv and caches
	rm -rf .venv .browser .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

# The commands that people, CI and the README use. Each sets up what it needs and is quick the second time.
PYTHON ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := node_modules/.ready
SOURCES := function_app.py functions shared local tests benchmarks runbooks

.PHONY: demo up test lint bench format clean

demo: $(READY) $(NODE_READY)
	@$(BIN)/python -m local.demo

up: $(READY) $(NODE_READY)
	@$(BIN)/python -m local.up

test: $(READY) $(NODE_READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

bench: $(READY) $(NODE_READY)
	$(BIN)/python -m benchmarks.run

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): requirements.txt requirements-local.txt requirements-dev.txt constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt --constraint constraints.txt
	@touch $@

$(NODE_READY): package.json package-lock.json
	npm ci --no-progress --loglevel=error
	@touch $@

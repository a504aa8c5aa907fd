# tap-sumeru: `make demo` shows it, `make test` proves it. All else is for those who work on it.
.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*\#\# .*/\1/p' Makefile)

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin
# Where it is set, each of the many processes of the tests would compile the tap anew.
unexport PYTHONDONTWRITEBYTECODE
MUTMUT := $(UV) run --quiet --no-project --python $(RUN)/python --with mutmut==3.8.1 mutmut

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 17

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv

.venv/.installed: requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip install --quiet --compile-bytecode --python .venv --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python .venv --no-deps -e .
	@touch $@

demo: .venv/.installed ## Three made-up shops into a DuckDB file, every row counted; marts, and charts of them
	@$(RUN)/python scripts/demo.py --uv $(UV)

demo-clean: ## Forget the made-up shops
	rm -f output/demo.*

test: .venv/.installed ## All tests
	$(RUN)/python -m pytest -n auto --dist worksteal

test-warehouses: warehouses ## Those that load into DuckDB, PostgreSQL, and servers that stand in for Snowflake and BigQuery
	TEST_WAREHOUSES=all $(RUN)/python -m pytest tests/warehouses

warehouses: .venv/.installed ## What those need: targets, servers, Meltano in .cache; PostgreSQL by apt-get
	PYTHONPATH=tests $(RUN)/python -m warehouses.install $(UV)

test-dbt: .venv/.installed ## The dbt package on DuckDB, PostgreSQL and an emulator of Snowflake; some minutes
	TEST_DBT=1 $(RUN)/python -m pytest tests/project/test_dbt.py

soak: warehouses ## An hour of syncs into each warehouse under faults and kills, then every row compared
	PYTHONPATH=tests $(RUN)/python -u -m warehouses.soak $(ARGS)

mutants: .venv/.installed ## Whether the tests of the pure modules see a fault put into them (ten minutes)
	rm -rf mutants
	$(MUTMUT) run
	$(RUN)/python scripts/mutants.py

coverage: .venv/.installed ## All tests, and the lines of the tap that none of them reaches
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -n auto --dist worksteal
	$(RUN)/coverage combine --quiet
	$(RUN)/coverage report

lint: .venv/.installed ## ruff, mypy, import-linter, deptry
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/deptry .

docs: .venv/.installed ## Write the tables of the README, plugin.yaml, and what dbt/ has from schemas/
	$(RUN)/python scripts/docs.py
	$(RUN)/python scripts/hub.py
	$(RUN)/python scripts/dbt_docs.py

bench: .venv/.installed | $(UV) ## Measure the tap and its peers, write docs/benchmarks.md
	$(RUN)/python -m benchmarks --uv $(UV) $(ARGS)

format: .venv/.installed ## Let ruff mend what it can
	$(RUN)/ruff check --fix-only .
	$(RUN)/ruff format .

LOCKED = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command 'make lock'

lock: | $(UV) ## Renew requirements.lock, runtime.lock of the bare tap, and that of dbt/
	$(LOCKED) --all-extras --group dev -o requirements.lock pyproject.toml
	$(LOCKED) --constraint requirements.lock -o runtime.lock pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 \
	  --custom-compile-command 'make lock' -o dbt/requirements.lock dbt/requirements.in

dist: | $(UV) ## Build the packages
	$(UV) build --quiet --clear

sbom: | $(UV) ## What the bare tap is made of, as CycloneDX: output/sbom.cdx.json
	$(UV) venv --quiet --clear --python $(PYTHON) output/bare
	$(UV) pip install --quiet --python output/bare --require-hashes -r runtime.lock
	$(UV) pip install --quiet --python output/bare --no-deps .
	$(UV) tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment --pyproject pyproject.toml \
	  --mc-type application --output-reproducible --of JSON -o output/sbom.cdx.json output/bare
	@$(PYTHON) scripts/check_sbom.py output/sbom.cdx.json runtime.lock

audit: | $(UV) ## Known vulnerabilities of all that is locked; asks a service on the network
	@$(UV) tool run --quiet --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  -r requirements.lock || { echo "make audit: vulnerable packages are listed above; if none is, the vulnerability" \
	  "service could not be reached, and nothing was checked." >&2; exit 1; }

clean: ## Remove all that was made
	rm -rf .venv .tools .cache dist mutants .meltano plugins output .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Needs make, a shell, coreutils, and Python 3.11 or newer with venv. All else is installed into .venv, from locked files.

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTHON ?= python3.13 python3.12 python3.11 python3
CODE := $(wildcard batchctl tests bench)
SQL := $(wildcard sql/*/*.sql sql/*/*/*.sql)
# One more than there are cores, for many tests wait for processes of their own.
PROCESSES ?= 3
# What could differ from one version of PostgreSQL to another; the command line and the pages cannot.
OF_THE_SERVER := tests/races tests/service $(wildcard tests/test_*.py)
PG15_BIN ?= /usr/lib/postgresql/15/bin

.PHONY: help demo test test-pg15 torture bench check lint types imports sql format schema reference lock clean

help: ## Print this list
	@while IFS= read -r line; do case $$line in [a-z]*:*' ## '*) \
	    printf '%-10s %s\n' "$${line%%:*}" "$${line##* ## }";; esac; done <Makefile

demo: .venv/run.stamp ## See batches live, be charged, refunded and reported, and a worker die, on a PostgreSQL of its own
	@$(BIN)/batchctl demo

test: .venv/dev.stamp ## Run all tests on the embedded PostgreSQL, or on the server of BATCHCTL_TEST_DSN
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

test-pg15: .venv/dev.stamp ## Run what asks the server on PostgreSQL 15 (PG15_BIN names the folder of its programs)
	@$(BIN)/python -c "$$TEST_ON_OTHER_SERVER" $(PG15_BIN) -n $(PROCESSES) --dist worksteal $(OF_THE_SERVER)

torture: .venv/dev.stamp ## Repeat trials of every fault (TRIALS=10, SEED=0, KIND="kill at random" for one of them)
	@$(BIN)/python -m tests.faults.torture $(if $(TRIALS),--trials $(TRIALS)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(KIND),--only "$(KIND)")

bench: .venv/dev.stamp $(PEERS:%=.venv/bench-%.stamp) ## Race batchctl against job queues (ROUNDS=3, ARGS="--only pgqueuer")
	@$(BIN)/python -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(ARGS)

check: lint types imports sql ## Check format, lint, types, layers and SQL, as CI does

lint: .venv/dev.stamp ## Check the format and the rules of the Python code
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)

types: .venv/dev.stamp ## Check types with mypy and basedpyright
	@$(BIN)/mypy $(CODE)
	@$(BIN)/basedpyright $(CODE)

imports: .venv/dev.stamp ## Check that layers point inward
	@$(BIN)/lint-imports

sql: .venv/dev.stamp ## Check the layout of the SQL and the safety of the migrations
	@$(BIN)/sqlfluff lint --processes 2 $(SQL)
	@$(BIN)/squawk sql/migrations/*.sql sql/adoption/indexes/*.sql

format: .venv/dev.stamp ## Lay out Python and SQL
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/sqlfluff fix --processes 2 $(SQL)

schema: .venv/dev.stamp ## Write sql/schema.sql, the picture of the migrated schema
	@$(BIN)/python -c "$$WRITE_SCHEMA"

reference: .venv/dev.stamp ## Write docs/commands.md and docs/json, made from the program
	@$(BIN)/python -m tests.reference

lock: .venv/made.stamp ## Make the locked files anew from pyproject.toml (UV_FLAGS=--upgrade for newer versions)
	@$(PIP) uv
	@$(COMPILE) --extra fast --group dev --output-file requirements/dev.lock
	@$(COMPILE) --group build --constraints requirements/dev.lock --output-file requirements/run.lock
	@for peer in $(PEERS); do $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	    $(UV_FLAGS) --python-version $$([ $$peer = oban ] && echo 3.12 || echo 3.11) \
	    --output-file bench/peers/$$peer.txt bench/peers/$$peer.in || exit 1; done

clean: ## Remove all that make has made
	@rm -rf .venv .batchctl dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate $(UV_FLAGS) \
    --extra embedded --extra secrets pyproject.toml

# The first Python that will do; a command that only pretends to be one is passed over.
.venv/made.stamp:
	@if ! $(BIN)/python -c '$(USABLE)' 2>/dev/null; then \
	    for python in $(PYTHON); do $$python -c '$(USABLE)' 2>/dev/null && break || python=; done; \
	    if [ -z "$$python" ]; then \
	        echo "Python 3.11 or newer with venv is missing (Debian: apt-get install python3-venv);" \
	            "make PYTHON=/path/to/python uses another one" >&2; exit 1; \
	    fi; \
	    echo "Making .venv with $$python"; \
	    rm -rf .venv && $$python -m venv .venv || exit 1; \
	fi; touch $@

USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

# Without build isolation, as that would fetch what no lock names.
.venv/%.stamp: requirements/%.lock pyproject.toml .venv/made.stamp
	@echo "Installing $<"
	@$(PIP) --require-hashes --requirement $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Each peer of the benchmark lives in an environment of its own. One whose Python is missing does not take part.
PEERS := procrastinate pgqueuer oban chancy bare
NEEDS_oban := (3, 12)
.venv/bench-%.stamp: bench/peers/%.txt .venv/made.stamp
	@echo "Installing $<"; rm -rf .venv/bench-$*; \
	for python in $(BIN)/python $(PYTHON) $(wildcard ~/.pyenv/versions/3.1[2-9]*/bin/python); do \
	    $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < $(or $(NEEDS_$*),(3, 11)))' 2>/dev/null \
	        && break || python=; \
	done; \
	if [ -z "$$python" ]; then echo "$* is left out: it needs a newer Python" >&2; exit 0; fi; \
	$$python -m venv .venv/bench-$* && .venv/bench-$*/bin/python -m pip --disable-pip-version-check install --quiet \
	    --require-hashes --requirement $< && touch $@

define TEST_ON_OTHER_SERVER
import os, pathlib, subprocess, sys
import psycopg
from batchctl.embedded import FORGETFUL, serve
from tests.conftest import scratch_directory

with scratch_directory() as scratch, serve(scratch, bin_dir=pathlib.Path(sys.argv[1]), settings=FORGETFUL) as server:
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("create database batchctl_test")
    dsn = psycopg.conninfo.make_conninfo(server, dbname="batchctl_test")
    command = [sys.executable, "-m", "pytest", *sys.argv[2:]]
    code = subprocess.run(command, env={**os.environ, "BATCHCTL_TEST_DSN": dsn}).returncode
sys.exit(code)
endef
export TEST_ON_OTHER_SERVER

define WRITE_SCHEMA
import pathlib
import psycopg
from batchctl.embedded import FORGETFUL, serve
from tests.conftest import migrate_for_tests, schema_picture, scratch_directory

with scratch_directory() as scratch, serve(scratch, settings=FORGETFUL) as server:
    migrate_for_tests(**psycopg.conninfo.conninfo_to_dict(server))
    pathlib.Path("sql/schema.sql").write_text(schema_picture(server))
endef
export WRITE_SCHEMA

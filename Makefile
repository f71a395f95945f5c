# Everything a checkout can do. Each target brings along what it needs: a .venv from the lock files, made once.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help demo test tested test-all test-long torture lint types compiled bench docs picture pictures lock clean

# Without compiled modules every start of the program takes three seconds longer, and the tests start it often.
unexport PYTHONDONTWRITEBYTECODE

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## a server with 10,000 sample customers on http://127.0.0.1:8080, and requests to paste
	@echo "starting the demo ..."
	@$(BIN)/regulars demo

test: $(VENV)/installed-dev ## lint, types and tests: five to ten minutes on two cores
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j 2 types tested

tested: compiled
	$(BIN)/pytest -n 3 --dist loadgroup

test-all: $(VENV)/installed-dev ## the same with all of the HTTP surface on PostgreSQL, and every reply compared with the OpenAPI document
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j 2 types compiled
	REGULARS_CHECK_REPLIES=1 $(BIN)/pytest -n 3 --dist loadgroup -m 'not slow'

test-long: $(VENV)/installed-dev ## the tests marked slow, the random ones with tens of thousands of examples, every SQLSTATE: half an hour
	$(BIN)/pytest -n 2 --dist loadgroup -m slow
	REGULARS_EXAMPLES=10000 $(BIN)/pytest -n 2 -o faulthandler_timeout=0 tests/test_audience_end_to_end.py tests/store/test_sqlstates.py
	REGULARS_EXAMPLES=100 $(BIN)/pytest -n 2 --dist loadgroup -m 'hypothesis and not slow and not twin' --ignore tests/test_audience_end_to_end.py
	REGULARS_CALLS=8 $(BIN)/pytest -n 2 tests/http/openapi/test_conformance.py

torture: $(VENV)/installed-dev ## kills and attacks on the wire, for SECONDS_=60 seconds; SEED=n repeats a run
	$(BIN)/python -m tests.torture --seconds $(or $(SECONDS_),60) $(if $(SEED),--seed $(SEED))

lint: $(VENV)/installed-dev ## the style of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-dev ## the types of the code
	$(BIN)/mypy --strict

# Whatever cannot be collected is told by the tests themselves.
compiled: $(VENV)/installed-dev # the tests and all they import, once, so that each process of the tests need not compile them
	-@$(BIN)/pytest --collect-only -qq >/dev/null

bench: $(VENV)/installed-dev ## measure it on this machine; SIZE=100k, 1m or 10m: forty questions to a site of that size; ENGINE=postgresql: that beside SQLite
	$(BIN)/python -m bench $(if $(SIZE),--only audience --size $(SIZE) $(if $(KEEP),--keep '$(KEEP)')) $(if $(ENGINE),--engine $(ENGINE)) $(if $(DSN),--dsn '$(DSN)')

docs: $(VENV)/installed-dev ## bring the tables of docs/ up to date with the code
	@$(BIN)/python -m tools.docs

picture: $(VENV)/installed-dev ## the picture of the admin page in the README, from a new demo: needs Chromium
	@$(BIN)/python -m tools.picture

pictures: $(VENV)/installed-dev ## pictures of the stories of the admin page, in three widths, light and dark, in build/pictures: needs Chromium
	@mkdir -p build/pictures
	REGULARS_TEST_PICTURES=$(CURDIR)/build/pictures $(BIN)/pytest -m 'slow or not slow' tests/http/pages/test_browser_stories.py tests/http/pages/test_browser_states.py

lock: ## choose the versions of all dependencies anew
	@command -v uv >/dev/null || { echo "make lock needs uv: see https://docs.astral.sh/uv/" >&2; exit 1; }
	printf 'hatchling\neditables\n' | $(COMPILE) --output-file requirements.lock
	printf 'hatchling\neditables\n' | $(COMPILE) --extra postgres --constraint requirements.lock --output-file requirements-postgres.lock
	printf 'hatchling\neditables\n' | $(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove what was made here, the demo's database too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis regulars-demo.db*
	find src tests -name __pycache__ -prune -exec rm -rf {} +

# The versions for every platform, whatever the configuration of this machine says.
COMPILE = uv --no-config pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml -

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
endif

# The build backend (hatchling, editables) comes with the lock, so that the package itself is built without fetching anything unpinned.
$(VENV)/installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing what Regulars needs into $(VENV), which takes up to a minute ..."
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "installing what the tests need into $(VENV), which takes up to two minutes ..."
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@echo "making the virtual environment $(VENV) ..."
ifdef UV
	@$(UV) venv --quiet --no-project --python '>=3.11' $(VENV)
else
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
		$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& $$python -m venv $(VENV) && exit 0; \
		done; \
		echo "Python 3.11 or newer with venv is needed: apt install python3 python3-venv (or uv)" >&2; \
		rm -rf $(VENV); exit 1
endif

# All commands of this project. The first one that needs it sets up .venv by itself.

# The first Python on the path that is new enough; `make PYTHON=/path/to/python` overrides it.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/.ready
UV = $$(command -v uv || echo $(BIN)/uv)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-chaos lint format type tests test-variants golden docs release-check image-check clean

help:  ## Show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Set up .venv; the other commands do this when needed

demo: $(READY)  ## Make a worker in a temporary folder and watch it at work
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		printf '$$ gen-worker payment --yes\n' && \
		$(BIN)/gen-worker payment --yes --dir "$$folder" && \
		printf '\n$$ cd worker-payment && make demo\n' && \
		PATH="$(CURDIR)/$(BIN):$$PATH" \
			$(MAKE) --no-print-directory -C "$$folder/worker-payment" demo

test: lint type tests  ## Check everything: lint, types, generator, rendered workers, end to end

tests: $(READY)  ## Run the tests alone; ARGS="tests/generator" runs some of them
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q -n $${TEST_PROCESSES:-3} --dist worksteal $(ARGS)

test-chaos: $(READY)  ## Long: kill workers, Redis and databases under load (needs MariaDB)
	@CHAOS=$${CHAOS:-full} CHAOS_JOBS=2000 CHAOS_OUTAGE=30 REQUIRE_DATABASES=1 \
		$(BIN)/pytest -q -n 2 $(or $(ARGS),tests/kit/chaos tests/kit/integrations/database tests/kit/integrations/outbox)

lint: $(READY)  ## Look for mistakes, and for files that are not formatted
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)  ## Format the code and fix what ruff can fix
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

type: $(READY)  ## Check the types
	@$(BIN)/mypy

test-variants: $(READY)  ## Judge every combination of modules; goes on where it was stopped
	@$(BIN)/python tests/every_variant.py $(ARGS)

golden: $(READY)  ## Refresh what the presets render to, for review
	@$(BIN)/python tests/golden.py

docs: .venv/.docs-ready  ## Build the documentation site into build/docs/site; a warning is an error
	@$(BIN)/python tools/documentation.py

release-check: $(READY)  ## Build the release, install it where nothing else is, and use it
	@$(BIN)/python tools/release_check.py $(ARGS)

image-check: $(READY)  ## Build the image of a worker and run it (needs Docker on Linux)
	@$(BIN)/python tools/image_check.py $(ARGS)

clean:  ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.docs-ready: $(READY)
	@$(UV) pip install --quiet --python $(BIN)/python --group docs
	@touch $@

# The rendered workers are tested in this environment too, so it holds what any of them needs.
$(READY): pyproject.toml copier.yml template/pyproject.toml.jinja tests/worker_requirements.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found." >&2; exit 1; }
	@echo "Setting up .venv ($$($(PYTHON) --version)); this happens once ..."
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --python "$(PYTHON)" .venv; \
		elif $(PYTHON) -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv --without-pip .venv && \
			$(PYTHON) -m pip --python $(BIN)/python install -qq uv; \
		else $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -qq uv; fi
	@$(UV) pip install --quiet --python $(BIN)/python --editable . --group dev --group kit --group workflows
	@$(BIN)/python tests/worker_requirements.py > .venv/worker-requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --requirement .venv/worker-requirements.txt
	@touch $@

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
# With bytecode, the hundreds of processes that tests start load the package in half the time.
export PYTHONDONTWRITEBYTECODE =

.PHONY: app test test-fast lint format screenshots clean help

app: $(VENV)/.app  ## set up everything and open the app
	$(RUN) autodet app

test: $(VENV)/.dev  ## set up everything and run every test that this machine can run
	$(RUN) pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 30

test-fast: $(VENV)/.dev  ## run the tests that take no minute in all: no process, no training
	$(RUN) pytest -n 2 -m "not (process or trains or slow or browser)"

lint: $(VENV)/.dev  ## check style and types
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: $(VENV)/.dev  ## mend what can be mended of the style
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

screenshots: $(VENV)/.dev  ## take pictures of every page into build/screenshots and renew the README's (minutes)
	$(RUN) tests.browser.screenshots build/screenshots docs/images

clean:  ## delete the environment and all caches; the workspace stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile

# An environment that does not run (half made, moved, its Python gone) is made again from nothing.
ifneq ($(shell $(RUN) pip --version >/dev/null 2>&1 && echo runs),runs)
.PHONY: $(VENV)/bin/python
endif

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "autodet needs Python 3.11 or newer; name one, as in: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.app: $(VENV)/bin/python requirements.txt
	@echo "Installing what the app needs; the first time takes some minutes and a few gigabytes."
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	$(RUN) pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

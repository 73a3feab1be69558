# make run    set up .venv and start the app with its bundled model
# make test   set up .venv and run every test
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test setup setup-dev lint screenshots clean

run: $(VENV)/.app-ready
	@echo "==> Starting Emoscope (stop with Ctrl-C)"
	@$(BIN)/python -m dashboard

test: $(VENV)/.dev-ready
	@echo "==> Checking style and types"
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@echo "==> Running the tests"
	@$(BIN)/python -m pytest -m "not browser" $(PYTEST_ARGS)
	@echo "==> Running the tests in a real browser"
	@$(BIN)/python -m pytest -m browser $(PYTEST_ARGS)

setup: $(VENV)/.app-ready
setup-dev: $(VENV)/.dev-ready

lint: $(VENV)/.dev-ready
	@$(BIN)/ruff check .
	@$(BIN)/mypy

screenshots: $(VENV)/.dev-ready
	@$(BIN)/python tests/browser/screenshots.py docs/screenshots --only predict --size desktop --scheme light

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Emoscope needs Python 3.11 or newer; found $$($(PYTHON) --version). Install it, or name one: make run PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.app-ready: requirements.txt | $(VENV)/.python
	@echo "==> Installing what the app needs (about 700 MB, a few minutes the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -r requirements.txt
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt requirements-cluster.txt $(VENV)/.app-ready
	@echo "==> Installing what the tests need"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -r requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache

# make run    set up .venv and start the app with its bundled model
# make test   set up .venv and run every test
# make setup, setup-dev   only set up: for the app and the command .venv/bin/emoscope, for the tests too
# make test-fast, lint, coverage   while editing: see CONTRIBUTING.md
# make fuzz   damaged files of every kind: FUZZ="--inputs 1000000 --kinds pictures"
# make lock, audit, sbom   exact versions with hashes, their known vulnerabilities, and all of them with their licences
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-fast coverage setup setup-dev lint screenshots fuzz lock audit sbom clean

run: $(VENV)/.app-ready
	@echo "==> Starting Emoscope (stop with Ctrl-C)"
	@$(BIN)/python -m dashboard

# A worker that dies ends the run, and its test is named: pytest-xdist waits for ever for what a new one is to repeat.
TWO_WORKERS := -n 2 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder

test: $(VENV)/.dev-ready
	@echo "==> Checking style and types"
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@echo "==> Running the tests"
	@$(BIN)/python -m pytest -m "not browser" --ignore=tests/browser $(TWO_WORKERS) $(PYTEST_ARGS)
	@echo "==> Running the tests in a real browser"
	@$(BIN)/python -m pytest tests/browser -m browser $(TWO_WORKERS) $(PYTEST_ARGS)

test-fast: $(VENV)/.dev-ready
	@$(BIN)/python -m pytest -m "not slow and not browser" --ignore=tests/pages -n 2 --dist loadfile $(PYTEST_ARGS)

coverage: $(VENV)/.dev-ready
	@$(BIN)/python -m pytest -m "not browser" --cov --cov-report=term --cov-report=html $(PYTEST_ARGS)
	@echo "==> Every line is in htmlcov/index.html"

setup: $(VENV)/.app-ready $(BIN)/emoscope
setup-dev: $(VENV)/.dev-ready $(BIN)/emoscope

lint: $(VENV)/.dev-ready
	@$(BIN)/ruff check .
	@$(BIN)/mypy

screenshots: $(VENV)/.dev-ready
	@$(BIN)/python tests/browser/screenshots.py docs/screenshots --only predict --size desktop --scheme light

fuzz: $(VENV)/.dev-ready
	@$(BIN)/python -m tests.reliability.fuzz $(FUZZ)

# Tools that look at what is installed have an environment of their own, or they would find themselves.
TOOLS := .venv-tools/bin
$(TOOLS)/uv:
	@echo "==> Installing uv, pip-audit and cyclonedx-bom into .venv-tools"
	@$(PYTHON) -m venv .venv-tools
	@$(TOOLS)/python -m pip install --disable-pip-version-check --quiet "uv>=0.9,<1" "pip-audit>=2.9,<3" "cyclonedx-bom>=7,<8"

lock: $(TOOLS)/uv
	@for set in requirements requirements-dev; do echo "==> Writing deploy/$$set.lock"; $(TOOLS)/uv pip compile --quiet \
		--universal --python-version 3.11 --generate-hashes --no-header $$set.txt -o deploy/$$set.lock; done

audit: $(TOOLS)/uv
	@$(TOOLS)/pip-audit -r deploy/requirements.lock --no-deps --disable-pip

sbom: $(TOOLS)/uv $(VENV)/.app-ready
	@$(TOOLS)/cyclonedx-py environment $(BIN)/python --of JSON -o sbom.json
	@echo "==> sbom.json names every package that is installed in $(VENV), with its version and licence (CycloneDX)"

$(VENV)/.python:
	@$(PYTHON) model/supported.py
	@echo "==> Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.app-ready: requirements.txt | $(VENV)/.python
	@echo "==> Installing what the app needs (about 700 MB, a few minutes the first time)"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -r requirements.txt
	@$(BIN)/python -m emoscope.model.browser.runtime || true
	@touch $@

$(VENV)/.dev-ready: requirements-dev.txt requirements-cluster.txt $(VENV)/.app-ready
	@echo "==> Installing what the tests need"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --progress-bar on -r requirements-dev.txt
	@touch $@

# Not `pip install -e .`: that would put this folder on the path of everything, and with it names such as `model`.
$(BIN)/emoscope: | $(VENV)/.app-ready
	@printf '%s\n' '#!$(abspath $(BIN))/python' 'import sys' 'sys.path.insert(0, "$(CURDIR)")' \
		'from emoscope.__main__ import main' 'sys.exit(main())' > $@
	@chmod +x $@

clean:
	rm -rf $(VENV) .venv-tools sbom.json .pytest_cache .ruff_cache .mypy_cache .coverage htmlcov

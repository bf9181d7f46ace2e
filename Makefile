# The same names everywhere: setup | demo | test | lint | docs | bench
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamps
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PIN    := --constraint constraints.txt

.PHONY: setup demo test test-slow lint docs bench clean
.DEFAULT_GOAL := setup

$(STAMP)/venv:
	$(PYTHON) -c 'import sys; sys.exit("torchclinic needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade "pip>=25.1"
	@mkdir -p $(STAMP) && touch $@

# torch first, by its pin, so that nothing else may choose a CUDA build.
$(STAMP)/torch: $(STAMP)/venv constraints.txt
	$(PIP) $(PIN) torch==2.13.0
	@touch $@

$(STAMP)/run: $(STAMP)/torch pyproject.toml
	$(PIP) $(PIN) --editable .
	@touch $@

$(STAMP)/dev: $(STAMP)/run
	$(PIP) $(PIN) --group dev
	@touch $@

$(STAMP)/docs: $(STAMP)/run
	$(PIP) $(PIN) --group docs
	@touch $@

$(STAMP)/bench: $(STAMP)/run
	$(PIP) $(PIN) --group bench
	@touch $@

setup: $(STAMP)/dev

demo: $(STAMP)/run
	$(BIN)/torchclinic demo

test: $(STAMP)/dev
	$(BIN)/python -m pytest -n auto $(ARGS)

test-slow: $(STAMP)/dev
	$(BIN)/python -m pytest -m slow --timeout 1800 -n auto $(ARGS)

lint: $(STAMP)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# Runs the gallery's experiments the first time: minutes; ARGS="-D plot_gallery=0" leaves them out.
docs: $(STAMP)/docs
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -q -W -b html $(ARGS) docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

bench: $(STAMP)/bench
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build dist docs/_build docs/gallery docs/reference/generated

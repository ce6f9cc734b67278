# Every target makes its own .venv when it is missing or older than the project's requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check bench evaluate lock clean

help:  ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run  ## Today's papers (or the bundled page) for two sample readers, in the studio
	$(BIN)/newsletter demo $(ARGS)

test: $(VENV)/.dev  ## All tests
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## Lint, format, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## Every benchmark in one table, never a gate; ARGS="--quick" takes minutes
	$(BIN)/python bench/run.py $(ARGS)

evaluate: $(VENV)/.dev  ## The selector on real reading lists beside other methods (../shared/relevance)
	$(BIN)/python bench/evaluate.py $(ARGS)

lock: $(VENV)/.dev  ## Pins what is installed now, without naming any index
	$(BIN)/python -m pip freeze --exclude-editable --exclude pip > constraints.txt

clean:  ## Removes what the targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

$(VENV)/.run: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a minute or two, once)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (a minute or two, once)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.run

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= runs/image-dvae-$(shell date +%Y%m%d-%H%M%S)

.PHONY: run test docs links properties fuzz lint bench

## Train the default recipe on the embedded sample, print its numbers, write its report
run: $(READY)
	$(BIN)/jetvae train image-dvae --out $(OUT)
	$(BIN)/jetvae report $(OUT) --summary

## Run all tests, doctests and documented examples
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=40

## Build the site in docs/_build/html: runs its notebooks where they changed; a warning is an error
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -q -b html -W --keep-going docs docs/_build/html
	@echo "site: docs/_build/html/index.html"

## Ask every address that the site links to, over the network; links within the site make docs checks
links: $(VENV)/.docs
	$(BIN)/python -m sphinx -q -b linkcheck docs docs/_build/linkcheck

## Try all generated cases, of which make test tries each twentieth; a table of what they came to at the end
properties: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/properties --cases 1

## Read 100,000 damaged files of every kind, in 40 minutes at most; a table of what they came to at the end
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --cases 100000 --seconds 2400

## Style, types, the direction of imports, and words to avoid
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.english

## Side-by-side timings against peers
bench: $(READY)
	for name in benchmarks/*.py; do $(BIN)/python -m benchmarks.$$(basename $$name .py); done

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,simulate,formats,export]'
	touch $@

$(VENV)/.docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

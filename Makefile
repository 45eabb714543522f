PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
REPORT ?= reports/audit
# So long seeds are added where a verdict is open; then the claims are judged.
BUDGET ?= 14.5min
ARGS ?=
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help audit test chaos lint types imports check bench fuzz mutants findings schemas pages docs dist lowest clean

help:  ## list what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "  ARGS='…' passes options on, JOBS=N sets the number of processes, REPORT=DIR the report's folder, BUDGET=TIME how long an audit trains"

audit: $(VENV)/.installed  ## audit all claims on the embedded data and write a report
	$(BIN)/tic audit claims -n $(JOBS) --controls --budget $(BUDGET) --report-dir $(REPORT) $(ARGS)

test: $(VENV)/.installed  ## run the tests
	$(BIN)/python -m pytest tests -n $(JOBS) $(ARGS)

lint: $(VENV)/.installed  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed  ## check types
	$(BIN)/mypy

imports: $(VENV)/.installed  ## check that imports go one way
	PYTHONPATH=. $(BIN)/lint-imports

check: lint types imports test  ## all of the checks above

chaos: $(VENV)/.installed  ## disturb audits by kills, full disks, damage and more; see that nothing is lost
	$(BIN)/python -m tests.chaos $(ARGS)
	$(BIN)/python -m tests.chaos --example $(ARGS)

findings: $(VENV)/.installed  ## write docs/papers/*/findings.md from the audits that they quote
	for text in docs/papers/*.md.j2; do \
	  findings=$${text%.md.j2}/findings.md; mkdir -p $${text%.md.j2}; \
	  $(BIN)/tic cite $$text > $$findings.part && mv $$findings.part $$findings || exit 1; \
	done

schemas: $(VENV)/.installed  ## write docs/schemas, the JSON Schemas of audits and Recipes
	for name in audit recipe; do $(BIN)/tic schema $$name > docs/schemas/$$name.json || exit 1; done

pages: $(VENV)/.installed  ## write docs/tutorial.ipynb, docs/options.md and docs/benchmarks.md
	$(BIN)/python -m tools.notebook
	$(BIN)/python -m tools.options_page
	$(BIN)/python -m tools.benchmarks_page

docs: $(VENV)/.docs  ## build the site with its API reference in build/site, every link checked
	PYTHONPATH=. $(BIN)/python -m mkdocs build --strict

dist: $(VENV)/.release  ## build wheel and source distribution twice, with the same bytes, and check them
	$(BIN)/python -m tools.dist

lowest: build/lowest.txt  ## run the tests with the oldest versions that pyproject.toml allows
	$(MAKE) test VENV=build/lowest CONSTRAINTS=$<

build/lowest.txt: pyproject.toml tools/lowest.py
	@mkdir -p build
	$(PYTHON) -m tools.lowest > $@.part && mv $@.part $@

fuzz: $(VENV)/.fuzz  ## try ten thousand bad and hostile inputs with each of two fuzzers
	$(BIN)/python -m tests.fuzz $(ARGS)

mutants: $(VENV)/.installed  ## change what decides in each claim and rival of claims/; see that known answers notice
	$(BIN)/python -m tests.mutants $(ARGS)

bench: $(VENV)/.installed  ## measure speed and memory as ratios to named peers, floors and limits
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## remove the environment, caches and stored Runs
	rm -rf $(VENV) .tic .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info

# The mark is written last: an installation that was interrupted is done again.
$(VENV)/.installed: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + "; use make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[docs]'
	@touch $@

$(VENV)/.release: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[release]'
	@touch $@

# Without atheris nothing is guided by coverage, and the command says so.
$(VENV)/.fuzz: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[fuzz]' \
	  && touch $@ || echo "atheris could not be installed; going on without it"

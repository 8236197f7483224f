# Everything a person needs: make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help lab test sweep test-all coverage build execute doctor lint kitchen plates weights site wheels constraints clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# An environment holds its own path in its programs: in a checkout that was moved or copied it is made again.
MADE_IN := $(shell cat $(READY) 2>/dev/null)
ifneq ($(MADE_IN),)
ifneq ($(MADE_IN),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". If you have a newer one, name it: make lab PYTHON=python3.12")'
	@test ! -e $(VENV)/.installing || rm -rf $(VENV)  # pip was killed: what it left may lack anything
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "Python cannot make an environment here; its own words stand above. On Debian and Ubuntu this helps: sudo apt install python3-venv"; exit 1; }
	@echo "Installing the course into $(VENV). The first time this takes a minute or a few."
ifeq ($(TORCH),cpu)
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps -c constraints.txt --index-url https://download.pytorch.org/whl/cpu torch
endif
	@touch $(VENV)/.installing
	@$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]' || { rm -f $(VENV)/.installing; echo; echo "The course could not be installed; pip says above why. If it could not reach its package index, look at your network and run the same command again: what was downloaded is kept. If it found versions in conflict, try: make clean, and the same command again. If that does not help, tell us, with pip's words."; exit 1; }
	@rm $(VENV)/.installing
	@echo "$(CURDIR)" > $(READY)

# Learners work in copies outside of git, so that a pull never meets their answers.
FOLDER ?= $(HOME)/deep-learning
lab: $(READY) ## Set up where needed, copy the notebooks into a folder of yours (FOLDER=...), and open JupyterLab there
	@$(BIN)/introdl start "$(FOLDER)"

test: $(READY) ## Set up where needed, and run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

sweep: $(READY) ## Run the slow tests that make test leaves out: more seeds, longer trainings
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-all: test sweep ## Run all tests

# Which tests are run, which files are looked at, and how many per cent of their lines these have to reach: 79.6 % is what
# the quick tests alone reach of these files. The rest of the autograder works in processes that are not seen (pyproject.toml).
TESTS ?= tests
FILES ?= course/introdl/*,autograder/authoring/*
FLOOR ?= 79
coverage: $(READY) ## Run the tests and say which lines none of them reaches (TESTS=..., FILES='autograder/*', FLOOR=...)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='$(FILES)' --fail-under=$(FLOOR)

build: $(READY) ## Make the notebooks and answer sheets of course/ from their sources
	$(BIN)/autograder build

execute: $(READY) ## Execute every notebook: with its answers, then blank
	$(BIN)/introdl execute solutions --expect passed --out build/solved
	$(BIN)/introdl execute course --expect "not started" --out build/blank

doctor: $(READY) ## Check whether this machine has what the course needs
	$(BIN)/introdl doctor

lint: $(READY) ## Look for slips in the code and in the chapters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check autograder course/introdl tests data
	$(BIN)/autograder lint

build/kitchen/.ready: data/kitchen/requirements.txt
	$(PYTHON) -m venv build/kitchen
	build/kitchen/bin/python -m pip install --quiet --disable-pip-version-check -r data/kitchen/requirements.txt
	@touch build/kitchen/.ready

kitchen: build/kitchen/.ready ## Set up the renderer of the food pictures

plates: build/kitchen/.ready ## Render the food pictures again (about an hour; may be stopped and goes on)
	build/kitchen/bin/python data/kitchen/render.py --out build/plates
	build/kitchen/bin/python data/kitchen/pack.py --pictures build/plates --out data/plates

weights: $(READY) ## Train the networks of data/weights again (minutes with a GPU, an hour without; goes on where it was)
	$(BIN)/python -m introdl.recipes --out data/weights --unfinished build/recipes

site: $(READY) ## Build the course as a site in build/site/html: every chapter executed, nothing loaded from elsewhere
	$(BIN)/autograder site

wheels: $(READY) ## Build both distributions into dist/: introdl for learners, introdl-autograder for instructors
	rm -rf dist course/build autograder/build  # what an earlier build left would go along
	$(BIN)/uv build --wheel --quiet --no-build-isolation --python $(BIN)/python course -o dist
	$(BIN)/uv build --wheel --quiet --no-build-isolation --python $(BIN)/python autograder -o dist
	@rm -rf course/build autograder/build course/introdl.egg-info autograder/introdl_autograder.egg-info
	@ls dist

constraints: $(READY) ## Write constraints.txt anew: versions that fit every Python from 3.11 on (newest ones: UPGRADE=--upgrade)
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-annotate --quiet $(UPGRADE) \
	  --custom-compile-command "make constraints" pyproject.toml -o constraints.txt

clean: ## Remove the environment and what was built
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .coverage*

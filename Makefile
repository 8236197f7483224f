# Everything a person needs: make help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help lab test build execute doctor lint plates weights constraints clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "The course needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make lab PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make an environment here. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Installing the course into $(VENV); the first time this takes a minute or a few."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

lab: $(READY) ## Set up where needed, and open JupyterLab on the start page
	$(BIN)/introdl lab

test: $(READY) ## Set up where needed, and run all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

build: $(READY) ## Make the notebooks and answer sheets of course/ from their sources
	$(BIN)/autograder build

execute: $(READY) ## Execute every notebook: with its answers, then blank
	$(BIN)/introdl execute solutions --expect passed --out build/solved
	$(BIN)/introdl execute course --expect "not started" --out build/blank

doctor: $(READY) ## Look whether this machine has what the course needs
	$(BIN)/introdl doctor

lint: $(READY) ## Look for slips in the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check autograder course/introdl tests data

build/kitchen/.ready: data/kitchen/requirements.txt
	$(PYTHON) -m venv build/kitchen
	build/kitchen/bin/python -m pip install --quiet --disable-pip-version-check -r data/kitchen/requirements.txt
	@touch build/kitchen/.ready

plates: build/kitchen/.ready ## Render the food pictures again (about an hour; may be stopped and goes on)
	build/kitchen/bin/python data/kitchen/render.py --out build/plates
	build/kitchen/bin/python data/kitchen/pack.py --pictures build/plates --out data/plates

weights: $(READY) ## Train the networks of data/weights again (minutes with a GPU, an hour without; goes on where it was)
	$(BIN)/python -m introdl.recipes --out data/weights --unfinished build/recipes

constraints: $(READY) ## Write the versions of this environment to constraints.txt
	@{ echo "# Every version that the course is built and tested with. Renew: make constraints"; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//'; } > constraints.txt

clean: ## Remove the environment and what was built
	rm -rf $(VENV) build .pytest_cache .ruff_cache

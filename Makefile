# make demo: do a GAN's images, its own or a lender's, help a classifier of digits? A study with its report.   make test: everything that is tested.
# make test-python PYTHON_VERSION=3.12: the fast tests under another Python, in an environment of its own.
# Each sets itself up first, in .venv; running it again is quick. Needs Python 3.11 to 3.14 (tested: to 3.13) with pip and venv.
first_that_runs = $(shell for each in $(1); do "$$each" -c "" 2>/dev/null && { echo "$$each"; break; }; done)
PYTHON ?= $(call first_that_runs,python3.11 python3.12 python3.13 python3.14 python3)
PYTHON_VERSION ?= 3.13
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
WORKERS ?= 2

.PHONY: demo test test-fast test-python lint
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE  # tests start many processes, each of which would compile src/ again (0.4 s)

demo: $(STAMP)
	$(BIN)/python study.py experiment/study=demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

# A pyenv that has a version which is not its current one offers a python3.x that does not run.
test-python:
	@$(MAKE) test-fast VENV=.venv-$(PYTHON_VERSION) \
		PYTHON="$(call first_that_runs,python$(PYTHON_VERSION) $(HOME)/.pyenv/versions/$(PYTHON_VERSION).*/bin/python)"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "The Python asked for was not found: install it, or name it with PYTHON=/path/to/python3.11."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || \
		{ echo "$(PYTHON) is not Python 3.11 to 3.14: install one, or name it with make PYTHON=/path/to/python3.11."; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' || \
		{ echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt install python3-venv."; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

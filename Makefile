# make demo: does a GAN's images help a classifier of digits? A study with its report.   make test: everything that is tested.
# Both set themselves up in .venv first; running them again is quick. Needs Python 3.11 to 3.13 with pip and venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
STAMP := .venv/installed
WORKERS ?= 2

.PHONY: demo test test-fast lint
.DELETE_ON_ERROR:

demo: $(STAMP)
	$(BIN)/python study.py experiment/study=demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS)

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "No python3 found: install Python 3.11."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "$(PYTHON) is not Python 3.11 to 3.13: install one, or name it with make PYTHON=/path/to/python3.11."; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' || \
		{ echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt install python3-venv."; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

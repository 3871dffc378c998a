# Everything runs in .venv, which is made on first use. Needed: make, and Python 3.11 or newer.
# Another interpreter: make demo PYTHON=python3.13

PYTHON ?= python3
RUN := .venv/bin/python
# The examples whose pictures are committed; tests/test_pictures.py checks that they are current.
PICTURED := examples/apple_tax.py examples/layers_as_graphs.py
# One thread for each worker: two workers with two BLAS threads each are slower than one.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow lint format pictures rules tables bench clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## print the apple-tax tables and draw their pictures into out/
	.venv/bin/autograd-bp demo --out out

test: .venv/installed-dev ## run the tests and the doctests, without the slow ones
	$(ONE_THREAD) $(RUN) -m pytest -m "not slow" -n auto --dist worksteal

test-slow: .venv/installed-peers ## run the slow tests (they need peers, some need Chromium)
	$(ONE_THREAD) $(RUN) -m pytest -m slow -n auto --dist worksteal --durations 40

lint: .venv/installed-dev ## check style, format and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: .venv/installed-dev ## rewrite the code in the project's format
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

pictures: .venv/installed-dev ## draw the committed pictures again, into docs/
	@set -e; for example in $(PICTURED); do $(RUN) "$$example" --out docs/pictures; done
	$(RUN) examples/gallery.py

rules: .venv/installed-dev ## check every rule again and write docs/rules.md (takes many minutes)
	$(ONE_THREAD) $(RUN) -m autograd_bp.testing.table docs/rules.md --jobs 2

tables: .venv/installed-dev ## write docs/numpy.md and docs/export.md again
	$(RUN) -m autograd_bp.numpy_protocol.page > docs/numpy.md
	$(RUN) -m autograd_bp.export.table docs/export.md

bench: .venv-bench/installed ## time every engine on every workload, and write docs/performance.* (takes many minutes)
	.venv-bench/bin/python benchmarks/speed --write docs

clean: ## remove what runs leave behind, but not .venv
	rm -rf out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -type d -name __pycache__ -exec rm -rf {} +

distclean: clean ## remove the environments too
	rm -rf .venv .venv-bench

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "autograd-bp needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@$(RUN) -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv || { \
	  echo "Could not make .venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(RUN) -m pip install --quiet --editable ".[examples]"
	@touch $@

.venv/installed-dev: .venv/installed
	$(RUN) -m pip install --quiet --editable ".[dev]"
	@touch $@

.venv/installed-peers: .venv/installed-dev
	$(RUN) -m pip install --quiet --editable ".[dev,peers]"
	@touch $@

.venv-bench/installed: .venv/installed
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable ".[dev,peers]"
	@touch $@

# make demo, make test: all a newcomer needs, each from a bare checkout. They build .venv first; later runs reuse it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# Where there is no accelerator, the default torch would bring gigabytes of libraries that nothing can use, so a CPU
# build is tried first. Choose your own with e.g. `make TORCH="torch==2.12.0"` or `make TORCH="torch --index-url URL"`.
TORCH_RANGE := torch>=2.11,<2.14
TORCH ?= $(if $(shell command -v nvidia-smi),$(TORCH_RANGE),torch==2.13.0+cpu)

BIN := .venv/bin
LOG := .venv/install.log
PYTEST := $(BIN)/python -m pytest -n $(JOBS)
# pip, quietly: what it says is in $(LOG), and is shown only when it fails.
PIP := $(BIN)/python -m pip --disable-pip-version-check
QUIET := >> $(LOG) 2>&1
SHOW_LOG := { tail -n 40 $(LOG); echo "Setting up .venv failed; the whole log is $(LOG)." >&2; exit 1; }

.PHONY: help demo test test-all test-slow browser bench tutorials check format sanitize aarch64 clean

help:
	@echo "make demo      fit a model on data that is shipped, show the score beside the baselines, stream from it"
	@echo "make test      the tests every change needs"
	@echo "make test-all  those and the long ones"
	@echo "make test-slow the long ones, or a part of them: make test-slow SLOW_PART=0/3"
	@echo "make browser   install chromium where there is none: slow tests open reports in it"
	@echo "make bench     whorl beside torch, jax and ONNX Runtime, about 15 minutes: make bench BENCH=--quick for a part"
	@echo "make tutorials run the pages of docs/tutorials and draw their figures anew, about 2 minutes"
	@echo "make check     ruff, mypy, import-linter, size budgets, docs written by tools, clang-format"
	@echo "make format    rewrite the sources as make check wants them"
	@echo "make sanitize  the tests of the native code, with address and undefined-behaviour sanitizers"
	@echo "make aarch64   compile the native code for ARM, by a cross compiler (Debian: g++-aarch64-linux-gnu)"
	@echo "make clean     remove .venv and everything built"

demo: .venv/.ready
	@$(BIN)/whorl demo

test: .venv/.ready
	@$(PYTEST) -q -m "not slow"

test-all: .venv/.ready browser
	@WHORL_TEST_PROFILE=long $(PYTEST) -q

test-slow: .venv/.ready browser
	@$(PYTEST) -q -m slow $(if $(SLOW_PART),--slow-part $(SLOW_PART)) || { status=$$?; ((status == 5)); } # 5: no tests in it

# Any of these will do. Where none can be installed, the tests that need one fail, and all others run.
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
browser:
	@for name in $(BROWSERS); do ! command -v $$name > /dev/null || exit 0; done; \
	  as_root=; [[ $$(id -u) == 0 ]] || as_root=sudo; \
	  echo "Installing chromium, in which reports are tested ..."; \
	  { $$as_root apt-get update -qq && $$as_root apt-get install -y -qq --no-install-recommends chromium > /dev/null; } || \
	  echo "chromium could not be installed, so the tests that open a report in a browser will fail: install it," \
	    "or google-chrome, by hand." >&2

# What is measured and written stands in benchmarks/run.py; a part (BENCH="--quick", BENCH="--only 'step *'") leaves the
# committed results and their page as they are.
bench: .venv/.bench
	@$(BIN)/python -m benchmarks.run $(BENCH)
	@$(if $(BENCH),,$(BIN)/python -m benchmarks.page)

tutorials: .venv/.ready
	@$(BIN)/python tools/pages.py docs/tutorials/[0-9]*.md

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py
	$(BIN)/python tools/reliability.py --check
	$(BIN)/python -m benchmarks.page --check
	$(BIN)/python -m benchmarks.quality --check
	$(BIN)/python -m benchmarks.classic_page --check
	$(BIN)/clang-format --dry-run --Werror csrc/*.cpp csrc/*.h

format: .venv/.ready
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/clang-format -i csrc/*.cpp csrc/*.h

sanitize: .venv/.ready
	@$(BIN)/python tools/sanitize.py

# All but the bindings, which need the headers of a Python for that processor.
AARCH64 ?= aarch64-linux-gnu-g++
aarch64:
	@for source in $(filter-out %bindings.cpp,$(wildcard csrc/*.cpp)); do \
	  $(AARCH64) -std=c++17 -O3 -ffp-contract=off -fPIC -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast \
	    -Wnon-virtual-dtor -Werror -c "$$source" -o /dev/null; done

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "whorl needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu install python3-venv." >&2; exit 1; }

# The install is editable: Python sources are live, and a change of the C++ sources or of the dependencies runs this again.
.venv/.ready: pyproject.toml CMakeLists.txt $(wildcard csrc/*) | .venv/bin/python
	@echo "Setting up .venv (the first time takes some minutes) ..."
	@$(BIN)/python -c 'import torch' 2> /dev/null || $(PIP) install $(if $(findstring >,$(TORCH)),"$(TORCH)",$(TORCH)) $(QUIET) || \
	  $(if $(filter file,$(origin TORCH)),$(PIP) install "$(TORCH_RANGE)" $(QUIET) ||) $(SHOW_LOG)
	@$(PIP) install "scikit-build-core>=0.11" "nanobind>=2.8" "ninja>=1.11" $(QUIET) || $(SHOW_LOG)
	@command -v cmake > /dev/null || $(PIP) install "cmake>=3.25" $(QUIET) || $(SHOW_LOG)
	@PATH="$$PWD/$(BIN):$$PATH" $(PIP) install --no-build-isolation --editable ".[train,dev]" $(QUIET) || $(SHOW_LOG)
	@touch $@

# The peers of the benchmarks. Where one cannot be installed, the others are measured, and the run says what is missing.
BENCH_PEERS = $(shell $(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*(repr(name) for name in extras["bench"]))')
.venv/.bench: .venv/.ready
	@echo "Installing the libraries that whorl is compared with ..."
	@missing=; for peer in $(BENCH_PEERS); do $(PIP) install "$$peer" $(QUIET) || missing+=" $$peer"; done; \
	  if [[ -z $$missing ]]; then touch $@; else \
	  tail -n 5 $(LOG); echo "Not installed, and not compared:$$missing. The whole log is $(LOG)." >&2; fi

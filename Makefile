# Everything a developer or a CI machine does, from a clean clone, without root.
#
# Needed beforehand: Python >= 3.11 with its venv module, and make. The rest is
# installed here, into .tools (a pinned uv), .venv (everything, sources editable)
# and .venv-signer (what the offline machine gets: two built wheels, what they
# need to run, and a test runner). Paths are relative, so that the project may lie
# in a folder with a space in its name.

UV_VERSION := 0.13.8
UV := .tools/bin/uv
TOOLS := .tools/uv-$(UV_VERSION)
PY := .venv/bin/python
SIGNER_PY := .venv-signer/bin/python

# The machine that `make bundle` builds for, and the folder that it writes to.
BUNDLE_PYTHON := 3.11
BUNDLE_ARCH := x86_64
BUNDLE_DIR := build/bundle

# Seconds of `make soak` for each target.
SECONDS := 60

# Another interpreter: make env PYTHON=python3.13
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; \
	do "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)

# uv neither downloads an interpreter nor warns about an environment that happens
# to be active.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
unexport VIRTUAL_ENV

# Runs uv with the package index that pip is configured to use, if any: a mirror
# has other addresses than uv.lock, but the same hashes, and those are checked.
WITH_INDEX = index="$${UV_DEFAULT_INDEX:-$$(.tools/bin/python -m pip config list \
	| sed -n "s/^[^=]*[.]index-url='\(.*\)'$$/\1/p" | head -n 1)}"; \
	$${index:+env UV_DEFAULT_INDEX="$$index"}

# Compares uv.lock with the projects' requirements. Needs no network as long as
# they agree, and a mirror must not count as a difference.
CHECK_LOCK = env -u UV_DEFAULT_INDEX -u UV_INDEX_URL $(UV) lock --quiet --check \
	--offline 2>/dev/null || { echo "uv.lock is out of date: run make lock" >&2; exit 1; }

SIGNER_SOURCES := $(shell find shared/src signer/src -name '*.pyc' -o -type f -print)

# A deleted module must disappear from the installed wheel too: the stamp's name
# depends on which files there are.
SIGNER_ENV := .venv-signer/.complete-$(shell echo $(sort $(SIGNER_SOURCES)) | cksum \
	| cut -d ' ' -f 1)

# The root's pyproject.toml is not among these: what it says of the environments is
# in uv.lock as well, and the rest are settings of tools.
PROJECT_FILES := uv.lock $(wildcard */pyproject.toml)

# Everything but what needs the other environment.
TESTS := tests --ignore=tests/signer
SIGNER_TESTS := $(wildcard tests/signer tests/shared \
	tests/architecture/test_network_free_signer.py)

.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.PHONY: help env demo test check quick cover bench soak bundle lock clean

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile | expand -t 14

env: .venv/.complete $(SIGNER_ENV)  ## make the two environments

demo: .venv/.complete  ## the whole journey of a payment, on this machine alone
	@$(PY) tests/e2e/demo.py

# Both runs are made even when the first fails: one call shows all there is to fix.
test: env  ## run all tests, the signer's in an environment without a network client
	@status=0; \
	echo "== signer and shared, as installed on the offline machine"; \
	$(SIGNER_PY) -m pytest $(SIGNER_TESTS) || status=1; \
	echo "== shared, relay, end to end, architecture"; \
	$(PY) -m pytest $(TESTS) || status=1; \
	exit $$status

# Both halves, for the same reason as above; pytest's summary comes last.
check: env  ## what CI runs: quick, then test
	@status=0; $(MAKE) quick || status=1; $(MAKE) test || status=1; exit $$status

quick: .venv/.complete  ## format, lint, types and import contracts
	@$(CHECK_LOCK)
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo

cover: .venv/.complete  ## branch coverage of shared and of the signer's core
	@$(PY) -m pytest --quiet --cov --cov-report=term-missing:skip-covered \
		$(wildcard tests/shared tests/signer)

bench: .venv/.complete  ## measure speed; writes JSON to build/
	@mkdir -p build
	@$(PY) -m tests.bench

soak: .venv/.fuzz  ## feed every parser random input, SECONDS=60 each
	@mkdir -p build
	@$(PY) -m tests.fuzz --seconds $(SECONDS) --findings build/findings

bundle: build/bundler/.complete  ## the offline installer, BUNDLE_PYTHON=3.11 BUNDLE_ARCH=x86_64
	@$(CHECK_LOCK)
	@build/bundler/bin/python signer/bundle/build.py \
		--signer-lock build/bundler/pylock.signer.toml \
		--tools-lock build/bundler/pylock.bundle.toml \
		--python "$(BUNDLE_PYTHON)" --machine "$(BUNDLE_ARCH)" --out "$(BUNDLE_DIR)"

lock: $(TOOLS)  ## renew uv.lock after a change of dependencies
	@$(UV) lock

clean:  ## remove everything made here
	rm -rf .tools .venv .venv-signer build dist
	rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find shared signer relay tests -name __pycache__ -prune -exec rm -rf {} +

$(TOOLS):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@echo "preparing uv $(UV_VERSION)"
	@"$(PYTHON)" -m venv --clear .tools
	@.tools/bin/python -m pip install -qq --disable-pip-version-check \
		--only-binary :all: uv==$(UV_VERSION)
	@touch $@

# Exported and installed by hash instead of `uv sync`, which knows no mirrors.
.venv/.complete: $(TOOLS) $(PROJECT_FILES)
	@$(CHECK_LOCK)
	@echo "preparing .venv"
	@mkdir -p build
	@$(UV) venv --quiet --allow-existing --python .tools/bin/python .venv
	@$(UV) export --quiet --frozen --all-packages --all-extras --all-groups \
		--no-group bundle --no-group fuzz \
		--no-emit-workspace --output-file build/requirements.txt
	@$(WITH_INDEX) $(UV) pip sync --quiet --python $(PY) --require-hashes \
		build/requirements.txt
	@$(WITH_INDEX) $(UV) pip install --quiet --python $(PY) --no-deps \
		--editable ./shared --editable ./signer --editable ./relay
	@touch $@

.venv-signer/.dependencies: $(TOOLS) $(PROJECT_FILES)
	@$(CHECK_LOCK)
	@echo "preparing .venv-signer"
	@mkdir -p build
	@$(UV) venv --quiet --allow-existing --python .tools/bin/python .venv-signer
	@$(UV) export --quiet --frozen --package airgap-signer --no-default-groups \
		--no-emit-workspace --output-file build/requirements-signer.txt
	@$(UV) export --quiet --frozen --only-group signer-test \
		--output-file build/requirements-signer-test.txt
	@$(WITH_INDEX) $(UV) pip sync --quiet --python $(SIGNER_PY) --require-hashes \
		build/requirements-signer.txt build/requirements-signer-test.txt
	@touch $@

$(SIGNER_ENV): .venv-signer/.dependencies $(SIGNER_SOURCES)
	@rm -rf build/wheels .venv-signer/.complete-*
	@$(WITH_INDEX) $(UV) build --quiet --wheel --out-dir build/wheels shared
	@$(WITH_INDEX) $(UV) build --quiet --wheel --out-dir build/wheels signer
	@$(UV) pip install --quiet --python $(SIGNER_PY) --no-deps --no-index \
		--reinstall build/wheels/*.whl
	@touch $@

# The tools that build the bundle, by hash and apart from everything else, and the
# parts of uv.lock that say what is in it.
build/bundler/.complete: $(TOOLS) $(PROJECT_FILES)
	@$(CHECK_LOCK)
	@echo "preparing build/bundler"
	@mkdir -p build
	@$(UV) venv --quiet --allow-existing --python .tools/bin/python build/bundler
	@$(UV) export --quiet --frozen --package airgap-signer --no-default-groups \
		--no-emit-workspace --output-file build/bundler/pylock.signer.toml
	@$(UV) export --quiet --frozen --only-group bundle \
		--output-file build/bundler/pylock.bundle.toml
	@$(UV) export --quiet --frozen --only-group bundle \
		--output-file build/bundler/requirements.txt
	@$(WITH_INDEX) $(UV) pip sync --quiet --python build/bundler/bin/python \
		--require-hashes build/bundler/requirements.txt
	@touch $@

.venv/.fuzz: .venv/.complete
	@$(UV) export --quiet --frozen --only-group fuzz \
		--output-file build/requirements-fuzz.txt
	@$(WITH_INDEX) $(UV) pip install --quiet --python $(PY) --no-deps \
		--require-hashes --requirements build/requirements-fuzz.txt
	@touch $@

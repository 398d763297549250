# `make` alone lists the targets. Everything is installed into .venv, nothing outside the clone.

# The interpreter a new .venv is made with, and the number of cores a study may use:
# make PYTHON=python3.12 CORES=4 study
PYTHON ?= python3
CORES ?= all
# The study: make CONFIG=config/mine.yaml study
CONFIG ?= config/config.yaml
# A folder of workflow/profiles, where the jobs of a study run: default (here), slurm, generic. And
# what else Snakemake is told: make PROFILE=slurm OPTIONS="--default-resources slurm_account=me" study
PROFILE ?= default
OPTIONS ?=

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help asked study smoke test kernels cluster bench docs lint lock clean

# Without bytecode on disk every job would compile its imports anew, which takes longer than
# importing; a foreign PYTHONPATH or PYTHONHOME would mix other packages into .venv.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
export PYTHONNOUSERSITE := 1

# As in the Snakefile: freed memory is kept, not asked for anew at every array (glibc).
export MALLOC_MMAP_THRESHOLD_ := 33554432
export MALLOC_TRIM_THRESHOLD_ := 1073741824

# A stamp carries a checksum of what it installed and of where: the first run after an edit of
# a lock, or after the folder was moved, installs, and every other run does nothing.
checksum = $(shell { pwd; cat pyproject.toml $(1); } | cksum | cut -d ' ' -f 1)
RUN_STAMP := .venv/.run-$(call checksum,requirements.lock)
CLUSTER_STAMP := .venv/.cluster-$(call checksum,requirements.lock requirements-cluster.lock)
# Installed for those who need them alone: every job starts a Snakemake, and each of these would
# import the executors it finds.
PROFILE_STAMP := $(if $(filter default,$(PROFILE)),$(RUN_STAMP),$(CLUSTER_STAMP))
TEST_STAMP := .venv/.test-$(call checksum,requirements.lock requirements-test.lock)

IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
UV_INSTALL := .venv/bin/uv pip install --quiet --python .venv/bin/python
fail = { echo "glasscade: $(1)" >&2; exit 1; }
PROFILES := $(notdir $(patsubst %/,%,$(wildcard workflow/profiles/*/)))
NO_PROFILE := there is no profile '$(PROFILE)'; it is one of $(PROFILES)
ONE_CORE := CORES must be a positive number or all, not '$(CORES)'
ONE_FILE := OPTIONS must not have --config or --configfile: neither the check before a study nor its \
	report would see them; edit a copy of the configuration and name it with CONFIG.
PLAIN := paths must be without spaces: $(CURDIR), CONFIG=$(CONFIG)
TOO_OLD := Python 3.11 or newer is needed and '$(PYTHON)' is not one; install it, or name another \
	as in 'make PYTHON=python3.12 study'.
NO_VENV := '$(PYTHON) -m venv' does not work here; install Python's venv module (python3-venv on \
	Debian and Ubuntu) and call make again.
OFFLINE := the packages could not be installed, for the reason above; the first set-up needs a \
	network connection, and 'make' can simply be called again.

help: ## list the targets
	@awk '/^[a-z]+:.*## / { name = $$0; sub(/:.*/, "", name); sub(/.*## /, ""); \
	printf "make %-7s %s\n", name, $$0 }' Makefile
	@echo "Variables: PYTHON (of a new .venv, now $(PYTHON)), CORES (of a study, now $(CORES)),"
	@echo "CONFIG (of a study, now $(CONFIG)), PROFILE (of a study: default, slurm, generic),"
	@echo "OPTIONS (of Snakemake, for a study)"

study: asked $(PROFILE_STAMP) ## set up, run CONFIG, write results/<study>/summary.html
	@$(call run_study,$(CONFIG))

smoke: asked $(PROFILE_STAMP) ## the same in small: config/smoke.yaml to results/smoke/summary.html
	@$(call run_study,config/smoke.yaml)

# Before anything is installed. Snakemake would wait for ever without a core, and run the whole
# without a profile; neither make nor the shells of jobs take spaces in paths. OPTIONS are those of
# one run of Snakemake and not of the report that follows, where those of a cluster mean nothing.
asked:
	@$(if $(filter-out 1,$(words $(CURDIR)) $(words $(CONFIG))),$(call fail,$(PLAIN)))
	@$(if $(filter $(PROFILE),$(PROFILES)),,$(call fail,$(NO_PROFILE)))
	@$(if $(filter --conf% -C%,$(OPTIONS)),$(call fail,$(ONE_FILE)))
	@case "$(CORES)" in all) ;; "" | 0* | *[!0-9]*) $(call fail,$(ONE_CORE)) ;; esac

# Read by our own reader before Snakemake reads it, with one of its own that runs Python in it if
# asked. In a terminal a bar over jobs; elsewhere Snakemake's own lines, which a log file can hold.
run_study = set -e; export $(IN_VENV); \
	results=$$(glasscade check --quiet $(1)); \
	here="snakemake --workflow-profile workflow/profiles/default --cores $(CORES) --configfile $(1)"; \
	run="$(if $(filter default,$(PROFILE)),$$here,$(ELSEWHERE) --configfile $(1)) $(OPTIONS)"; \
	if [ -t 2 ]; then bar="--logger rich"; else bar=""; fi; \
	echo "$$run $$bar"; $$run $$bar; \
	[ -s $$results/ro-crate-metadata.json ] || exit 0; \
	echo "$$here --report $$results/report.html"; $$here --report $$results/report.html; \
	echo "In $$results: summary.html (read this first), verdicts.csv, report.html"

# The profile of a cluster says how many jobs and cores.
ELSEWHERE = snakemake --workflow-profile workflow/profiles/$(PROFILE)

test: $(TEST_STAMP) ## set up, check style, types and layers, run the tests
	@$(MAKE) --no-print-directory --jobs 2 lint kernels
	$(IN_VENV) pytest -n 2

# Beside `lint`, which leaves a core idle; otherwise each of the test processes compiles them all.
kernels: $(TEST_STAMP)
	$(IN_VENV) python -c 'from glasscade.stages import warm; warm.once()'

lint: $(TEST_STAMP) ## style, formatting, types, layers
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy
	$(IN_VENV) lint-imports --no-logo

cluster: $(CLUSTER_STAMP) results/smoke/verdicts.csv ## the small study on a real Slurm, started for it (Debian, root)
	@tests/cluster/run

results/smoke/verdicts.csv:
	@$(MAKE) --no-print-directory smoke

bench: $(TEST_STAMP) ## time against named peers, write benchmarks/results.csv
	$(IN_VENV) python benchmarks/run.py

# Each time from nothing: what an older build has left hides a missing page.
docs: $(TEST_STAMP) ## run the tutorial, build the site, docs/_build/html/index.html
	$(IN_VENV) pytest docs/test_tutorial.py
	rm -rf docs/_build docs/reference/generated
	$(IN_VENV) sphinx-build -q -W --keep-going -j 2 -c docs -b html . docs/_build/html

# Keeps what is pinned; `make lock UPGRADE=--upgrade` takes the newest of everything.
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --extra setup
lock: $(RUN_STAMP) ## write the lock files anew from pyproject.toml
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --extra cluster --constraint requirements.lock --output-file requirements-cluster.lock
	$(COMPILE) --extra docs --extra interop --extra test --constraint requirements.lock --output-file requirements-test.lock

clean: ## remove .venv and caches; results and Snakemake's records of them stay
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find src tests workflow benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# pip installs the pinned uv, whose entry and hashes are cut out of the lock; uv, several times
# as fast, installs the rest.
$(RUN_STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	|| $(call fail,$(TOO_OLD))
	@rm -f .venv/.run-* .venv/.cluster-* .venv/.test-*
	@{ .venv/bin/python -c 'import pip' && grep -qF "$(CURDIR)/.venv" .venv/bin/pip; } >/dev/null 2>&1 \
	|| $(PYTHON) -m venv --clear .venv >/dev/null 2>&1 || $(call fail,$(NO_VENV))
	@echo "Setting up .venv with the packages of requirements.lock (once; about a minute)"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt \
	&& $(UV_INSTALL) --compile-bytecode --require-hashes -r requirements.lock \
	&& $(UV_INSTALL) --no-deps --no-build-isolation -e . \
	&& .venv/bin/python -m compileall -q src \
	|| $(call fail,$(OFFLINE))
	@touch $@

$(CLUSTER_STAMP): $(RUN_STAMP)
	@rm -f .venv/.cluster-*
	@echo "Adding the packages of requirements-cluster.lock (once)"
	@$(UV_INSTALL) --compile-bytecode --require-hashes -r requirements-cluster.lock || $(call fail,$(OFFLINE))
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@rm -f .venv/.test-*
	@echo "Adding the packages of requirements-test.lock (once)"
	@$(UV_INSTALL) --compile-bytecode --require-hashes -r requirements-test.lock || $(call fail,$(OFFLINE))
	@touch $@

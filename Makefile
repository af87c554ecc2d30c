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

test: setup ## the tests (README: under 15 minutes; see test-slow and test-cluster for the rest)
	@$(PY) -m pytest -m "not slow and not cluster" $(ARGS)

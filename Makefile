# Everything a person or a machine does with this repository. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-slow test-lowest image-test check bench mutation lock fmt docs clean

PYTHON ?= python3
# Tests in this many processes, a file's in one: they wait more than they compute.
WORKERS ?= 4
ALONE := tests/acceptance/test_kill.py tests/acceptance/test_lost_answers.py tests/acceptance/test_models_fetch.py \
	tests/acceptance/test_panel.py tests/contract/llm/test_real_model.py
BIN := .venv/bin
export PYTHON

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

run: .venv/.installed ## start Beseda and print its address; without a bot token it is a sandbox for the browser
	@$(BIN)/beseda run

install: .venv/.installed ## put what running needs into .venv

install-dev: .venv/.installed-dev ## put what tests and checks need into .venv, too

test: .venv/.installed-dev ## run every test but the slow ones: at most ten minutes on two cores
	@scripts/install-test-servers
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m "not slow" $(ARGS)

test-slow: .venv/.installed-dev ## run the slow tests: kills, endurance, the second browser size
	@scripts/install-test-servers
	@# Kills under load and a real model want the machine for themselves.
	@$(BIN)/python -m pytest -m slow $(ALONE) $(ARGS) && alone=0 || alone=1; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m slow $(ALONE:%=--ignore=%) $(ARGS) && exit $$alone

test-lowest: .venv/.installed-dev ## run the unit tests with the lowest versions that pyproject.toml allows
	@scripts/test-lowest $(ARGS)

image-test: ## build the image with buildah and run it with podman (as root on Debian)
	@scripts/check-image

check: .venv/.installed-dev ## lint, types, architecture, locks, generated pages
	@scripts/check

bench: .venv/.installed-dev ## measure Beseda beside a bare aiogram bot
	@$(BIN)/python -m bench $(ARGS)

mutation: .venv/.installed-dev ## measure how many one-line faults the tests of the core modules notice
	@$(BIN)/python -m scripts.mutation $(ARGS)

lock: .venv/.installed-dev ## write both lock files anew (ARGS=--upgrade takes newer versions)
	@scripts/lock $(ARGS)

fmt: .venv/.installed-dev ## format the code and mend what can be mended
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

docs: .venv/.installed-dev ## write the generated pages of docs/reference anew
	@$(BIN)/python -m scripts.generate_reference
	@$(BIN)/python -m scripts.draw_layout

clean: ## remove .venv and what tools left; data/ and .env stay
	@rm -rf .venv .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock pyproject.toml scripts/install
	@scripts/install requirements.lock
	@touch $@

.venv/.installed-dev: requirements-dev.lock pyproject.toml scripts/install
	@scripts/install requirements-dev.lock
	@touch $@ .venv/.installed

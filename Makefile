# `make` alone lists what can be done. Every target sets up what it needs first, and only what is missing.
PY := .venv/bin/python
PYTEST := .venv/bin/pytest
COVERAGE := --cov --cov-branch --cov-report=term:skip-covered
SOURCES := accounts quotas vms consoles vmportal devcluster scripts tests manage.py
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: set-up-demo set-up-house set-up-test
set-up-demo:
	@python3 -m scripts.setup --for demo
set-up-house:
	@python3 -m scripts.setup --for house
set-up-test:
	@python3 -m scripts.setup --for test

.PHONY: demo demo-house demo-reset
demo: set-up-demo ## start the whole portal on a stand-in cluster (PORT=8000); Ctrl+C stops it
	@exec python3 -m scripts.demo
demo-house: set-up-house ## the same with a directory and a sign-in page of a house behind it
	@exec python3 -m scripts.demo_house
demo-reset: ## forget both demos' data, machines and passwords
	@python3 -m scripts.demo --reset
	@python3 -m scripts.demo_house --reset

.PHONY: test test-fast soak bench contract
test: set-up-test ## run every test, with branch coverage
	$(PYTEST) -n 2 --dist loadscope -m "not soak" $(COVERAGE)
test-fast: set-up-test ## run what needs no browser, no QEMU and no long wait
	$(PYTEST) -n 2 --dist loadscope -m "not soak and not slow and not browser and not qemu"
soak: set-up-test ## run every test with the large counts; takes hours
	VMPORTAL_SOAK=1 $(PYTEST) -n 2 --dist loadscope --timeout 7200
bench: set-up-test ## measure pages at 300 and 3,000 machines, and consoles beside others (build/benchmarks.md)
	@mkdir -p build
	BENCH_TABLE=build/benchmarks.md $(PYTEST) -n 0 -m bench
contract: set-up-test ## hold the gateway against a cluster: CONTRACT_PROXMOX_*, else the stand-in
	$(PYTEST) -n 0 -m contract

.PHONY: lint fmt lock
lint: set-up-test ## check style and types
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/mypy
fmt: set-up-test ## put the code in form
	.venv/bin/ruff check --fix $(SOURCES)
	.venv/bin/ruff format $(SOURCES)
lock: set-up-test ## write the locks anew from requirements*.in and package.json
	.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt
	.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes requirements.in -o requirements.txt -c requirements-dev.txt
	for name in tools node canaille; do .venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes requirements-$$name.in -o requirements-$$name.txt; done
	npm install --ignore-scripts --package-lock-only

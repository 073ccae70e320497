# Everything a newcomer needs: `make run`, `make test`. Every step says what it does, can be interrupted, and is not
# done twice: a stamp in .venv/stamps is newer than what it was made from.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
SHARE := $(VENV)/share/outpost
DATA ?= ../shared/data
MINUTES ?= 55
SIZE ?= 0.4B
RECORDS ?= 200000
CONVERT := models/convert.py models/carried.py models/starter/bert.py

.DEFAULT_GOAL := help
.PHONY: help run setup chat test check format smoke attacks security faults bench bench-models bench-guard bench-audit bench-jobs eval models models-eval lock clean

help: ## Show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: setup ## Set up, then start the appliance with the demo plant on http://127.0.0.1:8000
	@$(BIN)/outpost run --demo

setup: $(STAMPS)/run $(STAMPS)/models $(STAMPS)/webui ## Everything an appliance needs, nothing it does not

$(STAMPS)/venv:
	@echo "[1/4] a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=… names one)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "hint: apt-get install python3-venv"; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements.txt pyproject.toml | $(STAMPS)/venv
	@echo "[2/4] Python packages ($$(grep -c '==' requirements.txt) pinned, each with its hash)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/models: $(CONVERT) $(wildcard models/starter/weights/*) | $(STAMPS)/run
	@echo "[3/4] the models: embed, rerank, read, classify, and the starter chat model"
	@$(BIN)/python -m models.convert --into $(SHARE)/models
	@touch $@

$(STAMPS)/node: | $(STAMPS)/run
	@if command -v node >/dev/null && command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then \
		printf '#!/bin/sh\nexec npm "$$@"\n' > $(VENV)/npm; \
	else \
		echo "      Node.js, from PyPI: the system has none of version 20.19 or newer"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt; \
		$(BIN)/python packaging/npm_from_wheel.py > $(VENV)/npm; \
	fi
	@chmod +x $(VENV)/npm && touch $@

WEBUI := $(shell find webui -path webui/node_modules -prune -o -path webui/dist -prune -o -type f -print 2>/dev/null)
$(STAMPS)/webui: $(WEBUI) | $(STAMPS)/node
	@echo "[4/4] the user interface"
	@cd webui && ../$(VENV)/npm ci --silent --no-audit --no-fund && ../$(VENV)/npm run --silent build
	@mkdir -p $(SHARE) && rm -rf $(SHARE)/webui.new && cp -r webui/dist $(SHARE)/webui.new
	@rm -rf $(SHARE)/webui && mv $(SHARE)/webui.new $(SHARE)/webui
	@touch $@

$(STAMPS)/dev: requirements-dev.txt | $(STAMPS)/run
	@echo "[dev] what tests and checks need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch $@

$(STAMPS)/chat: requirements-chat.txt packaging/chat_wheel.sh | $(STAMPS)/run
	@echo "[chat] the chat server: llama.cpp, built from source"
	@awk '/^[^ ]/ { wanted = !/^llama-cpp-python==/ } wanted' requirements-chat.txt > $(STAMPS)/chat.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $(STAMPS)/chat.txt
	@wheel=$$(packaging/chat_wheel.sh $(BIN)/python) && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$$wheel"
	@touch $@

$(STAMPS)/browser: | $(STAMPS)/dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
		echo "[dev] a browser for the tests of the user interface"; \
		(command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium >/dev/null) \
		|| $(BIN)/python -m playwright install chromium \
		|| { echo "hint: install Chromium (Debian: apt-get install chromium)"; exit 1; }; }
	@touch $@

$(STAMPS)/tpm: | $(STAMPS)/dev
	@command -v swtpm >/dev/null && command -v tpm2_unseal >/dev/null || { \
		echo "[dev] a TPM in software, for the tests of the keys"; \
		(command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq swtpm tpm2-tools >/dev/null) \
		|| { echo "hint: install swtpm and tpm2-tools (Debian: apt-get install swtpm tpm2-tools)"; exit 1; }; }
	@touch $@

chat: setup $(STAMPS)/chat ## Add the chat server: builds llama.cpp once, in some six minutes

test: setup $(STAMPS)/dev $(STAMPS)/chat $(STAMPS)/browser $(STAMPS)/tpm ## Set up, then run every test
	@$(BIN)/python -m pytest
	@cd webui && ../$(VENV)/npm run --silent test

check: $(STAMPS)/dev $(STAMPS)/chat $(STAMPS)/node ## Style, types, no secrets, documents that match the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.secret_scan
	@$(BIN)/python -m appliance.reference --check docs/reference
	@$(BIN)/outpost openapi $(STAMPS)/openapi.json && cmp -s $(STAMPS)/openapi.json webui/openapi.json || { \
		echo "webui/openapi.json no longer matches the code: run make format"; exit 1; }
	@[ -d webui/node_modules ] || (cd webui && ../$(VENV)/npm ci --silent --no-audit --no-fund)
	@cd webui && ../$(VENV)/npm run --silent check

format: $(STAMPS)/dev ## Format the code and write the reference pages
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
	@$(BIN)/python -m appliance.reference docs/reference
	@$(BIN)/outpost openapi webui/openapi.json

smoke: setup ## The path of `make run` in a fresh directory: start, one question answered, stop
	@$(BIN)/python -m tests.smoke

attacks: setup $(STAMPS)/dev ## Every attack, with all of the lists in DATA; a table of tries, refused, let through (0)
	@$(BIN)/python -m tests.attacks $(if $(wildcard $(DATA)),--data $(DATA))

security: setup $(STAMPS)/dev ## Weak code, strings in SQL, secrets in the tree; with bandit and pip-audit, what those find
	@$(BIN)/ruff check --quiet .
	@$(BIN)/python -m tests.secret_scan
	@$(BIN)/python -m pytest -q tests/attacks/test_sql_built_of_strings.py tests/attacks/test_secrets_in_the_tree.py
	@if command -v bandit >/dev/null; then bandit -q -lll -r appliance models packaging; else echo "bandit is not here: left out"; fi
	@if command -v pip-audit >/dev/null; then pip-audit --disable-pip --require-hashes -r requirements.txt; \
		else echo "pip-audit is not here, and asks a network: left out"; fi

faults: setup $(STAMPS)/dev ## Every fault a node is to survive, at every step, and 200 kills; nothing acknowledged may be lost
	@$(BIN)/python -m tests.faults --kills 200

bench: setup $(STAMPS)/dev $(STAMPS)/chat ## Measure, print a table, write var/bench/
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m models.bench
	@$(BIN)/python -m models.bench_chat

bench-models: setup $(STAMPS)/dev $(STAMPS)/chat ## Measure the chat server beside llama.cpp and llama_cpp.server (SIZE=0.4B)
	@$(BIN)/python -m models.bench_chat --size $(SIZE)

bench-guard: setup $(STAMPS)/dev ## Measure what the guard finds, wrongly flags and costs, and what the whole defence costs a request
	@$(BIN)/python -m tests.bench.guard --data $(DATA)
	@$(BIN)/python -m tests.bench.defence

bench-audit: setup $(STAMPS)/dev ## Measure what the record costs a request, and how fast and in how little memory it is verified (RECORDS=200000)
	@$(BIN)/python -m tests.bench.audit --records $(RECORDS)

bench-jobs: setup $(STAMPS)/dev ## Measure the queue over both databases: jobs/s with 1, 2 and 8 workers, latency, 10x history
	@$(BIN)/python -m tests.bench.jobs

eval: setup ## Score the demo plant's golden questions on a node of its own
	@$(BIN)/python -m tests.smoke --eval

models: $(STAMPS)/dev ## Train the reader, the classifier and the starter again (needs torch; MINUTES=…, DATA=../shared/data)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/python -m models.starter train --data $(DATA) --minutes $(MINUTES)
	@$(BIN)/python -m models.starter delta --data $(DATA)
	@$(BIN)/python -m models.starter.injection train --data $(DATA)
	@$(BIN)/python -m models.starter.chat train --data $(DATA) --minutes $(MINUTES)
	@$(BIN)/python -m models.starter.chat pack

models-eval: setup $(STAMPS)/dev $(STAMPS)/chat ## Measure reader, classifier and starter on what they have not seen
	@$(BIN)/python -m models.starter evaluate --data $(DATA)
	@$(BIN)/python -m models.starter rank --data $(DATA)
	@$(BIN)/python -m models.starter.injection evaluate --data $(DATA)
	@$(BIN)/python -m models.starter.chat evaluate --data $(DATA)

lock: ## Resolve the dependencies again and write requirements*.txt
	@packaging/lock.sh

clean: ## Remove everything that set-up and runs have made
	rm -rf $(VENV) var webui/node_modules webui/dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

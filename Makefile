# Everything a developer runs. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Where the tests find the gateway.
export SWITCHBOARD_BIN := $(CURDIR)/target/debug/switchboard

NPM := npm
HAVE_NODE := $(shell command -v node >/dev/null && command -v $(NPM) >/dev/null && echo yes)

DEMO_SOURCES := $(shell find web-demo -type f -not -path '*/node_modules/*' -not -path '*/dist/*')

# Whatever has a description is a thing to do, and no file.
.PHONY: $(shell awk -F: '/^[a-z0-9-]+:.*\#\# / {print $$1}' $(firstword $(MAKEFILE_LIST)))

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: demo ## Start the gateway with the demo on http://localhost:3000/demo/
	DEV=true HOST=$${HOST:-127.0.0.1} cargo run --locked

run-sfu: build media-service/node_modules/.installed ## The same with a Media Service: the third peer makes it an SFU room
	@scripts/sfu.sh '$(SWITCHBOARD_BIN)'

cluster: build ## Start three nodes and a Redis, with the demo on ports 3001 to 3003
	@scripts/cluster.sh '$(SWITCHBOARD_BIN)'

observe: build ## The same with a Prometheus that scrapes the nodes, on port 9090
	@OBSERVE=true scripts/cluster.sh '$(SWITCHBOARD_BIN)'

media-service: media-service/node_modules/.installed ## Start the Media Service (an SFU) on port 4000
	cd media-service && exec node src/main.js

demo: ## Build the web demo, if Node.js is there
ifeq ($(HAVE_NODE),yes)
	@$(MAKE) --no-print-directory web-demo/dist/index.html
else
	@echo 'Node.js is missing: the gateway will run without the demo.'
endif

web-demo/dist/index.html: web-demo/node_modules/.installed $(DEMO_SOURCES)
	cd web-demo && $(NPM) run build
	@touch $@

# One rule for every Node project: install what its lock file names, once.
%/node_modules/.installed: %/package.json %/package-lock.json
	cd $* && $(NPM) ci --no-audit --no-fund
	@touch $@

# Where there is a worker already, mediasoup need not make or fetch one as it is installed.
media-service/node_modules/.installed: media-service/package.json media-service/package-lock.json
	cd media-service && $(NPM) ci --no-audit --no-fund $$(node scripts/worker-bin.js >/dev/null && echo --ignore-scripts)
	@touch $@

build: demo ## Build the gateway (debug)
	cargo build --locked

release: demo ## Build the gateway for production: target/release/switchboard
	cargo build --locked --release

TESTS := \
	lint \
	test-rust \
	test-demo \
	test-media-service \
	test-asyncapi \
	test-clients \
	test-cluster \
	test-chat \
	test-websocket \
	test-events \
	test-sfu \
	test-turn \
	test-safety \
	test-telemetry \
	test-hostile \
	test-deploy \
	test-python \
	test-browser \
	test-chaos

test: system-packages $(TESTS) ## Run all tests; installs what they need
	@if [ -s target/unsteady-suites.log ]; then echo 'Passed only when run once more by themselves:'; cat target/unsteady-suites.log; rm target/unsteady-suites.log; fi

test-rust: ## Unit, property and simulation tests, and those against a real Redis
	cargo test --locked
	cargo test --locked -p engineioxide --lib

SEEDS := 10000
simulate: ## Play histories of whole clusters: make simulate SEEDS=100000
	SEEDS=$(SEEDS) cargo test --locked --release --test simulation

test-demo: web-demo/node_modules/.installed ## Unit tests of the demo
	cd web-demo && $(NPM) test

test-media-service: media-service/node_modules/.installed ## The Media Service with a real worker, and media through it
	cd media-service && $(NPM) test && $(NPM) run test:media

types: web-demo/node_modules/.installed ## Write docs/asyncapi.json, docs/events.md and the TypeScript types of the wire anew
	UPDATE_TYPES=1 cargo test --locked --lib asyncapi::
	cd web-demo && node scripts/types.mjs
	node scripts/events-reference.mjs

test-asyncapi: build tests/clients/node_modules/.installed tests/asyncapi/node_modules/.installed ## The description of all events, read by the reference parser
	cd tests/asyncapi && $(NPM) test

test-clients: build tests/clients/node_modules/.installed ## Real socket.io clients, versions 4, 3 and 2
	cd tests/clients && $(NPM) test

CLUSTER_TESTS := build tests/clients/node_modules/.installed tests/cluster/node_modules/.installed

test-cluster: $(CLUSTER_TESTS) ## Several nodes, with real Redis servers that fail
	cd tests/cluster && $(NPM) test

test-chat: $(CLUSTER_TESTS) tests/chat/node_modules/.installed ## Chat through every failure, with the table of a run of faults
	cd tests/chat && $(NPM) test

test-websocket: $(CLUSTER_TESTS) tests/websocket/node_modules/.installed ## Raw WebSocket clients among Socket.IO clients: ws, wscat, Python, bytes by hand
	cd tests/websocket && $(NPM) test && $(NPM) run test:python

measure-cluster: $(CLUSTER_TESTS) ## Figures of several nodes: ghosts, recovery, restarts, costs
	cd tests/cluster && $(NPM) run measure

SFU_TESTS := build tests/clients/node_modules/.installed

test-events: $(CLUSTER_TESTS) tests/websocket/node_modules/.installed tests/events/node_modules/.installed ## What backends say: channels, replay, emitters in Node and Python, the server API
	cd tests/events && $(NPM) test && $(NPM) run test:python

measure-events: release tests/clients/node_modules/.installed tests/cluster/node_modules/.installed tests/events/node_modules/.installed ## Latency and loss of events of backends: make measure-events RATE=10000 SECONDS=20
	cd tests/events && SWITCHBOARD_BIN='$(CURDIR)/target/release/switchboard' node measure/events.mjs

CHAOS_TESTS := $(CLUSTER_TESTS) tests/websocket/node_modules/.installed tests/chaos/node_modules/.installed

test-chaos: $(CHAOS_TESTS) ## Nodes, Redis, services and connections that fail at random, under clients of all protocols
	cd tests/chaos && $(NPM) test

# The shell has SECONDS and RANDOM of its own: the one must have another name, the other is as good a seed as any.
chaos: $(CHAOS_TESTS) ## The same for longer: make chaos SEED=7 SECONDS=180 CLIENTS=500
	cd tests/chaos && SEED=$(or $(SEED),$$RANDOM) CLIENTS=$(if $(filter command%,$(origin CLIENTS)),$(CLIENTS),500) CHAOS_SECONDS=$(if $(filter command%,$(origin SECONDS)),$(SECONDS),180) \
		DETAILS='$(abspath $(DETAILS))' node chaos.mjs

test-sfu: $(SFU_TESTS) media-service/node_modules/.installed ## Rooms on a Media Service that fails, and on the real one
	cd tests/sfu && $(NPM) test && $(NPM) run test:python

play-sfu: $(SFU_TESTS) ## Users and faults at random, around rooms on media servers: make play-sfu SEED=7
	cd tests/sfu && $(NPM) run play

measure-sfu: $(SFU_TESTS) ## What the gateway adds to requests to the Media Service
	cd tests/sfu && $(NPM) run measure

test-turn: build tests/clients/node_modules/.installed ## TURN credentials, with a real coturn
	cd tests/turn && $(NPM) test

test-hostile: build tests/clients/node_modules/.installed ## Floods, crowds and slow clients, beside a healthy pair
	cd tests/hostile && $(NPM) test

test-telemetry: $(CLUSTER_TESTS) tests/events/node_modules/.installed tests/telemetry/node_modules/.installed ## Figures, alerts and traces, with a real Prometheus and OTLP receivers
	cd tests/telemetry && $(NPM) test

test-deploy: $(CLUSTER_TESTS) tests/deploy/node_modules/.installed ## What is in deploy/, with real proxies, and the documentation
	cd tests/deploy && $(NPM) test

chart: tests/deploy/node_modules/.installed ## Render the Helm chart anew, for its tests
	cd tests/deploy && $(NPM) run render

test-safety: $(CLUSTER_TESTS) tests/websocket/node_modules/.installed ## TLS, HTTP as bytes, the life of sessions, and what must reach no log
	cd tests/safety && $(NPM) test

test-python: build tests/clients/node_modules/.installed ## The Python client
	cd tests/clients && $(NPM) run test:python

test-browser: build tests/browser/node_modules/.installed media-service/node_modules/.installed ## The demo in real browsers
	cd tests/browser && $(NPM) test

lint: ## Formatting, lints and documentation, warnings as errors
	cargo fmt --all --check
	cargo fmt --manifest-path bench/Cargo.toml --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --lib -- -D warnings --cfg fuzzing
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

fmt: ## Format the code
	cargo fmt --all
	cargo fmt --manifest-path bench/Cargo.toml

SECONDS := 60
fuzz: ## Look for inputs that break a decoder: make fuzz SECONDS=600 TARGET=ws
	scripts/fuzz.sh $(SECONDS) $(TARGET)

deny: ## Licences, advisories, bans and sources of all dependencies (installs cargo-deny)
	scripts/supply-chain.sh deny

audit: ## Known vulnerabilities of the Node projects
	scripts/supply-chain.sh audit

sbom: ## What is in it: a bill of materials for the gateway and each Node project, in target/sbom
	scripts/supply-chain.sh sbom

system-packages: ## Install the system packages that the tests need
	scripts/system-packages.sh

docker: ## Build the container image
	docker build --build-arg GIT_HASH=$$(git rev-parse HEAD 2>/dev/null) --tag switchboard:dev .

# All connections of a run are files, of the servers and of the load.
BENCH := ulimit -n "$$(ulimit -Hn)"; cd bench && cargo run --locked --release --bin bench -- run
BENCH_NEEDS := release bench/node/node_modules/.installed

bench: $(BENCH_NEEDS) bench-servers ## Measure beside Node, naive Rust and the limit, 15 minutes: make bench WORKLOAD=relay for one
	$(BENCH) $(if $(WORKLOAD),--workload $(WORKLOAD))

bench-quick: $(BENCH_NEEDS) bench-servers ## The most important workloads, 3 minutes
	$(BENCH) --quick --rounds 1 --seconds 2 --results target/quick

bench-servers: ## Build the load generator and the servers beside which it measures
	cd bench && cargo build --locked --release

clean: ## Remove what was built
	cargo clean
	rm -rf bench/target bench/node/node_modules web-demo/dist web-demo/node_modules tests/*/node_modules tests/*/.venv tests/events/.venv-api tests/deploy/.schemas media-service/node_modules media-service/.venv

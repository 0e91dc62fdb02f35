# Klamm's commands. `make run` and `make test` do all their own set-up on a Debian machine with Rust.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
export CARGO_TERM_COLOR ?= never
# Tests start many brokers and JVMs: two at a time suit a small machine.
TEST_THREADS ?= 2
DEBUG_BIN := $(CURDIR)/target/debug/klamm
RELEASE_BIN := $(CURDIR)/target/release/klamm
# Of the bench alone: it draws pictures.
BENCH_VENV := $(CURDIR)/compat/.cache/bench-venv

.PHONY: help setup setup-compat run build check test test-long protocol compat sim bench fuzz rules kill clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: .cargo/config.toml ## compilers and libclang, where they are missing

.cargo/config.toml: compat/setup.sh
	@compat/setup.sh build

setup-compat: setup ## Java, Maven, kcat, Python and Go clients for the compatibility tests
	@compat/setup.sh compat

run: setup ## build and start one node on localhost:9092, data in ./data
	$(CARGO) build --release
	exec $(RELEASE_BIN) $(ARGS)

build: setup
	$(CARGO) build --workspace

check: setup ## format, lints, house rules: what every commit passes
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features sim -- -D warnings
	@mkdir -p target
	@# The house rules read the source and need nothing of it compiled.
	CARGO_MANIFEST_DIR=$(CURDIR) rustc --edition 2021 --test src/tidy.rs -o target/tidy
	target/tidy --quiet

test: setup-compat ## every test that fits in minutes
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features sim -- -D warnings
	$(CARGO) build --workspace --features sim
	$(CARGO) test --workspace --features sim -- --test-threads=$(TEST_THREADS)
	$(MAKE) --no-print-directory rules
	compat/run --bin $(DEBUG_BIN) quick

test-long: setup-compat ## 1,000 seeds, 100 kills, whole client programs; writes compat/RESULTS.md
	$(CARGO) build --workspace --features sim
	KLAMM_SIM_SEEDS=1000 $(CARGO) test --features sim --lib sim:: -- --test-threads=$(TEST_THREADS)
	compat/run --bin $(DEBUG_BIN) --results compat/RESULTS.md long

protocol: build ## the protocol tests of one API: make protocol API=produce
	$(CARGO) test -p protocol-tests $(if $(API),--test $(API))

compat: setup-compat build ## one client's scenarios: make compat CLIENT=java
	compat/run --bin $(DEBUG_BIN) $(CLIENT)

sim: setup ## one seed of the simulation: make sim SEED=7
	KLAMM_SIM_SEED=$(or $(SEED),1) $(CARGO) test --features sim --lib sim::one_seed -- --nocapture

kill: setup-compat build ## kill -9 at points drawn from a seed: make kill SEED=1 KILLS=50
	compat/run --bin $(DEBUG_BIN) --seed $(or $(SEED),1) --kills $(or $(KILLS),50) kill

bench: setup-compat $(BENCH_VENV)/ready ## Klamm beside Apache Kafka in one run, printed and written to compat/bench/results
	$(CARGO) build --release
	$(CARGO) build --release -p protocol-tests --bin load
	$(BENCH_VENV)/bin/python compat/bench/run --bin $(RELEASE_BIN) --load $(CURDIR)/target/release/load $(ARGS)

$(BENCH_VENV)/ready:
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip --quiet --disable-pip-version-check install matplotlib
	touch $@

fuzz: setup ## the request decoder under a fuzzer: make fuzz SECONDS=60
	cd protocol-tests && RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run request_decode -- -max_total_time=$(or $(SECONDS),60)

rules: setup ## rule -> the tests that prove it; fails on a gap
	@python3 protocol-tests/rules.py

clean:
	$(CARGO) clean

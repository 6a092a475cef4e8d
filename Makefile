# SPDX-License-Identifier: Apache-2.0
#
# make build     release binary at .build/release/htmengine
# make run       build it and start the engine on its embedded default (ARGS="--http :8080" adds options)
# make test      build and run every test
# make format    rewrite the sources in the project's format
# make lint      check the format, and that public declarations are documented; change nothing
# make browser-test drives the dashboard in Chromium, screenshots in .build/screenshots (make test does so too)
# make intruder  tries on a running engine what an intruder tries (make test does so too)
# make tls-audit testssl.sh against the TLS port; takes a minute or two
# make api-fuzz  schemathesis (from PyPI, into .build) against the HTTP API and its OpenAPI document (FUZZ_SECONDS=120)
# make benchmark run what lies in Benchmarks/ (ARGS="engine --full": see Benchmarks/run)
#
# Each of them first sees to the Debian packages it needs (make deps, make test-deps): it installs what is missing, says what,
# and asks for sudo only when it isn't root. DEPS=no skips that on machines where packages come another way.

SWIFT ?= swift
ARGS  ?=

BUILD_PACKAGES := pkg-config libsqlite3-dev libmariadb-dev librabbitmq-dev libmicrohttpd-dev libzstd-dev zlib1g-dev \
	libdeflate-dev libjemalloc-dev libcurl4-openssl-dev libinih-dev libjansson-dev libgnutls28-dev
# Tests talk to the real programs: the sqlite3 shell, curl, and the servers of the production form (started by the tests
# themselves, on free ports and with data directories of their own).
TEST_PACKAGES := sqlite3 curl mariadb-server rabbitmq-server supervisor python3 python3-pika openssl \
	zstd graphite-web prometheus prometheus-alertmanager python3-aiosmtpd chromium chromium-driver python3-selenium iproute2 util-linux strace amqp-tools
# What the benchmarks measure themselves against. Debian starts carbon-cache and influxd at installation: disable them where that disturbs.
BENCHMARK_PACKAGES := gcc libc6-dev python3 wrk graphite-carbon influxdb

SOURCES = $(wildcard Package.swift Sources Tests Samples Benchmarks)

# Fuzzes every parser with libFuzzer, a minute each. Findings: .build/fuzz/findings.
fuzz: deps
	Tests/Fuzz/run 60

# The engine's parts over a database, a bus and a disk that fail, from so many seeds: make simulation SEEDS="1 100000"
SEEDS ?= 1 10000
simulation: deps
	$(SWIFT) build -c release --product htmengine-simulation
	.build/release/htmengine-simulation $(SEEDS)

.PHONY: fuzz simulation crash failover capacity keep-formats build run test samples-test browser-test intruder tls-audit api-fuzz deps test-deps format lint \
	benchmark clean
.DEFAULT_GOAL := build

build: deps
	$(SWIFT) build -c release --product htmengine

run: build
	@exec .build/release/htmengine serve --auto-monitor '*' $(ARGS)

# Real servers for the tests, started once and ended with them (HTMENGINE_TEST_SERVERS=no leaves them out). The production form as a
# whole is tested first, by programs of its own: real clients, processes that are killed.
WITH_SERVERS = Tests/Support/with-servers

# Tests make and drop models by the thousand: the system's default gives the memory of each back at once, which takes longer than
# the models do.
test: export MALLOC_MMAP_THRESHOLD_ = 67108864
test: export MALLOC_TRIM_THRESHOLD_ = 268435456
test: deps test-deps
	$(SWIFT) build -c release --product htmengine
	/usr/bin/python3 Tests/Intruder/intruder_test.py
	/usr/bin/python3 Tests/Commands/pattern_test.py
	/usr/bin/python3 Tests/Browser/dashboard_test.py
	/usr/bin/python3 Tests/Crash/crash_harness.py --kills 100 --life 0.2 --metrics 18
	Tests/Fuzz/run --quick 2
	/usr/bin/python3 Tests/Samples/skeleton_test.py
	/usr/bin/python3 Tests/Samples/traffic_test.py
	HTMENGINE_BINARY=$(CURDIR)/.build/release/htmengine /usr/bin/python3 Tests/Collector/prometheus_test.py
	HTMENGINE_BINARY=$(CURDIR)/.build/release/htmengine /usr/bin/python3 Tests/Production/flow_test.py
	HTMENGINE_BINARY=$(CURDIR)/.build/release/htmengine /usr/bin/python3 Tests/Production/failover_test.py --seconds 20 --metrics 6
	HTMENGINE_BINARY=$(CURDIR)/.build/release/htmengine /usr/bin/python3 Tests/Production/network_test.py
	$(WITH_SERVERS) $(SWIFT) test -c release --disable-xctest

browser-test: build test-deps
	/usr/bin/python3 Tests/Browser/dashboard_test.py

intruder: build
	/usr/bin/python3 Tests/Intruder/intruder_test.py

# Follows the samples' READMEs, the skeleton application's in both forms, then makes an application of one's own from it (make test does so too).
samples-test: build test-deps
	/usr/bin/python3 Tests/Samples/skeleton_test.py
	/usr/bin/python3 Tests/Samples/traffic_test.py

tls-audit: build
ifneq ($(DEPS),no)
	$(call install_missing,testssl.sh openssl)
endif
	/usr/bin/python3 Tests/Intruder/tls_audit.py

# One release of it, so that what is found is the engine's doing.
FUZZ_SECONDS ?= 120
api-fuzz: build
ifneq ($(DEPS),no)
	$(call install_missing,python3 python3-venv)
endif
	test -x .build/schemathesis/bin/schemathesis || { /usr/bin/python3 -m venv .build/schemathesis && \
		.build/schemathesis/bin/pip install --quiet schemathesis==4.32.5; }
	/usr/bin/python3 Tests/Intruder/api_fuzz.py --schemathesis .build/schemathesis/bin/schemathesis --seconds $(FUZZ_SECONDS)

# Installs the packages of its first argument that aren't there yet.
define install_missing
	@missing=""; \
	for package in $(1); do \
		dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
		sudo=""; [ "$$(id -u)" = 0 ] || sudo="sudo"; \
		echo "Installing Debian packages:$$missing$${sudo:+ (sudo may ask for your password)}"; \
		$$sudo apt-get update -qq && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi
endef

deps:
ifneq ($(DEPS),no)
	$(call install_missing,$(BUILD_PACKAGES))
endif

test-deps:
ifneq ($(DEPS),no)
	$(call install_missing,$(TEST_PACKAGES))
endif

# Kills the engine, again and again: make crash KILLS=2000
KILLS ?= 1000
crash: build
	/usr/bin/python3 Tests/Crash/crash_harness.py --kills $(KILLS) --life 0.12 --pace 0.1

# The form on servers under trouble for minutes, in full size: make failover SECONDS_OF_TROUBLE=3600
SECONDS_OF_TROUBLE ?= 240
failover: build test-deps
	/usr/bin/python3 Tests/Production/failover_test.py --seconds $(SECONDS_OF_TROUBLE) --metrics 200 --runners 4
	/usr/bin/python3 Tests/Production/network_test.py --seconds $(SECONDS_OF_TROUBLE) --metrics 50

# Keeps a file of every new version of schema and checkpoint for the tests: after adding one.
keep-formats: build test-deps
	$(WITH_SERVERS) Tests/Formats/keep

# 20,000 metrics within 2 GB: prepares some 15 GB on disk first. ARGS="--metrics 2000 --minutes 1" for less.
capacity: build
	/usr/bin/python3 Benchmarks/Capacity/run.py $(ARGS)

format:
	$(SWIFT) format --in-place --recursive $(SOURCES)

lint:
	$(SWIFT) format lint --strict --recursive $(SOURCES)
	Tests/Support/undocumented

benchmark: deps
ifneq ($(DEPS),no)
	$(call install_missing,$(BENCHMARK_PACKAGES))
endif
	@if [ -f Benchmarks/run ]; then exec Benchmarks/run $(ARGS); else echo "no benchmarks yet"; fi

clean:
	rm -rf .build

# SPDX-License-Identifier: Apache-2.0
# Each target does all it needs, from a fresh clone on Debian 12 with git, make, g++ and cmake.
.DEFAULT_GOAL := help
.PHONY: help run build test lint soak sanitize bench format
MAKEFLAGS += --no-print-directory

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r target what; \
	  do printf '%-14s %s\n' "$$target" "$$what"; done

run: ## build holdfast and show the example
	@tools/timed.sh set-up tools/setup.sh core
	@tools/timed.sh build tools/build.sh release program holdfast
	@tools/run_example.sh

build: ## build everything: build/release/holdfast, tests, benchmarks
	@tools/setup.sh test
	@tools/build.sh release

test: ## format check, fuzz targets for 10 s each, all tests
	@tools/timed.sh set-up tools/setup.sh test
	@tools/timed.sh format tools/format.sh --check
	@tools/timed.sh build tools/build.sh release
	@tools/timed.sh 'build for fuzzing' tools/build.sh fuzz tests $$(tools/fuzz.sh --list)
	@tools/timed.sh fuzz tools/fuzz.sh 10
	@ctest --preset release

lint: ## clang-tidy over what changed since it last passed; everything takes minutes
	@tools/setup.sh test
	@tools/build.sh release
	@tools/tidy.sh

soak: ## the same with long-running tests and fuzz targets for 60 s each
	@tools/setup.sh test
	@tools/build.sh release
	@tools/build.sh fuzz tests $$(tools/fuzz.sh --list)
	@tools/fuzz.sh 60
	@HOLDFAST_SOAK=1 ctest --preset release

sanitize: ## all tests under ASan with UBSan, and under TSan
	@tools/setup.sh test
	@tools/sanitize.sh

bench: ## measure against the goals of docs/performance.md
	@tools/setup.sh test
	@tools/build.sh release
	@bench/run.sh

format: ## format all C++ in place
	@tools/setup.sh test
	@tools/format.sh

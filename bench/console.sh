#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/console.sh [events]: how long people wait for the console in Chromium, with the server on the
# same machine and so many events in it (10 million): until something is painted, until the first
# answer is there and takes input, and from another period or filter to its chart. Fails over the
# goals of docs/performance.md. Needs Node 20.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-10000000}
build=build/release
folder=$(mktemp -d "${TMPDIR:-/tmp}/hf_console_XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$build/bench/generate_log" "$events" "$folder/log.csv" 42
"$build/holdfast" --data "$folder/data" import "$folder/log.csv" | tail -1
rm "$folder/log.csv"
HOLDFAST_BINARY=$PWD/$build/holdfast STRICT_TIMINGS=yes TIMINGS_DATA=$folder/data \
  TIMINGS_FILTER=country=GB node --test console/tests/timings.test.mjs |
  grep -E 'timing|^not ok|error:'

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/run.sh [events] [rounds]: the comparison of docs/performance.md. The log is generated once
# per size and kept below build/bench.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-10000000}
rounds=${2:-5}
build=build/release
work=build/bench
mkdir -p "$work"
log="$work/log-$events.csv"
if [[ ! -f $log ]]; then
  echo "generating $events events"
  "$build/bench/generate_log" "$events" "$log.tmp" 42
  mv "$log.tmp" "$log"
fi
echo "machine: $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg)"
"$build/bench/compare" "$log" "$work/run" bench/sql/duck "$rounds"
echo "memory of all questions in a process of their own:"
"$build/bench/compare" --alone "$work/run"

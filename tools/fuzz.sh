#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/fuzz.sh <seconds>: runs every fuzz target of build/fuzz for so long each, one per core.
# tools/fuzz.sh --list:    prints the targets, one per *_fuzz.cpp under src/.
#
# What a target finds new is kept in build/fuzz/corpus/<target>; tests/corpus/<target>, where it
# exists, holds the inputs everybody starts from. An input that crashes goes to build/fuzz/crashes.
set -euo pipefail
cd "$(dirname "$0")/.."

targets() { find src -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort; }

run_one() {
  local target=$1 seconds=$2 build=$PWD/build/fuzz
  local log=$build/logs/$target.log corpus=("$build/corpus/$target")
  mkdir -p "$build/logs" "$build/crashes" "${corpus[0]}"
  [[ ! -d tests/corpus/$target ]] || corpus+=("tests/corpus/$target")
  if "$build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "${corpus[@]}" >"$log" 2>&1; then
    printf 'fuzz %-32s %12s inputs, nothing found\n' "$target" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
  else
    printf 'fuzz %s FAILED, the whole log is %s\n' "$target" "${log#"$PWD"/}"
    tail -n 40 "$log"
    return 1
  fi
}

case "${1:-}" in
  --list) targets ;;
  --one) run_one "$2" "$3" ;;
  '' | *[!0-9]*)
    echo 'usage: tools/fuzz.sh <seconds> | --list' >&2
    exit 1
    ;;
  *)
    export ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:abort_on_error=0"
    export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
    # xargs goes on after a failure and tells of it with its exit code.
    targets | xargs -r -P "$(nproc)" -I{} "$0" --one {} "$1"
    ;;
esac

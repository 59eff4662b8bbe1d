#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/build.sh <preset> [program|tests] [target..]: configures build/<preset> where needed and
# builds it.
#   program  configures without tests, so that a machine without the test packages can build
#   tests    (the default) configures with them; no object file differs between the two
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
kind=${2:-tests}
shift $(($# < 2 ? $# : 2))

cache=build/$preset/CMakeCache.txt
configure=(cmake --preset "$preset" --log-level=WARNING)
case $kind in
  # A folder that is configured stays as it is: the build configures again by itself when needed.
  program) [[ -f $cache && -f build/$preset/build.ninja ]] ||
    "${configure[@]}" -DHOLDFAST_TESTS=OFF >/dev/null ;;
  tests) grep -qs '^HOLDFAST_TESTS:BOOL=ON' "$cache" && [[ -f build/$preset/build.ninja ]] ||
    "${configure[@]}" -DHOLDFAST_TESTS=ON >/dev/null ;;
  *)
    echo "build: program or tests, not $kind" >&2
    exit 1
    ;;
esac
cmake --build "build/$preset" ${1:+--target "$@"}

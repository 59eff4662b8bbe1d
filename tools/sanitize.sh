#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/sanitize.sh [asan|tsan ..]: builds those presets (both when none is named) and runs all
# tests with them. libduckdb comes uninstrumented: what is reported inside it alone is suppressed.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/tools/sanitizers
(($# > 0)) || set -- asan tsan

export ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$here/tsan.supp"

# g++ 12's ThreadSanitizer cannot place its shadow memory under the address randomisation of newer
# kernels (vm.mmap_rnd_bits 32), so programs start without it where that is allowed.
fixed_addresses=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  fixed_addresses=(setarch "$(uname -m)" -R)
fi

failed=0
for preset in "$@"; do
  echo "== $preset"
  tools/build.sh "$preset" tests
  "${fixed_addresses[@]}" ctest --preset "$preset" || failed=1
done
exit "$failed"

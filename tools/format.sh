#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/format.sh [--check]: formats all C++ under src, tests and bench, or says what is not.
set -euo pipefail
cd "$(dirname "$0")/.."
if [[ ${1:-} == --check ]]; then
  action=(--dry-run --Werror --ferror-limit=3)
else
  action=(-i)
fi
find src tests bench -name node_modules -prune -o \( -name '*.h' -o -name '*.cpp' \) -print0 |
  xargs -0 -r -n 16 -P "$(nproc)" clang-format --style=file "${action[@]}" || {
  echo 'format: run make format' >&2
  exit 1
}

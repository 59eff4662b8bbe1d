#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/api/run.sh: the description of the API against questions and answers of the program that
# HOLDFAST_COVERAGE_TEST names. Fetches what reads it when that is absent or other. Ends with 77
# where there is no Node.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'skipped: node and npm are not installed'
  exit 77
fi
stamp=node_modules/.package-lock.json
if [[ ! $stamp -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  touch "$stamp"
fi
exec node --test ./*.test.mjs

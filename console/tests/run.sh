#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# console/tests/run.sh [check]: the console's types, texts and components; or, without `check`, the
# console in Chromium, against the program that HOLDFAST_BINARY names. Ends with 77 where there is no
# Node it runs on.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'skipped: node and npm are not installed'
  exit 77
fi
stamp=node_modules/.package-lock.json
if [[ ! $stamp -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  touch "$stamp"
fi
if [[ ${1:-} == check ]]; then
  exec npm run --silent check
fi
if (($(node -p 'process.versions.node.split(".")[0]') < 20)); then
  echo "skipped: playwright-core needs Node 20, this is $(node --version)"
  exit 77
fi
exec npm test --silent

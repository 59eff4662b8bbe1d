#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/sdk/run.sh: the SDKs against the program that HOLDFAST_PROGRAM names. Fetches the SDKs when
# they are absent or others. Ends with 77 where there is no Node they run on.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'skipped: node and npm are not installed'
  exit 77
fi
if (($(node -p 'process.versions.node.split(".")[0]') < 20)); then
  echo "skipped: Segment's SDK needs Node 20, this is $(node --version)"
  exit 77
fi
stamp=node_modules/.package-lock.json
if [[ ! $stamp -nt package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
  touch "$stamp"
fi
exec node --test ./*.test.mjs

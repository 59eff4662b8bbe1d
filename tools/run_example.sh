#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the example, imported into data/demo the first time, and serves it to the browser.
set -euo pipefail
cd "$(dirname "$0")/.."
exec build/release/holdfast demo --data data/demo

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the example: imports it into data/demo the first time, then prints the screen.
set -euo pipefail
cd "$(dirname "$0")/.."
exec build/release/holdfast demo --data data/demo

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/timed.sh <label> <command..>: runs the command and prints the seconds it took.
set -euo pipefail
label=$1
shift
started=${EPOCHREALTIME/[.,]/}
"$@"
took_ms=$(((${EPOCHREALTIME/[.,]/} - started) / 1000))
printf '%s: %d.%d s\n' "$label" $((took_ms / 1000)) $((took_ms % 1000 / 100))

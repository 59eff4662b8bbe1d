#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/door.sh [seconds [ids]]: events over HTTP into a fresh store, 500 and 1 a request, with all
# that a server does besides; the client runs on the same cores. What was acknowledged is counted again
# by a question at the end. With `ids`, so many events are sent, by the same way, before the measured
# ones of 500 a request: the duplicate index knows their ids (100000000 takes five minutes and 25 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
ids=${2:-0}
holdfast=build/release/holdfast
load=build/release/bench/http_load
for events in 500 1; do
  data=$(mktemp -d "${TMPDIR:-/tmp}/hf_door_XXXXXX")
  "$holdfast" --data "$data" source add bench >/dev/null
  key=$("$holdfast" --data "$data" key create --kind write --source bench 2>/dev/null)
  "$holdfast" --data "$data" serve --listen 127.0.0.1:0 >"$data.out" &
  server=$!
  until grep -q http "$data.out"; do sleep 0.1; done
  port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' "$data.out" | head -1)
  connections=$((events == 1 ? 64 : 4))
  sent=0
  while ((events == 500 && sent < ids)); do
    slice=$("$load" "$port" "$key" 500 30 "$connections")
    sent=$((sent + $(awk '/acknowledged/ { print $1 }' <<<"$slice")))
    echo "  before: $sent events; $(head -1 <<<"$slice")"
  done
  "$load" "$port" "$key" "$events" "$seconds" "$connections"
  curl -s "http://127.0.0.1:$port/metrics" |
    awk '/^holdfast_(append_oldest|head_events|parts|append_groups)/ { print "  " $0 }'
  curl -s "http://127.0.0.1:$port/api/v1/query" \
    -d '{"metric":"trend","series":[{"event":"*"}],"period":"month","from":"2026-01-01"}' |
    sed 's/.*"total":\([0-9]*\).*/  stored: \1/'
  awk '/VmHWM|VmRSS/ { print "  " $0 }' "/proc/$server/status"
  awk '{ printf "  server CPU %.1f s\n", ($14 + $15) / 100 }' "/proc/$server/stat"
  kill -TERM "$server"
  wait "$server" || true
  rm -rf "$data" "$data.out"
done

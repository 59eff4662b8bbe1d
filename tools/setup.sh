#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup.sh [core|test]: installs what building (core), or testing as well (test), needs on
# Debian 12: packages through apt-get, DuckDB's library and what the console is built with through
# npm. Only what is missing, so a second run takes a moment and needs neither root nor network.
set -euo pipefail
cd "$(dirname "$0")/.."

core=(ninja-build pkg-config libsimdjson-dev libcli11-dev libfmt-dev libzstd-dev zlib1g-dev
  libxxhash-dev libsodium-dev libsqlite3-dev libre2-dev libboost1.81-dev libssl-dev tzdata
  ca-certificates ccache mold)
test=(libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  clang-format clang-tidy-19 clang-19 libclang-rt-19-dev valgrind chromium fonts-noto-cjk)

die() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

case "${1:-core}" in
  core) wanted=("${core[@]}") ;;
  test) wanted=("${core[@]}" "${test[@]}") ;;
  *) die "usage: tools/setup.sh [core|test]" ;;
esac
# A newer Node from elsewhere is left alone.
command -v npm >/dev/null || wanted+=(nodejs npm)

command -v dpkg-query >/dev/null ||
  die "this is no Debian; install what serves as: ${wanted[*]}" "then run cmake --preset release"

# One dpkg-query for all: a package that was never known is absent from its answer.
installed=$(dpkg-query -W -f='${Package} ${db:Status-Abbrev}\n' "${wanted[@]}" 2>/dev/null |
  awk '$2 == "ii" { print $1 }' || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qx -- "$package" <<<"$installed" || missing+=("$package")
done

if ((${#missing[@]} > 0)); then
  as_root=()
  if (($(id -u) != 0)); then
    command -v sudo >/dev/null ||
      die "these packages are missing, and without root or sudo they cannot be installed:" \
        "  apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  echo "setup: installing ${missing[*]}"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
    -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io)
  # The lists come first: a fresh image has none, an old one names versions that are gone.
  if ! { "${as_root[@]}" "${apt[@]}" update &&
    "${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get failed, see above. Debian 12 (bookworm) with its main section is expected."
  fi
fi

# npm_ci FOLDER: --ignore-scripts: the packages are only unpacked, nothing of theirs is run.
npm_ci() {
  npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --no-update-notifier \
    --loglevel=error >/dev/null && touch "$1/node_modules/.package-lock.json"
}

# npm writes its own stamp when `npm ci` is complete. The library is looked for as well: it is the
# one of the processor npm ran on, and a folder may have been brought from elsewhere.
stamp=node_modules/.package-lock.json
case $(uname -m) in
  aarch64 | arm64) library=node_modules/@duckdb/node-bindings-linux-arm64/libduckdb.so ;;
  *) library=node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so ;;
esac
if [[ ! $stamp -nt package-lock.json || ! -f $library ]]; then
  echo "setup: fetching DuckDB's library (npm ci)"
  npm_ci . ||
    die "npm ci failed, see above. Without DuckDB: cmake --preset release -DHOLDFAST_DUCKDB=OFF"
fi

if [[ ! console/$stamp -nt console/package-lock.json ]]; then
  echo "setup: fetching what the console is built with (npm ci)"
  npm_ci console ||
    die "npm ci failed, see above. Without a console: cmake --preset release -DHOLDFAST_CONSOLE=OFF"
fi

if [[ ${1:-core} == test && ! tests/api/$stamp -nt tests/api/package-lock.json ]]; then
  echo "setup: fetching what the tests of tests/api need (npm ci)"
  npm_ci tests/api || die "npm ci failed in tests/api, see above."
fi

# Debian 12's own Node is older than they need; their tests are skipped there.
if [[ ${1:-core} == test ]] && (($(node -p 'process.versions.node.split(".")[0]') >= 20)); then
  for folder in tests/sdk sdk/browser; do
    if [[ ! $folder/$stamp -nt $folder/package-lock.json ]]; then
      echo "setup: fetching what the tests of $folder need (npm ci)"
      npm_ci "$folder" || die "npm ci failed in $folder, see above."
    fi
  done
fi

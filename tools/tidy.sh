#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/tidy.sh [--all]: runs clang-tidy over the .cpp files of src (tests and benchmarks apart) and,
# through them, over our headers. Needs a finished build/release: it tells which headers a file
# reads. A file whose text, headers and checks passed before is skipped (build/tidy holds the
# hashes); --all forgets them first.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
passed=$root/build/tidy

check_one() {
  local file=$1 stamp=$2 log
  log=$(mktemp)
  # The build was g++'s; the last two are what CMakeLists.txt gives clang.
  if clang-tidy-19 --quiet -p build/release --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-deprecated-declarations --extra-arg=-DFMT_CONSTEVAL= "$file" >"$log" 2>/dev/null; then
    rm -f "$log" "$passed/$(tr / @ <<<"$file")".*
    touch "$stamp"
  else
    cat "$log"
    rm -f "$log"
    echo "tidy: $file" >&2
    return 1
  fi
}

if [[ ${1:-} == --one ]]; then
  check_one "$2" "$3"
  exit
fi
[[ ${1:-} != --all ]] || rm -rf "$passed"
mkdir -p "$passed"

# "file header header ..", one line a file, from the log of the build; system headers left out.
reads() {
  ninja -C build/release -t deps | awk -v root="$root/" '
    /^[^ ]/ { if (line) print line; line = "" }
    /^ / { path = $1; sub("^[.][.]/[.][.]/", root, path)
           if (index(path, root "src/") == 1) line = line (line ? " " : "") substr(path, length(root) + 1) }
    END { if (line) print line }' | grep -vE '^[^ ]*_(test|bench|fuzz)\.cpp' | grep -E '^[^ ]+\.cpp'
}

checks=$(cat .clang-tidy tools/tidy.sh build/release/CMakeCache.txt | sha256sum)
todo=()
while read -r file headers; do
  # shellcheck disable=SC2086  # No path here has a blank.
  key=$( (echo "$checks" && cat "$file" $headers) | sha256sum | cut -c1-32)
  stamp=$passed/$(tr / @ <<<"$file").$key
  [[ -f $stamp ]] || todo+=("$file" "$stamp")
done < <(reads)

((${#todo[@]} > 0)) || exit 0
echo "tidy: $((${#todo[@]} / 2)) files"
printf '%s\n' "${todo[@]}" | xargs -n 2 -P "$(nproc)" "$0" --one

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/readme_images.sh: the pictures of the READMEs, as the last run of the console's tests made them
# (ctest --preset release -R console_test).
set -euo pipefail
cd "$(dirname "$0")/.."
for language in en zh; do
  cp "build/release/screenshots/retention-$language-light-1280.png" "docs/images/retention-$language.png"
done

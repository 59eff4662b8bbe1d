// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hf {

/// The text with each character replaced by its simple case folding (Unicode 14, CaseFolding.txt,
/// statuses C and S): two texts differ only in case exactly when their foldings are equal bytes.
/// One character stays one character ("ß" is not "ss"), no locale is asked (the Turkish dotted
/// capital I folds to itself). This is the case-insensitivity of RE2, which `matches_ci` uses; a
/// test compares the two on every character that has a case. Bytes that are no UTF-8 stay as they
/// are.
[[nodiscard]] std::string fold_case(std::string_view text);

}  // namespace hf

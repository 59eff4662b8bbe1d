// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "cli/words.h"

namespace hf {

/// A text of the commands' descriptions, options and examples in the language at hand. Texts are
/// known by their English, so one that is changed has to be said anew in Chinese; until then it
/// stays English. tests/command_help_test.cpp lets none stay so.
[[nodiscard]] std::string_view help_text(std::string_view english, Words words);

/// The English of every text that is known in Chinese.
[[nodiscard]] std::vector<std::string_view> known_help_texts();

}  // namespace hf

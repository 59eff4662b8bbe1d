// SPDX-License-Identifier: Apache-2.0
//
// What the terminal says, in English and Chinese. A text with values in it is a function here, so
// that each language has its own word order.
#pragma once

#include <string>
#include <string_view>

#include "base/language.h"

namespace hf {

/// `wanted` is en, zh or empty: then by LC_ALL, LC_MESSAGES, LANG.
[[nodiscard]] Language choose_language(std::string_view wanted);

/// The text in the language at hand.
struct Words {
  Language language = Language::english;
  [[nodiscard]] std::string_view operator()(std::string_view english,
                                            std::string_view chinese) const {
    return language == Language::english ? english : chinese;
  }
};

/// "Dec 2010", "9 Dec 2010", "2010 年 12 月", .. of an answer's `start` ("2010-12-01" or RFC 3339).
/// `period` is a period's name as in a query.
[[nodiscard]] std::string period_label(std::string_view start, std::string_view period,
                                       Words words);
/// "9 Dec 2011" of "2011-12-09".
[[nodiscard]] std::string date_label(std::string_view date, Words words);
/// "month", "month 3", "months" of a period's name: for headings and sentences.
[[nodiscard]] std::string period_noun(std::string_view period, Words words);
/// "2 d 5 h", "12 min", "3.5 s": of so many units at most, the last one rounded.
[[nodiscard]] std::string duration_text(double seconds, Words words, int units = 2);

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// Test support: lines in which two ways to count show the same, but for the rounding of doubles.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

namespace hf::test {

/// A number that another way to count it may round otherwise.
inline std::string nearly(double value) { return fmt::format("~{:.17g}", value); }

/// True where lines are the same, with numbers of nearly() that differ by no more than rounding:
/// 1e-7 of them, or as much by itself, for a formula may take nearly equal ones from one another.
inline bool are_nearly(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i] != b[j]) return false;
    if (a[i] != '~') {
      ++i;
      ++j;
      continue;
    }
    char* a_end = nullptr;
    char* b_end = nullptr;
    const double x = std::strtod(a.c_str() + i + 1, &a_end);
    const double y = std::strtod(b.c_str() + j + 1, &b_end);
    const double room = 1e-7 * std::max({1.0, std::abs(x), std::abs(y)});
    // Written so that what is not a number is never near.
    if (!(std::abs(x - y) <= room)) return false;
    i = static_cast<std::size_t>(a_end - a.c_str());
    j = static_cast<std::size_t>(b_end - b.c_str());
  }
  return i == a.size() && j == b.size();
}

inline bool are_nearly(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::string& x, const std::string& y) { return are_nearly(x, y); });
}

}  // namespace hf::test

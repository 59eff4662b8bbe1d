// SPDX-License-Identifier: Apache-2.0
//
// Brings a store into the state a shop's is in on an ordinary day: most of its history imported,
// some of it come late and lying in parts of its own, some still in the head, some persons known to
// be one since.
#pragma once

#include <cstdint>
#include <string>

#include "store/store.h"

namespace hf::bench {

/// What becomes of the lines of a log, by seed.
struct LogSplit {
  std::string bulk;  ///< A file with the header and all lines but the next two kinds.
  std::string late;  ///< One line in a hundred, anywhere.
  std::string tail;  ///< The last lines: one in two hundred, at most 100,000.
};
/// Writes the three files below `directory`.
[[nodiscard]] LogSplit split_log(const std::string& csv, const std::string& directory,
                                 std::uint64_t seed);

struct LivingState {
  std::uint64_t late_events = 0;
  std::uint64_t head_events = 0;
  std::uint64_t links = 0;  ///< One for two hundred persons, each of two user ids.
};
/// Appends the late lines and the links, makes parts of them, and appends the tail, which stays in
/// the head.
[[nodiscard]] Result<LivingState> live(Store& store, const LogSplit& split, std::uint64_t seed);

}  // namespace hf::bench

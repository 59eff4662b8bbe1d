// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace hf {

/// A bitmap of the rows of a part.
struct RowBits {
  std::vector<std::uint64_t> words;
  bool is_whole = false;  ///< All are set.
};

}  // namespace hf

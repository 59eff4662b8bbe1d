// SPDX-License-Identifier: Apache-2.0
#include "metric/block_room.h"

namespace hf {

bool BlockRoom::take_block() {
  if (is_full_.load(std::memory_order_relaxed)) return false;
  const auto taken = guard_->take(block_bytes_);
  if (taken) {
    bytes_ += block_bytes_;
    return true;
  }
  *error_.lock() = taken.error();
  is_full_ = true;
  return false;
}

Result<void> BlockRoom::outcome() const {
  const auto error = error_.lock();
  if (*error) return std::unexpected(**error);
  return {};
}

}  // namespace hf

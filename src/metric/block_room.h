// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

#include "base/guarded.h"
#include "base/work_guard.h"

namespace hf {

/// Room for values that are kept one by one, as percentiles are found among them: told to the guard
/// block by block. Methods may run concurrently.
class BlockRoom {
 public:
  static constexpr std::size_t block_values = 8'192;

  /// Of values of so many bytes. `guard` must outlive it.
  BlockRoom(WorkGuard& guard, std::size_t value_bytes)
      // Where the vector that holds them grows it is there twice, half empty; and once more in
      // order.
      : guard_(&guard), block_bytes_(block_values * value_bytes * 4) {}
  ~BlockRoom() { guard_->give_back(bytes_); }
  BlockRoom(const BlockRoom&) = delete;
  BlockRoom& operator=(const BlockRoom&) = delete;

  /// Room for one block more; false where there is none, and from then on.
  [[nodiscard]] bool take_block();
  [[nodiscard]] WorkGuard& guard() const { return *guard_; }
  /// Errors: those of WorkGuard, where there was not enough room.
  [[nodiscard]] Result<void> outcome() const;

 private:
  WorkGuard* guard_;
  std::size_t block_bytes_;
  std::atomic<std::size_t> bytes_ = 0;
  std::atomic<bool> is_full_ = false;
  Guarded<std::optional<Error>> error_;
};

}  // namespace hf

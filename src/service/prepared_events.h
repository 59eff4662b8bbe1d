// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "event/event.h"

namespace hf {

/// Events of one source as the log will hold them, made ready by any thread, so that the one which
/// appends has little left to do.
class PreparedEvents {
 public:
  PreparedEvents(const HashKey& hash_key, std::string source);

  /// Message ids are unique within the source. Requires validate(event).
  void add(const EventView& event);

  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  [[nodiscard]] std::string_view record(std::size_t at) const {
    const std::size_t begin = at == 0 ? 0 : items_[at - 1].end;
    return std::string_view(bytes_).substr(begin, items_[at].end - begin);
  }
  /// Of its message id.
  [[nodiscard]] const std::optional<Hash128>& key(std::size_t at) const { return items_[at].key; }
  [[nodiscard]] bool has_keys() const { return has_keys_; }

 private:
  struct Item {
    std::size_t end;
    std::optional<Hash128> key;
  };
  HashKey hash_key_;
  std::string source_;
  std::string bytes_;
  std::vector<Item> items_;
  bool has_keys_ = false;
};

}  // namespace hf

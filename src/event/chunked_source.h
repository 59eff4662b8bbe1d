// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "event/byte_source.h"

namespace hf {

/// For tests: bytes in memory, handed out at most `chunk` at a time, as a slow pipe would.
class ChunkedSource : public ByteSource {
 public:
  ChunkedSource(std::string bytes, std::size_t chunk) : bytes_(std::move(bytes)), chunk_(chunk) {}
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t n = bytes_.copy(out.data(), std::min(out.size(), chunk_), offset_);
    offset_ += n;
    return n;
  }
  std::uint64_t consumed() const override { return offset_; }
  std::optional<std::uint64_t> total() const override { return bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t chunk_;
  std::size_t offset_ = 0;
};

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/env.h"

namespace hf {

/// A file without a name, in memory: for what is written in a file's format and read back, and is
/// not to outlive the process. Only read_at() may run concurrently, with itself.
class MemoryFile final : public File {
 public:
  MemoryFile() = default;
  explicit MemoryFile(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
  Result<void> sync() override { return {}; }
  Result<std::uint64_t> size() const override { return bytes_.size(); }
  Result<void> truncate(std::uint64_t size) override;
  Result<void> allocate(std::uint64_t size) override;

 private:
  std::string bytes_;
};

}  // namespace hf

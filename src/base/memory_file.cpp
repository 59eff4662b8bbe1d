// SPDX-License-Identifier: Apache-2.0
#include "base/memory_file.h"

#include <algorithm>
#include <cstring>

namespace hf {

Result<std::size_t> MemoryFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset >= bytes_.size()) return std::size_t{0};
  const std::size_t count = std::min<std::uint64_t>(out.size(), bytes_.size() - offset);
  std::memcpy(out.data(), bytes_.data() + offset, count);
  return count;
}

Result<void> MemoryFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
  if (!bytes.empty()) std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  return {};
}

Result<void> MemoryFile::truncate(std::uint64_t size) {
  bytes_.resize(size);
  return {};
}

Result<void> MemoryFile::allocate(std::uint64_t size) {
  if (bytes_.size() < size) bytes_.resize(size);
  return {};
}

}  // namespace hf

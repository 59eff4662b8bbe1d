// SPDX-License-Identifier: Apache-2.0
#include "base/memory_file.h"

#include <gtest/gtest.h>

#include <array>

namespace hf {
namespace {

TEST(MemoryFile, IsReadAsItWasWritten) {
  MemoryFile file;
  std::array<std::byte, 4> out{};
  EXPECT_EQ(file.read_at(0, out).value(), 0u);
  ASSERT_TRUE(file.write_at(2, std::as_bytes(std::span("abc", 3))));
  EXPECT_EQ(file.size().value(), 5u);
  EXPECT_EQ(file.read_at(1, out).value(), 4u);
  EXPECT_EQ(out, (std::array{std::byte{0}, std::byte{'a'}, std::byte{'b'}, std::byte{'c'}}));
  EXPECT_EQ(file.read_at(4, out).value(), 1u);
  EXPECT_EQ(file.read_at(5, out).value(), 0u);
  ASSERT_TRUE(file.write_at(3, std::as_bytes(std::span("x", 1))));
  ASSERT_TRUE(file.truncate(4));
  ASSERT_TRUE(file.allocate(3));
  EXPECT_EQ(file.size().value(), 4u);
  ASSERT_TRUE(file.allocate(6));
  EXPECT_EQ(file.read_at(2, out).value(), 4u);
  EXPECT_EQ(out, (std::array{std::byte{'a'}, std::byte{'x'}, std::byte{0}, std::byte{0}}));
}

}  // namespace
}  // namespace hf

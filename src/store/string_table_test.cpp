// SPDX-License-Identifier: Apache-2.0
#include "store/string_table.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/rng.h"

namespace hf {
namespace {

TEST(StringTable, AgreesWithAMap) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    StringTable table;
    std::map<std::string, std::uint32_t> twin;
    std::size_t bytes = 0;
    for (int i = 0; i < 3'000; ++i) {
      std::string text(rng.below(4), '\0');  // Empty texts and zero bytes are texts too.
      for (char& c : text) c = static_cast<char>(rng.below(20));
      const auto [at, is_new] = twin.emplace(text, static_cast<std::uint32_t>(twin.size()));
      if (is_new) bytes += text.size();
      ASSERT_EQ(table.intern(text), at->second);
      ASSERT_EQ(table.size(), twin.size());
      ASSERT_EQ(table.text_bytes(), bytes);
    }
    for (const auto& [text, code] : twin) ASSERT_EQ(table.at(code), text);
    ASSERT_GE(table.memory_bytes(), bytes);
  }
}

}  // namespace
}  // namespace hf

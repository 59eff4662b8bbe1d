// SPDX-License-Identifier: Apache-2.0
#include "predicate/case_folding.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "predicate/pattern.h"

namespace hf {
namespace {

std::string utf8(std::uint32_t character) {
  std::string text;
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (character < 0x80) {
    byte(character);
  } else if (character < 0x800) {
    byte(0xc0 | character >> 6);
    byte(0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    byte(0xe0 | character >> 12);
    byte(0x80 | (character >> 6 & 0x3f));
    byte(0x80 | (character & 0x3f));
  } else {
    byte(0xf0 | character >> 18);
    byte(0x80 | (character >> 12 & 0x3f));
    byte(0x80 | (character >> 6 & 0x3f));
    byte(0x80 | (character & 0x3f));
  }
  return text;
}

// The characters that fold to the same one, for those that are not alone.
std::map<std::string, std::vector<std::uint32_t>> case_classes() {
  std::map<std::string, std::vector<std::uint32_t>> classes;
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    classes[fold_case(utf8(c))].push_back(c);
  }
  std::erase_if(classes, [](const auto& entry) { return entry.second.size() == 1; });
  return classes;
}

TEST(FoldCase, AgreesWithRe2OnEveryCharacterThatHasACase) {
  const auto classes = case_classes();
  EXPECT_GT(classes.size(), 1'300u);
  for (const auto& [folded, members] : classes) {
    SCOPED_TRACE(folded);
    std::string others;
    for (const auto& [other, other_members] : classes) {
      if (other == folded) continue;
      for (const std::uint32_t c : other_members) others += utf8(c);
    }
    for (const std::uint32_t c : members) {
      const auto pattern = Pattern::compile(fmt::format("\\x{{{:X}}}", c), true, "");
      ASSERT_TRUE(pattern);
      for (const std::uint32_t twin : members) EXPECT_TRUE((*pattern)->matches(utf8(twin)));
      EXPECT_FALSE((*pattern)->matches(others));
    }
  }
}

TEST(FoldCase, IsIdempotentOnEveryCharacter) {
  for (const auto& [folded, members] : case_classes()) EXPECT_EQ(fold_case(folded), folded);
}

TEST(FoldCase, KnowsNamedCases) {
  const struct {
    std::string_view name, text, folded;
  } cases[] = {
      {"nothing", "", ""},
      {"Latin", "Straße ÀÖŸ", "straße àöÿ"},
      {"capital sharp s", "ẞ", "ß"},
      {"Greek, both small sigmas", "ΟΔΟΣ οδος", "οδοσ οδοσ"},
      {"Cyrillic", "ПОКУПКА Ё", "покупка ё"},
      {"Armenian", "Ա", "ա"},
      {"Kelvin sign", "\u212A", "k"},
      {"Turkish dotted capital I stays", "İ", "İ"},
      {"no case", "購入 123 _%", "購入 123 _%"},
      {"beyond 16 bits", "\U00010400", "\U00010428"},
      {"no UTF-8 stays", "A\xff\xc3", "a\xff\xc3"},
      {"NUL is a character", std::string_view("A\0B", 3), std::string_view("a\0b", 3)},
  };
  for (const auto& c : cases) EXPECT_EQ(fold_case(c.text), c.folded) << c.name;
}

}  // namespace
}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "predicate/any_part.h"
#include "predicate/matcher.h"

namespace hf {
namespace {

using test::Event;

TEST(PageMatcher, AgreesWithAskingEventByEvent) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    test::World world(rng);
    const std::vector<Event> events = world.events(test::any_row_count(rng, seed));
    const test::PartOfEvents part(events);
    for (int round = 0; round < 12; ++round) {
      const std::string matcher_text = world.matcher(2);
      const std::string where_text = rng.chance(0.5) ? R"({"all":[]})" : world.predicate(2);
      SCOPED_TRACE(matcher_text + " where " + where_text);
      const auto matcher = parse_matcher(*parse_json(matcher_text), "");
      const auto where = parse_predicate(*parse_json(where_text), "");
      ASSERT_TRUE(matcher && where);
      const auto bound = PageMatcher::compile(*matcher, *where, *part);
      ASSERT_TRUE(bound) << bound.error().message;
      for (std::uint32_t page = 0; page < part->page_count(); ++page) {
        const std::uint32_t count = part->rows_in_page(page);
        std::vector<std::uint64_t> rows((count + 63) / 64);
        for (std::uint64_t& word : rows) word = rng.next();
        ASSERT_TRUE(bound->find(page, rows));
        for (std::uint32_t row = 0; row < rows.size() * 64; ++row) {
          const bool found = (rows[row / 64] >> (row % 64) & 1u) != 0;
          if (row >= count) {
            ASSERT_FALSE(found) << "past the last row";
            continue;
          }
          const Event& event = events[page * part_format::page_rows + row];
          const auto properties = test::views(event);
          EventView view;
          view.name = event.name;
          view.properties = properties;
          const bool expected = matches(*matcher, view) && satisfies(*where, properties);
          ASSERT_EQ(found, expected) << "row " << row;
          ASSERT_FALSE(expected && bound->matches_nothing());
          ASSERT_TRUE(expected || !bound->matches_everything());
        }
      }
    }
  }
}

TEST(PageMatcher, KnowsFromTheNamesWhatCannotMatch) {
  const test::PartOfEvents part({{"a", {}}, {"b", {}}, {"identify", {}}});
  const test::PartOfEvents active({{"a", {}}, {"b", {}}});
  const struct {
    std::string_view matcher;
    bool nothing, everything, everything_active;
  } cases[] = {
      {R"({"event":"*"})", false, false, true},
      {R"({"any_of":[{"event":"*"},{"event":"identify"}]})", false, true, true},
      {R"({"any_of":[{"event":"a"},{"event":"b"}]})", false, false, true},
      {R"({"event":"a"})", false, false, false},
      {R"({"event":"c"})", true, false, false},
      {R"({"event":"a","where":{"property":"p","op":"exists"}})", true, false, false},
      {R"({"event":"*","where":{"property":"p","op":"not_exists"}})", false, false, true},
  };
  for (const auto& c : cases) {
    const auto matcher = parse_matcher(*parse_json(c.matcher), "");
    const auto bound = PageMatcher::compile(*matcher, {}, *part);
    EXPECT_EQ(bound->matches_nothing(), c.nothing) << c.matcher;
    EXPECT_EQ(bound->matches_everything(), c.everything) << c.matcher;
    EXPECT_EQ(PageMatcher::compile(*matcher, {}, *active)->matches_everything(),
              c.everything_active)
        << c.matcher;
  }
}

}  // namespace
}  // namespace hf

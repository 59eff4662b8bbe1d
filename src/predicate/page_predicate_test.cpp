// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "predicate/any_part.h"
#include "predicate/predicate.h"

namespace hf {
namespace {

using test::Event;

TEST(PagePredicate, AgreesWithAskingEventByEvent) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    test::World world(rng);
    const std::vector<Event> events = world.events(test::any_row_count(rng, seed));
    const test::PartOfEvents part(events);
    ASSERT_EQ(part->row_count(), events.size());
    for (int round = 0; round < 12; ++round) {
      const std::string text = world.predicate(3);
      SCOPED_TRACE(text);
      const auto json = parse_json(text);
      const auto predicate = parse_predicate(*json, "");
      ASSERT_TRUE(predicate) << predicate.error().message;
      const auto bound = PagePredicate::compile(*predicate, *part);
      ASSERT_TRUE(bound) << bound.error().message;
      for (std::uint32_t page = 0; page < part->page_count(); ++page) {
        const std::uint32_t count = part->rows_in_page(page);
        std::vector<std::uint64_t> rows((count + 63) / 64);
        const double density = rng.uniform01();
        for (std::uint64_t& word : rows)
          word = rng.chance(density) ? ~std::uint64_t{0} : rng.next();
        if (rng.chance(0.3)) rows[rng.below(rows.size())] = 0;
        const std::vector<std::uint64_t> asked = rows;
        ASSERT_TRUE(bound->restrict(page, rows));
        for (std::uint32_t row = 0; row < rows.size() * 64; ++row) {
          const auto bit = [&](const auto& words) {
            return (words[row / 64] >> (row % 64) & 1u) != 0;
          };
          if (row >= count) {
            ASSERT_FALSE(bit(rows)) << "past the last row";
            continue;
          }
          const Event& event = events[page * part_format::page_rows + row];
          const bool holds = satisfies(*predicate, test::views(event));
          ASSERT_EQ(bit(rows), bit(asked) && holds) << "row " << row;
          ASSERT_FALSE(holds && bound->never_holds());
          ASSERT_TRUE(holds || !bound->always_holds());
        }
      }
    }
  }
}

// The parts a predicate cannot hold in need not be read.
TEST(PagePredicate, KnowsFromDictionariesAndRangesWhatCannotHold) {
  std::vector<Event> events;
  for (int i = 0; i < 10; ++i) {
    events.push_back({"a",
                      {{"plan", {.text = i % 2 == 0 ? "gold" : "free"}},
                       {"n", {.kind = ValueKind::number, .number = {i, 0}}}}});
  }
  events[3].properties.pop_back();
  const test::PartOfEvents part(events);
  enum class Knows { never, always, neither };
  const struct {
    std::string_view predicate;
    Knows knows;
  } cases[] = {
      {R"({"all":[]})", Knows::always},
      {R"({"property":"plan","op":"exists"})", Knows::always},
      {R"({"property":"plan","op":"not_exists"})", Knows::never},
      {R"({"property":"n","op":"exists"})", Knows::neither},
      {R"({"property":"plan","op":"eq","value":"silver"})", Knows::never},
      {R"({"property":"plan","op":"ne","value":"silver"})", Knows::always},
      {R"({"property":"plan","op":"eq","value":"gold"})", Knows::neither},
      {R"({"property":"plan","op":"in","value":["gold","free"]})", Knows::always},
      {R"({"property":"n","op":"gt","value":9})", Knows::never},
      {R"({"property":"n","op":"gte","value":9})", Knows::neither},
      {R"({"property":"n","op":"eq","value":10.5})", Knows::never},
      {R"({"property":"other","op":"eq","value":1})", Knows::never},
      {R"({"property":"other","op":"ne","value":1})", Knows::always},
      {R"({"not":{"property":"other","op":"ne","value":1}})", Knows::never},
      {R"({"all":[{"property":"n","op":"gte","value":5},{"property":"n","op":"gt","value":9}]})",
       Knows::never},
      {R"({"any":[{"property":"n","op":"gte","value":5},{"property":"plan","op":"exists"}]})",
       Knows::always},
      {R"({"any":[{"property":"n","op":"gt","value":9},{"property":"other","op":"exists"}]})",
       Knows::never},
  };
  for (const auto& c : cases) {
    const auto bound =
        PagePredicate::compile(*parse_predicate(*parse_json(c.predicate), ""), *part);
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->never_holds(), c.knows == Knows::never) << c.predicate;
    EXPECT_EQ(bound->always_holds(), c.knows == Knows::always) << c.predicate;
  }
}

}  // namespace
}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
#include "metric/segment_size.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>

#include "metric/group_twin.h"
#include "metric/query_world.h"
#include "metric/sample.h"

namespace hf::test {
namespace {

// Counts one person after the other.
std::string twin(const SegmentSizeQuery& query, const std::vector<WorldEvent>& events) {
  const auto persons = persons_of(events, query.common.as_of);
  const TwinGroups groups(query.common, persons, [](const WorldEvent&) { return false; });
  SegmentSizeAnswer answer;
  answer.known = std::ssize(persons);
  answer.has_groups = !query.common.breakdown.empty();
  for (const auto& set : query.overlap) answer.labels.push_back(set.label);
  const auto table = [&](const TwinFilter& filter) {
    SegmentSizeTable result;
    result.sets.resize(query.overlap.size());
    std::map<std::uint32_t, std::int64_t> exactly;
    for (std::size_t p = 0; p < persons.size(); ++p) {
      const TwinHistory history(persons[p]);
      const auto is_in = [&](const Predicate& predicate) {
        return holds_at(predicate, history.view(), {query.common.as_of}, *query.common.zone);
      };
      if (!groups.contains(filter, p, persons[p].front())) continue;
      if (query.common.people && !is_in(*query.common.people)) continue;
      ++result.count;
      std::uint32_t sets = 0;
      for (std::size_t i = 0; i < query.overlap.size(); ++i) {
        if (!is_in(query.overlap[i].people)) continue;
        sets |= 1u << i;
        ++result.sets[i];
      }
      if (sets != 0) ++exactly[sets];
    }
    for (const auto& [sets, count] : exactly) result.exactly_in.push_back({sets, count});
    std::ranges::stable_sort(result.exactly_in, std::ranges::greater{}, &SegmentOverlap::count);
    return result;
  };
  answer.total = table({});
  if (persons.empty()) answer.warnings.push_back({"no_events", ""});
  if (answer.has_groups) {
    answer.groups = groups.tables(
        table, [](const SegmentSizeTable& t) { return std::pair(t.count, t.count > 0); },
        [](const std::vector<SegmentSizeTable>& tables) {
          SegmentSizeTable sum;
          std::map<std::uint32_t, std::int64_t> exactly;
          for (const SegmentSizeTable& t : tables) {
            sum.count += t.count;
            sum.sets.resize(t.sets.size());
            for (std::size_t i = 0; i < t.sets.size(); ++i) sum.sets[i] += t.sets[i];
            for (const SegmentOverlap& each : t.exactly_in) exactly[each.sets] += each.count;
          }
          for (const auto& [sets, count] : exactly) sum.exactly_in.push_back({sets, count});
          std::ranges::stable_sort(sum.exactly_in, std::ranges::greater{}, &SegmentOverlap::count);
          return sum;
        });
  }
  return data_json(answer);
}

TEST(SegmentSize, AgreesWithAskingOnePersonAfterTheOther) {
  check_cases("segment_size agrees with its twin", 3'000, [] {
    const QueryChoice q = *any_query_choice();
    const auto choices = *rc::gen::container<std::vector<EventChoice>>(any_event_choice());
    const std::vector<WorldEvent> events = world_of(choices, q);
    EventWorld world(events, utc(anchors[q.anchor]) + 40 * steps_ms[q.step]);
    const QueryContext context = chosen_ways(world.context(), q);
    const std::string json = QueryText(q).segment_size();
    const auto query = parse_segment_size(parse_json(json).value(), context);
    if (!query) RC_LOG() << json << query.error().message;
    RC_ASSERT(query.has_value());
    const auto answer = run_segment_size(world.snapshot(), context, *query);
    RC_ASSERT(answer.has_value());
    std::vector<WorldEvent> asked = events;
    if (query->common.sample) {
      const auto ordinals = world.ordinals();
      std::erase_if(asked, [&](const WorldEvent& event) {
        return sample_fraction(ordinals.at(event.person)) >= *query->common.sample;
      });
    }
    const std::string expected = twin(*query, asked);
    const std::string actual = data_json(*answer);
    if (actual != expected) {
      RC_LOG() << json << '\n';
      for (const WorldEvent& event : by_arrival(events)) RC_LOG() << event;
      RC_LOG() << "twin   " << expected << "\nanswer " << actual;
    }
    RC_ASSERT(actual == expected);
    const auto [table, bucket] = any_table(*answer, q.from_slot);
    check_members<segment_size_members>(world, context, *query, "{}", bucket, table->count);
    if (table->exactly_in.empty()) return;
    const SegmentOverlap& overlap = table->exactly_in.back();
    std::string in;
    for (std::size_t i = 0; i < answer->labels.size(); ++i) {
      if ((overlap.sets >> i & 1u) == 0) continue;
      in += fmt::format(R"({}"{}")", in.empty() ? "" : ",", answer->labels[i]);
    }
    check_members<segment_size_members>(world, context, *query, fmt::format(R"({{"in":[{}]}})", in),
                                        bucket, overlap.count);
  });
}

std::string answer(const std::string& query) {
  const auto at = [](std::string_view day) { return utc(fmt::format("2026-01-{}T12:00", day)); };
  const std::vector<WorldEvent> events{
      {"ann", "purchase", at("05")},
      {"ann", "purchase", at("20")},
      {"ann", "identify", at("05"), {{"plan", text("gold")}}},
      {"bob", "purchase", at("06")},
      {"bob", "identify", at("06"), {{"plan", text("free")}}},
      {"cid", "visit", at("20")},
  };
  EventWorld world(events, utc("2026-01-31T12:00"));
  const QueryContext context = world.context();
  const SegmentSizeQuery parsed = parse_segment_size(parse_json(query).value(), context).value();
  JsonWriter out;
  write_json(out, run_segment_size(world.snapshot(), context, parsed).value());
  return out.take();
}

TEST(SegmentSizeExample, CountsPersonsOfWhomAConditionHolds) {
  EXPECT_EQ(answer(R"({"metric":"segment_size","people":{"did":{"event":"purchase"}}})"),
            R"({"known":3,"count":2})");
  // Whoever did nothing of the kind is in the complement, whatever else there is of them.
  EXPECT_EQ(answer(R"({"metric":"segment_size","people":{"did_not":{"event":"purchase"}}})"),
            R"({"known":3,"count":1})");
}

TEST(SegmentSizeExample, SetsOverlap) {
  EXPECT_EQ(answer(R"({"metric":"segment_size","overlap":[
                {"label":"bought","people":{"did":{"event":"purchase"}}},
                {"label":"lately","people":{"did":{"event":"*"},"within":"P14D"}}]})"),
            R"({"known":3,"count":3,"sets":[{"label":"bought","count":2},)"
            R"({"label":"lately","count":2}],"exactly_in":[{"in":["bought"],"count":1},)"
            R"({"in":["lately"],"count":1},{"in":["bought","lately"],"count":1}]})");
}

TEST(SegmentSizeExample, ABreakdownIsByWhatPersonsAre) {
  EXPECT_EQ(answer(R"({"metric":"segment_size","breakdown":[{"trait":"plan"}]})"),
            R"({"known":3,"groups":[{"bucket":[null],"count":1},{"bucket":["free"],"count":1},)"
            R"({"bucket":["gold"],"count":1}],"total":{"count":3}})");
}

}  // namespace
}  // namespace hf::test

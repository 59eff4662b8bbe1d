// SPDX-License-Identifier: Apache-2.0
#include "store/postings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>
#include <tuple>

#include "base/bytes.h"
#include "base/forwarding_files.h"
#include "base/memory_file.h"
#include "identity/person_key.h"
#include "store/footer.h"
#include "store/part_builder.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;
using part_format::page_rows;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr TimestampMs received_at = 1'600'000'000'000;
constexpr PostingRule of_all{1000, 1000};
constexpr PostingRule of_none{0, 0};

PartBuilder builder_of(const std::vector<AnyEvent>& events) {
  PartBuilder builder(received_at);
  for (const AnyEvent& event : events) {
    event.with_view([&](const EventView& view) { builder.add(view); });
  }
  return builder;
}

std::shared_ptr<const Part> written(const PartBuilder& from, const PartBuilder::Target& target,
                                    PersonRegistry& persons, PageCache& cache) {
  PartBuilder builder(received_at);
  builder.add_all(from);
  auto file = std::make_unique<MemoryFile>();
  EXPECT_TRUE(builder.write_to(*file, 0, target, persons, {}));
  return Part::open(std::move(file), "part", cache).value();
}

using Entry = std::tuple<PersonOrdinal, RowNumber, TimestampMs>;

std::vector<Entry> entries_of(const Postings& postings) {
  EXPECT_EQ(postings.owners.size(), postings.rows.size());
  EXPECT_EQ(postings.times.size(), postings.rows.size());
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < postings.rows.size(); ++i) {
    entries.emplace_back(postings.owners[i], postings.rows[i], postings.times[i]);
  }
  return entries;
}

/// The entries of every name, by looking at each row and the ids it came with.
std::map<std::string, std::vector<Entry>> entries_by_name(const Part& part,
                                                          const PersonRegistry& persons) {
  std::map<std::string, std::vector<Entry>> entries;
  const std::vector<StoredRow> rows = read_rows(part).value();
  for (RowNumber row = 0; row < rows.size(); ++row) {
    const bool is_user = !rows[row].user.empty();
    const Hash128 key = person_key({}, is_user ? IdKind::user : IdKind::anonymous,
                                   is_user ? rows[row].user : rows[row].anonymous);
    entries[rows[row].name].emplace_back(persons.known(key).value(), row, rows[row].time);
  }
  for (auto& [name, of_name] : entries) std::ranges::sort(of_name);
  return entries;
}

void expect_true_postings(const Part& part, const PersonRegistry& persons,
                          const PostingRule& rule) {
  const auto expected = entries_by_name(part, persons);
  const std::uint32_t first = first_posting_code(part.names(), part.row_count(), rule);
  for (std::uint32_t code = 0; code < part.names().size(); ++code) {
    SCOPED_TRACE(part.names()[code].name);
    ASSERT_EQ(part.has_postings(code), code >= first);
    if (code < first) continue;
    const auto postings = part.postings(code);
    ASSERT_TRUE(postings) << postings.error().message;
    ASSERT_EQ(entries_of(**postings), expected.at(part.names()[code].name));
    EXPECT_EQ((*postings)->memory_bytes, 16 * (*postings)->rows.size());
  }
  EXPECT_FALSE(part.has_postings(static_cast<std::uint32_t>(part.names().size())));
  EXPECT_FALSE(part.has_postings(0xffffffff));
}

TEST(Postings, AreWhatAWalkOverTheRowsFinds) {
  constexpr std::array<std::int64_t, 6> units{1, 1'000, 60'000, 3'600'000, 86'400'000, 0};
  bool any_shared = false;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    auto events = any_events(rng, 1 + rng.below(rng.chance(0.2) ? 2 : 250));
    const std::int64_t unit = units[rng.below(units.size())];  // 0: the times any_event() chose.
    const std::int64_t span = rng.chance(0.3) ? 40'000 * ms_per_day : 180 * ms_per_day;
    for (AnyEvent& event : events) {
      if (unit != 0) event.time = rng.between(0, span / unit) * unit + (unit == 1'000 ? 7 : 0);
      if (rng.chance(0.5)) event.name = "common";
    }
    const Hash128 everybody = person_key({}, IdKind::user, "u1");
    const bool merges = rng.chance(0.5);
    const PartBuilder::Target target{
        .canonical =
            [&](const Hash128& key) { return merges && key.low % 3 != 0 ? everybody : key; },
        .zone = rng.chance(0.5) ? Zone::utc() : nullptr,
        .keep_duplicates = rng.chance(0.3),
        .postings = rng.chance(0.5) ? of_all
                                    : PostingRule{static_cast<std::uint32_t>(rng.below(400)),
                                                  static_cast<std::uint32_t>(rng.below(1'000))}};
    PersonRegistry persons({}, 0);
    PageCache cache(1 << 20);
    const auto part = written(builder_of(events), target, persons, cache);
    const auto verified = part->verify();
    ASSERT_TRUE(verified) << verified.error().message;
    expect_true_postings(*part, persons, target.postings);
    any_shared = any_shared || part->has_shared_runs();
  }
  EXPECT_TRUE(any_shared);
}

TEST(Postings, GoOverManyPages) {
  Rng rng(3);
  PartBuilder builder(received_at);
  for (std::uint32_t i = 0; i < 3 * page_rows; ++i) {
    const std::string user = fmt::format("u{}", rng.below(3'000));
    const bool is_first = rng.chance(0.7);
    builder.add({.user_id = is_first ? user : std::string_view{},
                 .anonymous_id = user,
                 .name = is_first          ? "first"
                         : rng.chance(0.9) ? "second"
                                           : "third",
                 .time_ms = rng.between(0, 180 * 86'400) * 1'000});
  }
  const Hash128 someone = person_key({}, IdKind::user, "u17");
  PersonRegistry persons({}, 0);
  PageCache cache(std::size_t{64} << 20);
  const PartBuilder::Target target{
      .canonical = [&](const Hash128& key) { return key.low % 7 == 0 ? someone : key; },
      .postings = of_all};
  const auto part = written(builder, target, persons, cache);
  ASSERT_GT(part->names()[0].count, 2 * posting_page_entries);
  expect_true_postings(*part, persons, of_all);
  ASSERT_TRUE(part->verify());
}

TEST(Postings, AreOfTheRarestNamesAsFarAsTheRuleGoes) {
  struct Case {
    PostingRule rule;
    std::vector<std::uint64_t> counts;
    std::uint32_t first;
  };
  const std::vector<Case> cases = {
      {{}, {10'000 - 200 - 30, 200, 30}, 1},  // 20 per mille is in,
      {{}, {10'000 - 201 - 30, 201, 30}, 2},  // one more is not.
      {{}, {1}, 1},
      {{}, {980, 20}, 1},
      {{}, {979, 21}, 2},
      {{31, 60}, {9'400, 300, 300}, 1},  // The rule for all is met exactly,
      {{31, 60}, {9'399, 301, 300}, 2},  // and missed by one.
      {{1000, 1000}, {5, 3, 1}, 0},
      {{0, 0}, {5, 3, 1}, 3},
      {{1000, 0}, {5, 3, 1}, 3},
      {{1000, 999}, {5, 3, 1}, 1},
      {{1000, 1000}, {part_format::rows_max}, 0},
  };
  for (const Case& each : cases) {
    std::vector<NameInfo> names;
    std::uint64_t rows = 0;
    for (const std::uint64_t count : each.counts) {
      names.push_back({.count = count});
      rows += count;
    }
    EXPECT_EQ(first_posting_code(names, static_cast<RowNumber>(rows), each.rule), each.first)
        << ::testing::PrintToString(each.counts);
  }
}

// Equal counts: the name that sorts last counts as the rarer one, whichever came first.
TEST(Postings, AreOfTheSameNamesWhateverCameFirst) {
  for (const bool reversed : {false, true}) {
    std::vector<AnyEvent> events;
    for (std::uint32_t i = 0; i < 100; ++i) {
      AnyEvent& event = events.emplace_back();
      event.user = "ann";
      event.name = i < 94 ? "page" : fmt::format("rare {}", i % 3);
      event.time = i;
    }
    if (reversed) std::ranges::reverse(events);
    PersonRegistry persons({}, 0);
    PageCache cache(1 << 20);
    const auto part = written(builder_of(events), {.postings = {31, 50}}, persons, cache);
    std::vector<std::string> listed;
    for (std::uint32_t code = 0; code < part->names().size(); ++code) {
      if (part->has_postings(code)) listed.push_back(part->names()[code].name);
    }
    EXPECT_THAT(listed, ElementsAre("rare 1", "rare 2"));
  }
}

TEST(Postings, AreLeftOutWhereTheRuleSaysNone) {
  Rng rng(1);
  PersonRegistry persons({}, 0);
  PageCache cache(1 << 20);
  const auto part = written(builder_of(any_events(rng, 50)), {.postings = of_none}, persons, cache);
  expect_true_postings(*part, persons, of_none);
  EXPECT_TRUE(part->verify());
}

TEST(Postings, AreDecodedOnceAndCountedByTheCache) {
  Rng rng(1);
  PersonRegistry persons({}, 0);
  PageCache cache(1 << 20);
  const auto part = written(builder_of(any_events(rng, 50)), {.postings = of_all}, persons, cache);
  const std::size_t before = cache.memory_bytes();
  const auto first = part->postings(0).value();
  EXPECT_EQ(cache.memory_bytes(), before + 16 * part->names()[0].count);
  EXPECT_EQ(part->postings(0).value(), first);
  EXPECT_NE(part->postings(1).value(), first);
}

/// Counts what is read of a file in memory.
class CountedFile final : public test::ForwardingFile {
 public:
  CountedFile(std::unique_ptr<File> file, int& reads)
      : ForwardingFile(std::move(file)), reads_(reads) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++reads_;
    return ForwardingFile::read_at(offset, out);
  }

 private:
  int& reads_;
};

TEST(Postings, ReadTheIdsOfSharedRunsOnlyOfTheRowsListed) {
  PartBuilder builder(received_at);
  const auto add = [&](std::string_view user, std::string_view name, TimestampMs time) {
    builder.add({.user_id = user, .name = name, .time_ms = time});
  };
  // "ann" has the first two pages and a half, among them one row of "bob"; "cid" has the rest.
  for (std::uint32_t i = 0; i < 2 * page_rows + page_rows / 2; ++i) add("ann", "page", i);
  for (std::uint32_t i = 0; i < page_rows; ++i) add("cid", "page", i);
  add("cid", "cid's own", 5);
  add("ann", "shared", page_rows + 7);
  add("bob", "shared", page_rows + 9);
  const Hash128 ann = person_key({}, IdKind::user, "ann");
  const Hash128 bob = person_key({}, IdKind::user, "bob");
  PersonRegistry persons({}, 0);
  auto file = std::make_unique<MemoryFile>();
  ASSERT_TRUE(builder.write_to(
      *file, 0, {.canonical = [&](const Hash128& key) { return key == bob ? ann : key; }}, persons,
      {}));
  int reads = 0;
  PageCache cache(1 << 20);
  const auto part =
      Part::open(std::make_unique<CountedFile>(std::move(file), reads), "part", cache).value();
  ASSERT_TRUE(part->has_shared_runs());
  ASSERT_EQ(part->page_count(), 4u);
  ASSERT_EQ(part->names()[1].name, "shared");
  ASSERT_EQ(part->names()[2].name, "cid's own");
  reads = 0;
  EXPECT_THAT(part->postings(2).value()->owners,
              ElementsAre(persons.known(person_key({}, IdKind::user, "cid")).value()));
  EXPECT_EQ(reads, 2) << "the owners, the list";
  reads = 0;
  const auto shared = part->postings(1).value();
  EXPECT_EQ(reads, 3) << "one page of ids too";
  EXPECT_THAT(shared->owners, ElementsAre(persons.known(ann).value(), persons.known(bob).value()));
}

/// A list of one page, as the writer leaves it.
std::string payload_of(const PostingRows& list) {
  MemoryFile file;
  PageWriter pages(file, /*compress=*/false);
  const PageRef ref = write_postings(pages, list).value().at(0);
  EXPECT_TRUE(pages.flush());
  std::string stored(ref.stored_bytes, '\0');
  EXPECT_TRUE(file.read_at(ref.offset, std::as_writable_bytes(std::span(stored))));
  return decode_page(stored, part_format::PageKind::postings).value();
}

TEST(PostingPage, GivesBackRowsAndTimesOfAnyUnitAndSpread) {
  Rng rng(5);
  for (int world = 0; world < 500; ++world) {
    SCOPED_TRACE(world);
    PostingRows list;
    const std::int64_t unit = time_units_ms[rng.below(std::size(time_units_ms))];
    const TimestampMs base = rng.between(timestamp_min_ms, timestamp_end_ms - 1);
    const auto room = static_cast<std::uint64_t>((timestamp_end_ms - 1 - base) / unit);
    const std::uint64_t spread =
        rng.chance(0.5) ? room : std::min<std::uint64_t>(rng.below(300), room);
    RowNumber row = static_cast<RowNumber>(rng.below(1'000'000));
    for (std::uint64_t n = 1 + rng.below(200); n > 0; --n) {
      list.rows.push_back(row);
      row += 1 + static_cast<RowNumber>(rng.below(rng.chance(0.5) ? 3 : 100'000));
      list.times.push_back(base + static_cast<std::int64_t>(rng.below(spread + 1)) * unit);
    }
    const auto [low, high] = std::ranges::minmax(list.times);
    const NameInfo name{.time_min = low, .time_max = high};
    const auto count = static_cast<std::uint32_t>(list.rows.size());
    const std::string payload = payload_of(list);
    PostingRows read;
    ASSERT_TRUE(read_posting_page(payload, count, list.rows.back() + 1, name, read));
    EXPECT_EQ(read.rows, list.rows);
    EXPECT_EQ(read.times, list.times);
    // Of another part or name it is refused.
    const auto refused = [&](std::string_view bytes, std::uint32_t entries, RowNumber row_count,
                             const NameInfo& of) {
      PostingRows out;
      const auto result = read_posting_page(bytes, entries, row_count, of, out);
      return !result && result.error().code == ErrorCode::data_loss;
    };
    EXPECT_TRUE(refused(payload, count, list.rows.back(), name));
    EXPECT_TRUE(refused(payload, count + 1, list.rows.back() + 1, name));
    EXPECT_TRUE(
        refused(payload, count, list.rows.back() + 1, {.time_min = low + 1, .time_max = high}));
    EXPECT_TRUE(
        refused(payload, count, list.rows.back() + 1, {.time_min = low, .time_max = high - 1}));
    for (std::size_t size = 0; size < payload.size(); ++size) {
      ASSERT_TRUE(refused(payload.substr(0, size), count, list.rows.back() + 1, name)) << size;
    }
    EXPECT_TRUE(refused(payload + '\0', count, list.rows.back() + 1, name));
  }
}

TEST(PostingPage, SaysWhyItIsRefused) {
  constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();
  const NameInfo name{.time_min = 1'000, .time_max = 9'000};
  const auto reason = [&](std::int64_t base, std::uint64_t unit, int width, std::string_view packed,
                          std::initializer_list<std::uint64_t> gaps, const NameInfo& of,
                          std::uint32_t count, PostingRows list) {
    ByteWriter out;
    out.signed_varint(base);
    out.varint(unit);
    out.u8(static_cast<std::uint8_t>(width));
    out.bytes(packed);
    for (const std::uint64_t gap : gaps) out.varint(gap);
    const auto result = read_posting_page(out.str(), count, 100, of, list);
    return result ? "" : result.error().message;
  };
  const auto why = [&](std::int64_t base, std::uint64_t unit, int width, std::string_view packed,
                       std::initializer_list<std::uint64_t> gaps) {
    return reason(base, unit, width, packed, gaps, name, 2, {});
  };
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {7, 0}), "");
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {98, 0}), "");
  const std::string head = "postings with an impossible head";
  EXPECT_EQ(why(1'000, 2'000, 4, "\x80", {7, 0}), head);
  EXPECT_EQ(why(1'000, 0, 4, "\x80", {7, 0}), head);
  EXPECT_EQ(why(1'000, ~std::uint64_t{0}, 4, "\x80", {7, 0}), head);
  EXPECT_EQ(why(1'000, 1'000, 43, "\x80", {7, 0}), head);
  EXPECT_EQ(why(1'000, 1'000, 3, "\x38", {7, 0}), "");
  EXPECT_EQ(why(1'000, 1'000, 3, "\x40", {7, 0}), "postings with bits past their last time");
  const std::string time = "postings with a time that their name does not have";
  EXPECT_EQ(why(999, 1'000, 4, "\x10", {7, 0}), time);
  EXPECT_EQ(why(9'001, 1'000, 0, "", {7, 0}), time);
  EXPECT_EQ(why(-1, 1'000, 0, "", {7, 0}), time);
  EXPECT_EQ(why(max, 1'000, 0, "", {7, 0}), time);
  EXPECT_EQ(why(1'000, 1'000, 4, "\x90", {7, 0}), time);
  EXPECT_EQ(why(1'000, 86'400'000, 42, std::string(10, '\xff') + '\x0f', {7, 0}), time);
  EXPECT_EQ(reason(timestamp_end_ms, 1, 0, "", {7, 0}, {.time_max = max}, 2, {}), time);
  const std::string row = "postings with a row beyond the last";
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {99, 0}), row);
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {100, 0}), row);
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {7, ~std::uint64_t{0}}), row);
  EXPECT_EQ(why(1'000, 1'000, 4, "\x80", {7, 0, 0}), "postings with another length");
  EXPECT_EQ(why(1'000, 1'000, 4, "", {}), "postings shorter than their rows");
  EXPECT_EQ(why(1'000, 1'000, 42, "", {7, 0}), "postings shorter than their times");
  EXPECT_EQ(reason(1'000, 1'000, 0, "", {7, 0}, name, 0xffffffff, {}),
            "postings shorter than their rows");
  const std::string order = "postings whose rows do not ascend";
  EXPECT_EQ(reason(1'000, 1'000, 0, "", {7, 0}, name, 2, {.rows = {6}, .times = {0}}), "");
  EXPECT_EQ(reason(1'000, 1'000, 0, "", {7, 0}, name, 2, {.rows = {7}, .times = {0}}), order);
}

TEST(Postings, CostAboutFourBytesAnEntryAtSecondsOverHalfAYear) {
  constexpr std::uint32_t rows = 300'000;
  constexpr TimestampMs first_ms = received_at - 180 * ms_per_day;
  Rng rng(7);
  PartBuilder builder(received_at);
  for (std::uint32_t i = 0; i < rows; ++i) {
    const std::string user = fmt::format("u{}", rng.below(rows / 100));
    const std::uint64_t kind = rng.below(1'000);
    builder.add({.user_id = user,
                 .name = kind < 15   ? "1.5 %"
                         : kind < 20 ? "0.5 %"
                                     : "page",
                 .time_ms = first_ms + rng.between(0, 180 * 86'400 - 1) * 1'000});
  }
  PersonRegistry persons({}, 0);
  MemoryFile file;
  const std::uint64_t bytes = builder.write_to(file, 0, {}, persons, {})->bytes;
  MemoryFile bare;
  const std::uint64_t bare_bytes =
      builder.write_to(bare, 0, {.postings = of_none}, persons, {})->bytes;
  PageCache cache(1 << 20);
  std::string copy(bytes, '\0');
  ASSERT_TRUE(file.read_at(0, std::as_writable_bytes(std::span(copy))));
  const auto part = Part::open(std::make_unique<MemoryFile>(copy), "part", cache).value();
  ASSERT_FALSE(part->has_postings(0));
  ASSERT_TRUE(part->has_postings(1) && part->has_postings(2));
  const std::uint64_t entries = part->names()[1].count + part->names()[2].count;
  const double each = static_cast<double>(bytes - bare_bytes) / static_cast<double>(entries);
  EXPECT_GT(each, 3.9);
  EXPECT_LT(each, 4.3);
}

}  // namespace
}  // namespace hf

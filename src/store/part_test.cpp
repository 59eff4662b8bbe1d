// SPDX-License-Identifier: Apache-2.0
#include "store/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/sim_env.h"
#include "identity/person_key.h"
#include "store/part_builder.h"
#include "store/stored_rows.h"

namespace hf {
namespace {

using namespace test;
using part_format::ColumnRole;
using part_format::page_rows;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr TimestampMs received_at = 1'700'000'000'000;

HashKey some_key() {
  HashKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i * 7);
  return key;
}

/// A simulated disk with parts on it.
class Disk {
 public:
  Disk() : sim_(1), cache_(std::size_t{64} << 20), persons_(some_key(), 0) {
    EXPECT_TRUE(env().files.make_directories("/parts"));
  }

  Env env() { return sim_.env(); }
  SimEnv& sim() { return sim_; }
  PageCache& cache() { return cache_; }
  PersonRegistry& persons() { return persons_; }

  static PartBuilder builder_of(const std::vector<AnyEvent>& events) {
    PartBuilder builder(received_at);
    for (const AnyEvent& event : events) {
      event.with_view([&](const EventView& view) {
        EXPECT_TRUE(validate(view));
        builder.add(view);
      });
    }
    return builder;
  }
  Result<PartSummary> write(const std::vector<AnyEvent>& events, const std::string& file,
                            const std::string& source = "shop",
                            std::function<Hash128(const Hash128&)> canonical = {}) {
    return builder_of(events).write(env(),
                                    {.directory = "/parts",
                                     .file = file,
                                     .source = source,
                                     .hash_key = some_key(),
                                     .canonical = std::move(canonical),
                                     .zone = Zone::utc()},
                                    persons_, known_);
  }
  std::shared_ptr<const Part> open(const std::string& file) {
    auto part = Part::open(env(), "/parts/" + file, cache_);
    EXPECT_TRUE(part) << part.error().message;
    return part.value_or(nullptr);
  }
  void know(std::shared_ptr<const Part> part) { known_.push_back(std::move(part)); }
  std::string bytes_of(const std::string& file) {
    return read_file(env(), "/parts/" + file, std::size_t{1} << 30).value_or("");
  }

 private:
  SimEnv sim_;
  PageCache cache_;
  PersonRegistry persons_;
  std::vector<std::shared_ptr<const Part>> known_;
};

// What the footer says of names, columns and times, counted again from the rows.
void expect_true_footer(const Part& part, const std::vector<StoredRow>& rows) {
  std::map<std::string, NameInfo> names;
  struct Column {
    std::uint64_t count = 0;
    std::map<std::string, std::uint64_t> values;
  };
  std::map<std::pair<std::string, ValueKind>, Column> columns;
  TimestampMs low = rows.front().time;
  TimestampMs high = low;
  for (const StoredRow& row : rows) {
    low = std::min(low, row.time);
    high = std::max(high, row.time);
    NameInfo& name =
        names.try_emplace(row.name, NameInfo{row.name, 0, row.time, row.time}).first->second;
    ++name.count;
    name.time_min = std::min(name.time_min, row.time);
    name.time_max = std::max(name.time_max, row.time);
    for (const auto& [key, text] : row.properties) {
      ++columns[key].count;
      ++columns[key].values[text];
    }
  }
  EXPECT_EQ(part.time_min(), low);
  EXPECT_EQ(part.time_max(), high);
  ASSERT_EQ(part.names().size(), names.size());
  const NameInfo* before = nullptr;
  for (const NameInfo& name : part.names()) {
    const NameInfo& expected = names.at(name.name);
    EXPECT_EQ(name.count, expected.count);
    EXPECT_EQ(name.time_min, expected.time_min);
    EXPECT_EQ(name.time_max, expected.time_max);
    if (before != nullptr) {
      EXPECT_TRUE(before->count > name.count ||
                  (before->count == name.count && before->name < name.name));
    }
    before = &name;
  }
  std::size_t property_columns = 0;
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < part.columns().size(); ++i) {
    bytes += part.column_bytes(i);
    const ColumnInfo& info = part.columns()[i];
    if (info.role != ColumnRole::property) {
      EXPECT_EQ(part.find(info.role), i);
      continue;
    }
    ++property_columns;
    EXPECT_THAT(part.find_property(info.property), ::testing::Contains(i));
    const Column& expected = columns.at({info.property, info.kind});
    EXPECT_EQ(info.value_count, expected.count);
    if (info.kind == ValueKind::number) {
      Decimal least = parse_decimal(expected.values.begin()->first).value();
      Decimal greatest = least;
      std::int8_t scale_max = 0;
      for (const auto& [text, count] : expected.values) {
        const Decimal value = parse_decimal(text).value();
        least = std::min(least, value);
        greatest = std::max(greatest, value);
        scale_max = std::max(scale_max, value.scale);
      }
      EXPECT_EQ(info.number_min, least);
      EXPECT_EQ(info.number_max, greatest);
      EXPECT_EQ(info.scale_max, scale_max);
      continue;
    }
    const auto dictionary = part.dictionary(i).value();
    std::vector<std::string> texts;
    if (info.kind == ValueKind::boolean) {
      texts = {"false", "true"};
    } else {
      for (const auto& [text, count] : expected.values) texts.push_back(text);
      std::ranges::stable_sort(texts, std::greater<>(),
                               [&](const std::string& text) { return expected.values.at(text); });
    }
    ASSERT_EQ(dictionary->size(), texts.size());
    ASSERT_EQ(info.dictionary_size, texts.size());
    for (std::uint32_t code = 0; code < texts.size(); ++code) {
      EXPECT_EQ(dictionary->at(code), texts[code]);
    }
  }
  EXPECT_EQ(property_columns, columns.size());
  EXPECT_LT(bytes, part.file_bytes());
}

void expect_true_keys(const Part& part, const std::vector<StoredRow>& rows) {
  std::map<PersonOrdinal, Hash128> persons;
  std::vector<Hash128> messages;
  for (const StoredRow& row : rows) {
    persons[row.person] = row.user.empty()
                              ? person_key(some_key(), IdKind::anonymous, row.anonymous)
                              : person_key(some_key(), IdKind::user, row.user);
    if (row.message_id.empty()) continue;
    ByteWriter source;
    source.text("shop");
    messages.push_back(keyed_hash128(some_key(), source.str() + row.message_id));
  }
  std::ranges::sort(messages);
  EXPECT_EQ(part.message_keys().value(), messages);
  const auto keys = part.id_keys().value();
  ASSERT_EQ(keys.size(), persons.size());
  for (const Part::IdKey& key : keys) EXPECT_EQ(persons.at(key.person), key.key);
}

TEST(Part, GivesBackTheEventsSortedByPersonTimeAndArrival) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Disk disk;
    ExpectedParts expected;
    for (int n = 0; n < 3; ++n) {
      const auto events = any_events(rng, static_cast<std::size_t>(rng.between(1, 120)));
      const std::string file = fmt::format("{}.part", n);
      const auto rows = expected.next_part(events, received_at);
      const PartBuilder builder = Disk::builder_of(events);
      EXPECT_EQ(builder.rows(), events.size());
      EXPECT_FALSE(builder.full());
      std::uint64_t ahead = 0;
      std::uint64_t big_numbers = 0;
      for (const AnyEvent& event : events) {
        ahead += event.time > event.received.value_or(received_at) + limits::ahead_ms_max;
        for (const auto& [name, value] : event.properties) {
          big_numbers += value.kind == ValueKind::big_number;
        }
      }
      EXPECT_EQ(builder.times_ahead(), ahead);
      EXPECT_EQ(builder.big_numbers(), big_numbers);
      const auto summary = disk.write(events, file);
      ASSERT_TRUE(summary) << summary.error().message;
      ASSERT_EQ(summary->rows, rows.size());
      ASSERT_EQ(summary->duplicates, events.size() - rows.size());
      ASSERT_FALSE(disk.env().files.exists("/parts/" + file + ".tmp"));
      if (rows.empty()) {
        ASSERT_FALSE(disk.env().files.exists("/parts/" + file));
        continue;
      }
      const auto part = disk.open(file);
      ASSERT_NE(part, nullptr);
      const auto read = read_rows(*part);
      ASSERT_TRUE(read) << read.error().message;
      ASSERT_THAT(*read, ElementsAreArray(rows));
      expect_true_footer(*part, rows);
      expect_true_keys(*part, rows);
      EXPECT_EQ(part->links().value(), ExpectedParts::links_of(rows));
      EXPECT_THAT(part->shared_runs().value(), IsEmpty());
      const auto verified = part->verify();
      ASSERT_TRUE(verified) << verified.error().message;
      EXPECT_EQ(summary->persons, part->persons().size());
      EXPECT_EQ(summary->bytes, part->file_bytes());
      EXPECT_EQ(summary->bytes, disk.bytes_of(file).size());
      EXPECT_EQ(summary->time_min, part->time_min());
      EXPECT_EQ(summary->time_max, part->time_max());
      disk.know(part);
    }
  }
}

/// The key of "user x" or "anonymous x".
Hash128 key_of(const std::string& owner) {
  const std::size_t space = owner.find(' ');
  return person_key(some_key(), owner.substr(0, space) == "user" ? IdKind::user : IdKind::anonymous,
                    owner.substr(space + 1));
}

TEST(Part, PutsEventsWithThePersonTheirOwnerBelongsTo) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Disk disk;
    ExpectedParts expected;
    for (int n = 0; n < 3; ++n) {
      // Who belongs to whom changes from part to part.
      ExpectedParts::Canonical canonical;
      std::map<Hash128, Hash128> by_key;
      for (int i = 0; i < 5; ++i) {
        if (rng.chance(0.5)) continue;
        const std::string anonymous = fmt::format("anonymous a{}", i);
        canonical[anonymous] = fmt::format("user u{}", rng.below(8));
        by_key[key_of(anonymous)] = key_of(canonical[anonymous]);
      }
      const auto events = any_events(rng, static_cast<std::size_t>(rng.between(1, 80)));
      const std::string file = fmt::format("{}.part", n);
      const auto rows = expected.next_part(events, received_at, canonical);
      ASSERT_TRUE(disk.write(events, file, "shop", [&](const Hash128& key) {
        const auto found = by_key.find(key);
        return found == by_key.end() ? key : found->second;
      }));
      if (rows.empty()) continue;
      const auto part = disk.open(file);
      ASSERT_NE(part, nullptr);
      ASSERT_THAT(read_rows(*part).value(), ElementsAreArray(rows));
      ASSERT_TRUE(part->verify());
      disk.know(part);
      // Every row's owner by the shared runs is the one its ids say.
      const auto shared = part->shared_runs().value();
      const auto ids = part->ids().value();
      std::map<std::uint32_t, const SharedRun*> by_position;
      for (const SharedRun& run : shared) by_position[run.position] = &run;
      for (std::uint32_t p = 0; p < part->persons().size(); ++p) {
        bool is_shared = false;
        for (std::uint32_t i = ids->first[p]; i < ids->first[p + 1]; ++i) {
          const auto& entry = ids->entries[i];
          const std::string owner = entry.user_id.empty()
                                        ? "anonymous " + std::string(entry.anonymous_id)
                                        : "user " + std::string(entry.user_id);
          const PersonOrdinal ordinal = expected.ordinal(owner);
          is_shared = is_shared || ordinal != part->persons()[p];
          if (!by_position.contains(p)) continue;
          const SharedRun::Owner& told = by_position[p]->owners.at(i - ids->first[p]);
          EXPECT_EQ(told.person, ordinal);
          EXPECT_EQ(told.key, key_of(owner));
        }
        EXPECT_EQ(by_position.contains(p), is_shared);
      }
    }
  }
}

TEST(Part, KnowsTheSourceOfEachRowAndItsMessagesByIt) {
  Disk disk;
  PartBuilder builder(received_at);
  const auto add = [&](std::string_view source, std::string_view message) {
    builder.add({.user_id = "u", .name = "e", .time_ms = 5, .message_id = message}, source);
  };
  add("", "1");
  add("app", "1");
  add("app", "2");
  add("web", "1");
  add("app", "1");
  PartBuilder::Target target{"/parts", "1.part", "shop", some_key()};
  EXPECT_EQ(builder.write(disk.env(), target, disk.persons(), {})->rows, 4u) << "app's 1 twice";
  const auto part = disk.open("1.part");
  EXPECT_EQ(part->source(), "shop");
  std::vector<Hash128> keys = {
      message_key(some_key(), "shop", "1"), message_key(some_key(), "app", "1"),
      message_key(some_key(), "app", "2"), message_key(some_key(), "web", "1")};
  std::ranges::sort(keys);
  EXPECT_EQ(part->message_keys().value(), keys);
  const auto column = part->find(ColumnRole::source);
  ASSERT_TRUE(column);
  const auto dictionary = part->dictionary(*column).value();
  const auto codes = part->codes(*column, 0).value();
  std::vector<std::string> sources;
  for (std::size_t row = 0; row < codes->codes.size(); ++row) {
    const std::uint32_t code = codes->codes[row];
    sources.emplace_back(code == CodePage::missing ? "" : dictionary->at(code));
  }
  EXPECT_THAT(sources, ElementsAre("", "app", "app", "web"));
  ASSERT_TRUE(part->verify());

  target.file = "2.part";
  target.keep_duplicates = true;
  EXPECT_EQ(builder.write(disk.env(), target, disk.persons(), std::vector{part})->rows, 5u);
  EXPECT_EQ(disk.open("2.part")->message_keys().value(), keys);
}

TEST(Part, CutsPersonsAndColumnsAtPageBorders) {
  Rng rng(7);
  std::vector<AnyEvent> events;
  for (std::uint32_t i = 0; i < 2 * page_rows + 1'000; ++i) {
    AnyEvent& event = events.emplace_back();
    // One person has most events, so that a run spans a whole page; others begin around borders.
    event.user = fmt::format("u{}", rng.chance(0.6) ? 3 : rng.below(2'000));
    event.name = i == 5'000 ? "rare" : "page";
    event.time = 1'600'000'000'000 + rng.between(0, 2'000) * 1'000;
    event.message_id = rng.chance(0.01) ? fmt::format("m{}", i) : "";
    AnyValue amount{.kind = ValueKind::number};
    amount.number = Decimal::normalized(rng.between(0, 1'000'000), 2);
    if (i % 3 != 0) event.properties.emplace_back("amount", amount);
    AnyValue rare{.kind = ValueKind::text};
    rare.text = fmt::format("v{}", i);
    if (i == 5'000 || i == 70'000) event.properties.emplace_back("rare", rare);
  }
  ExpectedParts expected;
  const auto rows = expected.next_part(events, received_at);
  Disk disk;
  ASSERT_TRUE(disk.write(events, "1.part"));
  const auto part = disk.open("1.part");
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->page_count(), 3u);
  EXPECT_EQ(part->rows_in_page(2), 1'000u);
  const auto read = read_rows(*part);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(*read == rows);
  expect_true_footer(*part, rows);
  ASSERT_TRUE(part->verify());
  for (std::uint32_t page = 0; page < part->page_count(); ++page) {
    const auto times = part->times(page).value();
    const auto compact = part->compact_times(page).value();
    ASSERT_EQ(compact->offsets.size(), times->values.size());
    for (std::size_t i = 0; i < times->values.size(); ++i) {
      ASSERT_EQ(compact->base_ms + compact->offsets[i] * compact->unit_ms, times->values[i]);
    }
  }
}

TEST(Part, IsTheSameBytesForTheSameEvents) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const auto events = any_events(rng, 100);
    Disk one;
    Disk two;
    ASSERT_TRUE(one.write(events, "1.part"));
    ASSERT_TRUE(two.write(events, "1.part"));
    ASSERT_EQ(one.bytes_of("1.part"), two.bytes_of("1.part"));
  }
}

AnyEvent event_of(std::string user, std::string message_id, TimestampMs time = 0) {
  AnyEvent event;
  event.user = std::move(user);
  event.name = "page";
  event.time = time;
  event.message_id = std::move(message_id);
  return event;
}

TEST(PartBuilder, KeepsTheFirstOfEachMessageIdOfASource) {
  Disk disk;
  ASSERT_EQ(disk.write({event_of("a", "1", 5), event_of("b", "1"), event_of("c", "2")}, "1.part")
                ->duplicates,
            1u);
  const auto first = disk.open("1.part");
  const auto rows = read_rows(*first).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].user, "a");
  disk.know(first);
  const std::vector<AnyEvent> again = {event_of("a", "1"), event_of("b", "2"), event_of("d", "")};
  EXPECT_EQ(disk.write(again, "2.part")->rows, 1u);
  EXPECT_EQ(disk.write(again, "3.part", "another shop")->rows, 3u)
      << "message ids are unique within their source only";
  const auto nothing = disk.write({event_of("a", "1"), event_of("b", "2")}, "4.part");
  EXPECT_EQ(nothing->rows, 0u);
  EXPECT_FALSE(disk.env().files.exists("/parts/4.part"));
}

TEST(PartBuilder, TakesTheTimeOfReceiptWhereAnEventIsMoreThanADayAhead) {
  Disk disk;
  const TimestampMs limit = received_at + limits::ahead_ms_max;
  ASSERT_TRUE(disk.write({event_of("a", "", limit), event_of("a", "", limit + 1)}, "1.part"));
  const auto rows = read_rows(*disk.open("1.part")).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].time, received_at);
  EXPECT_EQ(rows[0].raw_time, limit + 1);
  EXPECT_EQ(rows[1].time, limit);
  EXPECT_EQ(rows[1].raw_time, std::nullopt);
}

TEST(PartBuilder, TakesAClockOutOfRangeAsItsNearestEnd) {
  for (const TimestampMs clock : {TimestampMs{-5}, timestamp_end_ms + 5}) {
    Disk disk;
    PartBuilder builder(clock);
    event_of("a", "", 1'000).with_view([&](const EventView& view) { builder.add(view); });
    ASSERT_TRUE(
        builder.write(disk.env(), {"/parts", "1.part", "shop", some_key()}, disk.persons(), {}));
    EXPECT_TRUE(disk.open("1.part")->verify());
  }
}

TEST(PartBuilder, IsFullBeforeTheNextEventCouldPassABound) {
  const auto fill = [](auto&& event_of_number) {
    PartBuilder builder(received_at);
    for (std::uint64_t i = 0; !builder.full(); ++i) {
      const AnyEvent event = event_of_number(i);
      event.with_view([&](const EventView& view) { builder.add(view); });
    }
    return builder;
  };
  const PartBuilder names = fill([](std::uint64_t i) {
    AnyEvent event = event_of("a", "");
    event.name = fmt::format("{}", i);
    return event;
  });
  EXPECT_EQ(names.rows(), part_format::names_max);
  PartBuilder columns = fill([](std::uint64_t i) {
    AnyEvent event = event_of("a", "");
    for (std::size_t p = 0; p < limits::properties_max; ++p) {
      event.properties.emplace_back(fmt::format("{} {}", i, p), AnyValue{});
    }
    return event;
  });
  EXPECT_LE(columns.rows() * limits::properties_max, part_format::columns_max);
  EXPECT_GT((columns.rows() + 1) * limits::properties_max, part_format::columns_max - 10);
  Disk disk;
  ASSERT_TRUE(
      columns.write(disk.env(), {"/parts", "1.part", "shop", some_key()}, disk.persons(), {}));
  EXPECT_TRUE(disk.open("1.part")->verify());
}

// All ids of a person lie in one page, whose size has a bound: this used to end the process.
TEST(PartBuilder, WritesOnePersonWithMoreIdsThanFitAPartAsSeveralParts) {
  PartBuilder builder(received_at);
  AnyEvent event = event_of("a", "");
  std::uint64_t rows = 0;
  while (!builder.full()) {
    event.anonymous = fmt::format("{:0255}", rows++);
    event.with_view([&](const EventView& view) { builder.add(view); });
  }
  EXPECT_LE(rows * 256, part_format::id_bytes_max + 512);
  Disk disk;
  const auto summary =
      builder.write(disk.env(), {"/parts", "1.part", "shop", some_key()}, disk.persons(), {});
  ASSERT_TRUE(summary) << summary.error().message;
  const auto part = disk.open("1.part");
  const auto ids = part->ids();
  ASSERT_TRUE(ids) << ids.error().message;
  EXPECT_EQ((*ids)->entries.size(), rows);
  EXPECT_EQ((*ids)->entries.back().anonymous_id, event.anonymous);
}

TEST(PartBuilder, LeavesNoFileBehindWhateverCallFails) {
  Rng rng(3);
  const auto events = any_events(rng, 50);
  const auto calls_of = [&](Disk& disk) {
    const std::uint64_t before = disk.sim().fallible_calls();
    EXPECT_TRUE(disk.write(events, "1.part"));
    return disk.sim().fallible_calls() - before;
  };
  Disk untroubled;
  const std::uint64_t calls = calls_of(untroubled);
  ASSERT_GE(calls, 4u);
  for (const SimEnv::Fault fault : {SimEnv::Fault::io_error, SimEnv::Fault::disk_full}) {
    for (std::uint64_t n = 1; n <= calls; ++n) {
      SCOPED_TRACE(n);
      Disk disk;
      disk.sim().fail_call(n, fault);
      const auto summary = disk.write(events, "1.part");
      ASSERT_FALSE(summary);
      EXPECT_THAT(disk.env().files.list("/parts").value(), IsEmpty());
      EXPECT_TRUE(disk.write(events, "1.part")) << "the builder is still whole";
    }
  }
}

TEST(Part, IsWholeOrAbsentUnderItsNameAfterAnyCrash) {
  Rng rng(4);
  const auto events = any_events(rng, 50);
  Disk untroubled;
  const std::uint64_t before = untroubled.sim().mutating_calls();
  ASSERT_TRUE(untroubled.write(events, "1.part"));
  const std::uint64_t calls = untroubled.sim().mutating_calls() - before;
  const std::string whole = untroubled.bytes_of("1.part");
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(fmt::format("call {} seed {}", n, seed));
      Disk disk;
      disk.sim().crash_at_call(n);
      ASSERT_FALSE(disk.write(events, "1.part"));
      disk.sim().crash(seed);
      if (disk.env().files.exists("/parts/1.part")) {
        ASSERT_EQ(disk.bytes_of("1.part"), whole);
      }
    }
  }
  // What was acknowledged stays.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Disk disk;
    ASSERT_TRUE(disk.write(events, "1.part"));
    disk.sim().crash(seed);
    ASSERT_EQ(disk.bytes_of("1.part"), whole);
  }
}

TEST(Part, SaysWhatIsMissing) {
  Disk disk;
  EXPECT_EQ(Part::open(disk.env(), "/parts/none", disk.cache()).error().code, ErrorCode::not_found);
  ASSERT_TRUE(disk.write({event_of("a", "")}, "1.part"));
  const auto part = disk.open("1.part");
  EXPECT_EQ(part->path(), "/parts/1.part");
  EXPECT_EQ(part->find(ColumnRole::message_id), std::nullopt);
  EXPECT_THAT(part->find_property("none"), IsEmpty());
  EXPECT_THAT(part->message_keys().value(), IsEmpty());
}

TEST(Part, ReadsEachPageOnceAndForgetsItsPagesWhenClosed) {
  Disk disk;
  Rng rng(5);
  ASSERT_TRUE(disk.write(any_events(rng, 60), "1.part"));
  auto part = disk.open("1.part");
  ASSERT_TRUE(read_rows(*part));
  EXPECT_GT(disk.cache().memory_bytes(), 0u);
  EXPECT_EQ(part->times(0).value(), part->times(0).value());
  part.reset();
  EXPECT_EQ(disk.cache().memory_bytes(), 0u);
}

}  // namespace
}  // namespace hf

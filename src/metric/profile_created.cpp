// SPDX-License-Identifier: Apache-2.0
#include "metric/profile_created.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/parallel.h"
#include "calendar/time_text.h"
#include "metric/activity_rows.h"
#include "predicate/matcher.h"
#include "store/property_reader.h"
#include "store/row_walk.h"

namespace hf {
namespace {

// A number of seconds before 2100, read as one of milliseconds, lies in January or February 1970:
// what is not before this instant was read in the right unit.
constexpr TimestampMs epoch_min_ms = 631'152'000'000;  // 1990-01-01

// The rows of each part at which a trait was set; null: none.
using SetRows = std::vector<std::shared_ptr<const RowBits>>;

Result<SetRows> rows_that_set(const Snapshot& snapshot, const PeopleScope& scope) {
  HF_TRY(const Json said, parse_json(fmt::format(R"({{"event":"identify","where":{{"any":[)"
                                                 R"({{"property":"{}","op":"exists"}},)"
                                                 R"({{"property":"{}","op":"exists"}}]}}}})",
                                                 created_traits[0], created_traits[1])));
  HF_TRY(const Matcher matcher, parse_matcher(said, ""));
  const Predicate always;
  SetRows rows(snapshot.parts.size());
  const auto find = [&](unsigned, std::uint32_t number) -> Result<void> {
    const Part& part = *snapshot.parts[number];
    if (number < snapshot.first_seen_parts || part.time_min() > scope.as_of_ms) return {};
    HF_CHECK(scope.guard->check());
    HF_TRY(const PageMatcher compiled, PageMatcher::compile(matcher, always, part));
    if (compiled.matches_nothing()) return {};
    HF_TRY(rows[number], find_rows(part, compiled));
    return {};
  };
  HF_CHECK(for_each_item(scope.threads, static_cast<std::uint32_t>(snapshot.parts.size()), find));
  return rows;
}

// What one part says, for one thread.
class SetsOfPart {
 public:
  static Result<SetsOfPart> open(const Part& part, std::shared_ptr<const RowBits> rows) {
    SetsOfPart sets(part, std::move(rows));
    for (const std::string_view trait : created_traits) {
      HF_TRY(PropertyReader values, PropertyReader::open(part, trait));
      sets.traits_.push_back(std::move(values));
    }
    return sets;
  }

  // The latest time not after as_of, and what was said then.
  struct Latest {
    TimestampMs time_ms = timestamp_min_ms;
    std::optional<ValueView> value = {};
  };
  Result<void> read(const PersonRun& run, TimestampMs as_of_ms, Latest& latest) {
    Result<void> outcome;
    const auto take = [&](RowNumber row) {
      outcome = take_row(row, as_of_ms, latest);
      return outcome.has_value();
    };
    (void)for_each_row(
        run.first_row, run.first_row + run.row_count,
        [&](std::uint32_t word) { return rows_->words[word]; }, take);
    return outcome;
  }

 private:
  SetsOfPart(const Part& part, std::shared_ptr<const RowBits> rows)
      : part_(&part), rows_(std::move(rows)) {}

  Result<void> take_row(RowNumber row, TimestampMs as_of_ms, Latest& latest) {
    const std::uint32_t page = row / part_format::page_rows;
    const std::uint32_t in_page = row % part_format::page_rows;
    if (page != page_) {
      HF_TRY(times_, part_->times(page));
      page_ = page;
    }
    const TimestampMs time_ms = times_->values[in_page];
    // Of equal times the one read last holds (for_each_person()).
    if (time_ms > as_of_ms || time_ms < latest.time_ms) return {};
    for (PropertyReader& trait : traits_) {
      HF_TRY(const PropertyReader::Value value, trait.read(page, in_page));
      if (value.column == nullptr) continue;
      latest = {time_ms, trait.view(value)};
      break;
    }
    return {};
  }

  static constexpr std::uint32_t no_page = 0xffffffff;
  const Part* part_;
  std::shared_ptr<const RowBits> rows_;
  std::vector<PropertyReader> traits_;
  std::uint32_t page_ = no_page;
  std::shared_ptr<const TimePage> times_;
};

using Readers = std::vector<std::optional<SetsOfPart>>;  // By part.

Result<Readers> open_readers(const Snapshot& snapshot, const SetRows& rows) {
  Readers readers(snapshot.parts.size());
  for (std::size_t part = 0; part < rows.size(); ++part) {
    if (rows[part] == nullptr) continue;
    HF_TRY(SetsOfPart opened, SetsOfPart::open(*snapshot.parts[part], rows[part]));
    readers[part].emplace(std::move(opened));
  }
  return readers;
}

}  // namespace

std::optional<TimestampMs> created_instant(const ValueView& value, const Zone& zone) {
  if (value.kind != ValueKind::text && value.kind != ValueKind::number) return std::nullopt;
  const std::string text = canonical_text(value);
  if (value.kind == ValueKind::text) {
    if (const auto time = parse_time(text, {}, zone)) return *time;
  }
  for (const TimeStyle style : {TimeStyle::epoch_s, TimeStyle::epoch_ms}) {
    const auto time = parse_time(text, {.style = style, .pattern = {}}, zone);
    if (time && *time >= epoch_min_ms) return *time;
  }
  return std::nullopt;
}

Result<std::shared_ptr<const ProfilesCreated>> ProfilesCreated::find(const Snapshot& snapshot,
                                                                     const PersonBitmap* people,
                                                                     const PeopleScope& scope) {
  const std::shared_ptr<ProfilesCreated> created(new ProfilesCreated(*scope.guard));
  created->known_ = PersonBitmap(snapshot.person_end);
  HF_CHECK(
      created->held_.grow_to(created->known_.bytes() + snapshot.person_end * sizeof(TimestampMs)));
  created->at_ms_.resize(snapshot.person_end);
  HF_TRY(const SetRows rows, rows_that_set(snapshot, scope));
  if (std::ranges::all_of(rows, [](const auto& of_part) { return of_part == nullptr; })) {
    return created;
  }
  std::vector<std::optional<Readers>> readers(std::max(1u, scope.threads));
  const auto read = [&](unsigned thread, std::uint32_t chunk) -> Result<void> {
    HF_CHECK(scope.guard->check());
    if (!readers[thread]) {
      HF_TRY(Readers opened, open_readers(snapshot, rows));
      readers[thread].emplace(std::move(opened));
    }
    const auto latest_of =
        [&](std::span<const PersonRun> runs) -> Result<std::optional<TimestampMs>> {
      SetsOfPart::Latest latest;
      for (const PersonRun& run : runs) {
        auto& of_part = (*readers[thread])[run.part];
        if (of_part) HF_CHECK(of_part->read(run, scope.as_of_ms, latest));
      }
      if (!latest.value) return std::nullopt;
      return created_instant(*latest.value, *scope.zone);
    };
    const PersonOrdinal first = chunk << PersonChunk::bits;
    Result<void> outcome;
    for_each_person(snapshot, first, first + PersonChunk::persons,
                    [&](PersonOrdinal person, std::span<const PersonRun> runs) {
                      if (!outcome || (people != nullptr && !people->contains(person))) return;
                      const auto instant = latest_of(runs);
                      if (!instant) {
                        outcome = std::unexpected(instant.error());
                      } else if (*instant) {
                        created->known_.add(person);
                        created->at_ms_[person] = **instant;
                      }
                    });
    return outcome;
  };
  HF_CHECK(for_each_item(std::max(1u, scope.threads), created->known_.chunks(), read));
  return created;
}

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
#include "metric/common_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "calendar/time_text.h"
#include "metric/breakdown_query.h"
#include "metric/members_query.h"
#include "metric/query_fields.h"
#include "store/row_walk.h"

namespace hf {
namespace {

constexpr std::int64_t ms_per_hour = 3'600'000;

std::unexpected<Error> invalid_time(const std::string& pointer) {
  return fail(ErrorCode::invalid_argument, "invalid_time",
              "expected a local date (2026-01-31) or an RFC 3339 instant "
              "(2026-01-31T08:00:00+01:00) from 1970 to 2100",
              pointer);
}

enum class End : std::uint8_t { from, to };

Result<RangeBound> parse_bound(std::string_view text, End end, const Zone& zone,
                               const std::string& pointer) {
  if (const auto day = parse_date(text)) {
    return RangeBound{zone.start_of_day(end == End::from ? *day : *day + 1), day};
  }
  if (const auto instant = parse_rfc3339(text)) return RangeBound{*instant, std::nullopt};
  return invalid_time(pointer);
}

Result<std::optional<RangeBound>> bound_field(const Json& object, std::string_view name, End end,
                                              const Zone& zone, const std::string& pointer) {
  HF_TRY(const auto text, text_field(object, name, pointer));
  if (!text) return std::nullopt;
  HF_TRY(const RangeBound bound, parse_bound(*text, end, zone, pointer_to(pointer, name)));
  return bound;
}

// Whole local days up to the one before as_of's; the first is where the duration says.
Result<void> read_last(std::string_view text, CommonFields& common) {
  auto duration = parse_duration(text);
  if (!duration || duration->ms != 0) {
    return fail(ErrorCode::invalid_argument, "invalid_duration",
                "expected a duration of whole days, weeks, months or years, as P90D", "/last");
  }
  constexpr int months_max = 12 * 200;  // Times begin in 1970: more is all there is.
  constexpr int days_max = 366 * 200;
  const Day today = common.zone->local_day(common.as_of);
  const Day first = std::max(0, add_months(today, -std::min(duration->months, months_max)) -
                                    std::min(duration->days, days_max));
  if (first >= today) {
    return fail(ErrorCode::invalid_argument, "invalid_range",
                "no whole day lies between 1970-01-01 and as_of", "/last");
  }
  common.from = RangeBound{common.zone->start_of_day(first), first};
  common.to = RangeBound{common.zone->start_of_day(today), today - 1};
  return {};
}

Result<std::string> parse_unit(const Json& query) {
  const Json* unit = query.find("unit");
  if (unit == nullptr) return std::string();
  if (unit->is_text() && unit->text == "person") return std::string();
  if (!unit->is_object()) {
    return wrong_type(*unit, "/unit", "\"person\" or an object as {\"property\": \"account_id\"}");
  }
  constexpr auto known = std::to_array<std::string_view>({"property"});
  HF_CHECK(check_fields(*unit, "/unit", known));
  HF_TRY(const auto property, text_field(*unit, "property", "/unit"));
  if (!property || property->empty()) {
    return fail(ErrorCode::invalid_argument, "missing_field", "a unit names a property",
                "/unit/property");
  }
  return std::string(*property);
}

// What another unit than the person has not: it is made of events of several persons.
Result<void> check_unit(const CommonFields& common) {
  if (common.unit.empty()) return {};
  for (std::size_t i = 0; i < common.breakdown.size(); ++i) {
    if (common.breakdown[i].by == Dimension::By::property) continue;
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "a unit that is no person has no trait, segment or standing of its own",
                pointer_to("/breakdown", i));
  }
  return {};
}

Result<void> read_sample(const Json& query, CommonFields& common) {
  const Json* sample = query.find("sample");
  if (sample == nullptr) return {};
  if (!sample->is_number()) return wrong_type(*sample, "/sample", "a number");
  double share = 0;
  const char* const end = sample->text.data() + sample->text.size();
  const auto read = std::from_chars(sample->text.data(), end, share);
  if (read.ec != std::errc{} || !(share >= CommonFields::sample_min && share < 1)) {
    return fail(ErrorCode::invalid_argument, "out_of_range",
                "a sample is a share of the persons from 0.000001 to below 1", "/sample");
  }
  if (!common.unit.empty()) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "a sample is of persons, and a unit may be of several", "/sample");
  }
  if (common.members) {
    return fail(ErrorCode::invalid_argument, "unsupported_combination",
                "the cells of a sample are estimates: there is no list of as many persons",
                "/sample");
  }
  common.sample = share;
  return {};
}

}  // namespace

Result<void> check_sample(const CommonFields& common, bool counts_persons, std::string_view what,
                          std::string pointer) {
  if (!common.sample || counts_persons) return {};
  return fail(ErrorCode::invalid_argument, "unsupported_combination",
              fmt::format("a sample has no stated error for this: {}", what), std::move(pointer));
}

Result<CommonFields> parse_common(const Json& query, const QueryContext& context,
                                  CommonRules rules) {
  CommonFields common;
  HF_TRY(const auto zone_name, text_field(query, "timezone", ""));
  common.zone = context.default_zone;
  if (zone_name) {
    auto zone = Zone::load(context.env, *zone_name);
    if (!zone) {
      zone.error().pointer = "/timezone";
      return std::unexpected(std::move(zone).error());
    }
    common.zone = *std::move(zone);
  }
  constexpr auto week_starts = std::to_array<std::string_view>({"monday", "sunday"});
  HF_TRY(const std::size_t week_start, choice_field(query, "week_start", "", week_starts));
  common.week_start = query.find("week_start") == nullptr ? context.default_week_start
                      : week_start == 0                   ? WeekStart::monday
                                                          : WeekStart::sunday;

  HF_TRY(const auto as_of, text_field(query, "as_of", ""));
  if (!as_of) {
    common.as_of = std::clamp(context.env.clock.now_ms(), timestamp_min_ms, timestamp_end_ms - 1);
  } else if (const auto day = parse_date(*as_of)) {
    common.as_of = common.zone->start_of_day(*day + 1) - 1;
  } else if (const auto instant = parse_rfc3339(*as_of)) {
    common.as_of = *instant;
  } else {
    return invalid_time("/as_of");
  }

  HF_TRY(const auto last, text_field(query, "last", ""));
  if (last) {
    for (const std::string_view other : {"from", "to"}) {
      if (query.find(other) == nullptr) continue;
      return fail(ErrorCode::invalid_argument, "unsupported_combination",
                  fmt::format("last stands instead of {}", other), "/last");
    }
    HF_CHECK(read_last(*last, common));
  } else {
    HF_TRY(common.from, bound_field(query, "from", End::from, *common.zone, ""));
    HF_TRY(common.to, bound_field(query, "to", End::to, *common.zone, ""));
  }
  if (const Json* where = query.find("where")) {
    HF_TRY(common.where, parse_predicate(*where, "/where"));
  }
  if (const Json* people = query.find("people")) {
    HF_TRY(common.people, parse_people_predicate(*people, "/people"));
  }
  HF_TRY(common.unit, parse_unit(query));
  HF_TRY(common.breakdown, parse_breakdown(query, common.week_start, rules));
  HF_CHECK(check_unit(common));
  HF_TRY(common.members, parse_members(query, common.breakdown.size()));
  HF_CHECK(read_sample(query, common));
  return common;
}

Result<Matcher> parse_match(const Json& query) {
  const Json* match = query.find("match");
  return match == nullptr ? Matcher::any_event() : parse_matcher(*match, "/match");
}

namespace {

Result<TimeRange> range_between(const RangeBound& from, const RangeBound& to,
                                const std::string& pointer) {
  const bool reversed = from.day && to.day ? *from.day > *to.day : from.instant >= to.instant;
  if (reversed) {
    return fail(ErrorCode::invalid_argument, "invalid_range",
                "from lies after to: the range is empty", pointer);
  }
  return TimeRange{from.instant, to.instant, from.day, to.day};
}

}  // namespace

Result<TimeRange> parse_window(const Json& window, const std::string& pointer, const Zone& zone) {
  constexpr auto known = std::to_array<std::string_view>({"from", "to"});
  HF_CHECK(check_fields(window, pointer, known));
  HF_TRY(const auto from, bound_field(window, "from", End::from, zone, pointer));
  HF_TRY(const auto to, bound_field(window, "to", End::to, zone, pointer));
  if (!from || !to) {
    return fail(ErrorCode::invalid_argument, "missing_field", "a window has from and to",
                pointer_to(pointer, from ? "to" : "from"));
  }
  return range_between(*from, *to, pointer_to(pointer, "from"));
}

namespace {

/// The same of one part by its rows: what its directory says of names holds rows that are nobody's.
Result<std::optional<TimestampMs>> first_visible_event(const Snapshot& snapshot, std::uint32_t at,
                                                       const std::vector<bool>& named,
                                                       WorkGuard& guard) {
  const Part& part = *snapshot.parts[at];
  std::optional<TimestampMs> first;
  const auto look = [&](std::uint32_t page, std::uint32_t begin,
                        std::uint32_t end) -> Result<void> {
    HF_CHECK(guard.check());
    HF_TRY(const auto names, part.name_codes(page));
    HF_TRY(const auto times, part.times(page));
    for (std::uint32_t i = begin; i < end; ++i) {
      if (!named[names->codes[i]]) continue;
      first = std::min(first.value_or(times->values[i]), times->values[i]);
    }
    return {};
  };
  for (const VisibleRun& run : visible_runs(snapshot, at)) {
    HF_CHECK(for_each_page({at, run.first_row, run.row_count}, look));
  }
  return first;
}

}  // namespace

Result<std::optional<TimestampMs>> first_named_event(const Snapshot& snapshot,
                                                     std::span<const Matcher* const> matchers,
                                                     TimestampMs as_of, WorkGuard& guard) {
  std::optional<TimestampMs> first;
  for (std::uint32_t at = 0; at < snapshot.parts.size(); ++at) {
    const auto& names = snapshot.parts[at]->names();
    std::vector<bool> named(names.size(), false);
    std::optional<TimestampMs> of_part;
    for (std::size_t code = 0; code < names.size(); ++code) {
      named[code] = names[code].count > 0 && std::ranges::any_of(matchers, [&](const Matcher* m) {
                      return m->names(names[code].name);
                    });
      if (!named[code]) continue;
      of_part = std::min(of_part.value_or(names[code].time_min), names[code].time_min);
    }
    if (!of_part || *of_part > as_of || (first && *first <= *of_part)) continue;
    if (snapshot.moved && snapshot.moved->hides[at]) {
      HF_TRY(of_part, first_visible_event(snapshot, at, named, guard));
      if (!of_part || *of_part > as_of || (first && *first <= *of_part)) continue;
    }
    first = of_part;
  }
  return first;
}

Result<TimeRange> resolve_range(const CommonFields& common, bool by_hour,
                                std::optional<TimestampMs> first_event) {
  const RangeBound to = common.to.value_or(RangeBound{common.as_of + 1, std::nullopt});
  if (common.from) return range_between(*common.from, to, "/from");
  if (!first_event) return TimeRange{};
  const TimestampMs midnight = common.zone->start_of_day(common.zone->local_day(*first_event));
  const TimestampMs begin =
      by_hour ? *first_event - (*first_event - midnight) % ms_per_hour : midnight;
  if (begin >= to.instant) return TimeRange{};  // The first event came after the range.
  return TimeRange{begin, to.instant, std::nullopt, to.day};
}

Warning no_events_warning() {
  return {"no_events", "no event that the query names was recorded before the end of its range"};
}

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
#include "metric/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "calendar/date.h"
#include "store/row_walk.h"

namespace hf {
namespace {

/// Of one name in one part, as far as its rows are seen.
struct Seen {
  std::uint64_t count = 0;
  TimestampMs first_ms = 0;
  TimestampMs last_ms = 0;

  void add(TimestampMs first, TimestampMs last, std::uint64_t more) {
    first_ms = count == 0 ? first : std::min(first_ms, first);
    last_ms = count == 0 ? last : std::max(last_ms, last);
    count += more;
  }
};

/// Calls use(page, first, last) for the rows of the part that anybody sees.
template <class Use>
Result<void> for_each_visible_page(const Snapshot& snapshot, std::uint32_t part, Use&& use) {
  for (const VisibleRun& run : visible_runs(snapshot, part)) {
    HF_CHECK(for_each_page({part, run.first_row, run.row_count}, use));
  }
  return {};
}

/// By name code.
Result<std::vector<Seen>> names_seen(const Snapshot& snapshot, std::uint32_t at) {
  const Part& part = *snapshot.parts[at];
  const auto& names = part.names();
  std::vector<Seen> seen(names.size());
  const bool hides = snapshot.moved != nullptr && snapshot.moved->hides[at];
  if (!hides) {
    for (std::size_t code = 0; code < names.size(); ++code) {
      const NameInfo& info = names[code];
      if (info.count > 0) seen[code].add(info.time_min, info.time_max, info.count);
    }
    return seen;
  }
  HF_CHECK(for_each_visible_page(
      snapshot, at,
      [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        HF_TRY(const auto codes, part.name_codes(page));
        HF_TRY(const auto times, part.times(page));
        for (std::uint32_t i = first; i < last; ++i) {
          seen[codes->codes[i]].add(times->values[i], times->values[i], 1);
        }
        return {};
      }));
  return seen;
}

/// How often each kind of each property has a value.
using KindCounts = std::map<std::string, std::map<ValueKind, std::uint64_t>>;

void count_all_properties(const Snapshot& snapshot, KindCounts& counts) {
  for (const auto& part : snapshot.parts) {
    for (const ColumnInfo& column : part->columns()) {
      if (column.role != part_format::ColumnRole::property || column.value_count == 0) continue;
      counts[column.property][column.kind] += column.value_count;
    }
  }
}

/// In which of the rows [first, last) of a page that have the name code the column has a value.
Result<std::uint64_t> values_among(const Part& part, std::uint32_t column, std::uint32_t page,
                                   const std::vector<std::uint32_t>& rows) {
  std::uint64_t count = 0;
  if (part.columns()[column].kind == ValueKind::number) {
    HF_TRY(const auto numbers, part.numbers(column, page));
    for (const std::uint32_t row : rows) count += numbers->has(row) ? 1 : 0;
  } else {
    HF_TRY(const auto codes, part.codes(column, page));
    for (const std::uint32_t row : rows) count += codes->codes[row] != CodePage::missing ? 1 : 0;
  }
  return count;
}

/// The rows of the event by page, of pages that have any.
Result<std::map<std::uint32_t, std::vector<std::uint32_t>>> rows_of_event(const Snapshot& snapshot,
                                                                          std::uint32_t at,
                                                                          std::size_t code,
                                                                          std::size_t pages_max,
                                                                          bool& is_sampled) {
  const Part& part = *snapshot.parts[at];
  std::set<std::uint32_t> pages;
  for (std::size_t i = 0; i < std::min<std::size_t>(pages_max, part.page_count()); ++i) {
    pages.insert(static_cast<std::uint32_t>(i * part.page_count() /
                                            std::min<std::size_t>(pages_max, part.page_count())));
  }
  if (pages.size() < part.page_count()) is_sampled = true;
  std::map<std::uint32_t, std::vector<std::uint32_t>> rows;
  HF_CHECK(for_each_visible_page(
      snapshot, at,
      [&](std::uint32_t page, std::uint32_t first, std::uint32_t last) -> Result<void> {
        if (!pages.contains(page)) return {};
        HF_TRY(const auto names, part.name_codes(page));
        for (std::uint32_t i = first; i < last; ++i) {
          if (names->codes[i] == code) rows[page].push_back(i);
        }
        return {};
      }));
  return rows;
}

Result<void> count_properties_of(const Snapshot& snapshot, const std::string& event,
                                 std::size_t pages_max, KindCounts& counts, bool& is_sampled) {
  std::vector<std::pair<std::uint32_t, std::size_t>> parts;  // With the name's code.
  for (std::uint32_t at = 0; at < snapshot.parts.size(); ++at) {
    const auto& names = snapshot.parts[at]->names();
    const auto found = std::ranges::find(names, event, &NameInfo::name);
    if (found == names.end() || found->count == 0) continue;
    parts.emplace_back(at, static_cast<std::size_t>(found - names.begin()));
  }
  for (const auto& [at, code] : parts) {
    const Part& part = *snapshot.parts[at];
    const std::size_t share = std::max<std::size_t>(1, pages_max / parts.size());
    HF_TRY(const auto pages, rows_of_event(snapshot, at, code, share, is_sampled));
    for (std::uint32_t column = 0; column < part.columns().size(); ++column) {
      const ColumnInfo& info = part.columns()[column];
      if (info.role != part_format::ColumnRole::property || info.value_count == 0) continue;
      for (const auto& [page, rows] : pages) {
        HF_TRY(const std::uint64_t count, values_among(part, column, page, rows));
        if (count > 0) counts[info.property][info.kind] += count;
      }
    }
  }
  return {};
}

/// Most frequent first.
std::vector<Schema::Property> ranked(const KindCounts& counts) {
  std::vector<std::pair<std::uint64_t, Schema::Property>> all;
  for (const auto& [name, kinds] : counts) {
    Schema::Property property{.name = name};
    std::uint64_t total = 0;
    for (const auto& [kind, count] : kinds) {
      property.kinds.push_back(kind);
      total += count;
    }
    all.emplace_back(total, std::move(property));
  }
  std::ranges::stable_sort(all, std::greater<>(), [](const auto& each) { return each.first; });
  std::vector<Schema::Property> out;
  for (auto& [total, property] : all) out.push_back(std::move(property));
  return out;
}

}  // namespace

Result<Schema> find_schema(const Snapshot& snapshot, const std::optional<std::string>& event,
                           std::size_t pages_max) {
  Schema schema;
  std::map<std::string, std::uint64_t> counts;
  for (std::uint32_t at = 0; at < snapshot.parts.size(); ++at) {
    HF_TRY(const auto names, names_seen(snapshot, at));
    for (std::size_t code = 0; code < names.size(); ++code) {
      const Seen& seen = names[code];
      if (seen.count == 0) continue;
      counts[snapshot.parts[at]->names()[code].name] += seen.count;
      schema.first_ms = std::min(schema.first_ms.value_or(seen.first_ms), seen.first_ms);
      schema.last_ms = std::max(schema.last_ms.value_or(seen.last_ms), seen.last_ms);
    }
  }
  for (const auto& [name, count] : counts) schema.events.push_back({name, count});
  std::ranges::stable_sort(schema.events, std::greater<>(), &Schema::EventName::count);
  KindCounts kinds;
  if (event) {
    HF_CHECK(count_properties_of(snapshot, *event, pages_max, kinds, schema.is_sampled));
  } else {
    count_all_properties(snapshot, kinds);
  }
  schema.properties = ranked(kinds);
  return schema;
}

std::string schema_json(const Schema& schema, const Snapshot& snapshot,
                        const QueryContext& context) {
  const Zone& zone = *context.default_zone;
  JsonWriter out;
  out.begin_object();
  out.key("data_version").integer(static_cast<std::int64_t>(snapshot.data_version));
  out.key("timezone").text(zone.name());
  const bool is_sunday = context.default_week_start == WeekStart::sunday;
  out.key("week_start").text(is_sunday ? "sunday" : "monday");
  if (schema.first_ms) out.key("first_day").text(to_string(zone.local_day(*schema.first_ms)));
  if (schema.last_ms) out.key("last_day").text(to_string(zone.local_day(*schema.last_ms)));
  out.key("events").begin_array();
  for (const Schema::EventName& event : schema.events) {
    out.begin_object().key("name").text(event.name);
    out.key("count").integer(static_cast<std::int64_t>(event.count)).end_object();
  }
  out.end_array().key("properties").begin_array();
  for (const Schema::Property& property : schema.properties) {
    out.begin_object().key("name").text(property.name).key("types").begin_array();
    for (const ValueKind kind : property.kinds) out.text(to_string(kind));
    out.end_array().end_object();
  }
  out.end_array().key("sampled").boolean(schema.is_sampled).end_object();
  return out.take();
}

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// Test support: random events, what a part must make of them, and what a part gives back.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "calendar/zone.h"
#include "event/event.h"
#include "store/part.h"

namespace hf::test {

struct AnyValue {
  ValueKind kind = ValueKind::text;
  std::string text;
  Decimal number = {};
  bool boolean = false;

  [[nodiscard]] ValueView view() const { return {kind, boolean, number, text}; }
};

struct AnyEvent {
  std::string user;
  std::string anonymous;
  std::string name;
  TimestampMs time = 0;
  std::optional<TimestampMs> received;
  std::string message_id;
  std::string channel;
  std::vector<std::pair<std::string, AnyValue>> properties;

  /// Calls use(EventView).
  template <class Use>
  void with_view(Use&& use) const {
    std::vector<PropertyView> views;
    for (const auto& [property, value] : properties) views.push_back({property, value.view()});
    use(EventView{.user_id = user,
                  .anonymous_id = anonymous,
                  .name = name,
                  .time_ms = time,
                  .received_at_ms = received,
                  .message_id = message_id,
                  .channel = channel,
                  .properties = views});
  }
};

/// One event as a reader of the part sees it.
struct StoredRow {
  PersonOrdinal person = 0;
  std::string user;
  std::string anonymous;
  std::string name;
  TimestampMs time = 0;
  TimestampMs received = 0;
  std::optional<TimestampMs> raw_time;
  std::string message_id;
  std::string channel;
  std::map<std::pair<std::string, ValueKind>, std::string> properties;  // Canonical texts.

  friend bool operator==(const StoredRow&, const StoredRow&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const StoredRow& row) {
  out << fmt::format("person {} ({}|{}) {} at {} received {} raw {} id {} channel {}", row.person,
                     row.user, row.anonymous, row.name, row.time, row.received,
                     row.raw_time.value_or(-1), row.message_id, row.channel);
  for (const auto& [key, text] : row.properties) {
    out << fmt::format(" {}:{}={}", key.first, to_string(key.second), text);
  }
  return out;
}

inline Decimal any_decimal(Rng& rng) {
  const auto scale = static_cast<int>(rng.between(0, Decimal::scale_max));
  switch (rng.below(5)) {
    case 0: return Decimal::normalized(rng.between(-300, 300), scale);
    case 1: return Decimal::normalized(rng.between(INT64_MIN, INT64_MAX), scale);
    case 2: return Decimal::normalized(rng.chance(0.5) ? INT64_MIN : INT64_MAX, scale);
    case 3: return Decimal::normalized(rng.between(0, 100'000), 2);
    default: return Decimal::normalized(rng.between(0, 10), 0);
  }
}

inline AnyValue any_value(Rng& rng) {
  const auto kind = static_cast<ValueKind>(rng.between(1, 6));
  AnyValue value{.kind = kind};
  switch (kind) {
    case ValueKind::number: value.number = any_decimal(rng); break;
    case ValueKind::boolean: value.boolean = rng.chance(0.5); break;
    case ValueKind::text:
      value.text = rng.chance(0.1) ? std::string() : fmt::format("Größe {}", rng.below(20));
      break;
    case ValueKind::big_number: value.text = fmt::format("1{:030}", rng.below(9)); break;
    case ValueKind::list: value.text = fmt::format("[{},\"x\"]", rng.below(9)); break;
    case ValueKind::json: value.text = fmt::format("[{{\"sku\":{}}}]", rng.below(9)); break;
  }
  return value;
}

/// Small ranges everywhere, so that persons, times, names and ids collide.
inline AnyEvent any_event(Rng& rng) {
  AnyEvent event;
  if (rng.chance(0.7)) event.user = fmt::format("u{}", rng.below(6));
  if (event.user.empty() || rng.chance(0.4)) event.anonymous = fmt::format("a{}", rng.below(5));
  event.name = fmt::format("event {}", std::min(rng.below(8), rng.below(8)));
  switch (rng.below(4)) {
    case 0: event.time = rng.between(0, 5) * ms_per_day; break;
    case 1: event.time = 1'600'000'000'000 + rng.between(0, 3'000); break;
    case 2: event.time = rng.between(timestamp_min_ms, timestamp_end_ms - 1); break;
    default: event.time = 1'600'000'000'000 + rng.between(0, 30) * 60'000; break;
  }
  if (rng.chance(0.2)) event.received = event.time + rng.between(-2, 2) * ms_per_day;
  if (event.received) {
    event.received =
        std::clamp<TimestampMs>(*event.received, timestamp_min_ms, timestamp_end_ms - 1);
  }
  if (rng.chance(0.5)) event.message_id = fmt::format("m{}", rng.below(200));
  if (rng.chance(0.3)) event.channel = rng.chance(0.5) ? "web" : "app";
  std::set<std::string> used;
  for (std::uint64_t n = rng.below(5); n > 0; --n) {
    const std::string name = fmt::format("p{}", rng.below(6));
    if (!used.insert(name).second) continue;
    // Mostly of one kind, sometimes of another.
    event.properties.emplace_back(name, any_value(rng));
  }
  return event;
}

inline std::vector<AnyEvent> any_events(Rng& rng, std::size_t count) {
  // Now and then every event has a value of everything, and often none of something.
  const bool has_message_ids = rng.chance(0.7);
  const bool has_channels = rng.chance(0.7);
  std::vector<AnyEvent> events;
  for (std::size_t i = 0; i < count; ++i) {
    AnyEvent& event = events.emplace_back(any_event(rng));
    if (!has_message_ids) event.message_id.clear();
    if (!has_channels) event.channel.clear();
  }
  return events;
}

/// The slow twin of PartBuilder and PersonRegistry: what one source's parts hold.
class ExpectedParts {
 public:
  /// The rows of the next part, in its order.
  std::vector<StoredRow> next_part(const std::vector<AnyEvent>& events, TimestampMs received_at) {
    std::vector<StoredRow> rows;
    std::vector<std::pair<std::string, std::string>> pairs;  // In order of first appearance.
    for (const AnyEvent& event : events) {
      const std::pair ids(event.user, event.anonymous);
      if (std::ranges::find(pairs, ids) == pairs.end()) pairs.push_back(ids);
      if (!event.message_id.empty() && !message_ids_.insert(event.message_id).second) continue;
      StoredRow& row = rows.emplace_back();
      row.user = event.user;
      row.anonymous = event.anonymous;
      row.name = event.name;
      row.received = event.received.value_or(received_at);
      row.time = event.time;
      if (event.time > row.received + limits::ahead_ms_max) {
        row.raw_time = event.time;
        row.time = row.received;
      }
      row.message_id = event.message_id;
      row.channel = event.channel;
      for (const auto& [name, value] : event.properties) {
        row.properties[{name, value.kind}] = canonical_text(value.view());
      }
    }
    for (const auto& [user, anonymous] : pairs) {
      const bool is_used = std::ranges::any_of(rows, [&](const StoredRow& row) {
        return row.user == user && row.anonymous == anonymous;
      });
      if (is_used) ordinals_.emplace(person_of(user, anonymous), ordinals_.size());
    }
    for (StoredRow& row : rows) row.person = ordinals_.at(person_of(row.user, row.anonymous));
    std::ranges::stable_sort(rows, [](const StoredRow& a, const StoredRow& b) {
      return std::pair(a.person, a.time) < std::pair(b.person, b.time);
    });
    return rows;
  }

 private:
  static std::string person_of(const std::string& user, const std::string& anonymous) {
    return user.empty() ? "anonymous " + anonymous : "user " + user;
  }
  std::set<std::string> message_ids_;
  std::map<std::string, PersonOrdinal> ordinals_;
};

/// Every row of the part, through every reader it has.
inline Result<std::vector<StoredRow>> read_rows(const Part& part) {
  using part_format::ColumnRole;
  std::vector<StoredRow> rows(part.row_count());
  HF_TRY(const auto ids, part.ids());
  const auto id_code_column = part.find(ColumnRole::id_code);
  std::size_t person = 0;
  for (std::uint32_t page = 0; page < part.page_count(); ++page) {
    const RowNumber first = page * part_format::page_rows;
    HF_TRY(const auto times, part.times(page));
    HF_TRY(const auto received, part.received_at(page));
    HF_TRY(const auto names, part.name_codes(page));
    HF_TRY(const auto id_codes, part.codes(*id_code_column, page));
    for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
      while (part.row_offsets()[person + 1] <= first + i) ++person;
      StoredRow& row = rows[first + i];
      row.person = part.persons()[person];
      row.time = times->values[i];
      row.received = received->values[i];
      row.name = part.names()[names->codes[i]].name;
      const std::uint64_t entry = std::uint64_t{ids->first[person]} + id_codes->codes[i];
      if (entry >= ids->first[person + 1]) {
        return fail(ErrorCode::data_loss, "bad_part", "id code beyond its person");
      }
      row.user = ids->entries[entry].user_id;
      row.anonymous = ids->entries[entry].anonymous_id;
    }
    for (std::uint32_t column = 0; column < part.columns().size(); ++column) {
      const ColumnInfo& info = part.columns()[column];
      if (info.role == ColumnRole::raw_time ||
          (info.role == ColumnRole::property && info.kind == ValueKind::number)) {
        HF_TRY(const auto numbers, part.numbers(column, page));
        for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
          if (!numbers->has(i)) continue;
          const Decimal value = numbers->at(i);
          StoredRow& row = rows[first + i];
          if (info.role == ColumnRole::raw_time) {
            row.raw_time = value.units;
          } else {
            row.properties[{info.property, info.kind}] = value.to_string();
          }
        }
      } else if (info.role == ColumnRole::channel || info.role == ColumnRole::property) {
        HF_TRY(const auto dictionary, part.dictionary(column));
        HF_TRY(const auto codes, part.codes(column, page));
        for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
          if (codes->codes[i] == CodePage::missing) continue;
          const std::string text(dictionary->at(codes->codes[i]));
          StoredRow& row = rows[first + i];
          if (info.role == ColumnRole::channel) {
            row.channel = text;
          } else {
            row.properties[{info.property, info.kind}] = text;
          }
        }
      } else if (info.role == ColumnRole::message_id) {
        HF_TRY(const auto texts, part.texts(column, page));
        for (std::uint32_t i = 0; i < part.rows_in_page(page); ++i) {
          rows[first + i].message_id = texts->at(i);
        }
      }
    }
  }
  return rows;
}

}  // namespace hf::test

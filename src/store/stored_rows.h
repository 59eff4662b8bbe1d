// SPDX-License-Identifier: Apache-2.0
//
// Test support: what a part must make of events, and what it gives back.
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
#include <tuple>
#include <utility>
#include <vector>

#include "event/any_events.h"
#include "store/part.h"

namespace hf::test {

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

/// The slow twin of PartBuilder and PersonRegistry: what one source's parts hold.
class ExpectedParts {
 public:
  /// "user x" or "anonymous x" -> the one of these with whom its events are put.
  using Canonical = std::map<std::string, std::string>;

  /// The rows of the next part, in its order.
  std::vector<StoredRow> next_part(const std::vector<AnyEvent>& events, TimestampMs received_at,
                                   const Canonical& canonical = {}) {
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
      if (!is_used) continue;
      ordinals_.emplace(owner_of(user, anonymous), ordinals_.size());
      ordinals_.emplace(person_of(user, anonymous, canonical), ordinals_.size());
    }
    const auto owner = [&](const StoredRow& row) {
      return ordinals_.at(owner_of(row.user, row.anonymous));
    };
    for (StoredRow& row : rows) {
      row.person = ordinals_.at(person_of(row.user, row.anonymous, canonical));
    }
    std::ranges::stable_sort(rows, [&](const StoredRow& a, const StoredRow& b) {
      return std::tuple(a.person, a.time, owner(a)) < std::tuple(b.person, b.time, owner(b));
    });
    return rows;
  }

  /// What the rows of a part say of who is who.
  static std::vector<LinkEvidence> links_of(const std::vector<StoredRow>& rows) {
    std::map<std::tuple<LinkEvidence::Kind, std::string, std::string>, TimestampMs> earliest;
    const auto note = [&](LinkEvidence::Kind kind, const StoredRow& row, const std::string& other) {
      const auto [at, is_new] = earliest.try_emplace({kind, row.user, other}, row.time);
      at->second = std::min(at->second, row.time);
    };
    for (const StoredRow& row : rows) {
      if (row.user.empty()) continue;
      if (!row.anonymous.empty()) note(LinkEvidence::Kind::anonymous, row, row.anonymous);
      if (row.name != "alias") continue;
      for (const auto& [property, text] : row.properties) {
        if (property.first == "previous_id" && !text.empty()) {
          note(LinkEvidence::Kind::alias, row, text);
        }
      }
    }
    std::vector<LinkEvidence> links;
    for (const auto& [key, time] : earliest) {
      links.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), time});
    }
    return links;
  }

  [[nodiscard]] PersonOrdinal ordinal(const std::string& owner) const {
    return ordinals_.at(owner);
  }

 private:
  static std::string owner_of(const std::string& user, const std::string& anonymous) {
    return user.empty() ? "anonymous " + anonymous : "user " + user;
  }
  static std::string person_of(const std::string& user, const std::string& anonymous,
                               const Canonical& canonical) {
    const std::string owner = owner_of(user, anonymous);
    const auto found = canonical.find(owner);
    return found == canonical.end() ? owner : found->second;
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

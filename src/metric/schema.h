// SPDX-License-Identifier: Apache-2.0
//
// What there is to ask about: the names of events and their properties. For
// whoever writes a question; a question itself needs none of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "metric/query_context.h"
#include "store/snapshot.h"

namespace hf {

struct Schema {
  struct EventName {
    std::string name;
    std::uint64_t count = 0;
    friend bool operator==(const EventName&, const EventName&) = default;
  };
  struct Property {
    std::string name;
    std::vector<ValueKind> kinds;  ///< Ascending: what values of it are, or once were.
    friend bool operator==(const Property&, const Property&) = default;
  };
  std::vector<EventName> events;        ///< Most frequent first, then by name.
  std::vector<Property> properties;     ///< Likewise, by how often they have a value.
  std::optional<TimestampMs> first_ms;  ///< Of the first event, and of the last one.
  std::optional<TimestampMs> last_ms;
  bool is_sampled = false;  ///< Properties of the event that are rare may be missing.
};

/// Everything of the snapshot; of one event, where it is given, the properties it has. These are
/// looked for in at most `pages_max` pages, spread evenly over its parts.
/// Errors: those of Part's readers.
[[nodiscard]] Result<Schema> find_schema(const Snapshot& snapshot,
                                         const std::optional<std::string>& event,
                                         std::size_t pages_max = 64);

/// {"data_version", "timezone", "week_start", "first_day"?, "last_day"?, "events", "properties",
/// "sampled"}
[[nodiscard]] std::string schema_json(const Schema& schema, const Snapshot& snapshot,
                                      const QueryContext& context);

}  // namespace hf

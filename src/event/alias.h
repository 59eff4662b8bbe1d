// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>

#include "event/event.h"

namespace hf {

/// The id that an alias call says its user had before; empty where the event is none, or the id is
/// none that an event could have.
[[nodiscard]] inline std::string alias_previous_id(const EventView& event) {
  if (event.name != "alias" || event.user_id.empty()) return {};
  const auto found = std::ranges::find(event.properties, "previous_id", &PropertyView::name);
  if (found == event.properties.end()) return {};
  std::string id = canonical_text(found->value);
  return id.size() <= limits::id_bytes_max ? id : std::string();
}

}  // namespace hf

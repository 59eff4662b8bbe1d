// SPDX-License-Identifier: Apache-2.0
#include "predicate/parsing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "predicate/nearest_name.h"

namespace hf {

std::unexpected<Error> refuse(std::string_view reason, std::string message,
                              const std::string& pointer) {
  return fail(ErrorCode::invalid_argument, reason, std::move(message), pointer);
}

std::unexpected<Error> refuse_member(std::string_view name, std::span<const std::string_view> known,
                                     const std::string& pointer) {
  return refuse("unknown_field",
                fmt::format("unknown member; the nearest known one is {}: {}",
                            nearest_name(name, known), name),
                pointer_to(pointer, name));
}

Result<void> check_members(const Json& json, std::span<const std::string_view> known,
                           const std::string& pointer) {
  for (const auto& [name, value] : json.object) {
    if (std::ranges::find(known, name) == known.end()) return refuse_member(name, known, pointer);
  }
  return {};
}

std::unexpected<Error> refuse_type(std::string_view member, std::string_view expected,
                                   const Json& json, const std::string& pointer) {
  return refuse("wrong_type",
                fmt::format("{} takes {}, not {}", member, expected, json.kind_name()),
                pointer_to(pointer, member));
}

std::unexpected<Error> refuse_value(std::string_view what, std::string_view value,
                                    std::span<const std::string_view> known,
                                    const std::string& pointer) {
  return refuse("unknown_value",
                fmt::format("unknown {}; the nearest of {} is {}: {}", what, fmt::join(known, ", "),
                            nearest_name(value, known), value),
                pointer);
}

}  // namespace hf

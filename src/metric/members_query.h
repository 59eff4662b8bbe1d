// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/json.h"
#include "metric/common_fields.h"

namespace hf {

/// Reads the member `members` of a query with so many dimensions; its cell is for the metric to
/// read. Errors, all invalid_argument with pointer: wrong_type, out_of_range, unknown_field,
/// missing_field.
[[nodiscard]] Result<std::optional<MembersRequest>> parse_members(const Json& query,
                                                                  std::size_t dimensions);

}  // namespace hf

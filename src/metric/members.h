// SPDX-License-Identifier: Apache-2.0
//
// Who is behind a cell of an answer: found by the code that counts the cell.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "metric/common_fields.h"
#include "metric/grouped_walk.h"
#include "store/snapshot.h"

namespace hf {

/// All units behind one cell, ascending by unit.
struct Members {
  std::vector<CellMember> all;
  std::shared_ptr<const BucketTable> units;  ///< Null: persons.
  bool counts_events = false;                ///< What each adds is told.
};

/// Writes {"members", "count", "total", "cursor"}: the page that was asked for, by person as the
/// store knows them (of another unit by its value's bytes). `total` is the cell.
/// Errors: invalid_argument/invalid_cursor; those of Part's readers and of WorkGuard.
[[nodiscard]] Result<std::string> members_json(const Snapshot& snapshot,
                                               const MembersRequest& request,
                                               const Members& members, WorkGuard& guard);

/// Refuses members of a cell that the metric does not name its cells by; "bucket" all have.
/// Errors, invalid_argument with pointer: unknown_field.
[[nodiscard]] Result<void> check_cell(const Json& cell,
                                      std::initializer_list<std::string_view> names);

// Reading a cell as answers name it. Each reads one member of it; `place` is the pointer of the
// member. Errors, invalid_argument with pointer: missing_field, wrong_type; not_found/unknown_cell.
/// The index in `labels` of the text.
[[nodiscard]] Result<std::size_t> cell_label(const Json& cell, std::string_view name,
                                             const std::vector<std::string>& labels);
/// A number of [min, max].
[[nodiscard]] Result<std::int64_t> cell_number(const Json& cell, std::string_view name,
                                               std::int64_t min, std::int64_t max);

}  // namespace hf

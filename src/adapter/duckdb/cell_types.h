// SPDX-License-Identifier: Apache-2.0
//
// What a text may be read as without losing anything of it, and the SQL functions over it that the
// input table is typed with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapter/duckdb/session.h"
#include "base/result.h"

namespace hf::duckdb {

/// Bits, so that the types of a column are the AND over its cells.
enum CellTypes : std::uint8_t {
  cell_boolean = 1,
  cell_bigint = 2,
  cell_decimal = 4,        ///< DECIMAL(38,9).
  cell_short_decimal = 8,  ///< Of these, what DECIMAL(18,9) holds too.
  cell_date = 16,
  cell_timestamp = 32,
};
/// 0 for a text that is only a text.
[[nodiscard]] std::uint8_t cell_types(std::string_view text);
/// The narrowest SQL type of those bits.
[[nodiscard]] std::string_view sql_type(std::uint8_t types);
/// `text`, an SQL expression, cast to that type.
[[nodiscard]] std::string cast_to(std::uint8_t types, std::string_view text);

/// The value of `name` in the JSON object `line` as it is written there; nothing where it is absent
/// or null, or `line` is no object.
[[nodiscard]] std::optional<std::string> json_member(std::string_view line, std::string_view name);
/// The same, with a text's quotes removed and its escapes resolved.
[[nodiscard]] std::optional<std::string> json_member_text(std::string_view line,
                                                          std::string_view name);

/// True if DuckDB reads every number of this JSON document exactly: whole ones as BIGINT, others,
/// which it takes through double, as DECIMAL(38,9).
[[nodiscard]] bool has_exact_numbers(std::string_view json);

/// Registers hf_cell_types(text), hf_json_member(line, name), hf_json_text(line, name),
/// hf_exact_numbers(json).
[[nodiscard]] Result<void> register_cell_functions(Session& session);

}  // namespace hf::duckdb

// SPDX-License-Identifier: Apache-2.0
//
// What the columns of an import file mean: recognised by name and content, overridable. What was
// chosen is, as canonical JSON, half of an import's identity.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "calendar/time_text.h"
#include "event/csv_reader.h"

namespace hf {

enum class FieldRole : std::uint8_t {
  person,
  anonymous,
  event,
  time,
  received_at,
  message_id,
  channel,
  property,
  ignored,
};
[[nodiscard]] std::string_view to_string(FieldRole role);

/// How the cells of a property column are read. A number column's cell that is no number stays
/// text; a text column's cells are all text.
enum class CellType : std::uint8_t { text, number, boolean };
[[nodiscard]] std::string_view to_string(CellType type);

struct FieldMapping {
  std::string column;  ///< As the file names it.
  FieldRole role = FieldRole::property;
  std::string property;  ///< Role property: the name it gets.
  CellType type = CellType::text;
  bool type_chosen = false;  ///< By the user; a type the sample suggests is no choice.
  bool integral_id = false;  ///< Roles person and anonymous: "17850.0" is read as "17850".
  TimeFormat time;           ///< Roles time and received_at.
  bool time_chosen = false;
  std::string example;  ///< A value of the sample, for showing.
};

enum class InputFormat : std::uint8_t { csv, json, parquet };
[[nodiscard]] std::string_view to_string(InputFormat format);

struct ImportMapping {
  InputFormat format = InputFormat::csv;
  CsvDialect dialect;                ///< Format csv without sql.
  std::vector<FieldMapping> fields;  ///< One a column; for json: of the sample's keys.
  std::string constant_event;        ///< The event of every row; empty: by its column.
  std::string constant_channel;
  std::string timezone = "UTC";  ///< Of times without an offset.
  std::string sql;               ///< The rows are those of this SELECT; empty: the file's.
  std::string source = "import";
  bool identify_rows = false;

  [[nodiscard]] const FieldMapping* find(FieldRole role) const;
  /// Rows come from the SQL engine.
  [[nodiscard]] bool is_table() const { return !sql.empty() || format == InputFormat::parquet; }
};

/// What was chosen, by the names of the columns or by the user, as JSON whose bytes are equal for
/// equal choices. What the sample suggested (types, time formats, whole numbers as ids) stays out:
/// a file imported alone and again among others, whose sample is another's, is the same import.
[[nodiscard]] std::string canonical_json(const ImportMapping& mapping);

/// What a user says about the mapping.
struct MappingOverrides {
  /// "person=CustomerID", "event==purchase" (a constant), "revenue=Amount" (any other name renames
  /// the property), "ignore=Comment".
  std::vector<std::string> maps;
  /// "StockCode=text": text, number or boolean.
  std::vector<std::string> types;
  std::string time_format;  ///< A pattern, or iso, epoch_s, epoch_ms, epoch_us, compact.
  std::string timezone;
};

/// A sample of a file: names and, per column, the values of its first rows.
struct ColumnSample {
  std::string name;
  std::vector<std::string> values;  ///< Missing ones left out.
  bool typed_number = false;        ///< The source says so (SQL, JSON), not only the looks.
  bool typed_time = false;
};

/// Recognises roles and types, then applies the overrides. `strict_names`: roles go by the exact
/// names person, anonymous_id, event, time, received_at, message_id, channel only (--sql).
/// Errors: invalid_argument/unmapped_person, unmapped_event, unmapped_time (naming the columns
/// there are), unknown_column, bad_map, bad_type, bad_time_format, duplicate_role,
/// duplicate_property (two columns renamed to one).
[[nodiscard]] Result<void> recognize_fields(std::span<const ColumnSample> columns,
                                            bool strict_names, const MappingOverrides& overrides,
                                            ImportMapping& mapping,
                                            std::vector<std::string>& remarks);

/// Delimiter and quote by the looks of a file's beginning; for builds and inputs without the
/// SQL engine.
[[nodiscard]] CsvDialect guess_dialect(std::string_view beginning);

}  // namespace hf

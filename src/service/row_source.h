// SPDX-License-Identifier: Apache-2.0
//
// Rows of any input as events: a reader of event/ or the SQL engine's cursor, and a mapping.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/env.h"
#include "base/result.h"
#include "calendar/zone.h"
#include "event/byte_source.h"
#include "event/csv_reader.h"
#include "event/event.h"
#include "event/json_rows.h"
#include "service/import_mapping.h"
#include "service/sql_engine.h"

namespace hf {

/// A row that became an event; its views live until the next call. `text` is what the row's
/// content hash is taken of.
struct EventRow {
  EventView event;
  std::string_view text;
  std::uint64_t line = 0;  ///< 1-based; of a table, its row.
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// The next row as an event that holds to validate(), or why it does not.
  [[nodiscard]] virtual Result<std::variant<End, EventRow, RejectedRow>> next() = 0;
  /// Where the next row begins; tables count rows as lines and know no offset.
  [[nodiscard]] virtual RowPosition position() const = 0;
  /// Input bytes used so far, of consumed_total() where that is known.
  [[nodiscard]] virtual std::uint64_t consumed() const = 0;
  /// Cells of number and boolean columns that stayed text.
  [[nodiscard]] virtual std::uint64_t cells_kept_as_text() const = 0;
};

/// `zone` is that of mapping.timezone. The mapping must outlive the source. `start` is where to go
/// on; the source is at its very beginning. Errors: those of skip() and CsvReader::header();
/// invalid_argument/other_columns (the file's columns are not the mapping's).
[[nodiscard]] Result<std::unique_ptr<RowSource>> open_csv_rows(std::unique_ptr<ByteSource> bytes,
                                                               const ImportMapping& mapping,
                                                               std::shared_ptr<const Zone> zone,
                                                               RowPosition start);
[[nodiscard]] Result<std::unique_ptr<RowSource>> open_json_rows(std::unique_ptr<ByteSource> bytes,
                                                                const ImportMapping& mapping,
                                                                std::shared_ptr<const Zone> zone,
                                                                RowPosition start);
[[nodiscard]] Result<std::unique_ptr<RowSource>> open_table_rows(
    std::unique_ptr<TableCursor> cursor, const ImportMapping& mapping,
    std::shared_ptr<const Zone> zone);

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// JSON lines: each line one object, flattened to fields, every row with its place, in bounded
// memory.
//
// Lines end with LF or CRLF; blank ones are skipped; a byte order mark at the start is dropped.
// What a line's object becomes: event/json_fields.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "event/byte_source.h"
#include "event/event.h"
#include "event/json_fields.h"
#include "event/rejected_row.h"
#include "event/segment_call.h"

namespace hf {

/// One line's object. Its views are valid until the reader's next call.
struct JsonRow {
  std::uint64_t line;                    ///< 1-based.
  std::uint64_t offset;                  ///< Of the line's first byte, in the decompressed text.
  std::span<const PropertyView> fields;  ///< In the order of the line; names distinct.
  std::optional<CallKind> call;          ///< Set where the object is a Segment call: to_event().
  std::string_view text;                 ///< The line as written, without its end.
};

/// Reads JSON lines from a source. Not for use by several threads.
class JsonRowReader {
 public:
  /// More flattened names and lists in one row are refused: event_too_large.
  static constexpr std::size_t flat_bytes_max = 4 * row_bytes_max;

  /// Requires a source at its start.
  explicit JsonRowReader(std::unique_ptr<ByteSource> source);
  ~JsonRowReader();

  /// Goes on where another reader stood: the source has been skipped to `position.offset` already.
  /// Requires that nothing was read yet.
  void resume_at(RowPosition position);

  /// The next row. Reasons of rejected ones: those of JsonFields::Refusal, row_too_long.
  /// Errors: those of ByteSource::read(); invalid_argument/unsupported_encoding (the text begins
  /// as UTF-16 does). After an error the reader is of no further use.
  [[nodiscard]] Result<std::variant<End, JsonRow, RejectedRow>> next();

  /// Where the next row begins (blank lines before it aside).
  [[nodiscard]] RowPosition position() const;
  [[nodiscard]] const ByteSource& source() const;

 private:
  class Lines;
  std::unique_ptr<Lines> lines_;  // Never null.
  JsonFields object_;             // Of the row handed out last.
};

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// JSON lines: each line one object, flattened to fields, every row with its place, in bounded
// memory.
//
// - Lines end with LF or CRLF; blank ones are skipped; a byte order mark at the start is dropped.
// - Objects flatten with '.', their null members and empty objects leave no field.
// - A list of scalars is one field of kind list, a list with objects or lists in it one of kind
//   json: compact JSON, texts escaped in one way only, numbers canonical, so equal lists are equal
//   texts.
// - Numbers are read from their digits, never through double.
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
  /// A longer flattened name is refused: name_too_long. Well over limits::name_bytes_max, because
  /// of what a call puts in front of its properties' names.
  static constexpr std::size_t flat_name_bytes_max = 4 * limits::name_bytes_max;
  /// More flattened names and lists in one row are refused: event_too_large.
  static constexpr std::size_t flat_bytes_max = 4 * row_bytes_max;

  /// Requires a source at its start.
  explicit JsonRowReader(std::unique_ptr<ByteSource> source);
  ~JsonRowReader();

  /// Goes on where another reader stood: the source has been skipped to `position.offset` already.
  /// Requires that nothing was read yet.
  void resume_at(RowPosition position);

  /// The next row. Reasons of rejected ones: invalid_json, invalid_utf8, too_deep (more than
  /// limits::depth_max levels), duplicate_key (also one that only flattening makes),
  /// name_too_long, event_too_large, row_too_long.
  /// Errors: those of ByteSource::read(); invalid_argument/unsupported_encoding (the text begins
  /// as UTF-16 does). After an error the reader is of no further use.
  [[nodiscard]] Result<std::variant<End, JsonRow, RejectedRow>> next();

  /// Where the next row begins (blank lines before it aside).
  [[nodiscard]] RowPosition position() const;
  [[nodiscard]] const ByteSource& source() const;

 private:
  class Lines;
  class Flattening;
  std::unique_ptr<Lines> lines_;            // Never null.
  std::unique_ptr<Flattening> flattening_;  // Never null.
};

}  // namespace hf

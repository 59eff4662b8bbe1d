// SPDX-License-Identifier: Apache-2.0
//
// One JSON object, flattened to fields.
//
// - Objects flatten with '.', their null members and empty objects leave no field.
// - A list of scalars is one field of kind list, a list with objects or lists in it one of kind
//   json: compact JSON, texts escaped in one way only, numbers canonical, so equal lists are equal
//   texts.
// - Numbers are read from their digits, never through double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "event/event.h"

namespace hf {

/// Reads one object after the other, in memory that is used again. Not for use by several threads.
class JsonFields {
 public:
  /// A longer flattened name is refused: name_too_long. Well over limits::name_bytes_max, because
  /// of what a call puts in front of its properties' names.
  static constexpr std::size_t flat_name_bytes_max = 4 * limits::name_bytes_max;
  /// So many bytes of readable memory must follow a text; what they hold is of no matter.
  static constexpr std::size_t padding_bytes = 64;

  /// Why an object was not taken: invalid_json (also a text that is no object), invalid_utf8,
  /// too_deep (more than limits::depth_max levels), duplicate_key (also one that only flattening
  /// makes), name_too_long, event_too_large.
  struct Refusal {
    std::string_view reason;
    std::string message;
    std::uint32_t column;  ///< 1-based byte of the text.
  };

  /// More than `flat_bytes_max` of flattened names and lists in one object are refused:
  /// event_too_large.
  explicit JsonFields(std::size_t flat_bytes_max);
  ~JsonFields();

  /// Reads `text`, one object and nothing else; blanks around it are passed over. With a `prefix`
  /// it is read as the member of that name: "context" makes names as "context.locale", and its
  /// levels count from the second. False: see refusal().
  [[nodiscard]] bool read(std::string_view text, std::string_view prefix = {});

  /// Of the text read last, in its order, names distinct; valid until the next read(), and as long
  /// as that text. Requires that read() returned true.
  [[nodiscard]] std::span<const PropertyView> fields() const;
  /// Requires that read() returned false.
  [[nodiscard]] const Refusal& refusal() const;

 private:
  class Flattening;
  std::unique_ptr<Flattening> flattening_;  // Never null.
};

/// True for a number as JSON writes it (RFC 8259 section 6): no plus sign, no leading zero, digits
/// on both sides of the point.
[[nodiscard]] bool is_json_number(std::string_view token);

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// JSON in and out for everything that is not an event row: queries, answers, the manifest.
// Numbers stay text on the way in and are written as given on the way out, so that no decimal
// passes through double.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "base/result.h"

namespace hf {

/// A parsed JSON value. Object members keep their order; a repeated name is refused by parse_json.
class Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, text, array, object };
  using Member = std::pair<std::string, Json>;

  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;  ///< A text's value, or a number's token as written.
  std::vector<Json> array;
  std::vector<Member> object;

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_text() const { return kind == Kind::text; }
  [[nodiscard]] bool is_number() const { return kind == Kind::number; }
  [[nodiscard]] bool is_boolean() const { return kind == Kind::boolean; }
  [[nodiscard]] bool is_array() const { return kind == Kind::array; }
  [[nodiscard]] bool is_object() const { return kind == Kind::object; }
  /// The member of that name, or nullptr. Requires is_object().
  [[nodiscard]] const Json* find(std::string_view name) const;
  /// "text", "an object", ..: how error messages name the kind.
  [[nodiscard]] std::string_view kind_name() const;

  /// As written: members in the same order, numbers with the same token (1.0 differs from 1).
  friend bool operator==(const Json& a, const Json& b) = default;
};

/// Parses one JSON document (RFC 8259), with or without a byte order mark. Nothing may follow it.
/// At most 64 levels. A lone surrogate escape is refused, having no UTF-8 form.
/// Errors: invalid_argument with reason invalid_json (line, column and byte offset where known),
/// too_deep or duplicate_member (with pointer).
[[nodiscard]] Result<Json> parse_json(std::string_view text);

/// "/" + name with ~ and / escaped (RFC 6901), for building pointers.
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view name);
[[nodiscard]] std::string pointer_to(std::string_view parent, std::size_t index);

/// Appends JSON to a string. The caller keeps the nesting right; commas are handled here.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);  ///< Escaped; bytes that are no UTF-8 become U+FFFD.
  JsonWriter& integer(std::int64_t value);
  JsonWriter& number(double value);  ///< Shortest form that reads back equal; null if not finite.
  JsonWriter& raw(std::string_view json);  ///< Already JSON: an exact decimal, a sub-document.
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& json(const Json& value);  ///< Numbers and member order as they were read.

  [[nodiscard]] const std::string& str() const { return out_; }
  /// Hands out the text and begins anew.
  [[nodiscard]] std::string take() {
    needs_comma_ = false;
    return std::exchange(out_, {});
  }

 private:
  void separate();
  std::string out_;
  bool needs_comma_ = false;
};

/// Appends `value` quoted and escaped.
void append_json_text(std::string& out, std::string_view value);

}  // namespace hf

// SPDX-License-Identifier: Apache-2.0
//
// simdjson's On-Demand iterators look only at what they are asked for, so everything is asked for:
// each scalar's token is checked whole, texts with escapes are checked to be UTF-8 (a lone
// surrogate is not), and nothing may follow the object.
#include "event/json_fields.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/decimal.h"
#include "base/json.h"
#include "base/utf8.h"

namespace hf {
namespace {

namespace ondemand = simdjson::ondemand;

// Names are compared pairwise up to here, which beats sorting.
constexpr std::size_t pairwise_max = 16;

static_assert(JsonFields::padding_bytes >= simdjson::SIMDJSON_PADDING);

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool are_distinct(std::span<const std::string_view> names) {
  if (names.size() <= pairwise_max) {
    for (std::size_t i = 1; i < names.size(); ++i) {
      if (std::ranges::count(names.first(i), names[i]) > 0) return false;
    }
    return true;
  }
  std::vector<std::string_view> sorted(names.begin(), names.end());
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end();
}

}  // namespace

bool is_json_number(std::string_view token) {
  const auto drop_digits = [&token] {
    const auto end = std::ranges::find_if_not(token, is_digit);
    const auto n = static_cast<std::size_t>(end - token.begin());
    token.remove_prefix(n);
    return n;
  };
  if (token.starts_with('-')) token.remove_prefix(1);
  const bool has_leading_zero = token.starts_with('0');
  const std::size_t digits = drop_digits();
  if (digits == 0 || (has_leading_zero && digits > 1)) return false;
  if (token.starts_with('.')) {
    token.remove_prefix(1);
    if (drop_digits() == 0) return false;
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    if (drop_digits() == 0) return false;
  }
  return token.empty();
}

class JsonFields::Flattening {
 public:
  // The arena never grows while an object's fields live, so that views into it stay; memory that is
  // not used is never touched.
  explicit Flattening(std::size_t flat_bytes_max) : flat_bytes_max_(flat_bytes_max) {
    arena_.reserve(flat_bytes_max_);
  }

  bool run(std::string_view text, std::string_view prefix) {
    text_ = text;
    fields_.clear();
    names_.clear();
    path_ = prefix;
    arena_.clear();
    has_dotted_name_ = false;
    has_unicode_escape_ = text.find("\\u") != std::string_view::npos;
    document_ = {};
    const simdjson::padded_string_view padded(text.data(), text.size(),
                                              text.size() + simdjson::SIMDJSON_PADDING);
    if (const auto error = parser_.iterate(padded).get(document_)) {
      return refuse_json("not valid JSON", error == simdjson::UNCLOSED_STRING ? text.size() : 0);
    }
    ondemand::object object;
    if (const auto error = document_.get_object().get(object)) {
      if (error == simdjson::INCORRECT_TYPE) return refuse_json("not a JSON object", first_byte());
      return refuse_json("the object is not closed", text.size());
    }
    if (!flatten(object, prefix.empty() ? 1 : 2)) return false;
    if (const char* at = nullptr; !document_.current_location().get(at)) {
      return refuse_json("something follows the object", at - text_.data());
    }
    // Without a dot in a name, flattened names differ where the paths do.
    return !has_dotted_name_ || check_flat_names();
  }

  std::span<const PropertyView> fields() const { return fields_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  bool refuse(std::string_view reason, std::string message, std::size_t at) {
    refusal_ = {reason, std::move(message),
                static_cast<std::uint32_t>(std::min(at, text_.size()) + 1)};
    return false;
  }
  bool refuse_json(std::string message, std::size_t at) {
    if (const std::size_t valid = utf8_valid_prefix(text_); valid != text_.size()) {
      return refuse("invalid_utf8", "not valid UTF-8", valid);
    }
    return refuse("invalid_json", std::move(message), at);
  }
  bool refuse_json() { return refuse_json("not valid JSON", here()); }
  bool refuse_duplicate() {
    return refuse("duplicate_key", "the object has the same name twice", here());
  }

  std::size_t first_byte() const {
    return static_cast<std::size_t>(std::ranges::find_if_not(text_, is_blank) - text_.begin());
  }
  std::size_t here() {
    const char* at = nullptr;
    if (document_.current_location().get(at)) return text_.size();
    return static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(at - text_.data(), 0, std::ssize(text_)));
  }

  bool check_depth(std::size_t depth) {
    if (depth <= limits::depth_max) return true;
    return refuse("too_deep", fmt::format("nested deeper than {} levels", limits::depth_max),
                  here());
  }

  bool check_flat_names() {
    names_.clear();
    for (const PropertyView& field : fields_) names_.push_back(field.name);
    return are_distinct(names_) || refuse_duplicate();
  }

  bool check_arena() {
    if (arena_.size() <= flat_bytes_max_) return true;
    return refuse("event_too_large",
                  fmt::format("flattened, the object is larger than {} bytes", flat_bytes_max_),
                  here());
  }

  // Escapes can spell half a surrogate pair.
  bool is_text(std::string_view text) const { return !has_unicode_escape_ || is_utf8(text); }

  /// Walks the members of an object: `member(name, value)` is called for each.
  template <class OnMember>
  bool each_member(ondemand::object& object, OnMember on_member) {
    const std::size_t first_name = names_.size();
    for (auto member : object) {
      ondemand::field field;
      if (std::move(member).get(field)) return refuse_json();
      std::string_view name;
      if (field.unescaped_key().get(name)) return refuse_json();
      if (!is_text(name)) return refuse_json("an escape that is no character", here());
      names_.push_back(name);
      if (!on_member(name, field.value())) return false;
    }
    if (!are_distinct(std::span(names_).subspan(first_name))) return refuse_duplicate();
    names_.resize(first_name);
    return true;
  }

  bool flatten(ondemand::object& object, std::size_t depth) {
    return each_member(object, [this, depth](std::string_view name, ondemand::value& value) {
      has_dotted_name_ |= name.find('.') != std::string_view::npos;
      const std::size_t parent = path_.size();
      if (depth > 1) path_ += '.';
      path_ += name;
      if (path_.size() > flat_name_bytes_max) {
        return refuse("name_too_long",
                      fmt::format("a flattened name is longer than {} bytes", flat_name_bytes_max),
                      here());
      }
      const bool good = add(value, depth);
      path_.resize(parent);
      return good;
    });
  }

  /// Adds the value as the field `path_`, or the fields below it.
  bool add(ondemand::value& value, std::size_t depth) {
    ondemand::json_type type;
    if (value.type().get(type)) return refuse_json();
    switch (type) {
      case ondemand::json_type::object: {
        if (!check_depth(depth + 1)) return false;
        ondemand::object object;
        if (value.get_object().get(object)) return refuse_json();
        return flatten(object, depth + 1);
      }
      case ondemand::json_type::array: {
        const std::size_t begin = arena_.size();
        bool is_nested = false;
        if (!append_array(value, depth + 1, is_nested)) return false;
        return add_field({.kind = is_nested ? ValueKind::json : ValueKind::list,
                          .text = std::string_view(arena_).substr(begin)});
      }
      case ondemand::json_type::string: {
        std::string_view text;
        if (!read_text(value, text)) return false;
        return add_field({.kind = ValueKind::text, .text = text});
      }
      case ondemand::json_type::number: {
        std::string_view token;
        if (!read_number(value, token)) return false;
        if (const auto decimal = parse_decimal(token)) {
          return add_field({.kind = ValueKind::number, .number = *decimal});
        }
        const std::size_t begin = arena_.size();
        arena_ += canonical_number(token);
        return add_field(
            {.kind = ValueKind::big_number, .text = std::string_view(arena_).substr(begin)});
      }
      case ondemand::json_type::boolean:
      case ondemand::json_type::null: {
        std::string_view token;
        if (!read_word(value, token)) return false;
        if (token == "null") return true;
        return add_field({.kind = ValueKind::boolean, .boolean = token == "true"});
      }
    }
    return refuse_json();
  }

  bool add_field(ValueView value) {
    const std::size_t begin = arena_.size();
    arena_ += path_;
    if (!check_arena()) return false;
    fields_.push_back({std::string_view(arena_).substr(begin), value});
    return true;
  }

  /// Appends an array as compact JSON. `is_nested` is set where it holds objects or arrays.
  bool append_array(ondemand::value& value, std::size_t depth, bool& is_nested) {
    if (!check_depth(depth)) return false;
    ondemand::array array;
    if (value.get_array().get(array)) return refuse_json();
    arena_ += '[';
    bool is_first = true;
    for (auto element : array) {
      ondemand::value item;
      if (std::move(element).get(item)) return refuse_json();
      if (!std::exchange(is_first, false)) arena_ += ',';
      if (!append(item, depth, is_nested)) return false;
    }
    arena_ += ']';
    return check_arena();
  }

  bool append_object(ondemand::value& value, std::size_t depth) {
    if (!check_depth(depth)) return false;
    ondemand::object object;
    if (value.get_object().get(object)) return refuse_json();
    arena_ += '{';
    bool is_first = true;
    const bool good = each_member(object, [&](std::string_view name, ondemand::value& member) {
      if (!std::exchange(is_first, false)) arena_ += ',';
      append_json_text(arena_, name);
      arena_ += ':';
      bool is_nested = false;
      return append(member, depth, is_nested);
    });
    arena_ += '}';
    return good && check_arena();
  }

  bool append(ondemand::value& value, std::size_t depth, bool& is_nested) {
    ondemand::json_type type;
    if (value.type().get(type)) return refuse_json();
    std::string_view token;
    switch (type) {
      case ondemand::json_type::object: is_nested = true; return append_object(value, depth + 1);
      case ondemand::json_type::array:
        is_nested = true;
        return append_array(value, depth + 1, is_nested);
      case ondemand::json_type::string:
        if (!read_text(value, token)) return false;
        append_json_text(arena_, token);
        return check_arena();
      case ondemand::json_type::number: {
        if (!read_number(value, token)) return false;
        const auto decimal = parse_decimal(token);
        arena_ += decimal ? decimal->to_string() : canonical_number(token);
        return check_arena();
      }
      case ondemand::json_type::boolean:
      case ondemand::json_type::null:
        if (!read_word(value, token)) return false;
        arena_ += token;
        return check_arena();
    }
    return refuse_json();
  }

  bool read_text(ondemand::value& value, std::string_view& text) {
    const std::size_t at = here();
    if (value.get_string().get(text)) return refuse_json("a wrong escape in a text", at);
    return is_text(text) || refuse_json("an escape that is no character", at);
  }

  /// The token as written. It is not consumed: stepping to the next member passes over it.
  std::string_view read_token(ondemand::value& value) {
    std::string_view token = value.raw_json_token();
    while (!token.empty() && is_blank(token.back())) token.remove_suffix(1);
    return token;
  }
  bool read_number(ondemand::value& value, std::string_view& token) {
    token = read_token(value);
    return is_json_number(token) || refuse_json("not a JSON number", token.data() - text_.data());
  }
  bool read_word(ondemand::value& value, std::string_view& token) {
    token = read_token(value);
    if (token == "true" || token == "false" || token == "null") return true;
    return refuse_json("a word is none of true, false and null", token.data() - text_.data());
  }

  const std::size_t flat_bytes_max_;
  ondemand::parser parser_;
  ondemand::document document_;
  std::string_view text_;
  std::vector<PropertyView> fields_;
  std::vector<std::string_view> names_;  // Of the objects being walked, outermost first.
  std::string path_;                     // The flattened name of where we are.
  std::string arena_;                    // Names, lists and big numbers of the object.
  bool has_dotted_name_ = false;
  bool has_unicode_escape_ = false;
  Refusal refusal_;
};

JsonFields::JsonFields(std::size_t flat_bytes_max)
    : flattening_(std::make_unique<Flattening>(flat_bytes_max)) {}

JsonFields::~JsonFields() = default;

bool JsonFields::read(std::string_view text, std::string_view prefix) {
  return flattening_->run(text, prefix);
}
std::span<const PropertyView> JsonFields::fields() const { return flattening_->fields(); }
const JsonFields::Refusal& JsonFields::refusal() const { return flattening_->refusal(); }

}  // namespace hf

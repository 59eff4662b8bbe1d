// SPDX-License-Identifier: Apache-2.0
//
// Parsing walks simdjson's On-Demand iterators, which hand out number tokens as written. On-Demand
// looks only at what it is asked for, so everything is asked for here: each scalar token is checked
// whole against the grammar, strings are unescaped and checked again, and the end must be the end.
#include "base/json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"

namespace hf {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int levels_max = 64;
// Names are compared pairwise up to here, which beats sorting and allocates nothing.
constexpr std::size_t pairwise_members_max = 16;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// RFC 8259, section 6: no plus, no leading zero, digits on both sides of the point.
bool is_json_number(std::string_view token) {
  const char* p = token.data();
  const char* const end = p + token.size();
  const auto digits = [&] {
    const char* const begin = p;
    while (p != end && is_digit(*p)) ++p;
    return p - begin;
  };
  if (p != end && *p == '-') ++p;
  if (p != end && *p == '0') {
    ++p;
  } else if (digits() == 0) {
    return false;
  }
  if (p != end && *p == '.') {
    ++p;
    if (digits() == 0) return false;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    if (digits() == 0) return false;
  }
  return p == end;
}

std::string_view without_trailing_space(std::string_view token) {
  const std::size_t last = token.find_last_not_of(" \t\n\r");
  return token.substr(0, last + 1);  // npos + 1 is 0.
}

const std::string* repeated_name(const std::vector<Json::Member>& members) {
  if (members.size() <= pairwise_members_max) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].first == members[j].first) return &members[i].first;
      }
    }
    return nullptr;
  }
  std::vector<const std::string*> names;
  names.reserve(members.size());
  for (const auto& [name, value] : members) names.push_back(&name);
  std::ranges::sort(names, [](const auto* a, const auto* b) { return *a < *b; });
  const auto twin =
      std::ranges::adjacent_find(names, [](const auto* a, const auto* b) { return *a == *b; });
  return twin == names.end() ? nullptr : *twin;
}

class Parsing {
 public:
  explicit Parsing(std::string_view text) : buffer_(text) {}

  Result<Json> run() {
    const std::string_view all = bytes();
    if (all.find_first_not_of(" \t\n\r") == std::string_view::npos) {
      return invalid("the text is empty", all.size());
    }
    if (const std::size_t valid = utf8_valid_prefix(all); valid != all.size()) {
      return invalid("the text is not UTF-8", valid);
    }
    ondemand::document document;
    if (const auto error = parser_.iterate(buffer_).get(document)) return invalid(error, {});
    document_ = &document;
    HF_TRY(Json root, convert(document, "", 0));
    const bool scalar = !root.is_array() && !root.is_object();
    if (scalar && root_token_end_ != all.data() + all.size()) {
      return invalid("something follows the document", offset_of(root_token_end_));
    }
    if (const char* at = nullptr; !scalar && !document.current_location().get(at)) {
      return invalid("something follows the document", offset_of(at));
    }
    return root;
  }

 private:
  [[nodiscard]] std::string_view bytes() const { return {buffer_.data(), buffer_.size()}; }

  [[nodiscard]] std::size_t offset_of(const char* at) const {
    return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(
        at - buffer_.data(), 0, static_cast<std::ptrdiff_t>(buffer_.size())));
  }

  std::optional<std::size_t> location() {
    const char* at = nullptr;
    if (document_ == nullptr || document_->current_location().get(at)) return std::nullopt;
    return offset_of(at);
  }

  std::unexpected<Error> invalid(std::string_view what, std::optional<std::size_t> offset) const {
    if (!offset) {
      return fail(ErrorCode::invalid_argument, "invalid_json",
                  fmt::format("not valid JSON: {}", what));
    }
    const std::string_view before = bytes().substr(0, *offset);
    const auto line = 1 + std::ranges::count(before, '\n');
    const std::size_t newline = before.find_last_of('\n');
    const std::size_t column = *offset - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    return fail(ErrorCode::invalid_argument, "invalid_json",
                fmt::format("not valid JSON: {}: line {}, column {} (byte {})", what, line, column,
                            *offset));
  }

  std::unexpected<Error> invalid(simdjson::error_code error,
                                 std::optional<std::size_t> offset) const {
    switch (error) {
      case simdjson::CAPACITY:
      case simdjson::MEMALLOC: return invalid("the text is too long", offset);
      case simdjson::UNCLOSED_STRING: return invalid("a text is not closed by a quote", offset);
      case simdjson::UNESCAPED_CHARS:
        return invalid("a control character in a text is not escaped", offset);
      case simdjson::STRING_ERROR: return invalid("a text has a wrong escape", offset);
      case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
        return invalid("the outermost object or array is not closed, or something follows it", {});
      default:
        return invalid("a comma, colon, bracket, name or value is missing or too many", offset);
    }
  }

  template <class Value>  // ondemand::document at the root, else ondemand::value.
  Result<Json> convert(Value& value, const std::string& pointer, int levels) {
    ondemand::json_type type;
    if (const auto error = value.type().get(type)) return invalid(error, location());
    switch (type) {
      case ondemand::json_type::array: return convert_array(value, pointer, levels + 1);
      case ondemand::json_type::object: return convert_object(value, pointer, levels + 1);
      case ondemand::json_type::string:
      case ondemand::json_type::number:
      case ondemand::json_type::boolean:
      case ondemand::json_type::null: break;
    }
    std::string_view token;
    if (const auto error =
            simdjson::simdjson_result<std::string_view>(value.raw_json_token()).get(token)) {
      return invalid(error, location());
    }
    root_token_end_ = token.data() + token.size();
    const std::size_t offset = offset_of(token.data());
    token = without_trailing_space(token);
    Json json;
    if (type == ondemand::json_type::string) {
      json.kind = Json::Kind::text;
      std::string_view text;
      if (const auto error = value.get_string().get(text)) return invalid(error, offset);
      // A lone surrogate escape has no UTF-8 form.
      if (!is_utf8(text)) return invalid("a text has an escape that is no character", offset);
      json.text = text;
    } else if (type == ondemand::json_type::number) {
      if (!is_json_number(token)) return invalid("a number is malformed", offset);
      json.kind = Json::Kind::number;
      json.text = token;
    } else if (token == "true" || token == "false") {
      json.kind = Json::Kind::boolean;
      json.boolean = token == "true";
    } else if (token != "null") {
      return invalid("a word is none of true, false and null", offset);
    }
    return json;
  }

  template <class Value>
  Result<Json> convert_array(Value& value, const std::string& pointer, int levels) {
    if (levels > levels_max) return too_deep(pointer);
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return invalid(error, location());
    Json json;
    json.kind = Json::Kind::array;
    for (auto element : array) {
      ondemand::value item;
      if (const auto error = element.get(item)) return invalid(error, location());
      HF_TRY(Json converted, convert(item, pointer_to(pointer, json.array.size()), levels));
      json.array.push_back(std::move(converted));
    }
    return json;
  }

  template <class Value>
  Result<Json> convert_object(Value& value, const std::string& pointer, int levels) {
    if (levels > levels_max) return too_deep(pointer);
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return invalid(error, location());
    Json json;
    json.kind = Json::Kind::object;
    for (auto member : object) {
      ondemand::field field;
      if (const auto error = std::move(member).get(field)) return invalid(error, location());
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name)) return invalid(error, location());
      if (!is_utf8(name)) return invalid("a name has an escape that is no character", location());
      std::string owned(name);
      HF_TRY(Json converted, convert(field.value(), pointer_to(pointer, owned), levels));
      json.object.emplace_back(std::move(owned), std::move(converted));
    }
    if (const std::string* name = repeated_name(json.object)) {
      return fail(ErrorCode::invalid_argument, "duplicate_member",
                  fmt::format("the object has a member twice: {}", *name),
                  pointer_to(pointer, *name));
    }
    return json;
  }

  static std::unexpected<Error> too_deep(const std::string& pointer) {
    return fail(ErrorCode::invalid_argument, "too_deep",
                fmt::format("JSON nested deeper than {} levels", levels_max), pointer);
  }

  simdjson::padded_string buffer_;
  ondemand::parser parser_;
  ondemand::document* document_ = nullptr;
  const char* root_token_end_ = nullptr;
};

}  // namespace

const Json* Json::find(std::string_view name) const {
  HF_ASSERT(is_object());
  const auto member = std::ranges::find(object, name, &Member::first);
  return member == object.end() ? nullptr : &member->second;
}

std::string_view Json::kind_name() const {
  switch (kind) {
    case Kind::null: return "null";
    case Kind::boolean: return "true or false";
    case Kind::number: return "a number";
    case Kind::text: return "a text";
    case Kind::array: return "an array";
    case Kind::object: return "an object";
  }
  HF_ASSERT(false);
}

Result<Json> parse_json(std::string_view text) {
  // Editors on Windows begin a file with a byte order mark; RFC 8259 section 8.1 lets us skip it.
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return Parsing(text).run();
}

std::string pointer_to(std::string_view parent, std::string_view name) {
  std::string pointer;
  pointer.reserve(parent.size() + 1 + name.size());
  pointer += parent;
  pointer += '/';
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string pointer_to(std::string_view parent, std::size_t index) {
  return fmt::format("{}/{}", parent, index);
}

void append_json_text(std::string& out, std::string_view value) {
  out += '"';
  std::size_t run = 0;  // Begin of what can be copied as it stands.
  std::size_t at = 0;
  const auto copy_run = [&] { out.append(value.substr(run, at - run)); };
  while (at < value.size()) {
    const auto byte = static_cast<unsigned char>(value[at]);
    if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
      ++at;
      continue;
    }
    if (byte >= 0x80) {
      const std::string_view rest = value.substr(at);
      if (const std::size_t length = utf8_sequence_length(rest); length > 0) {
        at += length;
        continue;
      }
      copy_run();
      out += "\xEF\xBF\xBD";
      run = at += utf8_ill_formed_length(rest);
      continue;
    }
    copy_run();
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += fmt::format("\\u{:04x}", byte);
    }
    run = ++at;
  }
  copy_run();
  out += '"';
}

void JsonWriter::separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_text(out_, name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  append_json_text(out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  separate();
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out_.append(buffer.data(), end);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out_.append(buffer.data(), end);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::json(const Json& value) {
  switch (value.kind) {
    case Json::Kind::null: return null();
    case Json::Kind::boolean: return boolean(value.boolean);
    case Json::Kind::number: return raw(value.text);
    case Json::Kind::text: return text(value.text);
    case Json::Kind::array:
      begin_array();
      for (const Json& item : value.array) json(item);
      return end_array();
    case Json::Kind::object:
      begin_object();
      for (const auto& [name, member] : value.object) key(name).json(member);
      return end_object();
  }
  HF_ASSERT(false);
}

}  // namespace hf

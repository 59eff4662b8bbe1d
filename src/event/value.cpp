// SPDX-License-Identifier: Apache-2.0
#include "event/value.h"

#include <algorithm>

#include "base/assert.h"
#include "base/json.h"

namespace hf {

std::string_view to_string(ValueKind kind) {
  switch (kind) {
    case ValueKind::text: return "text";
    case ValueKind::number: return "number";
    case ValueKind::boolean: return "boolean";
    case ValueKind::big_number: return "big_number";
    case ValueKind::list: return "list";
    case ValueKind::json: return "json";
  }
  HF_ASSERT(!"a value kind without a name");
  return {};
}

std::string canonical_text(const ValueView& value) {
  switch (value.kind) {
    case ValueKind::number: return value.number.to_string();
    case ValueKind::boolean: return value.boolean ? "true" : "false";
    case ValueKind::text:
    case ValueKind::big_number:
    case ValueKind::list:
    case ValueKind::json: return std::string(value.text);
  }
  HF_ASSERT(!"a value kind without a text");
  return {};
}

Result<std::vector<std::string>> values_of_list(std::string_view list) {
  HF_TRY(const Json json, parse_json(list));
  std::vector<std::string> values;
  for (const Json& item : json.array) {
    if (item.is_null()) continue;
    values.push_back(item.is_number()    ? canonical_number(item.text)
                     : item.is_boolean() ? (item.boolean ? "true" : "false")
                                         : item.text);
  }
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
  return values;
}

}  // namespace hf

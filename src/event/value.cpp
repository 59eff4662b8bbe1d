// SPDX-License-Identifier: Apache-2.0
#include "event/value.h"

#include "base/assert.h"

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

}  // namespace hf

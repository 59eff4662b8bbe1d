// SPDX-License-Identifier: Apache-2.0
//
// Whatever comes in: rows have distinct names in valid UTF-8, lists and JSON values parse again,
// and a call becomes an event or an error.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <variant>

#include "base/assert.h"
#include "base/json.h"
#include "event/json_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hf::JsonRowReader reader(
      hf::ByteSource::from_bytes(std::string(reinterpret_cast<const char*>(data), size)));
  hf::CallBuffer buffer;
  for (;;) {
    const auto next = reader.next();
    if (!next || std::holds_alternative<hf::End>(*next)) return 0;
    const auto* row = std::get_if<hf::JsonRow>(&*next);
    if (row == nullptr) continue;
    std::set<std::string_view> names;
    for (const auto& [name, value] : row->fields) {
      HF_ASSERT(names.insert(name).second);
      HF_ASSERT(hf::is_utf8(name) && hf::is_utf8(value.text));
      if (value.kind == hf::ValueKind::list || value.kind == hf::ValueKind::json) {
        HF_ASSERT(hf::parse_json(value.text).has_value());
      }
    }
    if (!row->call) continue;
    if (const auto event = hf::to_event(*row->call, row->fields, buffer)) {
      if (hf::validate(*event)) HF_ASSERT(!event->name.empty());
    }
  }
}

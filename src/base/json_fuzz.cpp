// SPDX-License-Identifier: Apache-2.0
//
// Whatever parse_json() takes, JsonWriter writes so that it reads back the same.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/json.h"
#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = hf::parse_json(text)) {
    const std::string written = hf::JsonWriter().json(*json).take();
    const auto again = hf::parse_json(written);
    HF_ASSERT(again.has_value());
    HF_ASSERT(*again == *json);
  }
  std::string quoted;
  hf::append_json_text(quoted, text);
  const auto unquoted = hf::parse_json(quoted);
  HF_ASSERT(unquoted.has_value());
  HF_ASSERT(!hf::is_utf8(text) || unquoted->text == text);
  return 0;
}

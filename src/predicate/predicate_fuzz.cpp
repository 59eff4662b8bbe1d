// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "predicate/matcher.h"
#include "predicate/predicate.h"

// Whatever bytes come in: parsing refuses or accepts, and what it accepts can be evaluated; what
// is denied holds exactly where it does not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto json = hf::parse_json(bytes);
  if (!json) return 0;
  const std::array<hf::PropertyView, 6> properties = {{
      {"text", {.kind = hf::ValueKind::text, .text = "Größe XL"}},
      {"number", {.kind = hf::ValueKind::number, .number = {-125, 1}}},
      {"boolean", {.kind = hf::ValueKind::boolean, .boolean = true}},
      {"big", {.kind = hf::ValueKind::big_number, .text = "12345678901234567890"}},
      {"list", {.kind = hf::ValueKind::list, .text = R"(["a",1,true,null,1e99])"}},
      {"json", {.kind = hf::ValueKind::json, .text = R"([{"sku":"x"}])"}},
  }};
  hf::EventView event;
  event.user_id = "u";
  event.name = "purchase";
  event.properties = properties;
  if (auto predicate = hf::parse_predicate(*json, "")) {
    const bool holds = hf::satisfies(*predicate, properties);
    hf::Predicate denied;
    denied.kind = hf::Predicate::Kind::negation;
    denied.children.push_back(*std::move(predicate));
    if (hf::satisfies(denied, properties) == holds) __builtin_trap();
  }
  if (const auto matcher = hf::parse_matcher(*json, "")) {
    if (hf::matches(*matcher, event) && !matcher->names(event.name)) __builtin_trap();
  }
  return 0;
}

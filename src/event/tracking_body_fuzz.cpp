// SPDX-License-Identifier: Apache-2.0
//
// Whatever is posted: it is refused whole, or every item of it is a valid event or refused with its
// text, in order. The first byte chooses the endpoint.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <variant>

#include "base/assert.h"
#include "base/json.h"
#include "event/tracking_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // Most of them batches.
  const auto endpoint = static_cast<hf::TrackingEndpoint>(data[0] < 6 ? data[0] : 6);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto body = hf::TrackingBody::open(endpoint, text, 1'772'000'000'000);
  if (!body) {
    HF_ASSERT(body.error().code == hf::ErrorCode::invalid_argument);
    // What the other parser takes, which refuses more, can only be the wrong kind of JSON.
    const std::string_view reason = body.error().reason;
    if (hf::parse_json(text)) HF_ASSERT(reason != "invalid_json" && reason != "invalid_utf8");
    return 0;
  }
  if (const auto key = body->write_key()) HF_ASSERT(!key->empty());
  for (std::size_t index = 0;; ++index) {
    const auto next = body->next();
    if (std::holds_alternative<hf::End>(next)) {
      HF_ASSERT(index == body->item_count());
      return 0;
    }
    if (const auto* refused = std::get_if<hf::RefusedItem>(&next)) {
      HF_ASSERT(refused->index == index);
      HF_ASSERT(!refused->reason.empty() && text.find(refused->text) != std::string::npos);
      continue;
    }
    const auto& event = std::get<hf::TrackingEvent>(next);
    HF_ASSERT(event.index == index);
    HF_ASSERT(hf::validate(event.event).has_value());
    std::set<std::string_view> names;
    for (const auto& [name, value] : event.event.properties) {
      HF_ASSERT(names.insert(name).second);
    }
  }
}

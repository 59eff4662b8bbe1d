// SPDX-License-Identifier: Apache-2.0
//
// Any bytes are a zone or an error; a zone answers every question consistently.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/assert.h"
#include "calendar/zone.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto zone = hf::Zone::parse("Fuzz/Zone", std::as_bytes(std::span(data, size)));
  if (!zone) return 0;
  const auto transitions = (*zone)->transitions();
  HF_ASSERT(!transitions.empty());
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    const hf::TimestampMs at = i == 0 ? hf::timestamp_min_ms : transitions[i].from_ms;
    if (i > 0) {
      HF_ASSERT(transitions[i - 1].from_ms < at);
      HF_ASSERT((*zone)->offset_s(at - 1) == transitions[i - 1].offset_s);
      HF_ASSERT((*zone)->offset_s(at) == transitions[i].offset_s);
    }
    const hf::Day day = (*zone)->local_day(at);
    const hf::TimestampMs start = (*zone)->start_of_day(day);
    HF_ASSERT(start <= at);
    HF_ASSERT((*zone)->local_day(start) >= day);
    HF_ASSERT((*zone)->local_day(start - 1) < day);
    const std::int64_t reading = at + (*zone)->offset_s(at) * std::int64_t{1'000};
    const hf::TimestampMs first_shown = (*zone)->from_local(reading);
    HF_ASSERT(first_shown > at - 3 * hf::ms_per_day && first_shown < at + 3 * hf::ms_per_day);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
//
// Any text is a time or none, in every style; the shortcut and the long way agree; what is read can
// be written and read again. The input is a pattern and a text with a line feed between.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "calendar/date.h"
#include "calendar/time_text.h"

namespace {

void read_again(std::expected<hf::TimestampMs, hf::TimeError> time) {
  if (!time) return;
  HF_ASSERT(*time >= hf::timestamp_min_ms && *time < hf::timestamp_end_ms);
  HF_ASSERT(hf::parse_rfc3339(hf::format_rfc3339(*time, *hf::Zone::utc())) == *time);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(input.find('\n'), input.size());
  const std::string_view pattern = input.substr(0, cut);
  const std::string_view text = cut < input.size() ? input.substr(cut + 1) : input;
  const hf::Zone& zone = *hf::Zone::utc();

  (void)hf::is_time_pattern(pattern);
  read_again(hf::parse_time(text, {hf::TimeStyle::pattern, std::string(pattern)}, zone));
  for (const hf::TimeStyle style : {hf::TimeStyle::compact, hf::TimeStyle::epoch_s,
                                    hf::TimeStyle::epoch_ms, hf::TimeStyle::epoch_us}) {
    read_again(hf::parse_time(text, {style, ""}, zone));
  }
  const auto iso = hf::parse_time(text, hf::TimeFormat{}, zone);
  read_again(iso);
  HF_ASSERT(iso == hf::parse_time(" " + std::string(text), hf::TimeFormat{}, zone));
  if (const auto strict = hf::parse_rfc3339(text)) HF_ASSERT(iso == *strict);

  const std::array samples{text, pattern};
  if (const auto recognized = hf::recognize_time(samples)) {
    HF_ASSERT(recognized->format.style == hf::TimeStyle::pattern ||
              recognized->format.pattern.empty());
    for (const std::string_view sample : samples) {
      const auto time = hf::parse_time(sample, recognized->format, zone);
      const bool is_blank = sample.find_first_not_of(" \t") == std::string_view::npos;
      HF_ASSERT(is_blank || time || time.error() == hf::TimeError::out_of_range);
    }
  }
  if (const auto duration = hf::parse_duration(text)) {
    HF_ASSERT(hf::parse_duration(hf::to_string(*duration)) == *duration);
  }
  if (const auto day = hf::parse_date(text)) HF_ASSERT(hf::to_string(*day) == text);
  return 0;
}

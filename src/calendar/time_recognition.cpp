// SPDX-License-Identifier: Apache-2.0
//
// Recognition tries a fixed list of formats on all samples, the likelier first. That is a few
// hundred candidates, but nearly all fail at the first sample.
#include <algorithm>
#include <string>
#include <vector>

#include "calendar/time_text.h"

namespace hf {

namespace {

// A date pattern and its twin with day and month exchanged, where people write both.
struct DatePattern {
  std::string_view pattern;
  std::string_view day_first = {};
};

constexpr DatePattern date_patterns[] = {
    {"%m/%d/%Y", "%d/%m/%Y"},
    {"%m/%d/%y", "%d/%m/%y"},
    {"%d.%m.%Y"},
    {"%d.%m.%y"},
    {"%Y/%m/%d"},
    {"%Y.%m.%d"},
    {"%Y-%m-%d"},  // One-digit fields, which style iso refuses.
    {"%m-%d-%Y", "%d-%m-%Y"},
    {"%m-%d-%y", "%d-%m-%y"},
    {"%d %b %Y"},
    {"%d-%b-%Y"},
    {"%d-%b-%y"},
    {"%d/%b/%Y"},
    {"%b %d, %Y"},
    {"%b %d %Y"},
    {"%a, %d %b %Y"},  // RFC 5322
    {"%a, %b %d, %Y"},
    {"%d. %b %Y"},
    {"%Y %b %d"},
    {"%Y-%b-%d"},
};
// Web servers log with ':' between date and time.
constexpr std::string_view separators[] = {" ", ", ", ":", "T", " at "};
constexpr std::string_view clock_patterns[] = {
    "%H:%M",      "%H:%M:%S",       "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p",
    "%I:%M:%S%p", "%I:%M:%S.%f %p", "%H.%M",       "%H.%M.%S", "%H:%M:%S,%f",
};
constexpr std::string_view zone_patterns[] = {"", " %z", "%z"};
constexpr std::string_view other_patterns[] = {"%a %b %e %H:%M:%S %Y", "%a %b %e %H:%M:%S %z %Y"};

constexpr std::size_t values_a_miss = 10;
constexpr TimestampMs epoch_min_ms = 631'152'000'000;  // 1990-01-01

// The values that are not blank, and how many of them may be no time: the rows of a few slips are
// rejected when they come, the column is not given up for them.
struct Samples {
  std::vector<std::string_view> texts;
  std::size_t misses_allowed = 0;

  [[nodiscard]] bool fit(auto&& test) const {
    std::size_t misses = 0;
    for (const std::string_view text : texts) {
      if (!test(text) && ++misses > misses_allowed) return false;
    }
    return true;
  }
};

// False where a character the pattern spells out is missing from the text: spares nearly all
// candidates their attempt.
bool could_read(std::string_view pattern, std::string_view text) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '%') {
      ++at;
    } else if (pattern[at] == ' ' ? text.find_first_of(" \t") == std::string_view::npos
                                  : text.find(pattern[at]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// Placeholders such as 0001-01-01 are times too, but a column of nothing else is not one.
bool are_times(const Samples& samples, const TimeFormat& format) {
  bool any_in_range = false;
  const bool fit = samples.fit([&](std::string_view text) {
    const auto time = parse_time(text, format, *Zone::utc());
    any_in_range = any_in_range || time.has_value();
    return time || time.error() != TimeError::not_a_time;
  });
  return fit && any_in_range;
}

// Numbers are so often something else that they must fall into the years expected.
bool are_times_since(const Samples& samples, const TimeFormat& format, TimestampMs min_ms) {
  return samples.fit([&](std::string_view text) {
    const auto time = parse_time(text, format, *Zone::utc());
    return time && *time >= min_ms;
  });
}

bool could_read(std::string_view pattern, const Samples& samples) {
  return samples.fit([&](std::string_view text) { return could_read(pattern, text); });
}

std::optional<RecognizedTime> recognize_pattern(const Samples& samples) {
  for (const DatePattern& date : date_patterns) {
    if (!could_read(date.pattern, samples)) continue;
    // `tail` is what follows the date in both orders.
    const auto recognized = [&](std::string_view tail) -> std::optional<RecognizedTime> {
      TimeFormat as_written{TimeStyle::pattern, std::string(date.pattern).append(tail)};
      TimeFormat day_first{TimeStyle::pattern, std::string(date.day_first).append(tail)};
      const bool reads_day_first = !date.day_first.empty() && are_times(samples, day_first);
      if (are_times(samples, as_written)) return RecognizedTime{as_written, reads_day_first};
      if (reads_day_first) return RecognizedTime{day_first, false};
      return std::nullopt;
    };
    if (const auto found = recognized("")) return found;
    for (const std::string_view separator : separators) {
      for (const std::string_view clock : clock_patterns) {
        if (!could_read(clock, samples)) continue;
        for (const std::string_view zone : zone_patterns) {
          const std::string tail = std::string(separator).append(clock).append(zone);
          if (const auto found = recognized(tail)) return found;
        }
      }
    }
  }
  for (const std::string_view pattern : other_patterns) {
    const TimeFormat format{TimeStyle::pattern, std::string(pattern)};
    if (are_times(samples, format)) return RecognizedTime{format, false};
  }
  return std::nullopt;
}

std::optional<RecognizedTime> recognize(const Samples& samples) {
  // No format does without digits, and most columns of text fail here.
  if (!samples.fit([](std::string_view text) {
        return text.find_first_of("0123456789") != std::string_view::npos;
      })) {
    return std::nullopt;
  }
  if (const TimeFormat iso{TimeStyle::iso, ""}; are_times(samples, iso)) return RecognizedTime{iso};
  const TimeFormat compact{TimeStyle::compact, ""};
  if (are_times_since(samples, compact, timestamp_min_ms)) return RecognizedTime{compact};
  for (const TimeStyle style : {TimeStyle::epoch_s, TimeStyle::epoch_ms, TimeStyle::epoch_us}) {
    const TimeFormat epoch{style, ""};
    if (are_times_since(samples, epoch, epoch_min_ms)) return RecognizedTime{epoch};
  }
  return recognize_pattern(samples);
}

}  // namespace

std::optional<RecognizedTime> recognize_time(std::span<const std::string_view> samples) {
  Samples written;
  for (const std::string_view sample : samples) {
    if (sample.find_first_not_of(" \t") != std::string_view::npos) written.texts.push_back(sample);
  }
  if (written.texts.empty()) return std::nullopt;
  if (const auto time = recognize(written)) return time;
  written.misses_allowed = written.texts.size() / values_a_miss;
  return written.misses_allowed == 0 ? std::nullopt : recognize(written);
}

}  // namespace hf
